//! Invoices and reconciliation lines of the Partner Center API, field by field as its reference names them (section 3.13),
//! with what a return, an exchange and instalments make of them (8.3).

use crate::books::{bought, cents, moves};
use axum::http::Method;
use fullmakt_testkit::{Answer, FJALLRAVEN, NORDMOLN, PRODUKTION, Persona, Server};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    /// A whole number, without a fraction: a client that expects one stops at `1.0`.
    Whole,
    Number,
    Instant,
    List,
    Object,
}
use Kind::{Instant, List, Number, Object, Text, Whole};

const LINE: [(&str, Kind); 48] = [
    ("partnerId", Text),
    ("customerId", Text),
    ("customerName", Text),
    ("customerDomainName", Text),
    ("customerCountry", Text),
    ("invoiceNumber", Text),
    ("mpnId", Text),
    ("resellerMpnId", Whole),
    ("orderId", Text),
    ("orderDate", Instant),
    ("productId", Text),
    ("skuId", Text),
    ("availabilityId", Text),
    ("productName", Text),
    ("skuName", Text),
    ("productQualifiers", List),
    ("chargeType", Text),
    ("unitPrice", Number),
    ("effectiveUnitPrice", Number),
    ("unitType", Text),
    ("quantity", Whole),
    ("subtotal", Number),
    ("taxTotal", Number),
    ("totalForCustomer", Number),
    ("currency", Text),
    ("publisherName", Text),
    ("publisherId", Text),
    ("subscriptionDescription", Text),
    ("subscriptionId", Text),
    ("subscriptionStartDate", Instant),
    ("subscriptionEndDate", Instant),
    ("chargeStartDate", Instant),
    ("chargeEndDate", Instant),
    ("termAndBillingCycle", Text),
    ("alternateId", Text),
    ("referenceId", Text),
    ("priceAdjustmentDescription", Text),
    ("discountDetails", Text),
    ("pricingCurrency", Text),
    ("pcToBCExchangeRate", Number),
    ("pcToBCExchangeRateDate", Instant),
    ("billableQuantity", Whole),
    ("meterDescription", Text),
    ("billingFrequency", Text),
    ("reservationOrderId", Text),
    ("promotionId", Text),
    ("invoiceLineItemType", Text),
    ("billingProvider", Text),
];

/// Besides these an invoice may have a `pdfDownloadLink`.
const INVOICE: [(&str, Kind); 12] = [
    ("id", Text),
    ("invoiceDate", Instant),
    ("billingPeriodStartDate", Instant),
    ("billingPeriodEndDate", Instant),
    ("totalCharges", Number),
    ("paidAmount", Number),
    ("currencyCode", Text),
    ("currencySymbol", Text),
    ("invoiceDetails", List),
    ("documentType", Text),
    ("invoiceType", Text),
    ("state", Text),
];

/// Without `lastPaymentDate`: no payment is known, and nothing stands for what is not there.
const SUMMARY: [(&str, Kind); 8] = [
    ("balanceAmount", Number),
    ("currencyCode", Text),
    ("currencySymbol", Text),
    ("accountingDate", Instant),
    ("firstInvoiceCreationDate", Instant),
    ("lastPaymentAmount", Number),
    ("latestInvoiceDate", Instant),
    ("details", List),
];

fn kind_of(value: &Value) -> Option<Kind> {
    match value {
        Value::String(text) => {
            // `2026-11-01T08:00:00Z`, with up to seven digits of a fraction.
            let instant = text.len() >= 20 && text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok();
            let digits = text.split_once('.').map_or(0, |(_, fraction)| fraction.len() - 1);
            assert!(digits <= 7, "{text}");
            Some(if instant { Instant } else { Text })
        }
        Value::Number(number) if number.is_i64() => Some(Whole),
        Value::Number(_) => Some(Number),
        Value::Array(_) => Some(List),
        Value::Object(_) => Some(Object),
        Value::Bool(_) | Value::Null => None,
    }
}

