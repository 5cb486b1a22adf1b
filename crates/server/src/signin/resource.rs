//! Which resources tokens are issued for, and how requests name them.

use super::error::Refused;

/// A resource that tokens are issued for. Each edge decides which of them it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// Azure Resource Manager.
    Arm,
    /// Partner Center.
    PartnerCenter,
    /// The directory's graph, which Partner Center's client libraries name as well.
    Graph,
    /// This server by its own address.
    Own,
}

impl Audience {
    /// The well-known names, without trailing slash.
    const KNOWN: [(&'static str, Self); 5] = [
        ("https://management.azure.com", Self::Arm),
        ("https://management.core.windows.net", Self::Arm),
        ("https://api.partnercenter.microsoft.com", Self::PartnerCenter),
        ("https://graph.windows.net", Self::Graph),
        ("https://graph.microsoft.com", Self::Graph),
    ];

    /// What a token's `aud` or a request's `resource` means at the server that answers as `base_url`. Case and trailing
    /// slashes do not count.
    pub fn parse(text: &str, base_url: &str) -> Option<Self> {
        let name = text.trim().trim_end_matches('/');
        if name.eq_ignore_ascii_case(base_url.trim_end_matches('/')) {
            return Some(Self::Own);
        }
        Self::KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, audience)| *audience)
    }
}

/// What a request asks for: one resource, and what comes with a user's token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// The resource exactly as named, which becomes `aud`.
    pub resource: Option<String>,
    /// The scopes of the resource as named, for the answer: client libraries file the token under them.
    pub resource_scopes: Vec<String>,
    /// An `id_token` is wanted.
    pub openid: bool,
    /// A refresh token is wanted.
    pub offline: bool,
}

/// Reads the v2.0 parameter `scope`: blanks between, one resource at most, `openid profile email offline_access` beside it.
/// A scope of a resource is its address, a slash and a name, so `https://host//.default` names `https://host/`.
///
/// # Errors
/// [`Refused::InvalidScope`], [`Refused::UnknownResource`].
pub fn parse_scope(text: &str, base_url: &str) -> Result<Asked, Refused> {
    let mut asked = Asked::default();
    for scope in text.split_whitespace() {
        match scope.to_ascii_lowercase().as_str() {
            "openid" => asked.openid = true,
            "offline_access" => asked.offline = true,
            "profile" | "email" => {}
            _ => {
                let Some((resource, name)) = scope.rsplit_once('/') else {
                    return Err(Refused::InvalidScope(shown(scope)));
                };
                if name.is_empty() {
                    return Err(Refused::InvalidScope(shown(scope)));
                }
                if Audience::parse(resource, base_url).is_none() {
                    return Err(Refused::UnknownResource(shown(resource)));
                }
                if asked.resource.as_deref().is_some_and(|earlier| earlier != resource) {
                    return Err(Refused::InvalidScope(shown(text)));
                }
                asked.resource = Some(resource.to_owned());
                asked.resource_scopes.push(scope.to_owned());
            }
        }
    }
    Ok(asked)
}

/// Reads the v1 parameter `resource`.
///
/// # Errors
/// [`Refused::UnknownResource`].
pub fn parse_resource(text: &str, base_url: &str) -> Result<String, Refused> {
    match Audience::parse(text, base_url) {
        Some(_) => Ok(text.trim().to_owned()),
        None => Err(Refused::UnknownResource(shown(text))),
    }
}

fn shown(text: &str) -> String {
    text.chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://localhost:8443";

    #[test]
    fn audiences_are_known_with_and_without_slash() {
        for (text, audience) in [
            ("https://management.azure.com", Some(Audience::Arm)),
            ("https://management.azure.com/", Some(Audience::Arm)),
            ("https://management.core.windows.net/", Some(Audience::Arm)),
            ("https://api.partnercenter.microsoft.com", Some(Audience::PartnerCenter)),
            ("https://graph.windows.net", Some(Audience::Graph)),
            ("https://graph.microsoft.com/", Some(Audience::Graph)),
            ("https://LOCALHOST:8443/", Some(Audience::Own)),
            ("https://localhost:8444", None),
            ("https://management.azure.com.evil.example", None),
            ("", None),
        ] {
            assert_eq!(Audience::parse(text, BASE), audience, "{text}");
        }
    }

    #[test]
    fn a_scope_names_one_resource() {
        let read = |text: &str| match parse_scope(text, BASE) {
            Ok(asked) => format!("{} {} {}", asked.resource.unwrap_or_default(), asked.openid, asked.offline),
            Err(refused) => refused.to_string(),
        };
        assert_eq!(
            read("https://management.azure.com/.default openid profile offline_access"),
            "https://management.azure.com true true"
        );
        assert_eq!(read("https://localhost:8443//.default"), "https://localhost:8443/ false false");
        assert_eq!(
            read("https://api.partnercenter.microsoft.com/user_impersonation"),
            "https://api.partnercenter.microsoft.com false false"
        );
        assert_eq!(read("openid"), " true false");
        assert_eq!(read("https://evil.example/.default"), "the resource `https://evil.example` is not served here");
        assert!(read("User.Read").starts_with("the scope `User.Read` is not valid"));
        assert!(
            read("https://management.azure.com/.default https://graph.microsoft.com/.default")
                .contains("name one resource")
        );
    }
}
