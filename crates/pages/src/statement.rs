//! A statement of account: what a customer owes the partner for a month. The partner's page and the customer's show the same.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::response::{IntoResponse, Response};
use fullmakt_domain::billing::{Month, Period, Statement, StatementLine};
use fullmakt_domain::ledger::LedgerKind;
use fullmakt_server::pdf;
use fullmakt_server::text::Text;
use http::{HeaderValue, header};
use jiff::{Timestamp, ToSpan};

use crate::csv;
use crate::error::PageError;
use crate::fields::Fields;
use crate::parts::{Empty, Field};
use crate::{format, words};

/// How many months the choice offers, the present one included. Earlier ones are reached by their address.
const MONTHS: usize = 24;

/// Which month a page is about.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The month.
    pub month: Month,
    this_month: Month,
}

impl Asked {
    /// What the query names; a month that is none, or has not begun, is the present one.
    pub fn read(query: &Fields, now: Timestamp) -> Self {
        let this_month = Month::of(now);
        let asked = query.get("month").and_then(Month::parse).filter(|month| *month <= this_month);
        Self { month: asked.unwrap_or(this_month), this_month }
    }

    /// The choice.
    pub fn field(self, t: Text) -> Field {
        let mut months: Vec<Month> =
            std::iter::successors(Some(self.this_month), |month| Some(month.previous())).take(MONTHS).collect();
        if !months.contains(&self.month) {
            months.push(self.month);
        }
        let choices = months.into_iter().map(|month| (month.to_string(), name(t, month))).collect();
        Field::choice("month", t.get("statement-month"), choices).value(self.month.to_string())
    }
}

/// A month in words.
pub fn name(t: Text, month: Month) -> String {
    let day = month.first_day();
    t.with_all("home-month", &[("month", &day.month()), ("year", &day.year().to_string())])
}

/// A period in words, from its first day to its last.
pub fn days(t: Text, period: Period) -> String {
    let last = period.until.checked_sub(1.second()).unwrap_or(period.until).max(period.from);
    let (from, until) = (format::day_of(t, period.from), format::day_of(t, last));
    if from == until { from } else { t.with_all("statement-days", &[("from", &from), ("until", &until)]) }
}

/// What a line of a bill is for.
pub fn kind(t: Text, kind: LedgerKind) -> String {
    t.get(match kind {
        LedgerKind::Purchase => "ledger-purchase",
        LedgerKind::Instalment => "ledger-instalment",
        LedgerKind::Refund => "ledger-refund",
        LedgerKind::Fee => "ledger-fee",
        LedgerKind::ExchangeReturn => "ledger-exchange-return",
        LedgerKind::ExchangePurchase => "ledger-exchange-purchase",
        LedgerKind::Renewal => "ledger-renewal",
    })
}

/// What a line is about: the product, and which instalment.
pub fn about(t: Text, item: &str, instalment: Option<(i64, i64)>) -> String {
    let item = words::product(t, item);
    match instalment {
        Some((number, of)) => t.with_all("statement-instalment", &[("item", &item), ("number", &number), ("of", &of)]),
        None => item,
    }
}

struct Row {
    on: String,
    kind: String,
    item: String,
    name: String,
    order: String,
    buyer: String,
    quantity: String,
    days: String,
    amount: String,
}

/// A statement as a part of a page.
#[derive(Template)]
#[template(path = "parts/statement.html")]
pub struct Sheet {
    t: Text,
    id: String,
    parties: Vec<(String, String)>,
    rows: Vec<Row>,
    totals: Vec<String>,
    empty: Empty,
}

impl HtmlSafe for Sheet {}

impl Sheet {
    /// Draws it. The number tells several on one page apart.
    pub fn new(t: Text, number: usize, statement: &Statement) -> Self {
        let money = |amount| format::money(t.language(), amount);
        let row = |line: &StatementLine| Row {
            on: format::date(t, line.on),
            kind: kind(t, line.kind),
            item: about(t, &line.item, line.instalment),
            name: line.display_name.clone(),
            order: line.order_number.clone(),
            buyer: line.bought_by.clone(),
            quantity: format::number(t.language(), line.quantity),
            days: days(t, line.period),
            amount: money(line.amount),
        };
        Self {
            id: format!("statement-{number}"),
            parties: vec![
                (t.get("statement-from"), words::reached(&statement.partner, &statement.support)),
                (t.get("statement-to"), statement.customer.clone()),
                (t.get("statement-period"), days(t, statement.period)),
            ],
            rows: statement.lines.iter().map(row).collect(),
            totals: statement.totals.iter().map(|total| money(*total)).collect(),
            empty: Empty::new(t.get("statement-none"), t.get("statement-none-text")),
            t,
        }
    }