/// Every field is there with its type, and no other but `attributes` and the names that are given.
fn assert_fields(found: &Value, fields: &[(&str, Kind)], object_type: &str, others: &[&str]) {
    let members = found.as_object().unwrap();
    for (name, kind) in fields {
        let is = members.get(*name).and_then(kind_of);
        let fits = is == Some(*kind) || (*kind == Number && is == Some(Whole));
        assert!(fits, "`{name}` is {is:?}: {found:#}");
    }
    assert_eq!(found["attributes"]["objectType"], object_type);
    let named: BTreeSet<&str> = fields.iter().map(|(name, _)| *name).chain(["attributes"]).collect();
    for name in members.keys() {
        assert!(named.contains(name.as_str()) || others.contains(&name.as_str()), "`{name}` is not in the reference");
    }
}

fn items(page: &Value) -> &Vec<Value> {
    page["items"].as_array().unwrap()
}

fn total<'v>(lines: impl IntoIterator<Item = &'v Value>) -> i64 {
    lines.into_iter().map(|line| cents(&line["totalForCustomer"])).sum()
}

const UNBILLED: &str = "/v1/invoices/unbilled/lineitems";

async fn unbilled(who: &Persona, query: &str) -> Answer {
    who.reads(&format!("{UNBILLED}?provider=onetime&invoiceLineItemType=billinglineitems&{query}")).await
}

/// Follows the links of a collection to its end, sending nothing but what they say.
async fn all_pages(who: &Persona, first: &str) -> Vec<Vec<Value>> {
    let (mut pages, mut next) = (Vec::new(), first.to_owned());
    let mut token: Option<String> = None;
    loop {
        let mut ask = who.ask(Method::GET, &next).await;
        if let Some(token) = &token {
            ask = ask.header("MS-ContinuationToken", token);
        }
        let page = ask.send().await.ok().json();
        assert_eq!(page["totalCount"], items(&page).len());
        assert_eq!(page["attributes"]["objectType"], "Collection");
        assert_eq!(
            (page["links"]["self"]["method"].as_str(), &page["links"]["self"]["headers"]),
            (Some("GET"), &json!([]))
        );
        pages.push(items(&page).clone());
        let link = &page["links"]["next"];
        if link.is_null() {
            assert!(page.get("continuationToken").is_none());
            return pages;
        }
        let uri = link["uri"].as_str().unwrap();
        assert!(
            !uri.starts_with("/v1") && uri.matches('?').count() == 1 && uri.contains("seekOperation=Next"),
            "{uri}"
        );
        let header = &link["headers"][0];
        assert_eq!((&header["key"], &header["value"]), (&json!("MS-ContinuationToken"), &page["continuationToken"]));
        token = header["value"].as_str().map(str::to_owned);
        next = format!("/v1{uri}");
    }
}

/// Ada returns instances of an order on a fresh quote.
async fn gives_back(server: &Server, order: &str, quantity: i64) {
    let ada = server.ada();
    let capacity = format!("/providers/Microsoft.Capacity/reservationOrders/{order}");
    let version = "api-version=2022-11-01";
    let inside = ada.reads(&format!("{capacity}/reservations?{version}")).await.ok().json();
    let live = inside["value"].as_array().unwrap().iter().find(|r| r["properties"]["provisioningState"] == "Succeeded");
    let what = json!({"reservationId": live.unwrap()["id"], "quantity": quantity});
    let mut body = json!({"properties": {"scope": "Reservation", "reservationToReturn": what}});
    let quote = ada.sends(Method::POST, &format!("{capacity}/calculateRefund?{version}"), &body).await.ok().json();
    body["properties"]["sessionId"] = quote["properties"]["sessionId"].clone();
    ada.sends(Method::POST, &format!("{capacity}/return?{version}"), &body).await.is(202, "");
}

/// November: two bought at once (one of them returned after ten days) and one monthly. December is open.
async fn a_month_and_a_half() -> (Server, [String; 2]) {
    let (server, orders) = bought().await;
    moves(&server.ada(), "2026-11-11T10:00:00Z").await;
    gives_back(&server, &orders[0], 1).await;
    moves(&server.ada(), "2026-12-15T00:00:00Z").await;
    (server, orders)
}

