//! The `api-version` that every request but the first one must name.

use super::error::ArmError;
use super::query::Query;
use http::StatusCode;

/// Whose versions count for a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Subscriptions, tenants, resource groups, providers.
    Resources,
    /// Reservations.
    Capacity,
    /// Roles.
    Authorization,
    /// What was used, and what to buy.
    Consumption,
    /// `/metadata/endpoints`: any version, or none.
    Metadata,
    /// Microsoft Graph, which has its version in the path.
    Graph,
}

impl Provider {
    /// The namespace, as answers spell it.
    pub fn namespace(self) -> &'static str {
        match self {
            Self::Resources | Self::Metadata => "Microsoft.Resources",
            Self::Capacity => "Microsoft.Capacity",
            Self::Authorization => "Microsoft.Authorization",
            Self::Consumption => "Microsoft.Consumption",
            Self::Graph => "Microsoft.Graph",
        }
    }

    /// The versions that are answered, oldest first.
    pub fn versions(self) -> &'static [&'static str] {
        match self {
            Self::Resources => &RESOURCES,
            Self::Capacity => &CAPACITY,
            Self::Authorization => &AUTHORIZATION,
            Self::Consumption => &CONSUMPTION,
            Self::Metadata | Self::Graph => &[],
        }
    }
}

const RESOURCES: [&str; 38] = [
    "2014-01-01",
    "2014-04-01",
    "2014-04-01-preview",
    "2015-01-01",
    "2015-11-01",
    "2016-02-01",
    "2016-06-01",
    "2016-07-01",
    "2016-09-01",
    "2017-05-10",
    "2018-02-01",
    "2018-05-01",
    "2018-06-01",
    "2019-03-01",
    "2019-05-01",
    "2019-05-10",
    "2019-06-01",
    "2019-07-01",
    "2019-08-01",
    "2019-10-01",
    "2019-11-01",
    "2020-01-01",
    "2020-05-01",
    "2020-06-01",
    "2020-08-01",
    "2020-10-01",
    "2021-01-01",
    "2021-04-01",
    "2021-10-01",
    "2022-01-01",
    "2022-09-01",
    "2022-12-01",
    "2023-07-01",
    "2024-03-01",
    "2024-07-01",
    "2024-08-01",
    "2024-11-01",
    "2025-04-01",
];

const CAPACITY: [&str; 12] = [
    "2017-11-01",
    "2018-06-01",
    "2019-04-01",
    "2019-07-19-preview",
    "2020-06-01",
    "2020-10-01-preview",
    "2020-10-25",
    "2020-11-15-preview",
    "2021-07-01",
    "2022-03-01",
    "2022-04-01",
    "2022-11-01",
];

const AUTHORIZATION: [&str; 18] = [
    "2014-10-01-preview",
    "2015-05-01-preview",
    "2015-06-01",
    "2015-07-01",
    "2016-07-01",
    "2017-05-01",
    "2017-09-01",
    "2017-10-01-preview",
    "2018-01-01-preview",
    "2018-07-01",
    "2018-07-01-preview",
    "2018-09-01-preview",
    "2020-03-01-preview",
    "2020-04-01-preview",
    "2020-08-01-preview",
    "2020-10-01",
    "2022-04-01",
    "2022-05-01-preview",
];

const CONSUMPTION: [&str; 12] = [
    "2019-05-01",
    "2019-05-01-preview",
    "2019-06-01",
    "2019-10-01",
    "2019-11-01",
    "2021-05-01",
    "2021-10-01",
    "2022-09-01",
    "2023-03-01",
    "2023-05-01",
    "2023-11-01",
    "2024-08-01",
];

/// The version to answer in.
///
/// # Errors
/// 400 `MissingApiVersionParameter`; for a version that is not known 400 or 404, depending on the provider, with the list
/// of those that are.
pub fn check(
    query: &Query,
    provider: Provider,
    resource_type: &str,
    below_subscription: bool,
) -> Result<String, ArmError> {
    let given = query.get("api-version").map(str::trim).unwrap_or_default();
    if matches!(provider, Provider::Metadata | Provider::Graph) {
        return Ok(given.to_ascii_lowercase());
    }
    if given.is_empty() {
        return Err(ArmError::bad_request(
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        ));
    }
    let lower = given.to_ascii_lowercase();
    if provider.versions().contains(&lower.as_str()) {
        return Ok(lower);
    }
    let given: String = given.chars().take(40).collect();
    let namespace = provider.namespace();
    let supported = provider.versions().join(", ");
    Err(match (provider, below_subscription) {
        (Provider::Resources, _) => ArmError::bad_request(
            "InvalidApiVersionParameter",
            format!("The api-version '{given}' is invalid. The supported versions are '{supported}'."),
        ),
        (_, true) => ArmError::bad_request(
            "NoRegisteredProviderFound",
            format!(
                "No registered resource provider found for API version '{given}' and type '{resource_type}' in the \
                 namespace '{namespace}'. The supported api-versions are '{supported}'."
            ),
        ),
        (_, false) => ArmError::new(
            StatusCode::NOT_FOUND,
            "InvalidResourceType",
            format!(
                "The resource type '{resource_type}' could not be found in the namespace '{namespace}' for api version \
                 '{given}'. The supported api-versions are '{supported}'."
            ),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(query: &str, provider: Provider, below_subscription: bool) -> String {
        let query = Query::parse(query).unwrap();
        match check(&query, provider, "reservationOrders", below_subscription) {
            Ok(version) => version,
            Err(error) => format!("{} {}", error.status.as_u16(), error.code),
        }
    }

    #[test]
    fn a_version_is_required_and_known() {
        for (query, provider, below, outcome) in [
            ("", Provider::Capacity, false, "400 MissingApiVersionParameter"),
            ("api-version=", Provider::Resources, false, "400 MissingApiVersionParameter"),
            ("api-version=2022-11-01", Provider::Capacity, false, "2022-11-01"),
            ("API-VERSION=2022-05-01-PREVIEW", Provider::Authorization, false, "2022-05-01-preview"),
            ("api-version=2022-11-02", Provider::Capacity, false, "404 InvalidResourceType"),
            ("api-version=2022-11-02", Provider::Capacity, true, "400 NoRegisteredProviderFound"),
            ("api-version=latest", Provider::Resources, false, "400 InvalidApiVersionParameter"),
            ("", Provider::Metadata, false, ""),
        ] {
            assert_eq!(checked(query, provider, below), outcome, "{query}");
        }
    }

    #[test]
    fn the_versions_of_the_clients_are_answered() {
        for (provider, versions) in [
            (Provider::Resources, vec!["2016-02-01", "2016-06-01", "2021-10-01", "2022-12-01", "2024-11-01"]),
            (Provider::Capacity, vec!["2020-10-25", "2022-03-01", "2022-11-01"]),
            (Provider::Consumption, vec!["2021-10-01", "2023-05-01", "2024-08-01"]),
            (Provider::Authorization, vec!["2015-07-01", "2020-10-01", "2022-04-01", "2022-05-01-preview"]),
        ] {
            for version in versions {
                assert!(provider.versions().contains(&version), "{version}");
            }
            assert!(provider.versions().is_sorted());
        }
    }
}
