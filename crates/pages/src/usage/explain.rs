//! Why usage came out as it did in an hour: who took which part, in which pass and order, what was left and why (G06).

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use fullmakt_domain::benefit::{
    About, ExplainUsage, Explained, ExplainedLine, ExplainedReservation, Known, Period, ReadCosts, ReadUtilization,
};
use fullmakt_domain::ids::{PartnerId, ReservationId};
use fullmakt_domain::usage::{hour_of, hour_start};
use fullmakt_server::App;
use fullmakt_server::text::Text;
use http::StatusCode;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{Names, Reader, Tab};
use crate::error::PageError;
use crate::fields::{Fields, encoded};
use crate::parts::{Empty, Field, Pager};
use crate::shell::{Place, Shell, render};
use crate::{format, words};

/// Lines that stand on a page.
const LINES: usize = 100;

#[derive(Template)]
#[template(path = "usage/explain.html")]
struct ExplainPage {
    shell: Shell,
    tabs: Vec<Tab>,
    path: String,
    fields: Vec<Field>,
    /// What was asked for, in a sentence.
    asked: String,
    sections: Vec<Section>,
    hours: Pager,
    lines: Pager,
    empty: Empty,
}

/// A region of a billing context.
struct Section {
    id: String,
    title: String,
    /// That reservations took more than the lines that are seen, where they did.
    apart: Option<String>,
    lines: Vec<LineRow>,
    reservations: Vec<ReservationRow>,
    /// Whether what is said of the reservations is said of one line.
    of_line: bool,
}

struct LineRow {
    id: String,
    path: String,
    resource: String,
    full: String,
    subscription: String,
    sku: String,
    quantity: String,
    parts: Vec<String>,
    rest: String,
    billed: String,
}

struct ReservationRow {
    order: String,
    name: String,
    path: String,
    pass: String,
    what: String,
    used: String,
    unused: String,
    unused_cost: String,
    why: String,
}

/// What a form asks: the hour and what about, or the field that is wrong.
struct Asked {
    hour: Option<i64>,
    about: About,
    wrong: Option<&'static str>,
}

impl Asked {
    fn read(query: &Fields) -> Self {
        let mut asked = Self { hour: None, about: About::Hour, wrong: None };
        if let Some(text) = query.get("reservation") {
            match ReservationId::parse(text) {
                Ok(id) => asked.about = About::Reservation(id),
                Err(_) => asked.wrong = Some("reservation"),
            }
        }
        if let Some(text) = query.get("line") {
            match text.parse() {
                Ok(line) => asked.about = About::Line(line),
                Err(_) => asked.wrong = Some("line"),
            }
        }
        if let Some(text) = query.get("hour") {
            match hour(text) {
                Some(hour) => asked.hour = Some(hour),
                None => asked.wrong = Some("hour"),
            }
        }
        asked
    }
}

/// `2026-11-26T09:00`, in UTC; what comes after the hour does not count.
fn hour(text: &str) -> Option<i64> {
    let at: DateTime = text.trim_end_matches(['Z', 'z']).parse().ok()?;
    Some(hour_of(TimeZone::UTC.to_timestamp(at).ok()?))
}

/// An hour as the form holds it.
fn hour_text(hour: i64) -> String {
    let at = hour_start(hour).to_zoned(TimeZone::UTC);
    format!("{}T{:02}:00", at.date(), at.hour())
}

