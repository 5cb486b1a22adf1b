//! Carts: what a partner is about to buy for a customer, and the purchase of it (R42).

use jiff::{Span, Timestamp};
use uuid::Uuid;

use crate::activity::RecordDraft;
use crate::authz::{Action, Command, Decision, Permit, Query, Target};
use crate::basket::{AskedLine, Basis, LineProblem, Placing, Wish};
use crate::catalog_item::{CatalogItem, CatalogItemId};
use crate::change::Change;
use crate::ids::{CartId, CustomerId, OrderId, PartnerId, PrincipalId};
use crate::operation::{self, Operation};
use crate::order::{BillingCycle, Order, orders_record, partner_buyer};
use crate::refusal::Refusal;

/// How long a cart lives after its last change, in minutes.
pub const CART_MINUTES: i64 = 15;

/// How a cart stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CartStatus {
    /// It can be changed and bought.
    Active,
    /// It was bought.
    Ordered,
}

impl CartStatus {
    /// The word the database stores and the wire spells.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Ordered => "Ordered",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Ordered].into_iter().find(|status| status.name() == text)
    }
}

/// What is wrong with a line, as it was when the cart was last changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// [`LineProblem::cart_code`].
    pub code: i64,
    /// For people.
    pub text: String,
}

/// A line of a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartLine {
    /// What is asked for; its scope is the one that will apply.
    pub asked: AskedLine,
    /// Lines of one group become one order.
    pub group: String,
    /// Why it cannot be bought.
    pub error: Option<LineError>,
}

/// A cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart {
    /// Its identifier.
    pub id: CartId,
    /// For whom.
    pub customer: CustomerId,
    /// Whose.
    pub partner: PartnerId,
    /// How it stands.
    pub status: CartStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub changed_at: Timestamp,
    /// By whom.
    pub changed_by: PrincipalId,
    /// The request that bought it, where its caller named it: a repeat is told the same again.
    pub ordered_by: Option<Uuid>,
    /// The lines.
    pub lines: Vec<CartLine>,
}

impl Cart {
    /// From when it is gone, unless it was bought.
    pub fn expires_at(&self) -> Timestamp {
        self.changed_at.checked_add(Span::new().minutes(CART_MINUTES)).unwrap_or(Timestamp::MAX)
    }

    /// Whether it can still be seen.
    pub fn is_there(&self, now: Timestamp) -> bool {
        self.status == CartStatus::Ordered || now < self.expires_at()
    }

    /// The groups, in the order of their first lines.
    fn groups(&self) -> Vec<&str> {
        let mut groups: Vec<&str> = Vec::new();
        for line in &self.lines {
            if !groups.contains(&line.group.as_str()) {
                groups.push(&line.group);
            }
        }
        groups
    }

    /// What the identifiers of a group's order are made from.
    fn seed(&self, group: &str) -> Uuid {
        Uuid::new_v5(&self.id.0, group.as_bytes())
    }

    /// The orders it becomes when it is bought.
    pub fn order_ids(&self) -> Vec<OrderId> {
        self.groups().into_iter().map(|group| OrderId::from_uuid(self.seed(group))).collect()
    }

    fn record(&self) -> RecordDraft {
        let mut details = vec![("CartId".to_owned(), self.id.to_string())];
        for (line, n) in self.lines.iter().zip(0_i64..) {
            details.push((format!("OfferId-{n}"), line.asked.item.clone()));
            details.push((format!("Quantity-{n}"), line.asked.quantity.to_string()));
        }
        RecordDraft { subject: self.id.to_string(), old: None, new: None, details }
    }
}

/// Checks lines, and sorts them into groups: legacy subscriptions one by one, everything else by billing cycle.
fn cart_lines(lines: &[AskedLine], basis: &Basis, customer: CustomerId, now: Timestamp) -> Vec<CartLine> {
    let checked = basis.check(lines, customer, now);
    let mut cycles: Vec<Option<BillingCycle>> = Vec::new();
    let mut legacy = 0_i64;
    lines
        .iter()
        .zip(checked)
        .map(|(asked, checked)| {
            let item = CatalogItemId::parse(&asked.item).ok().and_then(|id| basis.catalog.items().resolve(&id));
            let group = if item == Some(CatalogItem::AzureGlobal) {
                let group = format!("OMS-{legacy}");
                legacy = legacy.saturating_add(1);
                group
            } else {
                let cycle = BillingCycle::parse(&asked.billing_cycle);
                let place = cycles.iter().position(|known| *known == cycle).unwrap_or_else(|| {
                    cycles.push(cycle);
                    cycles.len().saturating_sub(1)
                });
                place.to_string()
            };
            let mut asked = asked.clone();
            if let Ok(Wish::Reservation(wished)) = &checked {
                asked.scope = Some(wished.scope.type_name().to_ascii_lowercase());
            }
            let error = checked.err().map(|problem| LineError { code: problem.cart_code(), text: problem.to_string() });
            CartLine { asked, group, error }
        })
        .collect()
}

