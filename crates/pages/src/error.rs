//! What a page says when there is none.

use axum::response::{IntoResponse, Response};
use fullmakt_domain::authz::Denied;
use fullmakt_domain::ids::CustomerId;
use fullmakt_domain::refusal::Refusal;
use fullmakt_server::App;
use fullmakt_store::{ExecuteError, Fault, ReadError};
use http::StatusCode;
use std::sync::Arc;

use crate::shell::{MessagePage, Place, Shell, render};
use crate::visitor::{Agent, Guest, Visit, Visitor};
use crate::{dashboard, words};

/// Why there is no page. [`crate::front::guard`] dresses it for the visitor.
#[derive(Debug, Clone)]
pub enum PageError {
    /// Nobody is signed in: sign in and come back.
    NotSignedIn,
    /// There is none, or none that the visitor may know of (R45).
    NotFound,
    /// The visitor's roles do not allow it.
    Forbidden,
    /// The form was open too long, or comes from elsewhere.
    Stale,
    /// What was sent makes no sense, and no form of ours sends it.
    Malformed,
    /// Permitted, but turned down.
    Refused(Arc<Refusal>),
    /// Us.
    Failed,
}

impl From<ReadError> for PageError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Denied(Denied::Hidden) => Self::NotFound,
            ReadError::Denied(Denied::Forbidden { .. }) => Self::Forbidden,
            ReadError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ExecuteError> for PageError {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Denied(denied) => ReadError::Denied(denied).into(),
            ExecuteError::Refused(refusal) => Self::Refused(Arc::new(refusal)),
            ExecuteError::Fault(fault) => fault.into(),
        }
    }
}

impl From<Fault> for PageError {
    fn from(fault: Fault) -> Self {
        tracing::error!(error = ?fault, "a page failed");
        Self::Failed
    }
}

impl PageError {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotSignedIn => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Stale | Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Refused(_) => StatusCode::CONFLICT,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The page, in the frame of those beside it.
    pub async fn page(&self, app: &App, visit: &Visit) -> Response {
        let t = visit.text;
        let (title, text) = match self {
            Self::NotSignedIn | Self::NotFound => (t.get("error-not-found"), t.get("error-not-found-text")),
            Self::Forbidden => (t.get("error-forbidden"), t.get("error-forbidden-text")),
            Self::Stale => (t.get("error-stale"), t.get("error-stale-text")),
            Self::Malformed => (t.get("error-malformed"), t.get("error-malformed-text")),
            Self::Refused(refusal) => (t.get("error-refused"), words::refusal(t, refusal)),
            Self::Failed => {
                (t.get("error-failed"), t.with("error-failed-text", "number", visit.request.correlation.to_string()))
            }
        };
        let shell = frame(app, visit, title.clone()).await;
        render(self.status(), &MessagePage { shell, title, text })
    }
}

/// What stands around a page that is none: the menu of the customer's page or portal that was asked for, where the visitor may
/// know of it (R45), or else that of his own side. Who is not signed in has no menu.
async fn frame(app: &App, visit: &Visit, title: String) -> Shell {
    let Ok(visitor) = Visitor::of(visit.clone()) else { return Shell::plain(visit, title, Place::None) };
    let path = visit.here.split('?').next().unwrap_or_default();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let named = |text: &str| CustomerId::parse(text).map_err(|_| PageError::NotFound);
    if let ["portal", customer, ..] = segments.as_slice()
        && let Ok(customer) = named(customer)
        && let Ok(guest) = Guest::enter(app, visitor.clone(), customer).await
    {
        return Shell::portal(&guest, title, Place::None);
    }
    let Ok(agent) = Agent::of(visitor.clone()) else {
        let own = CustomerId(visitor.session.home.id.0);
        return match Guest::enter(app, visitor, own).await {
            Ok(guest) => Shell::portal(&guest, title, Place::None),
            Err(_) => Shell::plain(visit, title, Place::None),
        };
    };
    if let ["dashboard", "customers", customer, ..] = segments.as_slice()
        && let Ok(customer) = named(customer)
        && let Ok(name) = dashboard::name_of(app, &agent, customer).await
    {
        return Shell { trail: Vec::new(), ..Shell::customer(&agent, customer, &name, title, Place::None) };
    }
    Shell::dashboard(&agent, title, Place::None)
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
