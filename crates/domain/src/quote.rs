//! Quotes: a price that holds for a while, and the order that may be placed on it (R13).

use crate::activity::RecordDraft;
use crate::authz::{Action, Command, Decision, Permit, Query, Target};
use crate::catalog::{Catalog, Offer};
use crate::change::Change;
use crate::ids::{CustomerId, PartnerId, PriceRuleId, PrincipalId, ReservationOrderId, SubscriptionId};
use crate::market::{self, Country};
use crate::money::{Money, MoneyError};
use crate::obstacle::{Item, Obstacle, PartnerContact, day};
use crate::operation::{self, Operation};
use crate::order::UnitPrices;
use crate::price::{Totals, customer_price, totals};
use crate::price_rule::PriceRule;
use crate::refusal::Refusal;
use jiff::civil::Date;
use jiff::{Span, Timestamp};

/// How long a quote holds, in minutes.
pub const QUOTE_MINUTES: i64 = 30;

/// A price that holds for a while (R13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The identifier of the order that may be placed on it, once.
    pub id: ReservationOrderId,
    /// For whom.
    pub customer: CustomerId,
    /// Who pays.
    pub partner: PartnerId,
    /// The billing subscription.
    pub subscription: SubscriptionId,
    /// Who asked.
    pub asked_by: PrincipalId,
    /// What for, in the catalogue's spelling.
    pub item: Item,
    /// What one instance costs for the term.
    pub prices: UnitPrices,
    /// The price rule that set the customer's price; none: it is the list price.
    pub rule: Option<PriceRuleId>,
    /// When it was made.
    pub quoted_at: Timestamp,
    /// From when it no longer holds.
    pub lapses_at: Timestamp,
}

impl Quote {
    /// What the customer pays in all, and when, bought on a day.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`].
    pub fn customer_totals(&self, on: Date) -> Result<Totals, MoneyError> {
        totals(self.prices.customer, self.item.quantity, self.item.plan, self.item.term, on)
    }
}

/// Asks for a price. It is kept, with the identifier of the order that may be placed on it.
#[derive(Debug, Clone)]
pub struct QuotePrice {
    /// The new order's identifier.
    pub order: ReservationOrderId,
    /// The billing subscription.
    pub subscription: SubscriptionId,
    /// What is to be bought.
    pub item: Item,
}

/// What a quote looks at.
#[derive(Debug, Clone)]
pub struct QuoteState {
    /// The partner that pays.
    pub partner: PartnerContact,
    /// The customer's country.
    pub country: Country,
    /// The price sheet in force.
    pub catalog: std::sync::Arc<Catalog>,
    /// The partner's price rules that may concern this customer.
    pub rules: Vec<PriceRule>,
}

impl Action for QuotePrice {
    const OPERATION: Operation = operation::QUOTE_PRICE;

    fn target(&self) -> Target {
        Target::Subscription(self.subscription)
    }
}

impl Command for QuotePrice {
    type State = QuoteState;
    type Receipt = Quote;

    fn decide(&self, permit: &Permit<Self>, state: QuoteState, now: Timestamp) -> Result<Decision<Quote>, Refusal> {
        let today = day(now);
        if !market::sells_reservations(state.country) {
            let obstacles = vec![Obstacle::MarketNotServed { country: state.country }];
            return Err(Refusal::PurchaseNotAllowed { obstacles });
        }
        let offer = state.catalog.find(&self.item.wanted(state.partner.currency, state.country, today))?;
        let (prices, rule) = unit_prices(offer, &state.rules, permit.customer(), today)?;
        let quote = Quote {
            id: self.order,
            customer: permit.customer(),
            partner: state.partner.id,
            subscription: self.subscription,
            asked_by: permit.actor().principal,
            item: Item { sku: offer.sku.clone(), region: offer.region.clone(), ..self.item.clone() },
            prices,
            rule,
            quoted_at: now,
            lapses_at: now.checked_add(Span::new().minutes(QUOTE_MINUTES)).unwrap_or(now),
        };
        // A total that does not fit is refused now, not when it is bought.
        let total = quote.customer_totals(today)?.total;
        let record = RecordDraft {
            subject: self.order.to_string(),
            old: None,
            new: None,
            details: vec![
                ("SubscriptionId".to_owned(), self.subscription.to_string()),
                ("Item".to_owned(), offer.title()),
                ("Quantity".to_owned(), self.item.quantity.to_string()),
                ("Total".to_owned(), total.to_string()),
            ],
        };
        Ok(Decision::changed(quote.clone(), vec![Change::PriceQuoted(Box::new(quote))], record))
    }

    fn subject(&self) -> String {
        self.order.to_string()
    }
}

/// What one instance costs everyone, and by which rule.
///
/// # Errors
/// [`MoneyError::Overflow`].
pub fn unit_prices(
    offer: &Offer,
    rules: &[PriceRule],
    customer: CustomerId,
    on: Date,
) -> Result<(UnitPrices, Option<PriceRuleId>), MoneyError> {
    let price = customer_price(offer, rules, customer, on)?;
    let prices = UnitPrices { list: price.list, partner: price.partner_cost, customer: price.customer_unit_price };
    Ok((prices, price.rule))
}

/// A quote as whoever asked for it sees it: without what the partner pays (R14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quoted {
    /// The order that may be placed on it.
    pub order: ReservationOrderId,
    /// The billing subscription.
    pub subscription: SubscriptionId,
    /// What for.
    pub item: Item,
    /// The list price of one instance for the term.
    pub list: Money,
    /// What one instance costs the customer for the term.
    pub price: Money,
    /// From when it no longer holds.
    pub lapses_at: Timestamp,
}

impl From<Quote> for Quoted {
    fn from(quote: Quote) -> Self {
        Self {
            order: quote.id,
            subscription: quote.subscription,
            item: quote.item,
            list: quote.prices.list,
            price: quote.prices.customer,
            lapses_at: quote.lapses_at,
        }
    }
}

/// A quote that the actor asked for.
#[derive(Debug, Clone)]
pub struct GetQuote {
    /// The billing subscription.
    pub subscription: SubscriptionId,
    /// The order it names.
    pub order: ReservationOrderId,
}

impl Action for GetQuote {
    const OPERATION: Operation = operation::READ_QUOTE;

    fn target(&self) -> Target {
        Target::Subscription(self.subscription)
    }
}

impl Query for GetQuote {
    type Answer = Option<Quoted>;
}

impl GetQuote {
    /// Whether it is the actor's own, on that subscription.
    pub fn shows(&self, permit: &Permit<Self>, quote: &Quote) -> bool {
        quote.asked_by == permit.actor().principal && quote.subscription == self.subscription
    }
}