/// What a cart's commands look at.
#[derive(Debug, Clone)]
pub struct CartState {
    /// What the lines are checked against.
    pub basis: Basis,
    /// The cart, as it stands.
    pub cart: Option<Cart>,
    /// The orders it has become.
    pub orders: Vec<Order>,
}

impl CartState {
    /// The cart, if it can be changed.
    fn open(&self, id: CartId, now: Timestamp) -> Result<&Cart, Refusal> {
        let cart = self.cart.as_ref().filter(|cart| cart.is_there(now)).ok_or(Refusal::CartNotFound { id })?;
        match cart.status {
            CartStatus::Active => Ok(cart),
            CartStatus::Ordered => Err(Refusal::CartSubmitted { id }),
        }
    }

    fn agreed(&self, customer: CustomerId) -> Result<(), Refusal> {
        if self.basis.agreement_confirmed { Ok(()) } else { Err(Refusal::AgreementMissing { customer }) }
    }
}

/// Makes a cart. Lines that cannot be bought are kept with the reason.
#[derive(Debug, Clone)]
pub struct CreateCart {
    /// For whom.
    pub customer: CustomerId,
    /// Its identifier: the same request names the same cart.
    pub cart: CartId,
    /// What is asked for.
    pub lines: Vec<AskedLine>,
}

