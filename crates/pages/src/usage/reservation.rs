//! How well a reservation was used: the part of its page with the chart, and the columns of the lists.

use askama::Template;
use askama::filters::HtmlSafe;
use fullmakt_domain::actor::Actor;
use fullmakt_domain::benefit::{Period, ReadUtilization, ReservationUse, Utilization};
use fullmakt_domain::ids::{CustomerId, ReservationId};
use fullmakt_domain::rating::first_hour_from;
use fullmakt_server::App;
use jiff::Timestamp;

use super::{date_of, hundredths, known_in_words, written};
use crate::chart::{BarChart, Group};
use crate::error::PageError;
use crate::format;
use crate::shell::Shell;

/// Days of the chart.
const DAYS: i64 = 30;

/// Utilisation over the last day, week and 30 days, by reservation.
pub struct Uses {
    all: Utilization,
}

impl Uses {
    /// Of all reservations of a customer that the actor may see.
    ///
    /// # Errors
    /// [`PageError`].
    pub async fn of(app: &App, actor: &Actor, customer: CustomerId) -> Result<Self, PageError> {
        let query = ReadUtilization { customer, period: Period::LastDays(DAYS), reservation: None };
        Ok(Self { all: app.store.read(actor, &query).await? })
    }

    /// `100% · 98.2% · 97%`: of the last day, 7 and 30 days, where anything is known.
    pub fn in_words(&self, shell: &Shell, id: ReservationId) -> Option<String> {
        let one = self.all.reservations.iter().find(|one| one.reservation == id)?;
        let end = self.all.end_of(one);
        let shares = [1, 7, DAYS].map(|days| share(shell, one, end, days).0);
        Some(shares.join(" · "))
    }
}

/// The share of the last days before an hour, and of as many days before them where it is known for at least half of their
/// hours.
fn share(shell: &Shell, one: &ReservationUse, end: i64, days: i64) -> (String, Option<String>) {
    let (last, before) = one.last_days(end, days);
    let percent = |share| format::percent(shell.language(), share);
    let is_told = before.hours.saturating_mul(2) >= days.saturating_mul(24);
    let before = before.percent(1).filter(|_| is_told).map(percent);
    (last.percent(1).map_or_else(|| "–".to_owned(), percent), before)
}

/// The part of a reservation's page.
#[derive(Template)]
#[template(path = "usage/of_reservation.html")]
pub struct UseOfReservation {
    title: String,
    /// What there is to show, or why there is nothing.
    shown: Result<Shown, String>,
    headings: [String; 6],
}

impl HtmlSafe for UseOfReservation {}

struct Shown {
    known: String,
    facts: Vec<(String, String)>,
    chart: BarChart,
    days: Vec<DayRow>,
}

struct DayRow {
    day: String,
    path: String,
    reserved: String,
    used: String,
    percent: String,
    unused: String,
    unused_cost: String,
}

impl UseOfReservation {
    /// `explain` is the address of the page that explains an hour.
    ///
    /// # Errors
    /// [`PageError`].
    pub async fn of(
        app: &App,
        actor: &Actor,
        customer: CustomerId,
        id: ReservationId,
        shell: &Shell,
        explain: &str,
    ) -> Result<Self, PageError> {
        let last = |days| ReadUtilization { customer, period: Period::LastDays(days), reservation: Some(id) };
        let all = app.store.read(actor, &last(DAYS)).await?;
        // The days before are compared with, too.
        let longer = app.store.read(actor, &last(2 * DAYS)).await?;
        let shown = match (find(&all, id), find(&longer, id)) {
            (Some(one), Some(longer)) => {
                let told = Days { end: all.end_of(one), is_over: false };
                Ok(shown(shell, &all, (one, longer), &told, explain))
            }
            _ => Err(shell.t("reservations-no-usage-text")),
        };
        Ok(Self::new(shell, shown))
    }

    /// The same of one that is over, of the last days before its end.
    ///
    /// # Errors
    /// [`PageError`].
    pub async fn until(
        app: &App,
        actor: &Actor,
        customer: CustomerId,
        id: ReservationId,
        ended_at: Timestamp,
        shell: &Shell,
        explain: &str,
    ) -> Result<Self, PageError> {
        let end = first_hour_from(ended_at.as_microsecond());
        let period = Period::Hours { from: end.saturating_sub(DAYS * 24), until: end };
        let all = app.store.read(actor, &ReadUtilization { customer, period, reservation: Some(id) }).await?;
        let shown = match find(&all, id) {
            Some(one) => Ok(shown(shell, &all, (one, one), &Days { end, is_over: true }, explain)),
            None => Err(shell.t("reservations-no-usage-over")),
        };
        Ok(Self::new(shell, shown))
    }

