//! What the partner owes its supplier: invoices of the months that are over, and the lines of those and of this month.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use fullmakt_domain::billing::{Charge, Invoice, ListInvoices, Month, ReadBill, totals};
use fullmakt_domain::catalog::BillingPlan;
use fullmakt_domain::ids::PartnerId;
use fullmakt_domain::ledger::LedgerKind;
use fullmakt_domain::money::{Currency, Money};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::collection::{Cursor, Page, Seek, link, uri};
use super::filter::{Query, short};
use super::{Call, Code, Failure, Reply, dates};
use crate::App;
use crate::arm::wire::amount;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/invoices", get(list))
        .route("/invoices/summary", get(summary))
        .route("/invoices/summaries", get(summaries))
        .route("/invoices/unbilled/lineitems", get(unbilled))
        .route("/invoices/{invoice}", get(show))
        .route("/invoices/{invoice}/lineitems", get(billed))
}

const COLLECTION: &str = "invoicelineitems";
/// Lines of a page when no size is asked for, and at most.
const SIZE: u32 = 2_000;
const INVOICES_SIZE: u32 = 500;
/// Who bills what; all that is billed here is of the kind `onetime`.
const PROVIDERS: [&str; 6] = ["onetime", "all", "office", "azure", "marketplace", "none"];
/// What a line is; nothing here is billed by usage.
const KINDS: [&str; 2] = ["billinglineitems", "usagelineitems"];

async fn invoices(app: &App, call: &Call) -> Result<Vec<Invoice>, Failure> {
    Ok(app.store.read(call.actor(), &ListInvoices { now: call.context(app).now }).await?)
}

async fn list(State(app): State<App>, call: Call) -> Result<Reply, Failure> {
    let size = call.query().size(INVOICES_SIZE, INVOICES_SIZE)?;
    let offset = call.query().whole("offset")?.unwrap_or(0);
    let all = invoices(&app, &call).await?;
    let (skipped, taken) = (usize::try_from(offset).unwrap_or(usize::MAX), usize::try_from(size).unwrap_or(usize::MAX));
    let items: Vec<Value> = all.iter().skip(skipped).take(taken).map(render).collect();
    let mut body = Page::whole("/invoices", items).render();
    // Both libraries take this for the number of all invoices, to turn pages by `offset`.
    body["totalCount"] = all.len().into();
    Ok(Reply::Ok(body))
}

async fn show(State(app): State<App>, call: Call, Path(number): Path<String>) -> Result<Reply, Failure> {
    call.user_only()?;
    Ok(Reply::Ok(render(&find(&app, &call, &number).await?)))
}

async fn find(app: &App, call: &Call, number: &str) -> Result<Invoice, Failure> {
    let mut found = invoices(app, call).await?.into_iter();
    found
        .find(|invoice| invoice.number.eq_ignore_ascii_case(number))
        .ok_or_else(|| Failure::new(Code::NotFound, format!("there is no invoice `{}`", short(&number.to_uppercase()))))
}

fn render(invoice: &Invoice) -> Value {
    let period = invoice.month.period();
    let path = format!("/invoices/{}", invoice.number);
    let parameters = [
        ("provider", "onetime".to_owned()),
        ("invoicelineitemtype", "billinglineitems".to_owned()),
        ("size", SIZE.to_string()),
    ];
    json!({
        "id": invoice.number,
        "invoiceDate": dates::seconds(period.until),
        "billingPeriodStartDate": dates::seconds(period.from),
        "billingPeriodEndDate": dates::seconds(period.until),
        "totalCharges": amount(invoice.total),
        "paidAmount": amount(Money::zero(invoice.total.currency)),
        "currencyCode": invoice.total.currency.code(),
        "currencySymbol": invoice.total.currency.symbol(),
        "invoiceDetails": [{
            "invoiceLineItemType": "billing_line_items",
            "billingProvider": "one_time",
            "links": {"self": link(uri(&format!("{path}/lineitems"), &parameters))},
            "attributes": {"objectType": "InvoiceDetail"},
        }],
        "documentType": "invoice",
        "invoiceType": "OneTime",
        "state": "unpaid",
        "links": {"self": link(path)},
        "attributes": {"objectType": "Invoice"},
    })
}

