//! Changes of a reservation: by whoever has the role (name, split, merge), and by the partner (scope, renewal).

use askama::Template;
use axum::response::Response;
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::authz::Command;
use fullmakt_domain::catalog::Quantity;
use fullmakt_domain::directory::ListSubscriptions;
use fullmakt_domain::ids::ReservationId;
use fullmakt_domain::lifecycle::{
    ArchiveReservation, Besides, MergeReservations, SplitReservation, UnarchiveReservation,
};
use fullmakt_domain::purchase::PartnerOnlyChange;
use fullmakt_domain::renewal::{PriceRenewal, RenewReservation};
use fullmakt_domain::reservation::{AppliedScope, DisplayName, Reservation};
use fullmakt_domain::reservation_update::UpdateReservation;
use fullmakt_domain::subscription::SubscriptionStatus;
use fullmakt_server::App;
use fullmakt_store::ExecuteError;
use http::StatusCode;

use super::Facts;
use super::catalogue::SHARED;
use super::reservations::{Found, Subject, path};
use crate::error::PageError;
use crate::parts::Field;
use crate::shell::{Shell, go, ok, render};
use crate::visitor::Guest;
use crate::{format, words};

/// A question about a reservation: what it is about, some fields, a button.
#[derive(Template)]
#[template(path = "portal/change.html")]
pub struct ChangePage {
    shell: Shell,
    lead: String,
    facts: Facts,
    fields: Vec<Field>,
    hidden: Vec<(&'static str, String)>,
    /// The words on its button.
    pub button: String,
    path: String,
    back: String,
    problem: Option<String>,
    /// Another way, where there is one: words and path.
    beside: Option<(String, String)>,
}

impl ChangePage {
    /// A question at a path below the reservation's.
    pub fn new(guest: &Guest, found: &Found, below: &str, title: String, lead: String) -> Self {
        let t = guest.visit().text;
        let order = &found.order.order;
        Self {
            lead,
            facts: vec![
                (t.get("reservations-name"), found.reservation.display_name.to_string()),
                (t.get("purchase-sku"), order.sku.to_string()),
                (t.get("purchase-quantity"), format::number(t.language(), found.reservation.quantity)),
                (t.get("purchase-scope"), found.scope(t)),
                (t.get("reservations-expires"), format::instant_utc(t, order.expires_at)),
            ],
            fields: Vec::new(),
            hidden: Vec::new(),
            button: title.clone(),
            path: format!("{}/{below}", found.path(guest)),
            back: found.path(guest),
            problem: None,
            beside: None,
            shell: found.shell(guest, title),
        }
    }