/// The page.
pub async fn show(State(app): State<App>, reader: Reader) -> Result<Response, PageError> {
    let (t, query) = (reader.visit().text, &reader.visit().query);
    let asked = Asked::read(query);
    let customer = reader.customer();
    let latest = ReadCosts { customer, period: Period::LastDays(1) };
    let known = app.store.read(reader.actor(), &latest).await?.known;
    let names = reader.names(&app).await?;
    let partners = reader.partners(&app, &names, &known).await?;
    let path = reader.path("/usage/explain");
    let shell = reader.shell(t.get("usage-explain"), Place::Usage).via(t.get("nav-usage"), reader.path("/usage"));
    let end = known.iter().map(|known| known.end).max();
    let shown = asked.hour.or(end.map(|end| end.saturating_sub(1)));
    let explained = match shown.filter(|_| asked.wrong.is_none()) {
        Some(hour) => app.store.read(reader.actor(), &ExplainUsage { customer, hour, about: asked.about }).await?,
        None => Vec::new(),
    };
    let page_number = query.get("page").and_then(|text| text.parse::<usize>().ok()).unwrap_or(1).clamp(1, 100_000);
    let teller =
        Teller { shell: &shell, reader: &reader, names: &names, partners: &partners, hour: shown.unwrap_or(0) };
    let first = page_number.saturating_sub(1).saturating_mul(LINES);
    let (sections, more) = teller.sections(&explained, asked.about, first);
    let empty = match (known.is_empty(), asked.about) {
        (true, _) => reader.no_usage(),
        (false, About::Hour) => Empty::new(t.get("explain-nothing"), t.get("explain-nothing-hour")),
        (false, About::Line(_)) => Empty::new(t.get("explain-nothing"), t.get("explain-nothing-line")),
        (false, About::Reservation(_)) => Empty::new(t.get("explain-nothing"), t.get("explain-nothing-reservation")),
    };
    let at =
        |hour: i64| format!("{path}{}", query.query_with(&[("hour", &hour_text(hour)), ("page", ""), ("line", "")]));
    let hours = Pager {
        label: t.get("explain-hours"),
        previous: before(&known, shown).map(|hour| (t.get("explain-hour-before"), at(hour))),
        next: after(&known, shown).map(|hour| (t.get("explain-hour-after"), at(hour))),
    };
    let to = |number: usize| format!("{path}{}", query.query_with(&[("page", &number.to_string())]));
    let lines = Pager {
        label: t.get("pager"),
        previous: (page_number > 1).then(|| (t.get("pager-previous"), to(page_number.saturating_sub(1)))),
        next: more.then(|| (t.get("pager-next"), to(page_number.saturating_add(1)))),
    };
    let status = if asked.wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let page = ExplainPage {
        tabs: reader.tabs("/usage/explain"),
        path: path.clone(),
        fields: fields(&app, &reader, &names, &asked, shown).await?,
        asked: shown
            .map(|hour| t.with("explain-asked", "hour", format::instant(t, hour_start(hour))))
            .unwrap_or_default(),
        sections,
        hours,
        lines,
        empty,
        shell,
    };
    Ok(render(status, &page))
}

fn before(known: &[Known], shown: Option<i64>) -> Option<i64> {
    let first = known.iter().map(|known| known.first).min()?;
    shown.filter(|hour| *hour > first).map(|hour| hour.saturating_sub(1))
}

fn after(known: &[Known], shown: Option<i64>) -> Option<i64> {
    let end = known.iter().map(|known| known.end).max()?;
    shown.map(|hour| hour.saturating_add(1)).filter(|hour| *hour < end)
}

async fn fields(
    app: &App,
    reader: &Reader,
    names: &Names,
    asked: &Asked,
    shown: Option<i64>,
) -> Result<Vec<Field>, PageError> {
    let (t, query) = (reader.visit().text, &reader.visit().query);
    let wrong = |name: &str, key: &str| asked.wrong.filter(|wrong| *wrong == name).map(|_| t.get(key));
    let hour = match asked.wrong {
        Some("hour") => query.text("hour").to_owned(),
        _ => shown.map(hour_text).unwrap_or_default(),
    };
    let period = Period::LastDays(366);
    let used = ReadUtilization { customer: reader.customer(), period, reservation: None };
    let used = app.store.read(reader.actor(), &used).await?.reservations;
    let mut choices: Vec<(String, String)> =
        used.iter().map(|one| (one.reservation.to_string(), names.reservation(one.reservation))).collect();
    choices.sort_by(|a, b| a.1.cmp(&b.1));
    choices.insert(0, (String::new(), t.get("explain-all")));
    Ok(vec![
        Field::text("hour", t.get("explain-hour"))
            .kind("datetime-local")
            .hint(t.get("explain-hour-hint"))
            .value(hour)
            .error(wrong("hour", "explain-hour-wrong").as_deref()),
        Field::text("line", t.get("explain-line"))
            .hint(t.get("explain-line-hint"))
            .value(query.text("line"))
            .error(wrong("line", "explain-line-wrong").as_deref()),
        Field::choice("reservation", t.get("explain-reservation"), choices)
            .hint(t.get("explain-reservation-hint"))
            .value(query.text("reservation"))
            .error(wrong("reservation", "explain-reservation-wrong").as_deref()),
    ])
}

/// Puts an explanation into words.
struct Teller<'a> {
    shell: &'a Shell,
    reader: &'a Reader,
    names: &'a Names,
    partners: &'a BTreeMap<PartnerId, String>,
    hour: i64,
}

