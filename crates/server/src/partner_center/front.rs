//! What every request passes before its handler, and every answer after.

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use fullmakt_domain::actor::Actor;
use http::{HeaderMap, Method, Uri};
use http_body_util::{BodyExt as _, Limited};
use tower::ServiceExt as _;
use uuid::Uuid;

use super::body::BODY_MAX;
use super::call::Call;
use super::error::{Code, Failure};
use super::filter::Query;
use super::headers::Envelope;
use super::idempotency::Repeatable;
use super::throttle::{Limits, Throttle, too_many};
use super::{error, normalize};
use crate::signin::{Audience, TokenError};
use crate::{App, telemetry};

/// What the front needs. Cheap to clone.
#[derive(Clone)]
struct Front {
    app: App,
    routes: Router,
    throttle: Arc<Throttle>,
}

/// The front, before these routes.
pub(super) fn router(app: App, routes: Router<App>) -> Router {
    Router::new().fallback(enter).with_state(front(app, routes))
}

fn front(app: App, routes: Router<App>) -> Front {
    let limit = app.settings.requests_per_minute.and_then(NonZeroU32::new);
    let throttle = Throttle::new(Limits { reads_per_minute: limit, writes_per_minute: limit });
    let routes = routes
        .route_layer(axum::middleware::from_fn(telemetry::name_route))
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_verb)
        .with_state(app.clone());
    Front { app, routes, throttle: Arc::new(throttle) }
}

async fn unknown_route() -> Failure {
    Failure::new(Code::NotFound, "nothing is served at this path")
}

async fn wrong_verb() -> Failure {
    Failure::new(Code::VerbNotAllowed, "this path does not know this verb, the header `Allow` lists those it knows")
}

async fn enter(State(front): State<Front>, request: Request) -> Response {
    let (envelope, bad_header) = Envelope::read(request.headers(), Uuid::new_v4);
    let answered = match bad_header {
        Some(failure) => Err(failure),
        None => front.answer(&envelope, request).await,
    };
    let mut response = answered.unwrap_or_else(Failure::into_response);
    envelope.echo(response.headers_mut());
    response
}

impl Front {
    async fn answer(self, envelope: &Envelope, request: Request) -> Result<Response, Failure> {
        let (actor, user) = self.authenticate(request.headers(), request.uri()).await?;
        self.answer_to(envelope, actor, user, request).await
    }

    /// Answers a signed-in caller.
    async fn answer_to(
        self,
        envelope: &Envelope,
        actor: Actor,
        user: bool,
        request: Request,
    ) -> Result<Response, Failure> {
        telemetry::note_actor(&actor);
        let path = normalize::path(request.uri().path()).map_err(|error| Failure::input(error.to_string()))?;
        let path = path.strip_prefix("/v1").filter(|rest| !rest.is_empty()).unwrap_or("/").to_owned();
        let raw_query = request.uri().query().unwrap_or("").to_owned();
        let query = Query::parse(&raw_query)?;
        let method = request.method().clone();
        let writes = !matches!(method, Method::GET | Method::HEAD | Method::OPTIONS);
        let customer = path.strip_prefix("/customers/").and_then(|rest| rest.split('/').next());
        if let Err(wait) = self.throttle.admit(actor.tenant, customer, writes) {
            return Ok(too_many(wait));
        }
        let body = read_body(request.into_body()).await?;
        let repeatable = envelope
            .idempotency
            .filter(|_| writes)
            .map(|id| Repeatable::new(&actor, id, method.as_str(), &format!("{path}?{raw_query}"), &body));
        let call = Call::new(actor, user, envelope.clone(), query, body);
        let Some(repeatable) = repeatable else { return self.handle(method, &path, call).await };
        // Detached, so that a client that gives up waiting finds the answer when it asks again.
        let run = tokio::spawn(tracing::Instrument::in_current_span(async move {
            let claim = Uuid::new_v4();
            if let Some(kept) = repeatable.claim(&self.app.store, claim).await? {
                return Ok(kept);
            }
            let store = self.app.store.clone();
            let response = self.handle(method, &path, call).await.unwrap_or_else(Failure::into_response);
            Ok(repeatable.finish(&store, claim, response).await)
        }));
        run.await.unwrap_or_else(|_| Err(Failure::new(Code::Unexpected, "the server failed, its log has the reason")))
    }

    async fn authenticate(&self, headers: &HeaderMap, uri: &Uri) -> Result<(Actor, bool), Failure> {
        let refused = |text: &str| Failure::new(Code::TokenRefused, text);
        let base_url = self.app.base_url(headers, uri);
        let verified = self.app.verify(headers, &base_url).await.map_err(|error| match error {
            TokenError::Missing => Failure::no_token(),
            TokenError::Malformed | TokenError::Expired | TokenError::Refused(_) => refused(&error.to_string()),
            TokenError::Fault(fault) => error::fault(&fault),
        })?;
        telemetry::note_actor(&verified.actor);
        match verified.audience {
            // Both SDKs ask for their application's token under the name of the directory's graph.
            Audience::PartnerCenter | Audience::Graph | Audience::Own => {}
            Audience::Arm => {
                return Err(refused(
                    "the token is for Azure Resource Manager, ask for one for `https://api.partnercenter.microsoft.com`",
                ));
            }
        }
        if verified.actor.tenant != verified.actor.home {
            return Err(refused(
                "the token is for a customer's directory, ask for one for your own partner's directory",
            ));
        }
        if verified.user && !verified.mfa {
            return Err(refused("the user has to sign in with a second factor"));
        }
        Ok((verified.actor, verified.user))
    }

    async fn handle(self, method: Method, path: &str, call: Call) -> Result<Response, Failure> {
        let uri = Uri::try_from(path).map_err(|_| Failure::new(Code::NotFound, "nothing is served at this path"))?;
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        request.extensions_mut().insert(call);
        match self.routes.oneshot(request).await {
            Ok(response) => Ok(response),
            Err(never) => match never {},
        }
    }
}

async fn read_body(body: Body) -> Result<Bytes, Failure> {
    match Limited::new(body, BODY_MAX).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Failure::input(format!("the body is larger than {BODY_MAX} bytes")))
        }
        Err(_) => Err(Failure::input("the body broke off")),
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    /// The edge without tokens: tests say who asks.
    #[derive(Clone)]
    pub(in super::super) struct Edge(Front);

    impl Edge {
        pub(in super::super) fn new(app: App, routes: Router<App>) -> Self {
            Self(front(app, routes))
        }

        pub(in super::super) async fn send(&self, actor: &Actor, request: Request) -> Response {
            let (envelope, bad_header) = Envelope::read(request.headers(), Uuid::new_v4);
            let user = actor.kind == fullmakt_domain::actor::PrincipalKind::User;
            let answered = match bad_header {
                Some(failure) => Err(failure),
                None => self.0.clone().answer_to(&envelope, actor.clone(), user, request).await,
            };
            let mut response = answered.unwrap_or_else(Failure::into_response);
            envelope.echo(response.headers_mut());
            response
        }
    }
}
