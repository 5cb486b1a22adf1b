//! Bills: what the ledger says, in the words of those who pay. To the supplier by the month, to the partner by its prices.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use uuid::Uuid;

use crate::activity::ActivityRecord;
use crate::authz::{Action, Query, Target};
use crate::catalog::BillingPlan;
use crate::catalog_item::CatalogItemId;
use crate::due::midnight;
use crate::ids::{CustomerId, PartnerId};
use crate::ledger::{Account, LedgerEntry, LedgerKind};
use crate::market::Country;
use crate::money::{Money, MoneyError};
use crate::operation::{self, Operation};
use crate::order::Order;
use crate::reservation::{OrderWithReservations, ReservationOrder};

/// A stretch of time: from its first instant to the first that is no longer in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
}

/// A calendar month in UTC: what one invoice covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(Date);

impl Month {
    /// The month of an instant.
    pub fn of(at: Timestamp) -> Self {
        Self(at.to_zoned(TimeZone::UTC).date().first_of_month())
    }

    /// Its first day.
    pub fn first_day(self) -> Date {
        self.0
    }

    /// The month after it.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(Span::new().months(1)))
    }

    /// The month before it.
    pub fn previous(self) -> Self {
        Self(self.0.saturating_sub(Span::new().months(1)))
    }

    /// The month that a text such as `2026-11` names.
    pub fn parse(text: &str) -> Option<Self> {
        let shape = text.len() == 7 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let day: Option<Date> = if shape { format!("{text}-01").parse().ok() } else { None };
        day.filter(|day| (1970..=9000).contains(&day.year())).map(Self)
    }

    /// All of it.
    pub fn period(self) -> Period {
        Period { from: midnight(self.0), until: midnight(self.next().0) }
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

/// Several entries that sum to zero, written together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEvent {
    /// Names it.
    pub id: Uuid,
    /// What it is about.
    pub kind: LedgerKind,
    /// When it counts: an instalment on the day it was due.
    pub at: Timestamp,
    /// The reservation order.
    pub subject: String,
    /// Its entries.
    pub entries: Vec<LedgerEntry>,
}

/// What an account has come to, in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// Which account.
    pub account: Account,
    /// How much.
    pub amount: Money,
}

/// A place in a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerKey {
    /// When the event counts.
    pub at: Timestamp,
    /// The event.
    pub event: Uuid,
}

/// The ledger of a customer with the actor's partner, oldest first. It tells the partner's own cost: for the partner's
/// eyes only (R14).
#[derive(Debug, Clone)]
pub struct ReadLedger {
    /// Whose.
    pub customer: CustomerId,
    /// Of which time.
    pub period: Period,
    /// Only what stands behind this place.
    pub after: Option<LedgerKey>,
    /// How many events at most.
    pub size: u32,
}

/// A page of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerPage {
    /// The events.
    pub events: Vec<LedgerEvent>,
    /// What every account came to by the end of the period, all that was before it included.
    pub balances: Vec<Balance>,
    /// Where the next page starts, when there is one.
    pub next: Option<LedgerKey>,
}

impl Action for ReadLedger {
    const OPERATION: Operation = operation::READ_LEDGER;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for ReadLedger {
    type Answer = LedgerPage;
}

/// A customer, as bills name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BilledCustomer {
    /// Which.
    pub id: CustomerId,
    /// The company's name.
    pub name: String,
    /// Its domain.
    pub domain: String,
    /// Where it is at home.
    pub country: Country,
}

/// One line of a bill: an event of the ledger with what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The event of the ledger.
    pub event: Uuid,
    /// What it is about.
    pub kind: LedgerKind,
    /// When it counts.
    pub at: Timestamp,
    /// For whom.
    pub customer: BilledCustomer,
    /// What was bought.
    pub order: ReservationOrder,
    /// As the catalogue named it.
    pub item: CatalogItemId,
    /// For people: `Reserved VM Instance, Standard_D2s_v5, SE Central, 1 Year`.
    pub item_name: String,
    /// Which instalment of a monthly plan it is.
    pub instalment: Option<i64>,
    /// For how many instances: those that were bought, that are left, or that were returned.
    pub quantity: i64,
    /// What the partner owes its supplier; less than nothing for what it gets back. For the partner's eyes only (R14).
    pub cost: Money,
    /// What the customer owes the partner; less than nothing for what it gets back.
    pub price: Money,
}