impl Teller<'_> {
    /// The lines from one on, as many as a page has, with the reservations of their regions; and whether there are more.
    fn sections(&self, explained: &[Explained], about: About, first: usize) -> (Vec<Section>, bool) {
        let mut sections = Vec::new();
        let (mut skip, mut left, mut more) = (first, LINES, false);
        for (cell, number) in explained.iter().zip(1_usize..) {
            let here: Vec<&ExplainedLine> = cell.lines.iter().skip(skip).take(left).collect();
            more |= cell.lines.len().saturating_sub(skip) > here.len();
            let passed = skip >= cell.lines.len() && !cell.lines.is_empty() && skip > 0;
            skip = skip.saturating_sub(cell.lines.len());
            left = left.saturating_sub(here.len());
            if passed || (here.is_empty() && !cell.lines.is_empty()) {
                continue;
            }
            let partner = self.partners.get(&cell.partner).map(|name| format!(", {name}")).unwrap_or_default();
            let region = fullmakt_domain::catalog::Region::parse(&cell.region);
            let region = region.map_or_else(|_| cell.region.clone(), |region| region.title().to_owned());
            sections.push(Section {
                id: format!("cell-{number}"),
                title: format!("{region}, {}{partner}", cell.currency),
                apart: reaches_further(cell, about).then(|| self.shell.t("explain-reaches-further")),
                lines: here.into_iter().map(|line| self.line(cell, line)).collect(),
                reservations: cell
                    .reservations
                    .iter()
                    .zip(1..)
                    .map(|(one, n)| {
                        // Of one that was picked out, the others before it are not told.
                        let turn = (!matches!(about, About::Reservation(_))).then_some(n);
                        self.reservation(cell, one, turn)
                    })
                    .collect(),
                of_line: matches!(about, About::Line(_)),
            });
        }
        (sections, more)
    }

    fn path(&self, what: &str, value: &str) -> String {
        let rest = format!("/usage/explain?hour={}&{what}={value}", encoded(&hour_text(self.hour)));
        self.reader.path(&rest)
    }

    fn line(&self, cell: &Explained, line: &ExplainedLine) -> LineRow {
        let t = self.shell.text;
        let quantity = |value| format::quantity(t.language(), value);
        let reservation = |id| match self.names.reservations.get(&id) {
            Some(name) => name.clone(),
            None => t.get("explain-other-reservation"),
        };
        let parts = line.parts.iter().map(|part| {
            let effective = format::cost(t.language(), part.effective_e10, cell.currency);
            t.with_all(
                "explain-part",
                &[
                    ("hours", &quantity(part.consumed_e10)),
                    ("reservation", &reservation(part.reservation)),
                    ("pass", &part.pass.number()),
                    ("cost", &effective),
                ],
            )
        });
        let resource = &line.resource.resource;
        LineRow {
            id: line.line.to_string(),
            path: self.path("line", &line.line.to_string()),
            resource: resource.rsplit('/').next().unwrap_or(resource).to_owned(),
            full: resource.clone(),
            subscription: self.names.subscription(line.resource.subscription),
            sku: line.resource.sku.clone(),
            quantity: quantity(i128::from(line.quantity_e6) * 10_000),
            parts: parts.collect(),
            rest: quantity(line.rest_e10),
            billed: format::cost(t.language(), line.billed_e10, cell.currency),
        }
    }

    fn reservation(&self, cell: &Explained, one: &ExplainedReservation, turn: Option<usize>) -> ReservationRow {
        let t = self.shell.text;
        let quantity = |value| format::quantity(t.language(), value);
        ReservationRow {
            order: turn.map_or_else(|| "–".to_owned(), |turn| turn.to_string()),
            name: self.names.reservation(one.reservation),
            path: self.path("reservation", &one.reservation.to_string()),
            pass: pass(t, one, self.names),
            what: format!("{} × {}", self.shell.number(one.quantity), one.sku),
            used: quantity(one.used_e10),
            unused: quantity(one.unused_e10),
            unused_cost: format::cost(t.language(), one.unused_cost_e10, cell.currency),
            why: words::why(t, &one.why),
        }
    }
}

/// Whether reservations that are told covered usage that is not: of a line alone, that says nothing.
fn reaches_further(cell: &Explained, about: About) -> bool {
    let parts = || cell.lines.iter().flat_map(|line| &line.parts);
    let took = |id| parts().filter(|part| part.reservation == id).map(|part| part.discounted_e10).sum::<i128>();
    !matches!(about, About::Line(_)) && cell.reservations.iter().any(|one| took(one.reservation) != one.used_e10)
}

/// When it takes its turn, and for what: `2: Production only, all sizes of its group`.
fn pass(t: Text, one: &ExplainedReservation, names: &Names) -> String {
    let scope = match one.scope {
        Some(id) => t.with("explain-single", "name", names.subscription(id)),
        None => t.get("explain-shared"),
    };
    let sizes = t.get(if one.is_flexible { "explain-flexible" } else { "explain-exact" });
    t.with_all("explain-pass", &[("number", &one.pass.number()), ("scope", &scope), ("sizes", &sizes)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_read_as_it_is_written() {
        assert_eq!(hour("1970-01-02T05:00"), Some(29));
        assert_eq!(hour("1970-01-02T05:59:59Z"), Some(29));
        assert_eq!(hour_text(29), "1970-01-02T05:00");
        assert_eq!(hour("tomorrow"), None);
        for (query, wrong) in [
            ("hour=x", Some("hour")),
            ("line=x&hour=1970-01-02T05:00", Some("line")),
            ("reservation=1", Some("reservation")),
            ("line=7", None),
        ] {
            assert_eq!(Asked::read(&Fields::parse(query.as_bytes())).wrong, wrong, "{query}");
        }
    }
}