async fn summary(State(app): State<App>, call: Call) -> Result<Reply, Failure> {
    call.user_only()?;
    let currency = call.query().get("currencyCode").map(currency).transpose()?;
    let found = summed(&invoices(&app, &call).await?)?;
    let of_currency = |summary: &&Value| currency.is_none_or(|currency| summary["currencyCode"] == currency.code());
    match found.iter().find(of_currency) {
        Some(summary) => Ok(Reply::Ok(summary.clone())),
        None => Err(Failure::new(Code::NotFound, "there is no invoice yet")),
    }
}

async fn summaries(State(app): State<App>, call: Call) -> Result<Reply, Failure> {
    call.user_only()?;
    let found = summed(&invoices(&app, &call).await?)?;
    Ok(Reply::Ok(Page::whole("/invoices/summaries", found).render()))
}

/// One summary for each currency.
fn summed(invoices: &[Invoice]) -> Result<Vec<Value>, Failure> {
    let sums =
        totals(invoices.iter().map(|invoice| invoice.total)).map_err(|error| Failure::input(error.to_string()))?;
    let summary = |total: &Money| {
        let own = || invoices.iter().filter(|invoice| invoice.total.currency == total.currency);
        let issued = |invoice: &Invoice| dates::seconds(invoice.month.period().until);
        let detail = json!({
            "balanceAmount": amount(*total),
            "currencyCode": total.currency.code(),
            "currencySymbol": total.currency.symbol(),
            "attributes": {"objectType": "InvoiceSummary"},
        });
        json!({
            "balanceAmount": amount(*total),
            "currencyCode": total.currency.code(),
            "currencySymbol": total.currency.symbol(),
            "accountingDate": own().next().map(issued),
            "firstInvoiceCreationDate": own().next_back().map(issued),
            "latestInvoiceDate": own().next().map(issued),
            "lastPaymentAmount": amount(Money::zero(total.currency)),
            "details": [{"invoiceType": "OneTime", "summary": detail}],
            "links": {"self": link("/invoices/summary")},
            "attributes": {"objectType": "InvoiceSummary"},
        })
    };
    Ok(sums.iter().map(summary).collect())
}

/// What of lines is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lines {
    /// False for what nothing here is: usage, or billed by another.
    any: bool,
    size: u32,
    provider: Option<&'static str>,
    kind: Option<&'static str>,
}

impl Lines {
    fn read(query: &Query) -> Result<Self, Failure> {
        let provider = query.one_of("provider", &PROVIDERS)?;
        let kind = query.one_of("invoiceLineItemType", &KINDS)?;
        let any = kind != Some("usagelineitems") && matches!(provider, None | Some("onetime" | "all"));
        Ok(Self { any, size: query.size(SIZE, SIZE)?, provider, kind })
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = Vec::new();
        parameters.extend(self.provider.map(|provider| ("provider", provider.to_owned())));
        parameters.extend(self.kind.map(|kind| ("invoiceLineItemType", kind.to_owned())));
        parameters.push(("size", self.size.to_string()));
        parameters
    }
}

fn currency(text: &str) -> Result<Currency, Failure> {
    Currency::parse(text).map_err(|error| Failure::input(format!("`currencyCode`: {error}")))
}

async fn unbilled(State(app): State<App>, call: Call) -> Result<Reply, Failure> {
    let seek = call.seek(COLLECTION)?;
    // A page after the first needs nothing but its token.
    let (wanted, currency, previous) = match seek.cursor() {
        Some(cursor) => restored(cursor)?,
        None => {
            let currency = currency(call.query().required("currencyCode")?)?;
            let previous = call.query().one_of("period", &["current", "previous"])? == Some("previous");
            (Lines::read(call.query())?, currency, previous)
        }
    };
    let this = Month::of(call.context(&app).now);
    let month = if previous { this.previous() } else { this };
    let mut parameters = wanted.parameters();
    parameters.push(("currencyCode", currency.code().to_owned()));
    parameters.push(("period", if previous { "previous" } else { "current" }.to_owned()));
    page(
        &app,
        &call,
        &seek,
        Asked { path: "/invoices/unbilled/lineitems".to_owned(), month, currency, number: "", wanted, parameters },
    )
    .await
}