impl Charge {
    /// What is paid for: the whole term, a month of it, what is left of it, or the day of a fee.
    pub fn period(&self) -> Period {
        let months = |n: i64| {
            let start = self.order.starts_at.to_zoned(TimeZone::UTC);
            let later = Span::new().try_months(n).ok().and_then(|months| start.checked_add(months).ok());
            later.map_or(self.order.expires_at, |later| later.timestamp().min(self.order.expires_at))
        };
        match (self.kind, self.order.plan, self.instalment) {
            (LedgerKind::Refund | LedgerKind::ExchangeReturn, _, _) => {
                Period { from: self.at, until: self.order.expires_at.max(self.at) }
            }
            (LedgerKind::Fee, _, _) => {
                let day = self.at.to_zoned(TimeZone::UTC).date();
                Period { from: midnight(day), until: midnight(day.saturating_add(Span::new().days(1))) }
            }
            (_, BillingPlan::Monthly, Some(n)) => Period { from: months(n.saturating_sub(1)), until: months(n) },
            _ => Period { from: self.order.starts_at, until: self.order.expires_at },
        }
    }

    /// The line for people, without any amount.
    pub fn description(&self) -> String {
        let what = match self.kind {
            LedgerKind::Purchase | LedgerKind::Instalment => "",
            LedgerKind::Refund => "Return: ",
            LedgerKind::Fee => "Fee for a return: ",
            LedgerKind::ExchangeReturn => "Exchange, returned: ",
            LedgerKind::ExchangePurchase => "Exchange, bought: ",
            LedgerKind::Renewal => "Renewal: ",
        };
        match self.part() {
            Some((n, of)) => format!("{what}{}, instalment {n} of {of}", self.item_name),
            None => format!("{what}{}", self.item_name),
        }
    }

    /// Which instalment of how many it is.
    pub fn part(&self) -> Option<(i64, i64)> {
        let monthly = self.order.plan == BillingPlan::Monthly;
        self.instalment.filter(|_| monthly).map(|n| (n, i64::from(self.order.term.months())))
    }
}

/// What a customer was charged in some time, oldest first; with the partner's own cost (R14).
#[derive(Debug, Clone)]
pub struct ReadCharges {
    /// Whose.
    pub customer: CustomerId,
    /// In which time.
    pub period: Period,
}

impl Action for ReadCharges {
    const OPERATION: Operation = operation::READ_LEDGER;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for ReadCharges {
    type Answer = ChargeList;
}

/// Charges, with who is billed and who bills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeList {
    /// The partner's name.
    pub partner_name: String,
    /// The partner.
    pub partner: PartnerId,
    /// The charges.
    pub charges: Vec<Charge>,
}

/// What a customer owes the partner for some time: what the partner sends it. Nothing of the partner's own cost is in it
/// (R14).
#[derive(Debug, Clone)]
pub struct ReadStatement {
    /// Whose.
    pub customer: CustomerId,
    /// For which time.
    pub period: Period,
}

impl Action for ReadStatement {
    const OPERATION: Operation = operation::READ_STATEMENT;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for ReadStatement {
    type Answer = Statement;
}

/// What the directory that the actor is signed in to was charged for some time, as far as he may see what it was charged
/// for. For the customer's own eyes, and for its partner on its behalf.
#[derive(Debug, Clone)]
pub struct ReadOwnStatements {
    /// For which time.
    pub period: Period,
}

impl Action for ReadOwnStatements {
    const OPERATION: Operation = operation::READ_OWN_STATEMENT;

    fn target(&self) -> Target {
        Target::Visible
    }
}

impl Query for ReadOwnStatements {
    type Answer = OwnStatements;
}

/// Statements as the customer sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnStatements {
    /// One of every partner, also of one that charged nothing; of one that charged only what the actor may not see, none.
    pub statements: Vec<Statement>,
    /// How many lines are left out, for reservations that the actor may not see.
    pub left_out: usize,
}

/// A line of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementLine {
    /// The event of the ledger.
    pub event: Uuid,
    /// The day it counts.
    pub on: Date,
    /// What it is about.
    pub kind: LedgerKind,
    /// For people.
    pub description: String,
    /// What was bought, as the catalogue named it.
    pub item: String,
    /// Which instalment of how many it is, where it is one.
    pub instalment: Option<(i64, i64)>,
    /// The name of the reservation.
    pub display_name: String,
    /// The number of the order, as people quote it.
    pub order_number: String,
    /// The reservation order.
    pub reservation_order: String,
    /// Who bought.
    pub bought_by: String,
    /// How many instances.
    pub quantity: i64,
    /// What is paid for.
    pub period: Period,
    /// How much.
    pub amount: Money,
}

/// A statement of account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Who sends it.
    pub partner: String,
    /// Where to ask: mail, telephone, page.
    pub support: Vec<String>,
    /// To whom.
    pub customer: String,
    /// For which time.
    pub period: Period,
    /// Oldest first.
    pub lines: Vec<StatementLine>,
    /// What it comes to, in every currency.
    pub totals: Vec<Money>,
}