#[tokio::test]
async fn r15_lines_have_every_field_of_the_reference_and_say_what_was_charged() {
    let (server, [upfront, monthly]) = a_month_and_a_half().await;
    let ada = server.ada();
    let billed = unbilled(&ada, "currencyCode=eur&period=previous").await.ok().json();
    let open = unbilled(&ada, "currencyCode=EUR&period=current&size=0").await.ok().json();
    let lines: Vec<&Value> = items(&billed).iter().chain(items(&open)).collect();
    for line in &lines {
        assert_fields(line, &LINE, "OneTimeInvoiceLineItem", &[]);
        for (field, value) in [
            ("partnerId", NORDMOLN),
            ("customerId", FJALLRAVEN),
            ("customerName", "Fjällräven Exempel AB"),
            ("customerDomainName", "exempel.example"),
            ("customerCountry", "SE"),
            ("currency", "EUR"),
            ("pricingCurrency", "EUR"),
            ("subscriptionId", PRODUKTION),
            ("skuName", "Standard_D2s_v5"),
            ("invoiceLineItemType", "billing_line_items"),
            ("billingProvider", "one_time"),
            ("invoiceNumber", ""),
        ] {
            assert_eq!(line[field], value, "{field}");
        }
        assert_eq!(line["orderId"], line["alternateId"]);
        // What stands on a line adds up.
        let (each, quantity) = (cents(&line["unitPrice"]), line["quantity"].as_i64().unwrap());
        assert_eq!(line["billableQuantity"], line["quantity"]);
        assert_eq!(each * quantity, cents(&line["subtotal"]));
        assert_eq!(cents(&line["subtotal"]) + cents(&line["taxTotal"]), cents(&line["totalForCustomer"]));
    }
    let shown: Vec<(&str, &str, i64, &str)> = lines
        .iter()
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap();
            let order = if line["reservationOrderId"] == upfront.as_str() { "upfront" } else { "monthly" };
            (order, text("chargeType"), line["quantity"].as_i64().unwrap(), text("billingFrequency"))
        })
        .collect();
    let mut sorted = shown.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        [
            ("monthly", "cycleCharge", 1, "Monthly"),
            ("monthly", "new", 1, "Monthly"),
            ("upfront", "cancel", 1, "One-Time"),
            ("upfront", "cancellationFee", 1, "One-Time"),
            ("upfront", "new", 2, "One-Time"),
        ]
    );

    // What the partner pays for it is what its orders say, and what a return gives back goes by the rules of returns.
    let of = |kind: &str, order: &str| {
        let found = lines.iter().find(|line| line["chargeType"] == kind && line["reservationOrderId"] == order);
        (*found.unwrap()).clone()
    };
    let orders = ada.reads(&format!("/v1/customers/{FJALLRAVEN}/orders?include_price=true")).await.ok().json();
    let prices: BTreeMap<String, (i64, String)> = items(&orders)
        .iter()
        .map(|order| {
            let bought = order["lineItems"][0]["reservationOrderId"].as_str().unwrap().to_owned();
            (bought, (cents(&order["totalPrice"]), order["alternateId"].as_str().unwrap().to_owned()))
        })
        .collect();
    let new = of("new", &upfront);
    assert_eq!((cents(&new["totalForCustomer"]), &new["orderId"]), (prices[&upfront].0, &json!(prices[&upfront].1)));
    assert_eq!(new["termAndBillingCycle"], "1 Year, One-Time");
    assert_eq!(
        (&new["chargeStartDate"], &new["chargeEndDate"]),
        (&json!("2026-11-01T08:00:00Z"), &json!("2027-11-01T08:00:00Z"))
    );
    assert_eq!(
        (&new["subscriptionStartDate"], &new["subscriptionEndDate"]),
        (&new["chargeStartDate"], &new["chargeEndDate"])
    );
    // Ten of 365 days have passed, and twelve per cent of what comes back are kept.
    let half = prices[&upfront].0 / 2;
    let back = (half * 355 * 2 + 365) / (365 * 2);
    assert_eq!(cents(&of("cancel", &upfront)["totalForCustomer"]), -back);
    assert_eq!(cents(&of("cancellationFee", &upfront)["totalForCustomer"]), (back * 12 + 50) / 100);
    let second = of("cycleCharge", &monthly);
    assert_eq!(
        (&second["chargeStartDate"], &second["chargeEndDate"]),
        (&json!("2026-12-01T08:00:00Z"), &json!("2027-01-01T08:00:00Z"))
    );
    assert_eq!(second["termAndBillingCycle"], "1 Year, Monthly");
    let (first, second) = (cents(&of("new", &monthly)["subtotal"]), cents(&second["subtotal"]));
    assert!((first - second).abs() <= 1 && (first * 12 - prices[&monthly].0).abs() <= 12, "{first} {second}");
}