impl Action for CreateCart {
    const OPERATION: Operation = operation::CREATE_CART;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Command for CreateCart {
    type State = CartState;
    type Receipt = Cart;

    fn decide(&self, permit: &Permit<Self>, state: CartState, now: Timestamp) -> Result<Decision<Cart>, Refusal> {
        if let Some(cart) = state.cart {
            return Ok(Decision::unchanged(cart));
        }
        state.agreed(self.customer)?;
        let cart = Cart {
            id: self.cart,
            customer: self.customer,
            partner: state.basis.partner.id,
            status: CartStatus::Active,
            created_at: now,
            changed_at: now,
            changed_by: permit.actor().principal,
            ordered_by: None,
            lines: cart_lines(&self.lines, &state.basis, self.customer, now),
        };
        let record = cart.record();
        Ok(Decision::changed(cart.clone(), vec![Change::CartSaved(Box::new(cart))], record))
    }

    fn subject(&self) -> String {
        self.cart.to_string()
    }
}

/// Gives a cart other lines and another quarter of an hour.
#[derive(Debug, Clone)]
pub struct UpdateCart {
    /// For whom.
    pub customer: CustomerId,
    /// Which.
    pub cart: CartId,
    /// What is asked for.
    pub lines: Vec<AskedLine>,
}

impl Action for UpdateCart {
    const OPERATION: Operation = operation::UPDATE_CART;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Command for UpdateCart {
    type State = CartState;
    type Receipt = Cart;

    fn decide(&self, permit: &Permit<Self>, state: CartState, now: Timestamp) -> Result<Decision<Cart>, Refusal> {
        let old = state.open(self.cart, now)?;
        state.agreed(self.customer)?;
        let cart = Cart {
            changed_at: now,
            changed_by: permit.actor().principal,
            lines: cart_lines(&self.lines, &state.basis, self.customer, now),
            ..old.clone()
        };
        let record = cart.record();
        Ok(Decision::changed(cart.clone(), vec![Change::CartSaved(Box::new(cart))], record))
    }

    fn subject(&self) -> String {
        self.cart.to_string()
    }
}

/// Buys what is in a cart: one order for each group, all in one go or none.
#[derive(Debug, Clone)]
pub struct CheckoutCart {
    /// For whom.
    pub customer: CustomerId,
    /// Which.
    pub cart: CartId,
    /// The caller's name for the request.
    pub request: Option<Uuid>,
}

impl Action for CheckoutCart {
    const OPERATION: Operation = operation::PLACE_ORDER;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Command for CheckoutCart {
    type State = CartState;
    type Receipt = Vec<Order>;

    fn decide(&self, permit: &Permit<Self>, state: CartState, now: Timestamp) -> Result<Decision<Vec<Order>>, Refusal> {
        let repeated = |cart: &Cart| self.request.is_some() && cart.ordered_by == self.request;
        if state.cart.as_ref().is_some_and(repeated) {
            return Ok(Decision::unchanged(state.orders));
        }
        let cart = state.open(self.cart, now)?;
        state.agreed(self.customer)?;
        let asked: Vec<AskedLine> = cart.lines.iter().map(|line| line.asked.clone()).collect();
        let checked = state.basis.check(&asked, self.customer, now);
        let wrong: Vec<(i64, LineProblem)> = (0_i64..)
            .zip(&checked)
            .filter_map(|(n, checked)| checked.as_ref().err().map(|problem| (n, problem.clone())))
            .collect();
        if !wrong.is_empty() || asked.is_empty() {
            return Err(Refusal::CartInError { id: self.cart, lines: wrong });
        }
        let wishes: Vec<(&CartLine, Wish)> =
            cart.lines.iter().zip(checked).filter_map(|(line, checked)| Some((line, checked.ok()?))).collect();
        let (mut orders, mut changes) = (Vec::new(), Vec::new());
        for group in cart.groups() {
            let lines: Vec<(&AskedLine, Wish)> = wishes
                .iter()
                .filter(|(line, _)| line.group == group)
                .map(|(line, wish)| (&line.asked, wish.clone()))
                .collect();
            let cycle = lines.first().and_then(|(asked, _)| BillingCycle::parse(&asked.billing_cycle));
            let placing = Placing {
                customer: self.customer,
                seed: cart.seed(group),
                buyer: partner_buyer(permit),
                billing_cycle: cycle.unwrap_or(BillingCycle::OneTime),
            };
            let (order, created) = state.basis.place_order(&placing, &lines, now)?;
            orders.push(order);
            changes.extend(created);
        }
        changes.push(Change::CartSaved(Box::new(Cart {
            status: CartStatus::Ordered,
            changed_at: now,
            changed_by: permit.actor().principal,
            ordered_by: self.request,
            ..cart.clone()
        })));
        let record = orders_record(&orders);
        Ok(Decision::changed(orders, changes, record))
    }

    fn subject(&self) -> String {
        self.cart.to_string()
    }
}

/// One cart, while it is there.
#[derive(Debug, Clone)]
pub struct GetCart {
    /// For whom.
    pub customer: CustomerId,
    /// Which.
    pub cart: CartId,
    /// When.
    pub now: Timestamp,
}

impl Action for GetCart {
    const OPERATION: Operation = operation::READ_CART;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for GetCart {
    type Answer = Option<Cart>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::basket::tests::{basis, line, reservation, with_plan};
    use crate::catalog_item::ReservationScope;
    use crate::testing::{customer, now, outcome, permit_partner};

    const PLAN: &str = "DZH318Z0BPS6:0001:X";

    fn id() -> CartId {
        CartId(Uuid::from_u128(0xca))
    }

    fn create(lines: &[AskedLine], basis: &Basis) -> Cart {
        let command = CreateCart { customer: customer(), cart: id(), lines: lines.to_vec() };
        let state = CartState { basis: basis.clone(), cart: None, orders: Vec::new() };
        command.decide(&permit_partner(&command), state, now()).unwrap().receipt
    }

    fn later(minutes: i64) -> Timestamp {
        now().checked_add(Span::new().minutes(minutes)).unwrap()
    }

    fn checkout(cart: Option<Cart>, basis: Basis, request: Option<Uuid>, minutes: i64) -> String {
        let command = CheckoutCart { customer: customer(), cart: id(), request };
        let state = CartState { basis, cart, orders: Vec::new() };
        outcome(&command.decide(&permit_partner(&command), state, later(minutes)), |decided| {
            let record = decided.record.as_ref().map_or(0, |record| record.details.len());
            format!("{} orders, {} changes, {record} details", decided.receipt.len(), decided.changes.len())
        })
    }

    #[test]
    fn a_cart_is_bought_once_in_time_and_without_errors() {
        let cart = create(&[line(PLAN, "one_time")], &basis());
        let unagreed = Basis { agreement_confirmed: false, ..basis() };
        let wrong = create(&[line(PLAN, "one_time"), line("x", "one_time")], &basis());
        let request = Uuid::from_u128(5);
        let ordered = Cart { status: CartStatus::Ordered, ordered_by: Some(request), ..cart.clone() };
        for (cart, basis, request, minutes, expected) in [
            // The order, the plan with its subscription, the agents' role, the cart.
            (Some(cart.clone()), basis(), None, 14, "1 orders, 4 changes"),
            (None, basis(), None, 0, "there is no cart"),
            (Some(cart.clone()), basis(), None, 15, "there is no cart"),
            (Some(ordered.clone()), basis(), None, 600, "was submitted already"),
            (Some(ordered.clone()), basis(), Some(Uuid::from_u128(6)), 1, "was submitted already"),
            (Some(ordered), basis(), Some(request), 1, "0 orders, 0 changes"),
            (Some(cart.clone()), unagreed, None, 1, "the customer agreement of"),
            (Some(wrong), basis(), None, 1, "line 1: `x` is not an item"),
            // What was right when the cart was made may be wrong by now.
            (Some(cart), with_plan(), None, 1, "line 0: the customer has an Azure plan already"),
        ] {
            let shown = checkout(cart, basis, request, minutes);
            assert!(shown.contains(expected), "{shown} is not {expected}");
        }
    }

    #[test]
    fn lines_are_grouped_by_what_can_share_an_order() {
        let legacy = line("MS-AZR-0145P", "monthly");
        let lines = [
            reservation(ReservationScope::AzurePlan),
            AskedLine { billing_cycle: "monthly".to_owned(), ..reservation(ReservationScope::AzurePlan) },
            legacy.clone(),
            AskedLine { billing_cycle: "OneTime".to_owned(), ..reservation(ReservationScope::AzurePlan) },
            legacy,
        ];
        let cart = create(&lines, &with_plan());
        let groups: Vec<&str> = cart.lines.iter().map(|line| line.group.as_str()).collect();
        assert_eq!(groups, ["0", "1", "OMS-0", "0", "OMS-1"]);
        assert_eq!(cart.order_ids().len(), 4);
        assert_eq!(cart.lines[0].asked.scope.as_deref(), Some("shared"));
        // Under a plan there are no legacy subscriptions: those lines say so.
        let wrong: Vec<i64> = cart.lines.iter().filter_map(|line| line.error.as_ref()).map(|e| e.code).collect();
        assert_eq!(wrong, [500_600, 500_600]);
        let good = create(&[lines[0].clone(), lines[1].clone(), lines[3].clone()], &with_plan());
        let shown = checkout(Some(good), with_plan(), None, 1);
        assert!(shown.starts_with("2 orders, "), "{shown}");
    }

    #[test]
    fn a_change_gives_another_quarter_of_an_hour() {
        let cart = create(&[line(PLAN, "one_time")], &basis());
        assert_eq!(cart.expires_at(), later(15));
        let command = UpdateCart { customer: customer(), cart: id(), lines: vec![line("x", "one_time")] };
        let update = |cart: Cart, minutes| {
            let state = CartState { basis: basis(), cart: Some(cart), orders: Vec::new() };
            outcome(&command.decide(&permit_partner(&command), state, later(minutes)), |decided| {
                assert_eq!(decided.receipt.created_at, now());
                format!("until {}", decided.receipt.expires_at())
            })
        };
        assert_eq!(update(cart.clone(), 10), format!("until {}", later(25)));
        assert!(update(cart.clone(), 16).starts_with("there is no cart"));
        assert!(update(Cart { status: CartStatus::Ordered, ..cart }, 1).contains("was submitted already"));
    }

    #[test]
    fn the_same_request_makes_the_same_cart() {
        let cart = create(&[line(PLAN, "one_time")], &basis());
        let command = CreateCart { customer: customer(), cart: id(), lines: Vec::new() };
        let state = CartState { basis: basis(), cart: Some(cart.clone()), orders: Vec::new() };
        let again = command.decide(&permit_partner(&command), state, later(1)).unwrap();
        assert_eq!((again.receipt, again.changes.len()), (cart, 0));
    }
}