impl Statement {
    /// Makes a statement of charges.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn of(
        partner: String,
        support: Vec<String>,
        customer: String,
        period: Period,
        charges: &[Charge],
    ) -> Result<Self, MoneyError> {
        let lines: Vec<StatementLine> = charges.iter().map(line).collect();
        let totals = totals(lines.iter().map(|line| line.amount))?;
        Ok(Self { partner, support, customer, period, lines, totals })
    }
}

fn line(charge: &Charge) -> StatementLine {
    StatementLine {
        event: charge.event,
        on: charge.at.to_zoned(TimeZone::UTC).date(),
        kind: charge.kind,
        description: charge.description(),
        item: charge.item_name.clone(),
        instalment: charge.part(),
        display_name: charge.order.display_name.to_string(),
        order_number: charge.order.order.alternate().to_owned(),
        reservation_order: charge.order.id.to_string(),
        bought_by: charge.order.buyer.name.clone(),
        quantity: charge.quantity,
        period: charge.period(),
        amount: charge.price,
    }
}

/// The sums of amounts, one for each currency.
///
/// # Errors
/// [`MoneyError::Overflow`].
pub fn totals(amounts: impl Iterator<Item = Money>) -> Result<Vec<Money>, MoneyError> {
    let mut totals: Vec<Money> = Vec::new();
    for amount in amounts {
        match totals.iter_mut().find(|total| total.currency == amount.currency) {
            Some(total) => *total = total.plus(amount)?,
            None => totals.push(amount),
        }
    }
    totals.sort_by_key(|total| total.currency);
    Ok(totals)
}

/// What the actor's partner owes its supplier for some time, for all its customers, oldest first (R15).
#[derive(Debug, Clone)]
pub struct ReadBill {
    /// For which time.
    pub period: Period,
}

impl Action for ReadBill {
    const OPERATION: Operation = operation::READ_INVOICES;

    fn target(&self) -> Target {
        Target::OwnPartner
    }
}

impl Query for ReadBill {
    type Answer = ChargeList;
}

/// What the partner owes its supplier for a month that is over, in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Its number.
    pub number: String,
    /// For which month.
    pub month: Month,
    /// How much.
    pub total: Money,
}

impl Invoice {
    /// The invoice of a partner for a month: `G` and ten digits that follow from what it is for.
    pub fn new(partner: PartnerId, month: Month, total: Money) -> Self {
        let seed = Uuid::new_v5(&partner.0, format!("invoice {} {}", month.first_day(), total.currency).as_bytes());
        let number = seed.as_u128().checked_rem(10_000_000_000).unwrap_or(0);
        Self { number: format!("G{number:010}"), month, total }
    }
}

/// The invoices of the actor's partner: one for each month that is over and currency, newest first.
#[derive(Debug, Clone)]
pub struct ListInvoices {
    /// The time: the month it lies in is not over.
    pub now: Timestamp,
}

impl Action for ListInvoices {
    const OPERATION: Operation = operation::READ_INVOICES;

    fn target(&self) -> Target {
        Target::OwnPartner
    }
}

impl Query for ListInvoices {
    type Answer = Vec<Invoice>;
}

/// Everything that a customer's business with the actor's partner left behind, in an order that follows from it.
#[derive(Debug, Clone)]
pub struct ExportCustomer {
    /// Whose.
    pub customer: CustomerId,
}

/// What an export holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The commercial orders, oldest first.
    pub orders: Vec<Order>,
    /// The reservation orders with their reservations, oldest first.
    pub reservations: Vec<OrderWithReservations>,
    /// The ledger, oldest first.
    pub ledger: Vec<LedgerEvent>,
    /// The activity log, in its own order.
    pub log: Vec<ActivityRecord>,
}

impl Action for ExportCustomer {
    const OPERATION: Operation = operation::EXPORT_CUSTOMER;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for ExportCustomer {
    type Answer = Export;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Quantity, Region, ReservedResourceType, SkuName, Term};
    use crate::ids::{OrderId, PrincipalId, ReservationOrderId, SubscriptionId};
    use crate::money::Currency;
    use crate::order::{BoughtBy, Buyer, UnitPrices};
    use crate::placement::end_of_term;
    use crate::reservation::{DisplayName, ReservationState};
    use crate::testing;

    fn eur(amount: i64) -> Money {
        Money { amount_e6: amount * 1_000_000, currency: Currency::parse("EUR").unwrap() }
    }