async fn billed(State(app): State<App>, call: Call, Path(number): Path<String>) -> Result<Reply, Failure> {
    let seek = call.seek(COLLECTION)?;
    let invoice = find(&app, &call, &number).await?;
    let wanted = match seek.cursor() {
        Some(cursor) => restored(cursor)?.0,
        None => Lines::read(call.query())?,
    };
    let path = format!("/invoices/{}/lineitems", invoice.number);
    let (month, currency, parameters) = (invoice.month, invoice.total.currency, wanted.parameters());
    page(&app, &call, &seek, Asked { path, month, currency, number: &invoice.number, wanted, parameters }).await
}

/// Lines of one month in one currency.
struct Asked<'a> {
    path: String,
    month: Month,
    currency: Currency,
    /// The invoice; empty where there is none yet.
    number: &'a str,
    wanted: Lines,
    parameters: Vec<(&'static str, String)>,
}

async fn page(app: &App, call: &Call, seek: &Seek, asked: Asked<'_>) -> Result<Reply, Failure> {
    let bill = app.store.read(call.actor(), &ReadBill { period: asked.month.period() }).await?;
    let mut lines: Vec<&Charge> = bill.charges.iter().collect();
    lines.retain(|charge| asked.wanted.any && charge.cost.currency == asked.currency);
    let skipped = match seek {
        Seek::First => 0,
        Seek::Next(cursor) => offset(cursor)?,
        Seek::Offset(offset, _) => usize::try_from(*offset).unwrap_or(usize::MAX),
        Seek::Last | Seek::Previous(_) => {
            return Err(Failure::input("lines of invoices are read forwards only, use `seekOperation=Next`"));
        }
    };
    let size = usize::try_from(asked.wanted.size).unwrap_or(usize::MAX);
    let end = skipped.saturating_add(size);
    let items =
        lines.iter().skip(skipped).take(size).map(|line| render_line(line, bill.partner, asked.number)).collect();
    let flag = |yes: bool| if yes { "1" } else { "" }.to_owned();
    let previous = asked.parameters.iter().any(|(name, value)| *name == "period" && value == "previous");
    let next = (end < lines.len()).then(|| Cursor {
        collection: COLLECTION,
        size: asked.wanted.size,
        restriction: vec![asked.currency.code().to_owned(), flag(previous), flag(asked.wanted.any)],
        first: Vec::new(),
        last: vec![end.to_string()],
    });
    let page = Page { items, path: asked.path, parameters: asked.parameters, next, previous: None };
    Ok(Reply::Ok(page.render()))
}

fn restored(cursor: &Cursor) -> Result<(Lines, Currency, bool), Failure> {
    let wrong = || Failure::input("`MS-ContinuationToken` is not a token of this collection");
    let [code, previous, any] = cursor.restriction.as_slice() else { return Err(wrong()) };
    let lines = Lines { any: !any.is_empty(), size: cursor.size.clamp(1, SIZE), provider: None, kind: None };
    Ok((lines, Currency::parse(code).map_err(|_| wrong())?, !previous.is_empty()))
}

fn offset(cursor: &Cursor) -> Result<usize, Failure> {
    let found = cursor.last.first().and_then(|text| text.parse().ok());
    found.ok_or_else(|| Failure::input("`MS-ContinuationToken` is not a token of this collection"))
}

/// What a line is about, in the words of the original.
fn charge_type(kind: LedgerKind) -> &'static str {
    match kind {
        LedgerKind::Purchase | LedgerKind::ExchangePurchase => "new",
        LedgerKind::Instalment => "cycleCharge",
        LedgerKind::Renewal => "renew",
        LedgerKind::Refund | LedgerKind::ExchangeReturn => "cancel",
        LedgerKind::Fee => "cancellationFee",
    }
}