#[tokio::test]
async fn r15_invoices_have_every_field_and_agree_with_their_lines() {
    let (server, _) = a_month_and_a_half().await;
    let ada = server.ada();
    let list = ada.reads("/v1/invoices?size=0&offset=0").await.ok().json();
    assert_eq!((&list["totalCount"], &list["attributes"]["objectType"]), (&json!(1), &json!("Collection")));
    let invoice = items(&list)[0].clone();
    assert_fields(&invoice, &INVOICE, "Invoice", &["pdfDownloadLink", "links"]);
    for (field, value) in [
        ("invoiceDate", "2026-12-01T00:00:00Z"),
        ("billingPeriodStartDate", "2026-11-01T00:00:00Z"),
        ("billingPeriodEndDate", "2026-12-01T00:00:00Z"),
        ("currencyCode", "EUR"),
        ("currencySymbol", "€"),
        ("documentType", "invoice"),
        ("invoiceType", "OneTime"),
    ] {
        assert_eq!(invoice[field], value, "{field}");
    }
    let number = invoice["id"].as_str().unwrap();
    assert!(number.len() == 11 && number.starts_with('G'), "{number}");
    for spelling in [number.to_owned(), number.to_lowercase()] {
        assert_eq!(ada.reads(&format!("/v1/invoices/{spelling}")).await.ok().json(), invoice);
    }
    let detail = &invoice["invoiceDetails"][0];
    assert_eq!(
        (&detail["invoiceLineItemType"], &detail["billingProvider"]),
        (&json!("billing_line_items"), &json!("one_time"))
    );
    let link = detail["links"]["self"]["uri"].as_str().unwrap();
    let billed = ada.reads(&format!("/v1{link}")).await.ok().json();
    for line in items(&billed) {
        assert_fields(line, &LINE, "OneTimeInvoiceLineItem", &[]);
        assert_eq!(line["invoiceNumber"], number);
    }
    assert_eq!(total(items(&billed)), cents(&invoice["totalCharges"]));
    assert_eq!(cents(&invoice["paidAmount"]), 0);
    // The same lines as were unbilled until then, but for the number.
    let before = unbilled(&ada, "currencyCode=EUR&period=previous").await.ok().json();
    let stripped = |page: &Value| -> Vec<Value> {
        let mut lines = items(page).clone();
        lines.iter_mut().for_each(|line| line["invoiceNumber"] = json!(""));
        lines
    };
    assert_eq!(stripped(&billed), stripped(&before));

    let summary = ada.reads("/v1/invoices/summary").await.ok().json();
    assert_fields(&summary, &SUMMARY, "InvoiceSummary", &["links"]);
    assert_eq!(summary["balanceAmount"], invoice["totalCharges"]);
    assert_eq!(summary["details"][0]["invoiceType"], "OneTime");
    assert_eq!(summary["details"][0]["summary"]["balanceAmount"], summary["balanceAmount"]);
    let summaries = ada.reads("/v1/invoices/summaries").await.ok().json();
    assert_eq!(items(&summaries), &vec![summary]);
    // Another month, another invoice, the newest first.
    moves(&ada, "2027-01-02T00:00:00Z").await;
    let list = ada.reads("/v1/invoices?size=1").await.ok().json();
    assert_eq!(items(&list)[0]["billingPeriodStartDate"], "2026-12-01T00:00:00Z");
    let next = ada.reads("/v1/invoices?size=1&offset=1").await.ok().json();
    assert_eq!(items(&next)[0], invoice);
    let summary = ada.reads("/v1/invoices/summary?currencyCode=eur").await.ok().json();
    assert_eq!(
        cents(&summary["balanceAmount"]),
        cents(&items(&list)[0]["totalCharges"]) + cents(&invoice["totalCharges"])
    );
    ada.reads("/v1/invoices/summary?currencyCode=SEK").await.is(404, "1000");
}