    fn charge(kind: LedgerKind, plan: BillingPlan, instalment: Option<i64>) -> Charge {
        let starts_at: Timestamp = "2027-01-31T08:00:00Z".parse().unwrap();
        Charge {
            event: Uuid::from_u128(1),
            kind,
            at: "2027-03-01T12:00:00Z".parse().unwrap(),
            customer: BilledCustomer {
                id: testing::customer(),
                name: "Exempel AB".to_owned(),
                domain: "exempel.example".to_owned(),
                country: Country::parse("SE").unwrap(),
            },
            order: ReservationOrder {
                id: ReservationOrderId(Uuid::from_u128(2)),
                customer: testing::customer(),
                partner: testing::partner(),
                order: OrderId::from_uuid(Uuid::from_u128(3)),
                line: 0,
                subscription: SubscriptionId(Uuid::from_u128(4)),
                display_name: DisplayName::parse("prov").unwrap(),
                sku: SkuName::parse("Standard_D2s_v5").unwrap(),
                region: Region::parse("swedencentral").unwrap(),
                resource_type: ReservedResourceType::VirtualMachines,
                term: Term::P1Y,
                plan,
                quantity: Quantity::new(2).unwrap(),
                prices: UnitPrices { list: eur(1_000), partner: eur(880), customer: eur(950) },
                requested_at: starts_at,
                starts_at,
                expires_at: end_of_term(starts_at, Term::P1Y),
                state: ReservationState::Succeeded,
                etag: 1,
                buyer: Buyer { side: BoughtBy::Customer, id: PrincipalId(Uuid::nil()), name: "olle".to_owned() },
            },
            item: CatalogItemId::parse("DZH318Z0BQ3Q:0001:DZH318Z0D3PP").unwrap(),
            item_name: "Reserved VM Instance".to_owned(),
            instalment,
            quantity: 2,
            cost: eur(1_760),
            price: eur(1_900),
        }
    }

    #[test]
    fn a_charge_says_what_is_paid_for() {
        use BillingPlan::{Monthly, Upfront};
        use LedgerKind::{Fee, Instalment, Purchase, Refund};
        for (kind, plan, instalment, expected) in [
            (Purchase, Upfront, Some(1), "2027-01-31T08:00:00Z 2028-01-31T08:00:00Z Reserved VM Instance"),
            (
                Purchase,
                Monthly,
                Some(1),
                "2027-01-31T08:00:00Z 2027-02-28T08:00:00Z Reserved VM Instance, instalment 1 of 12",
            ),
            (
                Instalment,
                Monthly,
                Some(2),
                "2027-02-28T08:00:00Z 2027-03-31T08:00:00Z Reserved VM Instance, instalment 2 of 12",
            ),
            (
                Instalment,
                Monthly,
                Some(12),
                "2027-12-31T08:00:00Z 2028-01-31T08:00:00Z Reserved VM Instance, instalment 12 of 12",
            ),
            (Refund, Upfront, None, "2027-03-01T12:00:00Z 2028-01-31T08:00:00Z Return: Reserved VM Instance"),
            (Fee, Upfront, None, "2027-03-01T00:00:00Z 2027-03-02T00:00:00Z Fee for a return: Reserved VM Instance"),
        ] {
            let charge = charge(kind, plan, instalment);
            let period = charge.period();
            assert_eq!(format!("{} {} {}", period.from, period.until, charge.description()), expected);
        }
    }

    #[test]
    fn r14_a_statement_tells_the_customers_price_and_never_the_partners_cost() {
        let mut sek = charge(LedgerKind::Fee, BillingPlan::Upfront, None);
        sek.price.currency = Currency::parse("SEK").unwrap();
        let charges = [
            charge(LedgerKind::Purchase, BillingPlan::Upfront, Some(1)),
            sek,
            charge(LedgerKind::Instalment, BillingPlan::Upfront, None),
        ];
        let month = Month::of(charges[0].at);
        let made = Statement::of("Nordmoln AB".to_owned(), vec![], "Exempel AB".to_owned(), month.period(), &charges);
        let made = made.unwrap();
        assert_eq!(made.totals.iter().map(ToString::to_string).collect::<Vec<_>>(), ["3800.00 EUR", "1900.00 SEK"]);
        assert!(!format!("{made:?}").contains("1760"), "{made:?}");
    }

    #[test]
    fn months_and_invoices_follow_from_the_calendar() {
        let month = Month::of("2026-12-31T23:59:59Z".parse().unwrap());
        let period = month.period();
        assert_eq!(
            (period.from.to_string(), period.until.to_string()),
            ("2026-12-01T00:00:00Z".to_owned(), "2027-01-01T00:00:00Z".to_owned())
        );
        assert_eq!(month.next().previous(), month);
        assert_eq!((month.to_string().as_str(), Month::parse("2026-12")), ("2026-12", Some(month)));
        for wrong in ["", "2026-13", "2026-1", "2026-12-01", "0001-01", "9999-01", "åååå-0"] {
            assert_eq!(Month::parse(wrong), None, "{wrong}");
        }
        let one = Invoice::new(testing::partner(), month, eur(1));
        assert_eq!(one.number, Invoice::new(testing::partner(), month, eur(2)).number);
        assert_ne!(one.number, Invoice::new(testing::partner(), month.next(), eur(1)).number);
        assert_eq!(one.number.len(), 11);
    }
}