    /// Asks for something more.
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// The same, with what is wrong beside its fields.
    pub fn wrong(mut self, text: &str) -> Response {
        self.fields = self.fields.into_iter().map(|field| field.error(Some(text))).collect();
        render(StatusCode::BAD_REQUEST, &self)
    }
}

/// Carries out a command; what is refused shows on the form again.
pub async fn carry_out<C>(
    app: &App,
    guest: &Guest,
    command: &C,
    page: ChangePage,
) -> Result<Result<C::Receipt, Response>, PageError>
where
    C: Command + fullmakt_store::Load,
{
    match app.store.execute(guest.actor(), command, &guest.visit().request).await {
        Ok(receipt) => Ok(Ok(receipt)),
        Err(ExecuteError::Refused(refused)) => {
            let problem = Some(words::refusal(guest.visit().text, &refused));
            Ok(Err(render(StatusCode::CONFLICT, &ChangePage { problem, ..page })))
        }
        Err(error) => Err(error.into()),
    }
}

fn unchanged(found: &Found) -> UpdateReservation {
    UpdateReservation {
        order: found.order.order.id,
        reservation: found.reservation.id,
        display_name: None,
        instance_flexibility: None,
        review_at: None,
        scope: None,
        renew: None,
        renewal_terms: None,
    }
}

fn rename_page(guest: &Guest, found: &Found, name: &str) -> ChangePage {
    let t = guest.visit().text;
    ChangePage::new(guest, found, "rename", t.get("reservations-rename"), t.get("change-rename-lead"))
        .field(Field::text("name", t.get("change-new-name")).hint(t.get("purchase-name-hint")).value(name).required())
}

/// The form for another name.
pub async fn rename(subject: Subject) -> Result<Response, PageError> {
    let Subject { guest, found, .. } = subject.needs("reservations/write")?;
    Ok(ok(&rename_page(&guest, &found, found.reservation.display_name.as_str())))
}

/// Gives another name.
pub async fn set_name(subject: Subject) -> Result<Response, PageError> {
    let Subject { app, guest, found, .. } = subject;
    let t = guest.visit().text;
    let typed = guest.visit().form.text("name");
    let page = rename_page(&guest, &found, typed);
    let Ok(name) = DisplayName::parse(typed) else {
        return Ok(page.wrong(&t.get("purchase-name-wrong")));
    };
    let command = UpdateReservation { display_name: Some(name), ..unchanged(&found) };
    Ok(match carry_out(&app, &guest, &command, page).await? {
        Ok(_) => go(&found.path(&guest), "notice-renamed"),
        Err(refused) => refused,
    })
}

fn split_page(guest: &Guest, found: &Found, first: &str) -> ChangePage {
    let t = guest.visit().text;
    let most = found.reservation.quantity.instances().saturating_sub(1);
    ChangePage::new(guest, found, "split", t.get("reservations-split"), t.get("change-split-lead")).field(
        Field::text("first", t.get("change-split-first"))
            .kind("number")
            .hint(t.with("change-split-hint", "most", most))
            .value(first)
            .required()
            .small(),
    )
}

/// The form that divides.
pub async fn split(subject: Subject) -> Result<Response, PageError> {
    let Subject { guest, found, .. } = subject.needs("split/action")?;
    // Of two there is one way only.
    let first = if found.reservation.quantity.instances() == 2 { "1" } else { "" };
    Ok(ok(&split_page(&guest, &found, first)))
}

/// Divides.
pub async fn divide(subject: Subject) -> Result<Response, PageError> {
    let Subject { app, guest, found, .. } = subject;
    let t = guest.visit().text;
    let typed = guest.visit().form.text("first");
    let page = split_page(&guest, &found, typed);
    let most = found.reservation.quantity.instances().saturating_sub(1);
    let Some(first) = typed.parse::<i64>().ok().filter(|first| (1..=most).contains(first)) else {
        return Ok(page.wrong(&t.with("change-split-wrong", "most", most)));
    };
    let second = found.reservation.quantity.instances().saturating_sub(first);
    let command = SplitReservation {
        order: found.order.order.id,
        reservation: found.reservation.id,
        quantities: vec![first, second],
        besides: Besides::default(),
    };
    Ok(match carry_out(&app, &guest, &command, page).await? {
        Ok(parts) => match parts.results.first() {
            Some(first) => go(&path(&guest, found.order.order.id, *first), "notice-split"),
            None => go(&guest.path("/reservations"), "notice-split"),
        },
        Err(refused) => refused,
    })
}

/// The reservations that this one can be merged with.
pub fn mates<'f>(guest: &Guest, found: &'f Found) -> Vec<&'f Reservation> {
    let here = &found.reservation;
    let fits = |r: &&Reservation| {
        r.id != here.id
            && r.phase(&found.order.order, guest.visit().request.now).is_live()
            && r.scope == here.scope
            && r.instance_flexibility == here.instance_flexibility
            && Quantity::new(r.quantity.instances().saturating_add(here.quantity.instances())).is_ok()
    };
    found.order.reservations.iter().filter(fits).collect()
}

fn merge_page(guest: &Guest, found: &Found, chosen: &str) -> ChangePage {
    let t = guest.visit().text;
    let mates = mates(guest, found);
    let twins = words::twins(mates.iter().copied());
    let label = |r: &Reservation| words::reservation_of_quantity(t, r, twins.contains(&r.id));
    let choices = mates.iter().map(|r| (r.id.to_string(), label(r))).collect();
    ChangePage::new(guest, found, "merge", t.get("reservations-merge"), t.get("change-merge-lead"))
        .field(Field::choice("other", t.get("change-merge-other"), choices).value(chosen).required())
}