    /// Whether nothing was charged.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// A statement as a sheet of a PDF file.
fn sheet(t: Text, statement: &Statement) -> pdf::Sheet {
    let money = |amount| format::money(t.language(), amount);
    let row = |line: &StatementLine| {
        let about = about(t, &line.item, line.instalment);
        vec![
            format::date(t, line.on),
            format!(
                "{}: {about}; {}, {}; {} {}",
                kind(t, line.kind),
                line.display_name,
                days(t, line.period),
                t.get("order-number"),
                line.order_number
            ),
            line.bought_by.clone(),
            format::number(t.language(), line.quantity),
            money(line.amount),
        ]
    };
    pdf::Sheet {
        language: t.language().code(),
        title: t.get("nav-statement"),
        facts: vec![
            (t.get("statement-from"), words::reached(&statement.partner, &statement.support)),
            (t.get("statement-to"), statement.customer.clone()),
            (t.get("statement-period"), days(t, statement.period)),
        ],
        columns: vec![
            (t.get("statement-day"), 62, false),
            (t.get("statement-what"), 212, false),
            (t.get("orders-bought-by"), 85, false),
            (t.get("orders-quantity"), 40, true),
            (t.get("return-money"), 80, true),
        ],
        rows: statement.lines.iter().map(row).collect(),
        totals: statement.totals.iter().map(|total| (t.get("statement-total"), money(*total))).collect(),
        empty: t.get("statement-none-text"),
    }
}

/// Statements as a PDF file that a browser saves.
///
/// # Errors
/// [`PageError::Failed`].
pub fn pdf_file(t: Text, month: Month, statements: &[Statement]) -> Result<Response, PageError> {
    let sheets: Vec<pdf::Sheet> = statements.iter().map(|statement| sheet(t, statement)).collect();
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"statement-{month}.pdf\""));
    let disposition = disposition.map_err(|_| PageError::Failed)?;
    let kind = HeaderValue::from_static("application/pdf");
    let file = pdf::file(&sheets);
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)], file).into_response())
}

/// The columns of the file.
pub fn file_header(t: Text) -> csv::Row {
    [
        "statement-day",
        "statement-kind",
        "statement-what",
        "reservations-name",
        "order-number",
        "reservation-order-id",
        "orders-bought-by",
        "orders-quantity",
        "activity-from",
        "activity-to",
        "return-money",
        "statement-currency",
    ]
    .map(|key| t.get(key))
    .to_vec()
}

/// A line as a row of the file: days and amounts as programs write them. Periods end before their last day.
pub fn file_row(t: Text, line: &StatementLine) -> csv::Row {
    let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
    vec![
        line.on.to_string(),
        kind(t, line.kind),
        about(t, &line.item, line.instalment),
        line.display_name.clone(),
        line.order_number.clone(),
        line.reservation_order.clone(),
        line.bought_by.clone(),
        line.quantity.to_string(),
        day(line.period.from),
        day(line.period.until),
        line.amount.decimal().to_string(),
        line.amount.currency.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use fullmakt_server::text::Language;
    use proptest::prelude::*;

    use super::*;
    use crate::words::texts;

    #[test]
    fn a_month_that_has_not_begun_or_is_none_is_the_present_one() {
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        for (query, month) in [
            ("", "2026-11"),
            ("month=2026-10", "2026-10"),
            ("month=2026-12", "2026-11"),
            ("month=2020-02", "2020-02"),
            ("month=last", "2026-11"),
        ] {
            assert_eq!(Asked::read(&Fields::parse(query.as_bytes()), now).month.to_string(), month, "{query}");
        }
    }

    #[test]
    fn a_period_is_told_with_its_last_day() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let t = texts(Language::Swedish);
        let period = Period { from: at("2026-11-01T00:00:00Z"), until: at("2026-12-01T00:00:00Z") };
        assert_eq!(days(t, period), "1 nov. 2026 – 30 nov. 2026");
        let day = Period { from: at("2026-11-01T00:00:00Z"), until: at("2026-11-02T00:00:00Z") };
        assert_eq!(days(t, day), "1 nov. 2026");
        assert_eq!(days(t, Period { from: day.from, until: day.from }), "1 nov. 2026");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_month_is_read(text in "[0-9-]{0,8}|.{0,10}") {
            let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
            let query = format!("month={}", crate::fields::encoded(&text));
            let asked = Asked::read(&Fields::parse(query.as_bytes()), now);
            prop_assert!(asked.month <= Month::of(now));
        }
    }
}
