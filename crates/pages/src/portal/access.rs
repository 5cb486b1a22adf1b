//! Access control (IAM): who has which role on a subscription or on a reservation order.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::directory::{GetSubscription, SearchPrincipals};
use fullmakt_domain::ids::{PrincipalId, ReservationId, ReservationOrderId, RoleAssignmentId, RoleDefinitionId};
use fullmakt_domain::obstacle::PartnerContact;
use fullmakt_domain::partner::GetBillingPartner;
use fullmakt_domain::reservation::GetReservationOrder;
use fullmakt_domain::role;
use fullmakt_domain::role_assignment::{
    AssignRole, ListAccess, ListPermissions, NamedAssignment, PrincipalType, RemoveRoleAssignment,
};
use fullmakt_domain::role_definition::{ListRoleDefinitions, RoleDefinition};
use fullmakt_server::App;
use fullmakt_server::text::Text;
use fullmakt_store::ExecuteError;
use http::StatusCode;

use super::{Facts, Segments, segment};
use crate::error::PageError;
use crate::parts::{Empty, Field};
use crate::shell::{Place, Shell, go, ok, render};
use crate::visitor::Guest;
use crate::words;

/// How many users and applications a search shows.
const FOUND: u32 = 25;

/// What the roles are about.
struct Spot {
    scope: ArmScope,
    /// Its own page.
    path: String,
    name: String,
    place: Place,
    /// The list it stands on: name and path.
    list: (String, String),
    partner: Option<PartnerContact>,
}

impl Spot {
    async fn find(app: &App, guest: &Guest, segments: &Segments) -> Result<Self, PageError> {
        let t = guest.visit().text;
        let (scope, path, name, place, list) = if segments.contains_key("subscription") {
            let id = segment(segments, "subscription")?;
            let found = app.store.read(guest.actor(), &GetSubscription { id }).await?.ok_or(PageError::NotFound)?;
            let list = (t.get("nav-subscriptions"), guest.path("/subscriptions"));
            let path = guest.path(&format!("/subscriptions/{id}"));
            (ArmScope::Subscription(id), path, found.name, Place::Subscriptions, list)
        } else {
            let order: ReservationOrderId = segment(segments, "order")?;
            let id: ReservationId = segment(segments, "reservation")?;
            let found = app.store.read(guest.actor(), &GetReservationOrder { order }).await?;
            let found = found.ok_or(PageError::NotFound)?;
            let reservation = found.reservation(id).map_err(|_| PageError::NotFound)?;
            let list = (t.get("nav-reservations"), guest.path("/reservations"));
            let path = guest.path(&format!("/reservations/{order}/{id}"));
            let name = reservation.display_name.to_string();
            (ArmScope::ReservationOrder(order), path, name, Place::Reservations, list)
        };
        let partner = app.store.read(guest.actor(), &GetBillingPartner { scope: scope.clone() }).await?;
        Ok(Self { scope, path, name, place, list, partner })
    }

    fn shell(&self, guest: &Guest, title: String) -> Shell {
        Shell::portal(guest, title, self.place).via(&self.list.0, &self.list.1).via(&self.name, &self.path)
    }

    fn access(&self) -> String {
        format!("{}/access", self.path)
    }

    fn is_subscription(&self) -> bool {
        matches!(self.scope, ArmScope::Subscription(_))
    }

    fn holder(&self, t: Text, named: &NamedAssignment) -> (String, String) {
        let held = &named.assignment;
        let kind = words::principal_type(t, held.principal_type);
        match (&named.holder, &self.partner) {
            (Some((name, upn)), _) => (name.clone(), upn.clone().unwrap_or(kind)),
            (None, Some(partner)) if partner.id.admin_agents_group() == held.principal => {
                (t.with("access-admin-agents", "partner", &partner.name), kind)
            }
            (None, _) => (t.get("access-from-elsewhere"), kind),
        }
    }

    fn role(t: Text, named: &NamedAssignment) -> String {
        match (words::built_in_role(t, named.assignment.role), &named.custom_role) {
            (Some((name, _)), _) => name,
            (None, Some(name)) => name.clone(),
            (None, None) => t.get("access-custom-role"),
        }
    }

    fn is_here(&self, named: &NamedAssignment) -> bool {
        named.assignment.scope.key() == self.scope.key()
    }

    async fn may(&self, app: &App, guest: &Guest, action: &str) -> Result<bool, PageError> {
        let held = app.store.read(guest.actor(), &ListPermissions { scope: self.scope.clone() }).await?;
        Ok(held.iter().any(|permissions| permissions.allow(action)))
    }
}

struct Row {
    name: String,
    more: String,
    role: String,
    from: String,
    remove: Option<String>,
}

#[derive(Template)]
#[template(path = "portal/access.html")]
struct AccessPage {
    shell: Shell,
    about: String,
    lead: String,
    /// Who can buy, on either side.
    owners: Vec<String>,
    add: Option<String>,
    may_remove: bool,
    rows: Vec<Row>,
}

