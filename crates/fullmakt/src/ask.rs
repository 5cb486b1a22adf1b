//! In whose name a command asks: whoever may read the database may ask in anybody's.

use anyhow::bail;
use fullmakt_domain::actor::{Actor, PrincipalKind};
use fullmakt_domain::ids::{ClientId, PrincipalId};
use fullmakt_store::Store;
use fullmakt_store::authn::{self, Principal};

/// A user by name, or an application by its object id or client id.
///
/// # Errors
/// When there is none, or it is disabled.
pub async fn principal(store: &Store, user: &str) -> anyhow::Result<Principal> {
    let user = user.trim();
    let mut found = authn::user(store, user).await?;
    if let (None, Ok(id)) = (&found, PrincipalId::parse(user)) {
        found = authn::principal(store, id).await?;
    }
    if let (None, Ok(id)) = (&found, ClientId::parse(user)) {
        found = authn::application(store, id).await?;
    }
    let Some(principal) = found else {
        bail!("there is no user or application `{user}`");
    };
    if principal.disabled {
        let kind = match principal.kind {
            PrincipalKind::User => "user",
            PrincipalKind::Application => "application",
        };
        bail!("the {kind} `{user}` is disabled");
    }
    Ok(principal)
}

/// Someone as one who asks, signed in at home.
pub fn actor(principal: Principal) -> Actor {
    Actor {
        principal: principal.id,
        kind: principal.kind,
        name: principal.upn.unwrap_or(principal.name),
        home: principal.home,
        tenant: principal.home,
        application: None,
    }
}
