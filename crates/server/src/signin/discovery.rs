//! What clients read before they sign in. Nothing in it is secret.

use axum::Json;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::json;

use super::error::Refused;
use super::token::Version;
use super::visit::Visit;
use super::{Place, Signin};

/// The OpenID discovery document. Its endpoints name the directory the way the request did.
pub async fn document(signin: &Signin, visit: &Visit, segment: &str, version: Version) -> Result<Response, Refused> {
    let place = Place::of(signin.store(), segment).await?;
    let base = &visit.base_url;
    // For `common` the issuer depends on who signs in; the placeholder is what client libraries know.
    let tenant = place.tenant().map_or_else(|| "{tenantid}".to_owned(), |tenant| tenant.to_string());
    let (oauth, keys) = match version {
        Version::V1 => ("oauth2", "discovery/keys"),
        Version::V2 => ("oauth2/v2.0", "discovery/v2.0/keys"),
    };
    Ok(Json(json!({
        "issuer": version.issuer(base, &tenant),
        "authorization_endpoint": format!("{base}/{segment}/{oauth}/authorize"),
        "token_endpoint": format!("{base}/{segment}/{oauth}/token"),
        "device_authorization_endpoint": format!("{base}/{segment}/{oauth}/devicecode"),
        "end_session_endpoint": format!("{base}/{segment}/{oauth}/logout"),
        "jwks_uri": format!("{base}/{segment}/{keys}"),
        "response_types_supported": ["code", "code id_token"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": grant_types(signin.settings().password_grant),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic", "none"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "nbf", "nonce", "oid", "tid", "ver", "name", "preferred_username", "c_hash"
        ],
        "cloud_instance_name": visit.host(),
    }))
    .into_response())
}

fn grant_types(password_grant: bool) -> Vec<&'static str> {
    let mut types = vec![
        "authorization_code",
        "client_credentials",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
    ];
    if password_grant {
        types.push("password");
    }
    types
}

/// Tells a client library that this host stands for itself alone.
pub fn instance(visit: &Visit) -> Response {
    // The library names the authority it means by its authorization endpoint.
    let asked = visit.query.get("authorization_endpoint").unwrap_or_default();
    let tenant = asked.split_once("://").and_then(|(_, rest)| rest.split('/').nth(1)).unwrap_or("common");
    let sound = tenant.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    let tenant = if sound && !tenant.is_empty() { tenant } else { "common" };
    Json(json!({
        "tenant_discovery_endpoint": format!("{}/{tenant}/v2.0/.well-known/openid-configuration", visit.base_url),
        "api-version": "1.1",
        "metadata": [],
    }))
    .into_response()
}

/// The public keys of all servers on this database.
pub async fn keys(signin: &Signin, segment: &str) -> Result<Response, Refused> {
    Place::of(signin.store(), segment).await?;
    Ok(Json(signin.issuer().jwks(signin.store(), Timestamp::now()).await).into_response())
}

/// How a user signs in: by a password kept here. The answer is the same whether the user exists or not.
pub fn user_realm(visit: &Visit, user: &str) -> Response {
    let domain = user.rsplit_once('@').map_or("", |(_, domain)| domain);
    Json(json!({
        "ver": "1.0",
        "account_type": "Managed",
        "domain_name": domain,
        "cloud_instance_name": visit.host(),
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    }))
    .into_response()
}
