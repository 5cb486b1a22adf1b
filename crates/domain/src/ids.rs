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

/// An identifier that follows from another one: the same whoever derives it, and another for each name.
///
/// It is a hash (version 5). Where the other one begins with the moment at which it was made (version 7, or 8 as made here), it
/// begins with the same 48 bits (version 8 of RFC 9562): what comes into being together lies together in every index that begins
/// with an identifier.
pub fn beside(seed: Uuid, name: &[u8]) -> Uuid {
    let hash = Uuid::new_v5(&seed, name);
    if !matches!(seed.get_version_num(), 7 | 8) {
        return hash;
    }
    let mut bytes = *hash.as_bytes();
    for (own, others) in bytes.iter_mut().zip(seed.as_bytes()).take(6) {
        *own = *others;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
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

impl ReservationId {
    /// The reservation that comes of the purchase of an order.
    pub fn of_purchase(bought: ReservationOrderId) -> Self {
        Self(beside(bought.0, b"reservation"))
    }
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
    /// Where the last twelve characters before the `1` are.
    const LAST: std::ops::Range<usize> = 20..32;

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

    /// The identifier of the commercial order that comes of a purchase of one reservation order.
    pub fn of_purchase(bought: ReservationOrderId) -> Self {
        Self::from_uuid(beside(bought.0, b"order"))
    }

    /// The short number people quote: twelve characters that differ from order to order. They are the first; where those tell
    /// the moment ([`beside`]), which orders may share, the last before the `1`.
    pub fn alternate(&self) -> &str {
        let tells_the_moment = self.0.get(12..13) == Some("8");
        self.0.get(if tells_the_moment { Self::LAST } else { 0..12 }).unwrap_or(&self.0)
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
    fn what_follows_from_an_identifier_lies_beside_it_and_is_told_apart_by_its_number() {
        let seed = Uuid::parse_str("0198c1f2-a3b4-7cde-8f01-23456789abcd").unwrap();
        let order = beside(seed, b"order");
        assert!(order.to_string().starts_with("0198c1f2-a3b4-8"), "{order}");
        assert_eq!(order, beside(seed, b"order"));
        assert_ne!(order, beside(seed, b"reservation"));

        let later = Uuid::parse_str("0198c1f2-a3b4-7cde-8f01-23456789abce").unwrap();
        let numbers = [seed, later].map(|id| OrderId::of_purchase(ReservationOrderId(id)).alternate().to_owned());
        assert_ne!(numbers[0], numbers[1]);
        assert!(numbers.iter().all(|number| number.len() == 12 && !number.starts_with("0198c1f2")), "{numbers:?}");
        // What was bought before identifiers told the moment keeps its number, and what follows from it.
        let before = Uuid::parse_str("5198c1f2-a3b4-4cde-8f01-23456789abcd").unwrap();
        assert_eq!(beside(before, b"order"), Uuid::new_v5(&before, b"order"));
        assert_eq!(OrderId::from_uuid(before).alternate(), "5198c1f2a3b4");
    }

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