/// The form that makes one of two.
pub async fn merge(subject: Subject) -> Result<Response, PageError> {
    let Subject { guest, found, .. } = subject.needs("merge/action")?;
    Ok(ok(&merge_page(&guest, &found, "")))
}

/// Makes one of two.
pub async fn unite(subject: Subject) -> Result<Response, PageError> {
    let Subject { app, guest, found, .. } = subject;
    let t = guest.visit().text;
    let typed = guest.visit().form.text("other");
    let page = merge_page(&guest, &found, typed);
    let Ok(other) = ReservationId::parse(typed) else {
        return Ok(page.wrong(&t.get("change-merge-wrong")));
    };
    let order = found.order.order.id;
    let reservations = vec![found.reservation.id, other];
    let command = MergeReservations { order, reservations, besides: Besides::default() };
    Ok(match carry_out(&app, &guest, &command, page).await? {
        Ok(merged) => match merged.results.first() {
            Some(one) => go(&path(&guest, order, *one), "notice-merged"),
            None => go(&guest.path("/reservations"), "notice-merged"),
        },
        Err(refused) => refused,
    })
}

async fn scope_page(app: &App, guest: &Guest, found: &Found, chosen: &str) -> Result<ChangePage, PageError> {
    let t = guest.visit().text;
    let subscriptions = app.store.read(guest.actor(), &ListSubscriptions).await?;
    let mut choices = vec![(SHARED.to_owned(), t.get("purchase-scope-shared"))];
    choices.extend(
        subscriptions
            .iter()
            .filter(|s| s.status == SubscriptionStatus::Active)
            .map(|s| (ArmScope::Subscription(s.id).to_string(), t.with("purchase-scope-single", "name", &s.name))),
    );
    let lead = t.get("change-scope-lead");
    Ok(ChangePage::new(guest, found, "scope", words::partner_only(t, PartnerOnlyChange::ScopeChange), lead)
        .field(Field::choice("scope", t.get("purchase-scope"), choices).value(chosen).required()))
}

/// The form for another scope.
pub async fn scope(subject: Subject) -> Result<Response, PageError> {
    let Subject { app, guest, found, .. } = subject.partners(PartnerOnlyChange::ScopeChange)?;
    let now = found.reservation.scope.scope().map_or_else(|| SHARED.to_owned(), ToString::to_string);
    Ok(ok(&scope_page(&app, &guest, &found, &now).await?))
}

/// Changes where the benefit applies.
pub async fn set_scope(subject: Subject) -> Result<Response, PageError> {
    let Subject { app, guest, found, .. } = subject.partners(PartnerOnlyChange::ScopeChange)?;
    let t = guest.visit().text;
    let typed = guest.visit().form.text("scope");
    let page = scope_page(&app, &guest, &found, typed).await?;
    let scope = match (typed, ArmScope::parse(typed)) {
        (SHARED, _) => AppliedScope::Shared,
        (_, Ok(scope @ (ArmScope::Subscription(_) | ArmScope::ResourceGroup(..)))) => AppliedScope::Single(scope),
        _ => return Ok(page.wrong(&t.get("purchase-scope-wrong"))),
    };
    let command = UpdateReservation { scope: Some(scope), ..unchanged(&found) };
    Ok(match carry_out(&app, &guest, &command, page).await? {
        Ok(_) => go(&found.path(&guest), "notice-scope-changed"),
        Err(refused) => refused,
    })
}

fn renewal_page(guest: &Guest, found: &Found) -> ChangePage {
    let t = guest.visit().text;
    let (key, next) = if found.reservation.renew { ("change-renewal-off", "off") } else { ("change-renewal-on", "on") };
    let lead = t.get(if found.reservation.renew { "change-renewal-is-on" } else { "change-renewal-is-off" });
    let page = ChangePage::new(guest, found, "renewal", words::partner_only(t, PartnerOnlyChange::Renewal), lead);
    let beside = found.reservation.lineage.renewed_as.is_none();
    ChangePage {
        button: t.get(key),
        hidden: vec![("renew", next.to_owned())],
        beside: beside.then(|| (t.get("change-renew-now"), format!("{}/renew", found.path(guest)))),
        ..page
    }
}