/// One line, with what the partner owes.
fn render_line(charge: &Charge, partner: PartnerId, number: &str) -> Value {
    let order = &charge.order;
    let paid_for = charge.period();
    let quantity = charge.quantity;
    let each = charge.cost.decimal().checked_div(Decimal::from(quantity)).unwrap_or(Decimal::ZERO).round_dp(6);
    // A millionth is the finest that money here can be.
    let each = Money::exact(each, charge.cost.currency).unwrap_or(charge.cost);
    let cycle = match order.plan {
        BillingPlan::Upfront => "One-Time",
        BillingPlan::Monthly => "Monthly",
    };
    let zero = || amount(Money::zero(charge.cost.currency));
    let about = json!({
        "partnerId": partner.to_string(),
        "customerId": charge.customer.id.to_string(),
        "customerName": charge.customer.name,
        "customerDomainName": charge.customer.domain,
        "customerCountry": charge.customer.country.code(),
        "invoiceNumber": number,
        "mpnId": "0",
        "resellerMpnId": 0,
        "orderId": order.order.alternate(),
        "orderDate": dates::seconds(order.requested_at),
        "productId": charge.item.product,
        "skuId": charge.item.sku,
        "availabilityId": charge.item.availability,
        "productName": charge.item_name,
        "skuName": order.sku.as_str(),
        "productQualifiers": [],
        "chargeType": charge_type(charge.kind),
    });
    let paid = json!({
        "unitPrice": amount(each),
        "effectiveUnitPrice": amount(each),
        "unitType": "",
        "quantity": quantity,
        "subtotal": amount(charge.cost),
        "taxTotal": zero(),
        "totalForCustomer": amount(charge.cost),
        "currency": charge.cost.currency.code(),
        "publisherName": "Microsoft",
        "publisherId": "",
        "subscriptionDescription": order.display_name.as_str(),
        "subscriptionId": order.subscription.to_string(),
        "subscriptionStartDate": dates::seconds(order.starts_at),
        "subscriptionEndDate": dates::seconds(order.expires_at),
        "chargeStartDate": dates::seconds(paid_for.from),
        "chargeEndDate": dates::seconds(paid_for.until),
        "termAndBillingCycle": format!("{}, {cycle}", order.term.title()),
        "alternateId": order.order.alternate(),
        "referenceId": charge.event.to_string(),
        "priceAdjustmentDescription": "",
        "discountDetails": "",
        "pricingCurrency": charge.cost.currency.code(),
        "pcToBCExchangeRate": 1,
        "pcToBCExchangeRateDate": dates::seconds(charge.at),
        "billableQuantity": quantity,
        "meterDescription": "",
        "billingFrequency": cycle,
        "reservationOrderId": order.id.to_string(),
        "promotionId": "",
        "invoiceLineItemType": "billing_line_items",
        "billingProvider": "one_time",
        "attributes": {"objectType": "OneTimeInvoiceLineItem"},
    });
    // One object, in two pieces: the macro does not take as many members at once.
    match (about, paid) {
        (Value::Object(mut about), Value::Object(paid)) => {
            about.extend(paid);
            Value::Object(about)
        }
        (about, _) => about,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_of_one_kind_and_provider_in_any_spelling() {
        for (query, any) in [
            ("provider=onetime&invoiceLineItemType=billinglineitems", true),
            ("provider=OneTime&invoicelineitemtype=BillingLineItems&size=0", true),
            ("provider=one_time&invoicelineitemtype=billing_line_items", true),
            ("provider=all", true),
            ("", true),
            ("provider=onetime&invoiceLineItemType=usage_line_items", false),
            ("provider=office", false),
        ] {
            let lines = Lines::read(&Query::parse(query).unwrap()).unwrap();
            assert_eq!((lines.any, lines.size), (any, SIZE), "{query}");
        }
        assert!(Lines::read(&Query::parse("provider=else").unwrap()).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_query_and_token_can_be_tried(
            query in "(provider|size|invoiceLineItemType|currencyCode)=.{0,12}",
            restriction in proptest::collection::vec(".{0,4}", 0..5),
            last in proptest::collection::vec("[0-9]{0,3}|.{0,4}", 0..2),
        ) {
            if let Ok(query) = Query::parse(&query) {
                let _ = Lines::read(&query);
            }
            let cursor = Cursor { collection: COLLECTION, size: 1, restriction, first: Vec::new(), last };
            let _ = (restored(&cursor).is_ok(), offset(&cursor).is_ok());
        }
    }
}