    fn new(shell: &Shell, shown: Result<Shown, String>) -> Self {
        let headings = [
            shell.t("usage-heading-day"),
            shell.t("usage-reserved"),
            shell.t("usage-used"),
            shell.t("usage-utilization"),
            shell.t("usage-unused"),
            shell.t("usage-unused-cost"),
        ];
        Self { title: shell.t("usage-utilization"), shown, headings }
    }
}

/// Which days are told.
struct Days {
    /// The hour before which they end.
    end: i64,
    /// Whether they are the last ones of a reservation that is over.
    is_over: bool,
}

impl Days {
    /// Which spans are told of, in days.
    fn spans(&self) -> &'static [i64] {
        if self.is_over { &[DAYS] } else { &[1, 7, DAYS] }
    }
}

fn find(all: &Utilization, id: ReservationId) -> Option<&ReservationUse> {
    all.reservations.iter().find(|one| one.reservation == id)
}

/// What is told of one in the days of `all`; `longer` reaches further back, for what is compared with.
fn shown(
    shell: &Shell,
    all: &Utilization,
    (one, longer): (&ReservationUse, &ReservationUse),
    told: &Days,
    explain: &str,
) -> Shown {
    let t = shell.text;
    let quantity = |value| format::quantity(t.language(), value);
    let cost = |value| format::cost(t.language(), value, one.currency);
    let percent = |share| format::percent(t.language(), share);
    let (of_days, of_all, of_figure) = if told.is_over {
        ("usage-its-last-days", "usage-its-last-description", "usage-figure-its-days")
    } else {
        ("usage-last-days", "usage-reservation-description", "usage-figure-last-days")
    };
    let end = told.end;
    let mut facts: Vec<(String, String)> = told
        .spans()
        .iter()
        .map(|days| {
            let (last, before) = share(shell, longer, end, *days);
            let value = match before {
                Some(before) => t.with_all("usage-and-before", &[("last", &last), ("before", &before)]),
                None => last,
            };
            (t.with(of_days, "days", *days), value)
        })
        .collect();
    let known = all.known_of(one);
    let last = one.totals(end.saturating_sub(DAYS * 24), end);
    for (key, amount) in [
        ("usage-saved", last.saved_e10()),
        ("usage-saved-at-list", last.saved_at_list_e10()),
        ("usage-unused-cost", last.unused_cost_e10),
    ] {
        facts.push((t.with_all(of_figure, &[("figure", &t.get(key)), ("days", &DAYS)]), cost(amount)));
    }
    let days = one.days();
    let hours = |value| t.with("usage-hours", "hours", quantity(value));
    let groups: Vec<Group> = days
        .iter()
        .map(|(day, totals)| {
            let date = date_of(*day);
            let values = vec![
                (hundredths(totals.used_e10), hours(totals.used_e10)),
                (hundredths(totals.unused_e10()), hours(totals.unused_e10())),
            ];
            Group { label: t.with_all("usage-day", &[("day", &date.day()), ("month", &date.month())]), values }
        })
        .collect();
    let description = t.with_all(
        of_all,
        &[
            ("percent", &last.percent(1).map_or_else(|| "–".to_owned(), percent)),
            ("unused", &quantity(last.unused_e10())),
        ],
    );
    let series = [t.get("usage-used"), t.get("usage-unused")];
    let chart = BarChart::stacked("use", (t.get("usage-by-day"), description), series, &groups, written(t));
    let rows = days.iter().rev().map(|(day, totals)| {
        let first = one.hours.iter().find(|hour| hour.hour.div_euclid(24) == *day).map_or(0, |hour| hour.hour);
        DayRow {
            day: shell.date(&date_of(*day)),
            path: format!(
                "{explain}?reservation={}&hour={}T{:02}%3A00",
                one.reservation,
                date_of(*day),
                first.rem_euclid(24)
            ),
            reserved: quantity(totals.reserved_e10),
            used: quantity(totals.used_e10),
            percent: totals.percent(1).map_or_else(|| "–".to_owned(), percent),
            unused: quantity(totals.unused_e10()),
            unused_cost: cost(totals.unused_cost_e10),
        }
    });
    Shown { known: known.map(|known| known_in_words(t, known)).unwrap_or_default(), facts, chart, days: rows.collect() }
}
