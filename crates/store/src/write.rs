//! One statement for each change, and the lock that every write begins with.

use fullmakt_domain::authz::{Denied, Permit};
use fullmakt_domain::change::Change;

use crate::db::Tx;
use crate::door::ExecuteError;
use crate::facts::Root;
use crate::ledger::Posting;
use crate::row::Fault;
use crate::statement::{Query, Statement, query, query_scalar};
use crate::{
    cart, entitlement, ledger, order, price_rule, quote, reservation, returning, role_assignment, role_definition,
    self_serve_policy, usage,
};

/// Locks the root row until the transaction ends and gives the number of this write in its log.
pub(crate) async fn lock(root: &Root, tx: &mut Tx<'_>) -> Result<i64, ExecuteError> {
    let revision: Option<i64> = match root {
        Root::Customer(id) => {
            query_scalar("UPDATE customer SET revision = revision + 1 WHERE customer_id = $1 RETURNING revision")
                .bind(id.to_string())
                .fetch_optional(tx)
                .await?
        }
        Root::Partner(id) => {
            query_scalar("UPDATE partner SET revision = revision + 1 WHERE partner_id = $1 RETURNING revision")
                .bind(id.to_string())
                .fetch_optional(tx)
                .await?
        }
    };
    revision.ok_or(ExecuteError::Denied(Denied::Hidden))
}

/// Asks for the number of the last write in a root's log.
pub(crate) fn asked_revision(root: &Root) -> Query<i64> {
    match root {
        Root::Customer(id) => query_scalar("SELECT revision FROM customer WHERE customer_id = $1").bind(id.to_string()),
        Root::Partner(id) => query_scalar("SELECT revision FROM partner WHERE partner_id = $1").bind(id.to_string()),
    }
}

/// The lock and the number of a write that looked before: by the number of rows it changes it tells whether the revision still
/// was the one that was seen.
pub(crate) fn advance(root: &Root, seen: i64) -> Statement {
    let update = match root {
        Root::Customer(id) => {
            query("UPDATE customer SET revision = revision + 1 WHERE customer_id = $1 AND revision = $2")
                .bind(id.to_string())
        }
        Root::Partner(id) => {
            query("UPDATE partner SET revision = revision + 1 WHERE partner_id = $1 AND revision = $2")
                .bind(id.to_string())
        }
    };
    update.bind(seen).question()
}

/// Writes one change. What it belongs to comes from the permit.
pub(crate) async fn change<A>(permit: &Permit<A>, change: &Change, tx: &mut Tx<'_>) -> Result<(), Fault> {
    let (customer, partner) = (permit.customer(), permit.partner());
    match change {
        Change::SelfServePolicyGranted(policy) => self_serve_policy::insert(customer, policy, tx).await,
        Change::SelfServePolicyReplaced(policy) => self_serve_policy::update(customer, policy, tx).await,
        Change::SelfServePolicyRevoked(id) => self_serve_policy::delete(customer, id, tx).await,
        Change::ReservationUpdated(updated) => reservation::update(customer, updated, tx).await,
        Change::RoleAssigned(assignment) => role_assignment::insert(customer, assignment, tx).await,
        Change::RoleAssignmentDescribed(assignment) => role_assignment::describe(customer, assignment, tx).await,
        Change::RoleAssignmentRemoved(id) => role_assignment::delete(customer, *id, tx).await,
        Change::RoleDefinitionSaved(role) => role_definition::save(customer, role, tx).await,
        Change::RoleDefinitionRemoved(id) => role_definition::delete(customer, *id, tx).await,
        Change::PriceRuleAdded(rule) => price_rule::insert(rule, tx).await,
        Change::PriceRuleEnded(rule) => price_rule::end(permit.partner(), rule, tx).await,
        Change::PriceQuoted(quote) => quote::insert(customer, quote, tx).await,
        Change::OrderPlaced(order) => order::insert(customer, order, tx).await,
        Change::OrderCancelled(id) => order::cancel(customer, id, tx).await,
        Change::ReservationOrderCreated(order) => reservation::insert_order(customer, order, tx).await,
        Change::ReservationOrderUpdated(order) => reservation::update_order(customer, order, tx).await,
        Change::ReservationCreated(reservation) => reservation::insert(customer, reservation, tx).await,
        Change::InstalmentsScheduled { order, instalments } => {
            ledger::schedule(customer, *order, instalments, tx).await
        }
        Change::InstalmentsReplaced { order, instalments } => {
            ledger::reschedule(customer, *order, instalments, tx).await
        }
        Change::InstalmentPosted { order, number, event } => {
            ledger::mark_posted(customer, *order, *number, *event, tx).await
        }
        Change::LedgerPosted { event, kind, partner, at, subject, quantity, transfers } => {
            let posting = Posting {
                event: *event,
                kind: *kind,
                partner: *partner,
                at: *at,
                subject,
                quantity: *quantity,
                transfers,
            };
            ledger::post(customer, &posting, tx).await
        }
        Change::RefundQuoted(quote) => returning::insert_refund_quote(customer, quote, tx).await,
        Change::RefundQuoteUsed { session, at } => returning::use_refund_quote(customer, *session, *at, tx).await,
        Change::ExchangeQuoted(quote) => returning::insert_exchange_quote(customer, quote, tx).await,
        Change::ExchangeQuoteUsed { session, at } => returning::use_exchange_quote(customer, *session, *at, tx).await,
        Change::ReturnMade(made) => returning::insert_return(customer, partner, made, tx).await,
        Change::RefundPolicySet(policy) => returning::set_policy(partner, policy, tx).await,
        Change::ConversionRateSet(rate) => returning::set_rate(partner, rate, tx).await,
        Change::CartSaved(cart) => cart::save(customer, cart, tx).await,
        Change::EntitlementCreated(entitlement, subscription) => {
            entitlement::insert(customer, entitlement, subscription, tx).await
        }
        Change::EventRaised(event) => ledger::raise(customer, event, tx).await,
        Change::CustomerCreated(new) => crate::customer::insert(new, tx).await,
        Change::BillToUpdated(customer) => crate::customer::update_bill_to(customer, tx).await,
        Change::AgreementConfirmed(agreement, at) => {
            crate::customer::confirm_agreement(customer, partner, agreement, *at, tx).await
        }
        Change::EntitlementUpdated(new) => entitlement::update(customer, new, tx).await,
        Change::UsageImported { resources, hours, at } => {
            usage::import((customer, partner), resources, hours, *at, tx).await
        }
        Change::UseNoted(reservation) => usage::note_use(customer, *reservation, tx).await,
    }
}
