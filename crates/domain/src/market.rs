//! Markets: the customers' countries, and where reservations are not sold (R44).

use std::fmt;

use crate::catalog::InvalidValue;

/// A country by its ISO 3166-1 code of two letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// Reads two letters in either case.
    ///
    /// # Errors
    /// [`InvalidValue`].
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        match text.trim().as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Ok(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => Err(InvalidValue::new(text, "a country code of two letters such as SE")),
        }
    }

    /// The two capital letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("ZZ")
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The markets in which no reservation is sold, sorted (R44).
///
/// Two published lists agree on 108 codes, three of them private ones (XE Sint Eustatius, XJ Jan Mayen, XS Saba). Azerbaijan
/// stands in one list and is refused; Brazil and Russia stand in the other, older one and are served.
pub const WITHOUT_RESERVATIONS: [&str; 109] = [
    "AD", "AG", "AI", "AQ", "AS", "AW", "AX", "AZ", "BF", "BI", "BJ", "BL", "BQ", "BT", "BV", "CC", "CD", "CF", "CG",
    "CK", "CN", "CX", "DJ", "DM", "ER", "FK", "FM", "GA", "GD", "GF", "GG", "GI", "GL", "GM", "GN", "GP", "GQ", "GS",
    "GU", "GW", "GY", "HM", "HT", "IM", "IO", "JE", "KH", "KI", "KM", "LA", "LC", "LR", "LS", "MF", "MG", "MH", "ML",
    "MM", "MP", "MQ", "MR", "MS", "MV", "MW", "MZ", "NC", "NE", "NF", "NR", "NU", "PF", "PG", "PM", "PN", "PW", "RE",
    "SB", "SC", "SH", "SJ", "SL", "SM", "SO", "SR", "SS", "ST", "SX", "SZ", "TC", "TD", "TF", "TG", "TK", "TL", "TO",
    "TV", "UM", "VA", "VC", "VG", "VU", "WF", "WS", "XE", "XJ", "XK", "XS", "YE", "YT",
];

/// Whether reservations are sold to customers of this country (R44).
pub fn sells_reservations(country: Country) -> bool {
    WITHOUT_RESERVATIONS.binary_search(&country.code()).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r44_reservations_are_refused_in_the_markets_listed() {
        assert!(WITHOUT_RESERVATIONS.is_sorted());
        for (code, sold) in [("SE", true), ("br", true), ("RU", true), ("AZ", false), ("gl", false), ("XS", false)] {
            assert_eq!(sells_reservations(Country::parse(code).unwrap()), sold, "{code}");
        }
    }

    #[test]
    fn a_country_is_two_letters() {
        assert_eq!(Country::parse(" se ").unwrap().code(), "SE");
        for text in ["", "S", "SWE", "S1", "é"] {
            assert!(Country::parse(text).is_err(), "{text}");
        }
    }
}
