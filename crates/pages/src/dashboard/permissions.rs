//! Turning *Allow customer to purchase* on and off (R01-R07, R40).

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use fullmakt_domain::customer::GetCustomer;
use fullmakt_domain::ids::CustomerId;
use fullmakt_domain::operation::GRANT_SELF_SERVE_POLICY;
use fullmakt_domain::refusal::Refusal;
use fullmakt_domain::self_serve_policy::{
    GetSelfServePolicy, GrantSelfServePolicy, PolicyId, ReplaceSelfServePolicy, RevokeSelfServePolicy, SelfServePolicy,
    SelfServeResource,
};
use fullmakt_server::App;
use fullmakt_server::text::Text;
use fullmakt_store::ExecuteError;
use uuid::Uuid;

use super::customer_id;
use super::roles::lacking;
use crate::error::PageError;
use crate::shell::{Place, Shell, go, ok};
use crate::visitor::Agent;

/// How often a switch is tried again when somebody else turned one at the same moment.
const ATTEMPTS: u8 = 3;

/// The name of a switch in paths.
pub fn slug(resource: SelfServeResource) -> &'static str {
    match resource {
        SelfServeResource::AzureReservedInstances => "reservations",
        SelfServeResource::AzureSavingsPlan => "savings-plans",
    }
}

/// The name of a switch for people.
pub fn name(t: Text, resource: SelfServeResource) -> String {
    t.get(match resource {
        SelfServeResource::AzureReservedInstances => "permission-reservations",
        SelfServeResource::AzureSavingsPlan => "permission-savings-plans",
    })
}

fn resource(slug_text: &str) -> Result<SelfServeResource, PageError> {
    SelfServeResource::ALL.into_iter().find(|found| slug(*found) == slug_text).ok_or(PageError::NotFound)
}

#[derive(Template)]
#[template(path = "dashboard/permission.html")]
struct ConfirmPage {
    shell: Shell,
    on: bool,
    resource: String,
    customer: String,
    action: String,
    back: String,
}

