//! Which paths are about signing in. Fixed segments match in any case, doubled slashes count once.

use super::form::decode;
use super::token::Version;

/// What a path asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// The OpenID discovery document.
    Discovery {
        /// The directory as the path names it.
        tenant: String,
        /// The endpoints' generation.
        version: Version,
    },
    /// Which authorities go together: asked by client libraries.
    Instance,
    /// The public keys.
    Keys {
        /// The directory.
        tenant: String,
    },
    /// How a user signs in: by password, always.
    UserRealm {
        /// The user's principal name.
        user: String,
    },
    /// The token endpoint.
    Token {
        /// The directory.
        tenant: String,
        /// Its generation.
        version: Version,
    },
    /// Where a device gets its codes.
    DeviceCode {
        /// The directory.
        tenant: String,
        /// Its generation.
        version: Version,
    },
    /// The sign-in page.
    Authorize {
        /// The directory.
        tenant: String,
        /// Its generation.
        version: Version,
    },
    /// Where a user types a device's code.
    DevicePage,
    /// Signing out.
    Logout,
    /// How the pages look.
    Stylesheet,
}

impl Route {
    /// Reads a path; [`None`] when it is about something else.
    pub fn of(path: &str) -> Option<Self> {
        let mut segments = [""; 5];
        let mut count = 0;
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            *segments.get_mut(count)? = segment;
            count += 1;
        }
        let is = |at: usize, name: &str| segments.get(at).is_some_and(|segment| segment.eq_ignore_ascii_case(name));
        let tenant = || decode(segments[0].replace('+', "%2B").as_bytes());
        if count == 1 {
            return is(0, "devicelogin").then_some(Self::DevicePage);
        }
        if is(0, "common") && count == 3 && is(1, "discovery") && is(2, "instance") {
            return Some(Self::Instance);
        }
        if is(0, "common") && count == 3 && is(1, "userrealm") {
            return Some(Self::UserRealm { user: decode(segments[2].as_bytes())? });
        }
        if count == 2 && is(0, "signin") && is(1, "style.css") {
            return Some(Self::Stylesheet);
        }
        if is(1, "oauth2") {
            let (version, last) = match count {
                3 => (Version::V1, 2),
                4 if is(2, "v2.0") => (Version::V2, 3),
                _ => return None,
            };
            return match segments[last].to_ascii_lowercase().as_str() {
                "token" => Some(Self::Token { tenant: tenant()?, version }),
                "authorize" => Some(Self::Authorize { tenant: tenant()?, version }),
                "devicecode" => Some(Self::DeviceCode { tenant: tenant()?, version }),
                "deviceauth" if version == Version::V1 => Some(Self::DevicePage),
                "logout" => Some(Self::Logout),
                _ => None,
            };
        }
        let well_known = |at| is(at, ".well-known") && is(at + 1, "openid-configuration");
        match count {
            3 if well_known(1) => Some(Self::Discovery { tenant: tenant()?, version: Version::V1 }),
            4 if is(1, "v2.0") && well_known(2) => Some(Self::Discovery { tenant: tenant()?, version: Version::V2 }),
            3 if is(1, "discovery") && is(2, "keys") => Some(Self::Keys { tenant: tenant()? }),
            4 if is(1, "discovery") && is(2, "v2.0") && is(3, "keys") => Some(Self::Keys { tenant: tenant()? }),
            _ => None,
        }
    }

    /// The verbs that are answered, as the header `Allow` lists them.
    pub fn allowed(&self) -> &'static str {
        match self {
            Self::Token { .. } | Self::DeviceCode { .. } => "POST, OPTIONS",
            Self::Authorize { .. } | Self::DevicePage | Self::Logout => "GET, HEAD, POST, OPTIONS",
            Self::Discovery { .. } | Self::Instance | Self::Keys { .. } | Self::UserRealm { .. } | Self::Stylesheet => {
                "GET, HEAD, OPTIONS"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_about_signing_in_are_told_from_others() {
        for (path, name) in [
            ("/common/oauth2/v2.0/token", "Token { tenant: \"common\", version: V2 }"),
            ("//Nordmoln.Example/OAuth2/Token", "Token { tenant: \"Nordmoln.Example\", version: V1 }"),
            (
                "/organizations/v2.0/.well-known/openid-configuration",
                "Discovery { tenant: \"organizations\", version: V2 }",
            ),
            ("/t/.well-known/openid-configuration", "Discovery { tenant: \"t\", version: V1 }"),
            ("/common/discovery/instance", "Instance"),
            ("/common/discovery/keys", "Keys { tenant: \"common\" }"),
            ("/t/discovery/v2.0/keys", "Keys { tenant: \"t\" }"),
            ("/common/UserRealm/ada%40nordmoln.example", "UserRealm { user: \"ada@nordmoln.example\" }"),
            ("/t/oauth2/v2.0/authorize", "Authorize { tenant: \"t\", version: V2 }"),
            ("/t/oauth2/v2.0/devicecode", "DeviceCode { tenant: \"t\", version: V2 }"),
            ("/common/oauth2/deviceauth", "DevicePage"),
            ("/devicelogin", "DevicePage"),
            ("/t/oauth2/v2.0/logout", "Logout"),
        ] {
            assert_eq!(format!("{:?}", Route::of(path).unwrap()), name, "{path}");
        }
        for path in [
            "/",
            "/v1/customers",
            "/subscriptions/x/providers/Microsoft.Capacity/catalogs",
            "/t/oauth2/v3.0/token",
            "/t/oauth2/v2.0/token/more",
            "/%ff/oauth2/token",
        ] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }
}