#[tokio::test]
async fn r15_r45_lines_come_page_by_page_and_mistakes_are_told() {
    let (server, _) = a_month_and_a_half().await;
    let ada = server.ada();
    let whole = unbilled(&ada, "currencyCode=EUR&period=previous").await.ok().json();
    let invoice = ada.reads("/v1/invoices").await.ok().json()["items"][0]["id"].as_str().unwrap().to_owned();
    let billed = format!("/v1/invoices/{invoice}/lineitems");
    let all = items(&whole);
    for (size, pages) in [(1, all.len()), (3, 2), (2_000, 1)] {
        for first in [
            format!(
                "{UNBILLED}?provider=OneTime&invoicelineitemtype=BillingLineItems&CurrencyCode=eur&period=previous&size={size}"
            ),
            format!("{billed}?provider=all&size={size}"),
        ] {
            let got = all_pages(&ada, &first).await;
            assert_eq!(got.len(), pages, "{first}");
            let (got, wanted) = (got.concat(), all.clone());
            let ids = |lines: &[Value]| lines.iter().map(|line| line["referenceId"].clone()).collect::<Vec<_>>();
            assert_eq!(ids(&got), ids(&wanted));
        }
    }
    // The token of the body alone will do, as one client sends it.
    let page = unbilled(&ada, "currencyCode=EUR&period=previous&size=3").await.ok().json();
    let token = page["continuationToken"].as_str().unwrap();
    let sought = format!("{UNBILLED}?seekOperation=Next&MS-ContinuationToken={token}");
    assert_eq!(items(&ada.reads(&sought).await.ok().json()), &all[3..]);

    // What nothing here is comes as an empty collection.
    for query in
        ["currencyCode=SEK", "currencyCode=EUR&invoiceLineItemType=usagelineitems", "currencyCode=EUR&provider=azure"]
    {
        let empty = ada.reads(&format!("{UNBILLED}?period=previous&{query}")).await.ok().json();
        assert_eq!((&empty["totalCount"], &empty["items"]), (&json!(0), &json!([])), "{query}");
    }
    for (query, told) in [
        ("provider=onetime", "currencyCode"),
        ("currencyCode=EURO", "currencyCode"),
        ("currencyCode=EUR&period=next", "period"),
        ("currencyCode=EUR&provider=nobody", "provider"),
        ("currencyCode=EUR&invoiceLineItemType=all", "invoiceLineItemType"),
        ("currencyCode=EUR&size=x", "size"),
        ("currencyCode=EUR&seekOperation=Next", "MS-ContinuationToken"),
        ("currencyCode=EUR&seekOperation=Last", "forwards only"),
        ("currencyCode=EUR&seekOperation=Next&MS-ContinuationToken=abc", "MS-ContinuationToken"),
    ] {
        let refused = ada.reads(&format!("{UNBILLED}?{query}")).await;
        assert_eq!(refused.status, 400, "{query}: {refused}");
        refused.says(told);
    }
    ada.reads("/v1/invoices/G0000000000/lineitems").await.is(404, "1000");
    ada.reads("/v1/invoices?size=x").await.is(400, "800002").says("size");
    // Lines of invoices are not customers: a token of one list opens no other.
    let customers = ada.reads("/v1/customers?size=1").await.ok().json();
    let foreign = customers["continuationToken"].as_str().unwrap();
    ada.ask(Method::GET, &billed)
        .await
        .header("MS-ContinuationToken", foreign)
        .send()
        .await
        .is(400, "800002")
        .says("not a token of this collection");

    // By name only with a user; lists of it also for an application. Nobody else's invoice is there.
    let application = server.integration();
    application.reads(&billed).await.ok();
    application.reads("/v1/invoices").await.ok();
    application.reads(&format!("/v1/invoices/{invoice}")).await.is(401, "400");
    application.reads("/v1/invoices/summary").await.is(401, "400");
    for person in [server.hedda(), server.ulla(), server.nisse()] {
        person.reads("/v1/invoices").await.is(403, "900150");
        unbilled(&person, "currencyCode=EUR").await.is(403, "900150");
    }
    let ture = server.ture();
    ture.reads(&format!("/v1/invoices/{invoice}")).await.is(404, "1000");
    ture.reads(&billed).await.is(404, "1000");
    assert_eq!(unbilled(&ture, "currencyCode=EUR&period=previous").await.ok().json()["totalCount"], 0);
}
