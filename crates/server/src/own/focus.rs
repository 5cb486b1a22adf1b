//! Charges in the columns of FOCUS, the FinOps Open Cost and Usage Specification 1.2.

use fullmakt_domain::billing::{Charge, ChargeList, Invoice, Month};
use fullmakt_domain::catalog::BillingPlan;
use fullmakt_domain::ids::PartnerId;
use fullmakt_domain::ledger::LedgerKind;
use fullmakt_domain::money::Money;
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::csv::Csv;

/// Whose costs are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// What the customer owes the partner, by the partner's prices.
    Customer,
    /// What the partner owes its supplier (R14: for the partner's eyes only).
    Partner,
}

impl View {
    /// Reads a name: `customer` or `partner`.
    ///
    /// # Errors
    /// A text for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "customer" => Ok(Self::Customer),
            "partner" => Ok(Self::Partner),
            _ => Err(format!("`{}` is neither `customer` nor `partner`", text.chars().take(40).collect::<String>())),
        }
    }
}

/// The columns, in the order in which they are written.
const COLUMNS: [&str; 42] = [
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodStart",
    "BillingPeriodEnd",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountQuantity",
    "CommitmentDiscountType",
    "CommitmentDiscountUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "SkuId",
    "SubAccountId",
    "SubAccountName",
    "x_LedgerEventId",
];

/// The charges as a table. `now` tells which months are over, and so on an invoice.
pub fn csv(charges: &ChargeList, view: View, now: Timestamp) -> String {
    let mut csv = Csv::new(&COLUMNS);
    for charge in &charges.charges {
        csv.row(row(charges, charge, view, Month::of(now)));
    }
    csv.finish()
}

/// `Purchase` for what is paid, `Credit` for what is given back, `Adjustment` for fees.
fn category(kind: LedgerKind) -> &'static str {
    match kind {
        LedgerKind::Purchase | LedgerKind::Instalment | LedgerKind::ExchangePurchase | LedgerKind::Renewal => {
            "Purchase"
        }
        LedgerKind::Refund | LedgerKind::ExchangeReturn => "Credit",
        LedgerKind::Fee => "Adjustment",
    }
}

fn row(list: &ChargeList, charge: &Charge, view: View, this_month: Month) -> [String; 42] {
    let order = &charge.order;
    let (amount, unit) = match view {
        View::Customer => (charge.price, order.prices.customer),
        View::Partner => (charge.cost, order.prices.partner),
    };
    let month = Month::of(charge.at);
    let (billing, paid_for) = (month.period(), charge.period());
    let is_purchase = category(charge.kind) == "Purchase";
    // How much of the whole term this charge is, so that the list price can be told beside it.
    let list_cost = share(order.prices.list, unit, amount);
    let each = |total: Decimal| {
        let each = total.checked_div(Decimal::from(charge.quantity)).unwrap_or(total);
        each.round_dp(10).normalize().to_string()
    };
    let number = |amount: Money| amount.decimal().to_string();
    let or_empty = |text: String| if is_purchase { text } else { String::new() };
    let (account, account_name, issuer) = match view {
        View::Customer => (charge.customer.id.to_string(), charge.customer.name.clone(), list.partner_name.clone()),
        View::Partner => (list.partner.to_string(), list.partner_name.clone(), "Microsoft".to_owned()),
    };
    let frequency = if is_purchase && order.plan == BillingPlan::Monthly { "Recurring" } else { "One-Time" };
    let reservation = format!("/providers/Microsoft.Capacity/reservationOrders/{}", order.id);
    [
        number(amount),
        account,
        account_name,
        "Partner billing".to_owned(),
        amount.currency.to_string(),
        billing.from.to_string(),
        billing.until.to_string(),
        category(charge.kind).to_owned(),
        String::new(),
        charge.description(),
        frequency.to_owned(),
        paid_for.from.to_string(),
        paid_for.until.to_string(),
        "Usage".to_owned(),
        reservation.clone(),
        order.display_name.to_string(),
        or_empty(charge.quantity.to_string()),
        "Reservation".to_owned(),
        or_empty("Instances".to_owned()),
        number(amount),
        or_empty(each(amount.decimal())),
        // What is bought is used up hour by hour, and costs there.
        if is_purchase { "0".to_owned() } else { number(amount) },
        match view {
            View::Partner if month < this_month => invoice(list.partner, month, amount),
            View::Customer | View::Partner => String::new(),
        },
        issuer,
        list_cost.to_string(),
        or_empty(each(list_cost)),
        or_empty("Standard".to_owned()),
        or_empty(charge.quantity.to_string()),
        or_empty(if frequency == "Recurring" { "Instance Month" } else { "Instance Term" }.to_owned()),
        "Microsoft".to_owned(),
        "Microsoft".to_owned(),
        order.region.as_str().to_owned(),
        order.region.title().to_owned(),
        reservation,
        order.display_name.to_string(),
        "Reservation".to_owned(),
        "Compute".to_owned(),
        order.resource_type.title().to_owned(),
        charge.item.to_string(),
        order.subscription.to_string(),
        String::new(),
        charge.event.to_string(),
    ]
}

fn invoice(partner: PartnerId, month: Month, amount: Money) -> String {
    Invoice::new(partner, month, amount).number
}

/// `whole` in the proportion of `part` to `of`, to a millionth; `part` itself where there is no proportion.
fn share(whole: Money, of: Money, part: Money) -> Decimal {
    let in_proportion = || {
        let product = whole.decimal().checked_mul(part.decimal())?;
        product.checked_div(of.decimal()).map(|share| share.round_dp(6).normalize())
    };
    if of.amount_e6 == 0 { part.decimal() } else { in_proportion().unwrap_or(Decimal::ZERO) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fullmakt_domain::money::Currency;

    #[test]
    fn every_kind_has_its_category_and_columns_are_distinct() {
        let categories: Vec<_> = LedgerKind::ALL.into_iter().map(category).collect();
        assert_eq!(categories, ["Purchase", "Purchase", "Credit", "Adjustment", "Credit", "Purchase", "Purchase"]);
        let distinct: std::collections::BTreeSet<_> = COLUMNS.into_iter().collect();
        assert_eq!(distinct.len(), COLUMNS.len());
    }

    #[test]
    fn the_list_price_is_told_in_proportion() {
        let eur = |amount_e6| Money { amount_e6, currency: Currency::parse("EUR").unwrap() };
        // A twelfth of 950 for two, at a list price of 1,000.
        assert_eq!(share(eur(1_000_000_000), eur(950_000_000), eur(158_340_000)).to_string(), "166.673684");
        assert_eq!(share(eur(1_000_000_000), eur(0), eur(5_000_000)).to_string(), "5.00");
    }
}
