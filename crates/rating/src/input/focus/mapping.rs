//! Which columns of an export hold what: data, so that exports of other vendors can be described.

use super::row::FIELDS;
use crate::detail::DETAILS;
use crate::error::Error;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Where the values of FOCUS rows come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// Texts that stand for no value.
    pub(crate) nulls: Vec<String>,
    /// Units that mean hours.
    pub(crate) hour_units: Vec<String>,
    /// For a field the columns to look at, in order.
    pub(crate) columns: BTreeMap<String, Vec<String>>,
    /// What to cut off the beginning of a field.
    pub(crate) strip_prefix: BTreeMap<String, String>,
    /// What a field is where no column tells.
    pub(crate) defaults: BTreeMap<String, String>,
    /// What the outcome has in descriptive columns where the usage tells nothing.
    pub(crate) labels: BTreeMap<String, String>,
}

impl Mapping {
    /// The text of the mapping that is built in.
    pub const BUILT_IN: &'static str = include_str!("mapping.toml");

    /// The mapping that is built in.
    ///
    /// # Errors
    /// [`Error::Engine`] when it is not well formed, which a test rules out.
    pub fn built_in() -> Result<Self, Error> {
        Self::parse(Self::BUILT_IN).map_err(Error::Engine)
    }

    /// The mapping that is built in, with the entries of a file laid over it.
    ///
    /// # Errors
    /// [`Error`] when the file cannot be read or is no mapping.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|cause| Error::io("read", path, cause))?;
        let over = Self::parse(&text).map_err(|problem| Error::file(path, problem))?;
        let mut whole = Self::built_in()?;
        if !over.nulls.is_empty() {
            whole.nulls = over.nulls;
        }
        if !over.hour_units.is_empty() {
            whole.hour_units = over.hour_units;
        }
        whole.columns.extend(over.columns);
        whole.strip_prefix.extend(over.strip_prefix);
        whole.defaults.extend(over.defaults);
        whole.labels.extend(over.labels);
        Ok(whole)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mapping: Self = toml::from_str(text).map_err(|error| format!("is no mapping: {error}"))?;
        let is_field = |name: &str| FIELDS.contains(&name) || DETAILS.contains(&name);
        let mut named = mapping.columns.keys().chain(mapping.strip_prefix.keys()).chain(mapping.defaults.keys());
        if let Some(unknown) = named.find(|name| !is_field(name)) {
            let known = [&FIELDS[..], &DETAILS[..]].concat().join(", ");
            return Err(format!("is no mapping: there is no field `{unknown}`; fields are {known}"));
        }
        if let Some(unknown) = mapping.labels.keys().find(|name| !DETAILS.contains(&name.as_str())) {
            return Err(format!("is no mapping: there is no label `{unknown}`; labels are {}", DETAILS.join(", ")));
        }
        Ok(mapping)
    }

    /// The columns in which a field is looked for, in order.
    pub(crate) fn sources<'a>(&'a self, field: &'a str) -> Vec<&'a str> {
        self.columns.get(field).map_or_else(|| vec![field], |columns| columns.iter().map(String::as_str).collect())
    }

    /// Whether a text stands for no value.
    pub(crate) fn is_null(&self, value: &[u8]) -> bool {
        value.is_empty() || self.nulls.iter().any(|null| null.as_bytes() == value)
    }

    /// For each of the [`DETAILS`] what the outcome has where the usage tells nothing.
    pub(crate) fn labels(&self) -> [Option<&str>; DETAILS.len()] {
        DETAILS.map(|name| self.labels.get(name).map(String::as_str))
    }

    /// Whether a unit means hours.
    pub(crate) fn is_hours(&self, unit: &[u8]) -> bool {
        self.hour_units.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_laid_over_what_is_built_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mapping.toml");
        let over = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Mapping::from_file(&path).map_err(|error| error.to_string())
        };
        let found = over("[columns]\nx_ArmSkuName = [\"SkuId\"]\n[labels]\nProviderName = \"Nimbus\"\n").unwrap();
        assert_eq!(found.sources("x_ArmSkuName"), ["SkuId"]);
        assert_eq!(found.sources("x_CustomerId"), ["x_CustomerId", "BillingAccountId"]);
        assert_eq!(found.sources("RegionId"), ["RegionId"]);
        assert!(found.is_hours(b"HOURS") && !found.is_hours(b"GB-Hours"));
        assert!(found.is_null(b"") && found.is_null(b"NULL") && !found.is_null(b"0"));
        for (text, word) in [
            ("[columns]\nSku = [\"SkuId\"]", "no field `Sku`"),
            ("[labels]\nBilledCost = \"0\"", "no label `BilledCost`"),
            ("[column]", "column"),
            ("nulls = 3", "line 1"),
        ] {
            let told = over(text).unwrap_err();
            assert!(told.contains("mapping.toml") && told.contains(word), "{told}");
        }
    }
}
