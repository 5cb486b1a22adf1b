//! The permission, as `SelfServePolicy`: present means on.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use fullmakt_domain::authz::Denied;
use fullmakt_domain::ids::{CustomerId, PartnerId};
use fullmakt_domain::self_serve_policy::{
    GetSelfServePolicy, GrantSelfServePolicy, PolicyId, ReplaceSelfServePolicy, RevokeSelfServePolicy, SelfServePolicy,
    SelfServeResource, quoted_etag,
};
use fullmakt_store::{ExecuteError, ReadError};
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Node;
use super::collection::{Page, uri};
use super::filter::short;
use super::{Call, Code, Failure, Reply, customer_id, etag};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/selfservepolicy", get(list).post(create).put(replace))
        .route("/selfservepolicy/{id}", get(show).put(replace_by_path).delete(delete))
}

async fn list(State(app): State<App>, call: Call) -> Result<Reply, Failure> {
    call.user_only()?;
    let customer = customer_id(call.query().required("entity_id")?)?;
    let policy = app.store.read(call.actor(), &GetSelfServePolicy { customer }).await?;
    let parameters = [("entity_id", customer.to_string())];
    let items = policy.iter().map(render).collect();
    Ok(Reply::Ok(Page::whole(uri("/SelfServePolicy", &parameters), items).render()))
}

async fn show(State(app): State<App>, call: Call, Path(id): Path<String>) -> Result<Reply, Failure> {
    call.user_only()?;
    let id = policy_id(&id)?;
    let policy = app.store.read(call.actor(), &GetSelfServePolicy { customer: id.customer }).await;
    match policy {
        Ok(Some(policy)) if policy.id == id => Ok(Reply::Ok(render(&policy))),
        // Which of them it is, a stranger must not learn.
        Ok(_) | Err(ReadError::Denied(Denied::Hidden)) => Err(not_found(id)),
        Err(error) => Err(error.into()),
    }
}

async fn create(State(app): State<App>, call: Call) -> Result<Reply, Failure> {
    call.user_only()?;
    let document = call.body()?;
    let asked = Asked::read(&document.root())?;
    let command = GrantSelfServePolicy {
        customer: asked.id.customer,
        grantor: asked.id.grantor,
        resources: asked.resources,
        etag: Uuid::new_v4(),
    };
    let policy = app.store.execute(call.actor(), &command, &call.context(&app)).await?;
    Ok(Reply::Created(render(&policy)))
}

async fn replace(State(app): State<App>, call: Call) -> Result<Reply, Failure> {
    put(&app, &call, None).await
}

async fn replace_by_path(State(app): State<App>, call: Call, Path(id): Path<String>) -> Result<Reply, Failure> {
    put(&app, &call, Some(id)).await
}

async fn put(app: &App, call: &Call, in_path: Option<String>) -> Result<Reply, Failure> {
    call.user_only()?;
    let in_path = in_path.as_deref().map(policy_id).transpose()?;
    let document = call.body()?;
    let root = document.root();
    let in_body = root.get("id")?.text()?.as_deref().map(policy_id).transpose()?;
    let asked = Asked::read(&root)?;
    let named =
        in_path.or(in_body).ok_or_else(|| Failure::new(Code::PolicyIdNotAcceptable, "the policy has no `id`"))?;
    if in_path.is_some() && in_body.is_some_and(|id| Some(id) != in_path) {
        return Err(not_acceptable("the `id` of the body is not the one of the path"));
    }
    if named != asked.id {
        return Err(not_acceptable(
            "the `id` is not that of the grantor and the entity: `<grantor tenantID>_<entity tenantID>`",
        ));
    }
    let tag = root.get("attributes")?.get("etag")?.text()?;
    let if_match = etag::expected(call.envelope().if_match.as_deref(), tag.as_deref()).map(str::to_owned);
    let command = ReplaceSelfServePolicy { id: named, resources: asked.resources, if_match, etag: Uuid::new_v4() };
    match app.store.execute(call.actor(), &command, &call.context(app)).await {
        Ok(policy) => Ok(Reply::Ok(render(&policy))),
        Err(ExecuteError::Denied(Denied::Hidden)) => Err(not_found(named)),
        Err(error) => Err(error.into()),
    }
}

