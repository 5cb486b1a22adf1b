//! Why usage came out as it did in an hour.

use crate::ids::{CustomerId, PartnerId, ReservationId, ReservationOrderId, SubscriptionId};
use crate::money::Currency;
use crate::rated::{Book, RatedCell};
use crate::rating::{Overflow, Part, Pass, Scene, Why};
use crate::usage::{UsageHour, UsageResource};

/// Why usage came out as it did in an hour.
#[derive(Debug, Clone)]
pub struct ExplainUsage {
    /// Whose usage.
    pub customer: CustomerId,
    /// The hour, counted from 1970.
    pub hour: i64,
    /// What about.
    pub about: About,
}

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// A usage line, by its `LineId`.
    Line(i64),
    /// A reservation.
    Reservation(ReservationId),
    /// Everything.
    Hour,
}

/// One hour of one billing context and region. Amounts are in 10^-10.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The partner.
    pub partner: PartnerId,
    /// The currency.
    pub currency: Currency,
    /// The region.
    pub region: String,
    /// The hour, counted from 1970.
    pub hour: i64,
    /// The line asked about, those that the reservation took from, or all, in the order in which they were rated.
    pub lines: Vec<ExplainedLine>,
    /// The reservations in the order in which they take usage, or the one asked about.
    pub reservations: Vec<ExplainedReservation>,
}

/// A usage line and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedLine {
    /// `LineId`.
    pub line: i64,
    /// What ran.
    pub resource: UsageResource,
    /// Its quantity, in 10^-6.
    pub quantity_e6: i64,
    /// What was taken, in order.
    pub parts: Vec<ExplainedPart>,
    /// What is left to pay as you go.
    pub rest_e10: i128,
    /// What that costs.
    pub billed_e10: i128,
}

/// What a reservation took of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedPart {
    /// The reservation.
    pub reservation: ReservationId,
    /// The pass in which it was taken.
    pub pass: Pass,
    /// In instances of the line's SKU.
    pub consumed_e10: i128,
    /// In instances of the reserved SKU.
    pub discounted_e10: i128,
    /// What that cost.
    pub effective_e10: i128,
}

/// A reservation in the hour, and why it took or did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedReservation {
    /// The order.
    pub order: ReservationOrderId,
    /// The reservation.
    pub reservation: ReservationId,
    /// The pass in which it takes its turn.
    pub pass: Pass,
    /// The subscription it applies to; `None`: all.
    pub scope: Option<SubscriptionId>,
    /// Whether sizes are flexible.
    pub is_flexible: bool,
    /// The reserved SKU.
    pub sku: String,
    /// Reserved instances.
    pub quantity: i64,
    /// Instances that were used in the hour.
    pub used_e10: i128,
    /// Instances that were left.
    pub unused_e10: i128,
    /// What those cost.
    pub unused_cost_e10: i128,
    /// Why it came out so: of the line asked about, or in the whole hour.
    pub why: Why,
}

/// Rates an hour again and tells it; nothing where there is no such line or reservation in it.
///
/// # Errors
/// [`Overflow`] when an amount does not fit.
pub fn explain(
    book: &Book<'_>,
    partner: PartnerId,
    hour: &UsageHour,
    about: About,
) -> Result<Vec<Explained>, Overflow> {
    let rated = book.rate_hour(hour)?;
    Ok(rated.iter().filter_map(|cell| told(book, partner, hour.hour, about, cell)).collect())
}

fn told(book: &Book<'_>, partner: PartnerId, hour: i64, about: About, rated: &RatedCell<'_, '_>) -> Option<Explained> {
    let cell = rated.cell;
    let scene = Scene { plan: &cell.plan, hour, lines: &rated.lines, named: &rated.named, rows: &rated.rows };
    let active = |index: &usize| cell.plan.reservations()[*index].is_active(hour);
    let all = 0..cell.stretches.len();
    let (of_line, lines, reservations): (_, Vec<usize>, Vec<usize>) = match about {
        About::Line(line) => {
            let found = rated.usage.iter().position(|one| one.line == line)?;
            (Some(found), vec![found], all.filter(active).collect())
        }
        About::Reservation(id) => {
            let is_it = |index: &usize| cell.stretches[*index].reservation == id;
            let found = all.filter(is_it).find(active)?;
            (None, scene.lines_of(found).collect(), vec![found])
        }
        About::Hour => (None, (0..rated.usage.len()).collect(), all.filter(active).collect()),
    };
    let line = |index: usize| {
        let usage = &rated.usage[index];
        let story = scene.line(index);
        let part = |part: &Part| ExplainedPart {
            reservation: cell.stretches[part.reservation].reservation,
            pass: part.pass,
            consumed_e10: part.consumed_e10,
            discounted_e10: part.discounted_e10,
            effective_e10: part.effective_e10,
        };
        Some(ExplainedLine {
            line: usage.line,
            resource: book.resource(usage)?.clone(),
            quantity_e6: usage.quantity_e6,
            parts: story.parts.iter().map(part).collect(),
            rest_e10: story.rest_e10,
            billed_e10: story.billed_e10,
        })
    };
    let reservation = |index: usize| {
        let one = cell.stretches[index];
        let story = scene.reservation(index, of_line);
        ExplainedReservation {
            order: one.terms.order,
            reservation: one.reservation,
            pass: cell.plan.reservations()[index].pass(),
            scope: one.scope,
            is_flexible: one.is_flexible,
            sku: one.terms.sku.as_str().to_owned(),
            quantity: one.quantity,
            used_e10: story.used_e10,
            unused_e10: story.unused_e10,
            unused_cost_e10: story.unused_cost_e10,
            why: story.why,
        }
    };
    Some(Explained {
        partner,
        currency: cell.currency,
        region: cell.region.to_owned(),
        hour,
        lines: lines.into_iter().filter_map(line).collect(),
        reservations: reservations.into_iter().map(reservation).collect(),
    })
}
