//! The movable clock: time stands still until an administrator of the server moves it, and all that would have happened
//! by then has happened when the call returns.

use axum::extract::{FromRequestParts, Request, State};
use axum::response::Response;
use fullmakt_domain::due::MayMoveClock;
use fullmakt_store::due::Job;
use http::header;
use http::request::Parts;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Caller, Problem, ok, read_json};
use crate::App;
use crate::jobs::{MoveError, Tally};

/// The latest instant the clock may be moved to: the ends of the longest terms must still be instants.
const LAST: &str = "9000-01-01T00:00:00Z";

/// Whoever may move the clock: the holder of the server's own key, or one who runs a partner of it.
pub struct Administrator;

impl FromRequestParts<App> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let shown = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let key = shown.and_then(|text| text.strip_prefix("Bearer ")).map(str::trim);
        if let (Some(shown), Some(key)) = (key, &app.settings.admin_key)
            && aws_lc_rs::constant_time::verify_slices_are_equal(shown.as_bytes(), key.as_bytes()).is_ok()
        {
            return Ok(Self);
        }
        let caller = Caller::from_request_parts(parts, app).await?;
        app.store.read(&caller.actor, &MayMoveClock).await?;
        Ok(Self)
    }
}

/// Where to.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Move {
    advance: Option<String>,
    to: Option<String>,
}

impl Move {
    /// Reads where the clock that stands at `now` is to be moved.
    ///
    /// # Errors
    /// 400 that names the field.
    pub fn read(&self, now: Timestamp) -> Result<Timestamp, Problem> {
        let (field, to) = match (&self.advance, &self.to) {
            (Some(advance), None) => ("advance", advanced(advance, now)?),
            (None, Some(to)) => ("to", instant(to)?),
            _ => return Err(Problem::bad_request("advance", "give one of `advance` and `to`")),
        };
        if to < now {
            let detail = MoveError::Backward { now, to }.to_string();
            return Err(Problem::bad_request(field, &detail));
        }
        let last: Timestamp = LAST.parse().unwrap_or(Timestamp::MAX);
        if to > last {
            return Err(Problem::bad_request(field, &format!("the clock cannot be moved beyond {LAST}")));
        }
        Ok(to)
    }
}

fn advanced(text: &str, now: Timestamp) -> Result<Timestamp, Problem> {
    let wrong = |why: &str| Problem::bad_request("advance", &format!("`{}` {why}", short(text)));
    let form = "is not an ISO 8601 duration such as P1D, P1M or PT12H";
    let trimmed = text.trim();
    // Other spellings of the library ("1 day ago") are no part of the contract.
    if !trimmed.starts_with(['P', 'p', '-', '+']) || trimmed.len() > 64 {
        return Err(wrong(form));
    }
    let span: Span = trimmed.parse().map_err(|_| wrong(form))?;
    if span.is_negative() {
        return Err(wrong("goes back, and the clock only goes forward"));
    }
    let moved = now.to_zoned(TimeZone::UTC).checked_add(span).map_err(|_| wrong("goes too far"))?;
    Ok(moved.timestamp())
}

fn instant(text: &str) -> Result<Timestamp, Problem> {
    let read = if text.len() > 64 { None } else { text.trim().parse::<Timestamp>().ok() };
    read.ok_or_else(|| {
        Problem::bad_request("to", &format!("`{}` is not an instant such as 2026-12-01T00:00:00Z", short(text)))
    })
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

/// Where the clock stands.
pub async fn show(State(app): State<App>, _administrator: Administrator) -> Response {
    ok(shown(&app, None))
}

/// Moves it.
pub async fn set(State(app): State<App>, _administrator: Administrator, request: Request) -> Result<Response, Problem> {
    let wanted: Move = read_json(request).await?;
    if !app.clock.is_movable() {
        return Err(Problem::conflict(&MoveError::Real.to_string()));
    }
    let to = wanted.read(app.clock.now())?;
    match app.jobs.move_clock(to).await {
        Ok(tally) => Ok(ok(shown(&app, Some(&tally)))),
        Err(MoveError::Fault(fault)) => Err(fault.into()),
        Err(error @ MoveError::Stuck { .. }) => Err(Problem::our_fault(&error.to_string())),
        Err(error) => Err(Problem::conflict(&error.to_string())),
    }
}

fn shown(app: &App, done: Option<&Tally>) -> Value {
    let mut body = json!({"clock": app.clock.kind(), "now": app.clock.now().to_string()});
    if let (Some(done), Some(members)) = (done, body.as_object_mut()) {
        let counts: Map<String, Value> =
            Job::ALL.into_iter().map(|job| (job.name().to_owned(), done.of(job).into())).collect();
        members.insert("done".to_owned(), Value::Object(counts));
    }
    body
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(body: Value) -> String {
        let now: Timestamp = "2026-11-30T08:00:00Z".parse().unwrap();
        let wanted: Result<Move, _> = serde_json::from_value(body);
        match wanted.map(|wanted| wanted.read(now)) {
            Ok(Ok(to)) => to.to_string(),
            Ok(Err(problem)) => format!("{problem:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_clock_is_moved_by_a_duration_or_to_an_instant_and_only_forward() {
        for (body, expected) in [
            (json!({"advance": "P1D"}), "2026-12-01T08:00:00Z"),
            (json!({"advance": "P3M"}), "2027-02-28T08:00:00Z"),
            (json!({"advance": "P1Y2DT30M"}), "2027-12-02T08:30:00Z"),
            (json!({"advance": "PT0S"}), "2026-11-30T08:00:00Z"),
            (json!({"to": "2026-12-01T00:00:00Z"}), "2026-12-01T00:00:00Z"),
            (json!({"to": "2026-12-01T01:00:00+01:00"}), "2026-12-01T00:00:00Z"),
            (json!({"to": "2026-11-30T08:00:00Z"}), "2026-11-30T08:00:00Z"),
            (json!({"to": "2026-11-30T07:59:59Z"}), "only goes forward"),
            (json!({"advance": "-P1D"}), "only goes forward"),
            (json!({"advance": "P1D", "to": "2026-12-01T00:00:00Z"}), "give one of"),
            (json!({}), "give one of"),
            (json!({"advance": "1 day"}), "field: Some(\"advance\")"),
            (json!({"advance": "tomorrow"}), "field: Some(\"advance\")"),
            (json!({"to": "2026-12-01"}), "field: Some(\"to\")"),
            (json!({"advance": "P9000Y"}), "field: Some(\"advance\")"),
            (json!({"to": "9999-01-01T00:00:00Z"}), "cannot be moved beyond"),
            (json!({"until": "2026-12-01T00:00:00Z"}), "unknown field"),
        ] {
            let got = read(body.clone());
            assert!(got.contains(expected), "{body}: {got}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_move_is_read_or_refused(
            key in "(advance|to|other)",
            text in "[-+]?[Pp][0-9YMWDTHS.]{0,20}|[0-9T:Z+-]{0,30}|.{0,20}",
        ) {
            let _ = read(json!({ key: text }));
        }
    }
}