async fn delete(State(app): State<App>, call: Call, Path(id): Path<String>) -> Result<Reply, Failure> {
    call.user_only()?;
    let id = policy_id(&id)?;
    match app.store.execute(call.actor(), &RevokeSelfServePolicy { id }, &call.context(&app)).await {
        Ok(()) => Ok(Reply::NoContent),
        Err(ExecuteError::Denied(Denied::Hidden)) => Err(not_found(id)),
        Err(error) => Err(error.into()),
    }
}

/// What a create or replace asks for.
#[derive(Debug)]
struct Asked {
    id: PolicyId,
    resources: Vec<SelfServeResource>,
}

impl Asked {
    fn read(root: &Node<'_>) -> Result<Self, Failure> {
        let entity = root.get("selfServeEntity")?;
        entity
            .get("selfServeEntityType")?
            .one_of(&["customer"])?
            .ok_or_else(|| missing(&entity, "selfServeEntityType"))?;
        let customer = entity.get("tenantID")?;
        let customer = CustomerId::parse(&customer.required_text()?).map_err(|_| customer.wrong("is not a GUID"))?;
        let grantor = root.get("grantor")?;
        grantor.get("grantorType")?.one_of(&["billToPartner"])?.ok_or_else(|| missing(&grantor, "grantorType"))?;
        let partner = grantor.get("tenantID")?;
        let partner = PartnerId::parse(&partner.required_text()?).map_err(|_| partner.wrong("is not a GUID"))?;
        let permissions = root.get("permissions")?;
        let mut resources = Vec::new();
        for permission in permissions.items()? {
            let names = [SelfServeResource::AzureReservedInstances, SelfServeResource::AzureSavingsPlan]
                .map(SelfServeResource::name);
            let resource = permission.get("resource")?;
            let name = resource.one_of(&names)?.ok_or_else(|| resource.missing())?;
            let action = permission.get("action")?;
            action.one_of(&["Purchase"])?.ok_or_else(|| action.missing())?;
            resources.extend(SelfServeResource::parse(name));
        }
        if resources.is_empty() {
            return Err(permissions.wrong("must have at least one entry"));
        }
        Ok(Self { id: PolicyId { grantor: partner, customer }, resources })
    }
}

fn missing(node: &Node<'_>, name: &str) -> Failure {
    Failure::input(format!("`{}.{name}` is missing", node.path()))
}

/// Reads the identifier of a policy: two GUIDs with an underscore between them.
fn policy_id(text: &str) -> Result<PolicyId, Failure> {
    PolicyId::parse(text).ok_or_else(|| {
        not_acceptable(&format!("`{}` is not the id of a policy: `<grantor tenantID>_<entity tenantID>`", short(text)))
    })
}

fn not_acceptable(text: &str) -> Failure {
    Failure::new(Code::PolicyIdNotAcceptable, text)
}

fn not_found(id: PolicyId) -> Failure {
    Failure::new(Code::PolicyNotFound, format!("there is no self-serve policy `{id}`"))
}

fn render(policy: &SelfServePolicy) -> Value {
    let permission = |resource: &SelfServeResource| json!({"resource": resource.name(), "action": "Purchase"});
    json!({
        "id": policy.id.to_string(),
        "selfServeEntity": {"selfServeEntityType": "customer", "tenantID": policy.id.customer.to_string()},
        "grantor": {"grantorType": "billToPartner", "tenantID": policy.id.grantor.to_string()},
        "permissions": policy.resources.iter().map(permission).collect::<Vec<_>>(),
        "attributes": {"etag": quoted_etag(policy.etag), "objectType": "SelfServePolicy"},
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::mutated;
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_policy_can_be_tried(document in mutated(json!({
            "Id": null,
            "SelfServeEntity": {"SelfServeEntityType": "customer", "TenantID": "22222222-2222-4222-8222-222222222222"},
            "Grantor": {"GrantorType": "billToPartner", "TenantID": "11111111-1111-4111-8111-111111111111"},
            "Permissions": [
                {"Resource": "AzureReservedInstances", "Action": "Purchase"},
                {"Resource": "AzureSavingsPlan", "Action": "Purchase"},
            ],
            "Attributes": {"ObjectType": "SelfServePolicy"},
        }))) {
            if let Ok(asked) = Asked::read(&document.root()) {
                prop_assert!(!asked.resources.is_empty());
            }
        }

        #[test]
        fn any_id_can_be_tried(text in "[0-9a-fA-F_-]{0,80}|.{0,20}") {
            if let Ok(id) = policy_id(&text) {
                prop_assert_eq!(policy_id(&id.to_string()), Ok(id));
            }
        }
    }
}