/// Who has which role.
pub async fn list(State(app): State<App>, Path(segments): Path<Segments>, guest: Guest) -> Result<Response, PageError> {
    let t = guest.visit().text;
    let spot = Spot::find(&app, &guest, &segments).await?;
    let found = app.store.read(guest.actor(), &ListAccess { scope: spot.scope.clone() }).await?;
    let may_add = spot.may(&app, &guest, "Microsoft.Authorization/roleAssignments/write").await?;
    let may_remove = spot.may(&app, &guest, "Microsoft.Authorization/roleAssignments/delete").await?;
    let mut rows: Vec<(bool, Row)> = found
        .iter()
        .map(|named| {
            let (name, more) = spot.holder(t, named);
            let here = spot.is_here(named);
            let from = if here {
                t.get("access-direct")
            } else {
                t.with("access-inherited", "place", words::place(t, &named.assignment.scope))
            };
            let path = format!("{}/{}/remove", spot.access(), named.assignment.id);
            let remove = (here && may_remove).then_some(path);
            (!here, Row { name, more, role: Spot::role(t, named), from, remove })
        })
        .collect();
    rows.sort_by_key(|(inherited, _)| *inherited);
    Ok(ok(&AccessPage {
        shell: spot.shell(&guest, t.get("access-title")),
        about: spot.name.clone(),
        lead: t.get(if spot.is_subscription() { "access-lead-subscription" } else { "access-lead-reservation" }),
        owners: if spot.is_subscription() { owners(t, &spot, &found) } else { Vec::new() },
        add: may_add.then(|| format!("{}/add", spot.access())),
        may_remove,
        rows: rows.into_iter().map(|(_, row)| row).collect(),
    }))
}

/// Who is Owner of a subscription and can therefore buy: the customer's own, who need the permission too, and the partner's.
fn owners(t: Text, spot: &Spot, found: &[NamedAssignment]) -> Vec<String> {
    let names = |of_partner: bool| {
        let all = found.iter().filter(|named| named.assignment.role == role::OWNER);
        let all = all.filter(|named| (named.assignment.principal_type == PrincipalType::ForeignGroup) == of_partner);
        all.map(|named| spot.holder(t, named).0).collect::<Vec<_>>().join(", ")
    };
    let (own, partners) = (names(false), names(true));
    let mut said = vec![if own.is_empty() { t.get("access-no-owner") } else { t.with("access-owners", "names", own) }];
    if !partners.is_empty() {
        said.push(t.with("access-owners-partner", "names", partners));
    }
    said
}

struct Candidate {
    id: String,
    name: String,
    more: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "portal/access_add.html")]
struct AddPage {
    shell: Shell,
    about: String,
    path: String,
    back: String,
    asked: String,
    search: Field,
    people: Vec<Candidate>,
    missing: Option<String>,
    role: Field,
    roles: Facts,
    empty: Empty,
    problem: Option<String>,
}

struct Adding<'a> {
    asked: &'a str,
    principal: Option<PrincipalId>,
    role: &'a str,
}

impl AddPage {
    async fn new(app: &App, guest: &Guest, spot: &Spot, adding: &Adding<'_>) -> Result<Self, PageError> {
        let t = guest.visit().text;
        if !spot.may(app, guest, "Microsoft.Authorization/roleAssignments/write").await? {
            return Err(PageError::Forbidden);
        }
        let search = SearchPrincipals { text: adding.asked.to_owned(), size: FOUND };
        let found = app.store.read(guest.actor(), &search).await?;
        let listed = ListRoleDefinitions { scope: spot.scope.clone(), and_below: false };
        let roles = app.store.read(guest.actor(), &listed).await?;
        let said = |role: &RoleDefinition| {
            words::built_in_role(t, role.id).unwrap_or_else(|| (role.name.clone(), role.description.clone()))
        };
        let mut choices = vec![(String::new(), t.get("access-choose-role"))];
        choices.extend(roles.iter().map(|role| (role.id.to_string(), said(role).0)));
        let people = found
            .into_iter()
            .map(|principal| Candidate {
                chosen: adding.principal == Some(principal.id),
                id: principal.id.to_string(),
                name: principal.name,
                more: principal.upn.unwrap_or_else(|| words::principal_type(t, PrincipalType::ServicePrincipal)),
            })
            .collect();
        Ok(Self {
            shell: spot.shell(guest, t.get("access-add")).via(t.get("access-title"), spot.access()),
            about: spot.name.clone(),
            path: format!("{}/add", spot.access()),
            back: spot.access(),
            asked: adding.asked.to_owned(),
            search: Field::text("q", t.get("access-search")).kind("search").value(adding.asked),
            people,
            missing: None,
            role: Field::choice("role", t.get("access-role"), choices)
                .hint(t.get(if spot.is_subscription() { "access-role-hint" } else { "access-role-hint-reservation" }))
                .value(adding.role)
                .required(),
            roles: roles.iter().map(said).collect(),
            empty: Empty::new(t.get("access-nobody"), t.get("access-nobody-text")),
            problem: None,
        })
    }
}