/// Automatic renewal, on or off.
pub async fn renewal(subject: Subject) -> Result<Response, PageError> {
    let Subject { guest, found, .. } = subject.partners(PartnerOnlyChange::Renewal)?;
    Ok(ok(&renewal_page(&guest, &found)))
}

/// Turns it on or off.
pub async fn set_renewal(subject: Subject) -> Result<Response, PageError> {
    let Subject { app, guest, found, .. } = subject.partners(PartnerOnlyChange::Renewal)?;
    let renew = match guest.visit().form.text("renew") {
        "on" => true,
        "off" => false,
        _ => return Err(PageError::Malformed),
    };
    let command = UpdateReservation { renew: Some(renew), ..unchanged(&found) };
    let page = renewal_page(&guest, &found);
    Ok(match carry_out(&app, &guest, &command, page).await? {
        Ok(_) => go(&found.path(&guest), "notice-renewal-set"),
        Err(refused) => refused,
    })
}

async fn renew_page(app: &App, guest: &Guest, found: &Found) -> Result<ChangePage, PageError> {
    let t = guest.visit().text;
    let query =
        PriceRenewal { order: found.order.order.id, reservation: found.reservation.id, now: guest.visit().request.now };
    let price = app.store.read(guest.actor(), &query).await?;
    let lead = t.with("change-renew-lead", "at", format::instant(t, found.order.order.expires_at));
    let mut page = ChangePage::new(guest, found, "renew", t.get("change-renew-now"), lead);
    let price = price.map_or_else(|| t.get("purchase-unknown"), |price| format::money(t.language(), price));
    page.facts.push((t.get("change-renew-price"), price));
    Ok(page)
}

/// What a renewal by hand costs, and whether to make it.
pub async fn renew(subject: Subject) -> Result<Response, PageError> {
    let Subject { app, guest, found, .. } = subject.partners(PartnerOnlyChange::Renewal)?;
    Ok(ok(&renew_page(&app, &guest, &found).await?))
}

/// Buys what follows the reservation.
pub async fn buy_renewal(subject: Subject) -> Result<Response, PageError> {
    let Subject { app, guest, found, .. } = subject.partners(PartnerOnlyChange::Renewal)?;
    let page = renew_page(&app, &guest, &found).await?;
    let command = RenewReservation { order: found.order.order.id, reservation: found.reservation.id };
    Ok(match carry_out(&app, &guest, &command, page).await? {
        Ok(bought) => go(&path(&guest, bought.order.id, bought.reservation.id), "notice-renewed"),
        Err(refused) => refused,
    })
}

fn archive_page(guest: &Guest, found: &Found) -> ChangePage {
    let t = guest.visit().text;
    let (title, lead) = if found.reservation.archived {
        ("change-unarchive", "change-unarchive-lead")
    } else {
        ("change-archive", "change-archive-lead")
    };
    ChangePage::new(guest, found, "archive", t.get(title), t.get(lead))
}

fn archive_action(found: &Found) -> &'static str {
    if found.reservation.archived { "reservations/unarchive/action" } else { "reservations/archive/action" }
}

/// Whether to hide a reservation that is over, or to show it again.
pub async fn archive(subject: Subject) -> Result<Response, PageError> {
    let action = archive_action(&subject.found);
    let Subject { guest, found, .. } = subject.needs(action)?;
    Ok(ok(&archive_page(&guest, &found)))
}

/// Hides it, or shows it again.
pub async fn set_archived(subject: Subject) -> Result<Response, PageError> {
    let action = archive_action(&subject.found);
    let Subject { app, guest, found, .. } = subject.needs(action)?;
    let page = archive_page(&guest, &found);
    let (order, reservation) = (found.order.order.id, found.reservation.id);
    let done = if found.reservation.archived {
        carry_out(&app, &guest, &UnarchiveReservation { order, reservation }, page).await?
    } else {
        carry_out(&app, &guest, &ArchiveReservation { order, reservation }, page).await?
    };
    Ok(match done {
        Ok(()) => go(&found.path(&guest), "notice-archived"),
        Err(refused) => refused,
    })
}
