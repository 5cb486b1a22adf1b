//! Identifiers: one type each, so that a subscription cannot be mistaken for a reservation order.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A text that is not a GUID stood where an identifier was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a GUID")]
pub struct InvalidId {
    /// What was given, cut to 64 characters.
    pub text: String,
}

fn parse_uuid(text: &str) -> Result<Uuid, InvalidId> {
    let trimmed = text.trim();
    // The uuid crate also reads braces and the urn form, which no wire format here knows.
    if trimmed.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
        && let Ok(id) = Uuid::try_parse(trimmed)
    {
        return Ok(id);
    }
    Err(InvalidId { text: text.chars().take(64).collect() })
}

macro_rules! guid {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Reads a GUID in either case, with or without dashes; surrounding blanks do not count.
            ///
            /// # Errors
            /// [`InvalidId`] for everything else.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                parse_uuid(text).map(Self)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0.hyphenated())
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )*};
}

guid! {
    /// A directory: a partner's or a customer's. Partner and customer identifiers are tenant identifiers.
    TenantId;
    /// The reseller: its tenant identifier.
    PartnerId;
    /// Whom the reseller serves: its tenant identifier.
    CustomerId;
    /// A user, an application's service principal or a group in a directory.
    PrincipalId;
    /// An application's client identifier.
    ClientId;
    /// What the partner bought for the customer: the commercial subscription of Partner Center.
    EntitlementId;
    /// An Azure subscription.
    SubscriptionId;
    /// One purchase of reservations: a SKU, a region, a term, a billing plan.
    ReservationOrderId;
    /// The thing that gives benefit, under an order.
    ReservationId;
    /// A role definition, built in or custom.
    RoleDefinitionId;
    /// A user's role on a scope.
    RoleAssignmentId;
    /// A Partner Center cart.
    CartId;
    /// One of a partner's price rules.
    PriceRuleId;
    /// The request that the caller or a client library named, for the log.
    CorrelationId;
}

impl CustomerId {
    /// The customer's directory.
    pub fn tenant(self) -> TenantId {
        TenantId(self.0)
    }
}

impl PartnerId {
    /// The partner's directory.
    pub fn tenant(self) -> TenantId {
        TenantId(self.0)
    }

    /// The group of the partner's Admin agents, as it shows in role assignments of customers (a foreign group there).
    /// Derived from the partner, so that every server names it the same.
    pub fn admin_agents_group(self) -> PrincipalId {
        PrincipalId(Uuid::new_v5(&self.0, b"AdminAgents"))
    }
}

/// A Partner Center order: 33 lower-case characters ending in `1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderId(String);

impl OrderId {
    /// The identifier that belongs to a fresh random number.
    pub fn from_uuid(id: Uuid) -> Self {
        Self(format!("{}1", id.simple()))
    }

    /// Reads an order identifier as it stands in a path: 33 characters of `0-9a-f`, the last a `1`; case does not count.
    ///
    /// # Errors
    /// [`InvalidId`] for everything else.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let lower = text.trim().to_ascii_lowercase();
        if lower.len() == 33 && lower.ends_with('1') && lower.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Self(lower))
        } else {
            Err(InvalidId { text: text.chars().take(64).collect() })
        }
    }

    /// The short number people quote: the first twelve characters.
    pub fn alternate(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }

    /// The whole identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_read_in_any_spelling_and_written_in_one() {
        for text in [
            "6F9619FF-8B86-D011-B42D-00C04FC964FF",
            "6f9619ff8b86d011b42d00c04fc964ff",
            " 6f9619ff-8b86-d011-b42d-00c04fc964ff ",
        ] {
            assert_eq!(CustomerId::parse(text).unwrap().to_string(), "6f9619ff-8b86-d011-b42d-00c04fc964ff");
        }
        for text in [
            "",
            "{6f9619ff-8b86-d011-b42d-00c04fc964ff}",
            "urn:uuid:6f9619ff-8b86-d011-b42d-00c04fc964ff",
            "6f9619ff",
            "åäö",
        ] {
            assert!(CustomerId::parse(text).is_err(), "{text}");
        }
    }
}