/// Asks once more, and says what it means.
pub async fn ask(
    State(app): State<App>,
    agent: Agent,
    Path((customer, switch)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let (id, resource) = (customer_id(&customer)?, resource(&switch)?);
    let customer = app.store.read(agent.actor(), &GetCustomer { customer: id }).await?.ok_or(PageError::NotFound)?;
    let policy = app.store.read(agent.actor(), &GetSelfServePolicy { customer: id }).await?;
    if lacking(&agent, &GRANT_SELF_SERVE_POLICY).is_some() {
        return Err(PageError::Forbidden);
    }
    let t = agent.visit().text;
    let on = !policy.is_some_and(|policy| policy.resources.contains(&resource));
    let back = format!("/dashboard/customers/{id}/account");
    let title = t.get(if on { "permission-turn-on" } else { "permission-turn-off" });
    let shell = Shell::customer(&agent, id, &customer.name, title, Place::CustomerAccount);
    Ok(ok(&ConfirmPage {
        shell: shell.via(t.get("nav-account"), &back),
        on,
        resource: name(t, resource),
        customer: customer.name,
        action: format!("{back}/permissions/{}", slug(resource)),
        back,
    }))
}

/// Turns it. Turning what is turned already changes nothing.
pub async fn turn(
    State(app): State<App>,
    agent: Agent,
    Path((customer, switch)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let (customer, resource) = (customer_id(&customer)?, resource(&switch)?);
    let on = match agent.visit().form.get("to") {
        Some("on") => true,
        Some("off") => false,
        _ => return Err(PageError::Malformed),
    };
    turn_to(&app, &agent, customer, resource, on).await?;
    let notice = if on { "notice-permission-on" } else { "notice-permission-off" };
    Ok(go(&format!("/dashboard/customers/{customer}/account"), notice))
}

async fn turn_to(
    app: &App,
    agent: &Agent,
    customer: CustomerId,
    resource: SelfServeResource,
    on: bool,
) -> Result<(), PageError> {
    let id = PolicyId { grantor: agent.partner, customer };
    let (actor, request) = (agent.actor(), &agent.visit().request);
    let mut attempt = 1;
    loop {
        let policy = app.store.read(actor, &GetSelfServePolicy { customer }).await?;
        if lacking(agent, &GRANT_SELF_SERVE_POLICY).is_some() {
            return Err(PageError::Forbidden);
        }
        let done = match step(policy.as_ref(), id, resource, on, Uuid::new_v4()) {
            Step::Nothing => return Ok(()),
            Step::Grant(command) => app.store.execute(actor, &command, request).await.map(drop),
            Step::Replace(command) => app.store.execute(actor, &command, request).await.map(drop),
            Step::Revoke(command) => app.store.execute(actor, &command, request).await,
        };
        match done {
            Err(ExecuteError::Refused(
                Refusal::PolicyExists { .. } | Refusal::PolicyNotFound { .. } | Refusal::StaleEtag,
            )) if attempt < ATTEMPTS => attempt += 1,
            done => return Ok(done?),
        }
    }
}

/// What turns one switch: one policy holds them all.
#[derive(Debug)]
enum Step {
    Nothing,
    Grant(GrantSelfServePolicy),
    Replace(ReplaceSelfServePolicy),
    Revoke(RevokeSelfServePolicy),
}

fn step(policy: Option<&SelfServePolicy>, id: PolicyId, resource: SelfServeResource, on: bool, etag: Uuid) -> Step {
    let Some(policy) = policy else {
        let PolicyId { grantor, customer } = id;
        let grant = GrantSelfServePolicy { customer, grantor, resources: vec![resource], etag };
        return if on { Step::Grant(grant) } else { Step::Nothing };
    };
    if policy.resources.contains(&resource) == on {
        return Step::Nothing;
    }
    let mut resources = policy.resources.clone();
    resources.retain(|held| *held != resource);
    if on {
        resources.push(resource);
    }
    if resources.is_empty() {
        return Step::Revoke(RevokeSelfServePolicy { id });
    }
    Step::Replace(ReplaceSelfServePolicy { id, resources, if_match: Some(policy.etag.to_string()), etag })
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::ids::PartnerId;
    use jiff::Timestamp;

    use super::*;

    const RI: SelfServeResource = SelfServeResource::AzureReservedInstances;
    const PLAN: SelfServeResource = SelfServeResource::AzureSavingsPlan;

    #[test]
    fn r04_one_policy_holds_both_switches() {
        let id = PolicyId { grantor: PartnerId(Uuid::from_u128(1)), customer: CustomerId(Uuid::from_u128(2)) };
        let policy = |resources: &[SelfServeResource]| SelfServePolicy {
            id,
            resources: resources.to_vec(),
            etag: Uuid::from_u128(3),
            granted_at: Timestamp::UNIX_EPOCH,
            granted_by: String::new(),
        };
        for (before, resource, on, expected) in [
            (None, RI, true, "grant [AzureReservedInstances]"),
            (None, RI, false, "nothing"),
            (Some(policy(&[RI])), RI, true, "nothing"),
            (Some(policy(&[RI])), PLAN, true, "replace [AzureReservedInstances, AzureSavingsPlan]"),
            (Some(policy(&[RI, PLAN])), RI, false, "replace [AzureSavingsPlan]"),
            (Some(policy(&[PLAN])), PLAN, false, "revoke"),
            (Some(policy(&[PLAN])), RI, false, "nothing"),
        ] {
            let shown = match step(before.as_ref(), id, resource, on, Uuid::nil()) {
                Step::Nothing => "nothing".to_owned(),
                Step::Grant(grant) => format!("grant {:?}", grant.resources),
                Step::Replace(replace) => format!("replace {:?}", replace.resources),
                Step::Revoke(_) => "revoke".to_owned(),
            };
            assert_eq!(shown, expected);
        }
    }
}