/// The form: search, choose, give.
pub async fn add(State(app): State<App>, Path(segments): Path<Segments>, guest: Guest) -> Result<Response, PageError> {
    let spot = Spot::find(&app, &guest, &segments).await?;
    let query = &guest.visit().query;
    let owner = role::OWNER.to_string();
    let role = if query.get("role") == Some("Owner") { owner.as_str() } else { query.text("role") };
    let adding = Adding { asked: query.text("q"), principal: None, role };
    Ok(ok(&AddPage::new(&app, &guest, &spot, &adding).await?))
}

/// Gives the role.
pub async fn assign(
    State(app): State<App>,
    Path(segments): Path<Segments>,
    guest: Guest,
) -> Result<Response, PageError> {
    let t = guest.visit().text;
    let spot = Spot::find(&app, &guest, &segments).await?;
    let form = &guest.visit().form;
    let principal = form.get("principal").and_then(|text| PrincipalId::parse(text).ok());
    let role = form.get("role").and_then(|text| RoleDefinitionId::parse(text).ok());
    let adding = Adding { asked: form.text("q"), principal, role: form.text("role") };
    let mut page = AddPage::new(&app, &guest, &spot, &adding).await?;
    if principal.is_none() {
        page.missing = Some(t.get("access-principal-missing"));
    }
    if role.is_none() {
        page.role = page.role.error(Some(&t.get("access-role-missing")));
    }
    let (Some(principal), Some(role)) = (principal, role) else {
        return Ok(render(StatusCode::BAD_REQUEST, &page));
    };
    let command = AssignRole {
        id: RoleAssignmentId(uuid::Uuid::new_v4()),
        scope: spot.scope.clone(),
        principal,
        principal_type: None,
        role,
        description: None,
    };
    match app.store.execute(guest.actor(), &command, &guest.visit().request).await {
        Ok(_) => Ok(go(&spot.access(), "notice-role-assigned")),
        Err(ExecuteError::Refused(refused)) => {
            page.problem = Some(words::refusal(t, &refused));
            Ok(render(StatusCode::CONFLICT, &page))
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Template)]
#[template(path = "portal/access_remove.html")]
struct RemovePage {
    shell: Shell,
    facts: Facts,
    consequence: Option<String>,
    path: String,
    back: String,
}

async fn to_remove(app: &App, guest: &Guest, segments: &Segments) -> Result<(Spot, NamedAssignment), PageError> {
    let spot = Spot::find(app, guest, segments).await?;
    let id: RoleAssignmentId = segment(segments, "assignment")?;
    let found = app.store.read(guest.actor(), &ListAccess { scope: spot.scope.clone() }).await?;
    let named = found.into_iter().find(|named| named.assignment.id == id && spot.is_here(named));
    Ok((spot, named.ok_or(PageError::NotFound)?))
}

/// Asks whether to take it away.
pub async fn confirm(
    State(app): State<App>,
    Path(segments): Path<Segments>,
    guest: Guest,
) -> Result<Response, PageError> {
    let t = guest.visit().text;
    let (spot, named) = to_remove(&app, &guest, &segments).await?;
    let (name, more) = spot.holder(t, &named);
    let is_partners = named.assignment.principal_type == PrincipalType::ForeignGroup;
    let group = guest.agent().map(|agent| agent.partner.admin_agents_group());
    let consequence = match (is_partners, named.assignment.role == role::OWNER && spot.is_subscription()) {
        (true, _) if group == Some(named.assignment.principal) => Some(t.get("access-remove-own-partner")),
        (true, _) => Some(t.get("access-remove-partner")),
        (false, true) => Some(t.get("access-remove-owner")),
        (false, false) => None,
    };
    let shell = spot.shell(&guest, t.get("access-remove")).via(t.get("access-title"), spot.access());
    Ok(ok(&RemovePage {
        facts: vec![
            (t.get("access-who"), format!("{name} ({more})")),
            (t.get("access-role"), Spot::role(t, &named)),
            (t.get("access-where"), spot.name.clone()),
        ],
        consequence,
        path: format!("{}/{}/remove", spot.access(), named.assignment.id),
        back: spot.access(),
        shell,
    }))
}

/// Takes the role away.
pub async fn remove(
    State(app): State<App>,
    Path(segments): Path<Segments>,
    guest: Guest,
) -> Result<Response, PageError> {
    let (spot, named) = to_remove(&app, &guest, &segments).await?;
    let command = RemoveRoleAssignment { scope: spot.scope.clone(), id: named.assignment.id };
    app.store.execute(guest.actor(), &command, &guest.visit().request).await?;
    // Whoever gave up his own access may not see the page any more.
    let own = named.assignment.principal == guest.actor().principal;
    let back = if own { spot.list.1 } else { spot.access() };
    Ok(go(&back, "notice-role-removed"))
}
