//! Who looks at a page, and on whose behalf.

use axum::RequestPartsExt as _;
use axum::extract::{FromRequestParts, Path};
use fullmakt_domain::activity::RequestContext;
use fullmakt_domain::actor::{Actor, PartnerRole, PrincipalKind};
use fullmakt_domain::ids::{CustomerId, PartnerId, TenantId};
use fullmakt_server::App;
use fullmakt_server::signin::Session;
use fullmakt_server::text::Text;
use fullmakt_store::authn::{self, TenantKind};
use http::request::Parts;
use std::collections::HashMap;
use std::sync::Arc;

use crate::error::PageError;
use crate::fields::Fields;

/// What is known of every request before a page is asked: put there by [`crate::front::guard`].
#[derive(Debug, Clone)]
pub struct Visit {
    /// The texts in the visitor's language.
    pub text: Text,
    /// The token that forms repeat.
    pub csrf: String,
    /// Path and query of the page, to come back to.
    pub here: String,
    /// Who is signed in.
    pub session: Option<Arc<Session>>,
    /// When the request came, and its number.
    pub request: RequestContext,
    /// The query string.
    pub query: Fields,
    /// The form that was sent. Its token has been checked.
    pub form: Fields,
}

impl FromRequestParts<App> for Visit {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, PageError> {
        parts.extensions.get::<Self>().cloned().ok_or(PageError::NotFound)
    }
}

/// Someone who is signed in, in the directory he belongs to.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The request.
    pub visit: Visit,
    /// Who, for the door.
    pub actor: Actor,
    /// The session.
    pub session: Arc<Session>,
}

impl Visitor {
    /// Whoever is signed in.
    ///
    /// # Errors
    /// [`PageError::NotSignedIn`].
    pub fn of(visit: Visit) -> Result<Self, PageError> {
        let session = visit.session.clone().ok_or(PageError::NotSignedIn)?;
        let actor = acting(&session, session.home.id);
        Ok(Self { visit, actor, session })
    }

    /// Whether the visitor belongs to a partner.
    pub fn is_partner(&self) -> bool {
        self.session.home.kind == TenantKind::Partner
    }
}

/// The user of a session as an actor in a directory.
pub fn acting(session: &Session, tenant: TenantId) -> Actor {
    let user = &session.principal;
    Actor {
        principal: user.id,
        kind: PrincipalKind::User,
        name: user.upn.clone().unwrap_or_else(|| user.name.clone()),
        home: user.home,
        tenant,
        application: None,
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        Self::of(Visit::from_request_parts(parts, app).await?)
    }
}

/// A partner's user on the dashboard.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Who, and the request.
    pub visitor: Visitor,
    /// The partner he works for.
    pub partner: PartnerId,
}

impl Agent {
    /// A visitor as a partner's user.
    ///
    /// # Errors
    /// [`PageError::NotFound`]: a customer's user learns nothing of the dashboard, not even that a page would be there (R45).
    pub fn of(visitor: Visitor) -> Result<Self, PageError> {
        if !visitor.is_partner() {
            return Err(PageError::NotFound);
        }
        let partner = PartnerId(visitor.session.home.id.0);
        Ok(Self { visitor, partner })
    }

    /// Whether he has one of the roles.
    pub fn has(&self, roles: &[PartnerRole]) -> bool {
        self.visitor.session.roles.iter().any(|role| roles.contains(role))
    }

    /// For the door.
    pub fn actor(&self) -> &Actor {
        &self.visitor.actor
    }

    /// The request.
    pub fn visit(&self) -> &Visit {
        &self.visitor.visit
    }
}

impl FromRequestParts<App> for Agent {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        Self::of(Visitor::from_request_parts(parts, app).await?)
    }
}

/// Someone in a customer's portal: `/portal/{customer}/…`. The customer's own user, or an agent of a partner that serves
/// the customer, who acts on its behalf (AOBO, R41).
#[derive(Debug, Clone)]
pub struct Guest {
    /// Who, and the request. The actor's directory is the customer's.
    pub visitor: Visitor,
    /// Whose portal.
    pub customer: CustomerId,
    /// The customer's name.
    pub customer_name: String,
}

impl Guest {
    /// A visitor in a customer's portal.
    ///
    /// # Errors
    /// [`PageError::NotFound`] where he may not enter it, whether or not there is such a customer (R45).
    pub async fn enter(app: &App, visitor: Visitor, customer: CustomerId) -> Result<Self, PageError> {
        let tenant = customer.tenant();
        if !authn::may_enter(&app.store, &visitor.session.principal, tenant).await? {
            return Err(PageError::NotFound);
        }
        let directory = authn::tenant(&app.store, &tenant.to_string()).await?;
        let directory = directory.filter(|directory| directory.kind == TenantKind::Customer);
        let customer_name = directory.ok_or(PageError::NotFound)?.name;
        let actor = acting(&visitor.session, tenant);
        Ok(Self { visitor: Visitor { actor, ..visitor }, customer, customer_name })
    }

    /// The visitor on the partner's own dashboard, where he is a partner's agent.
    pub fn agent(&self) -> Option<Agent> {
        Visitor::of(self.visit().clone()).and_then(Agent::of).ok()
    }

    /// Whether the visitor is a partner's agent acting for the customer.
    pub fn on_behalf(&self) -> bool {
        self.visitor.is_partner()
    }

    /// For the door.
    pub fn actor(&self) -> &Actor {
        &self.visitor.actor
    }

    /// The request.
    pub fn visit(&self) -> &Visit {
        &self.visitor.visit
    }

    /// A path in this portal; `rest` begins with a slash.
    pub fn path(&self, rest: &str) -> String {
        format!("/portal/{}{rest}", self.customer)
    }
}

impl FromRequestParts<App> for Guest {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let visitor = Visitor::from_request_parts(parts, app).await?;
        let Path(segments) = parts.extract::<Path<HashMap<String, String>>>().await.map_err(|_| PageError::NotFound)?;
        let customer = segments.get("customer").and_then(|text| CustomerId::parse(text).ok());
        Self::enter(app, visitor, customer.ok_or(PageError::NotFound)?).await
    }
}
