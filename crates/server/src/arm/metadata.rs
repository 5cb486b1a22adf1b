//! `GET /metadata/endpoints`: what a command line needs to know to treat this server as a cloud of its own.

use serde_json::{Value, json};

/// The first version that answers one object; those before it answer a list of one.
const FIRST_WITH_OBJECT: &str = "2022-09-01";

/// The cloud, as the version asked for shapes it. Every address is the one under which the client reached this server, and
/// https, since the clients take no other.
pub fn endpoints(base: &str, version: &str) -> Value {
    let host = base.split_once("://").map_or(base, |(_, host)| host).trim_end_matches('/');
    let own = format!("https://{host}");
    let slash = format!("{own}/");
    let domain = if host.starts_with('[') { "localhost" } else { host.split(':').next().unwrap_or(host) };
    let cloud = json!({
        "name": "Fullmakt",
        "portal": format!("{own}/portal"),
        "authentication": {
            "loginEndpoint": own,
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/", slash],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graph": slash,
        "graphAudience": slash,
        "microsoftGraphResourceId": slash,
        "resourceManager": slash,
        "gallery": slash,
        "batch": slash,
        "media": slash,
        "sqlManagement": slash,
        "vmImageAliasDoc": format!("{own}/metadata/aliases.json"),
        "activeDirectoryDataLake": slash,
        "logAnalyticsResourceId": slash,
        "synapseAnalyticsResourceId": slash,
        "attestationResourceId": slash,
        "appInsightsResourceId": slash,
        "appInsightsTelemetryChannelResourceId": format!("{own}/v2/track"),
        "ossrDbmsResourceId": slash,
        "azureMediaServicesResourceId": slash,
        "suffixes": {
            "acrLoginServer": format!("azurecr.{domain}"),
            "azureDataLakeAnalyticsCatalogAndJob": format!("azuredatalakeanalytics.{domain}"),
            "azureDataLakeStoreFileSystem": format!("azuredatalakestore.{domain}"),
            "azureFrontDoorEndpointSuffix": format!("azurefd.{domain}"),
            "attestationEndpoint": format!("attest.{domain}"),
            "keyVaultDns": format!("vault.{domain}"),
            "mariadbServerEndpoint": format!("mariadb.database.{domain}"),
            "mhsmDns": format!("managedhsm.{domain}"),
            "mysqlServerEndpoint": format!("mysql.database.{domain}"),
            "postgresqlServerEndpoint": format!("postgres.database.{domain}"),
            "sqlServerHostname": format!("database.{domain}"),
            "storage": format!("core.{domain}"),
            "storageSyncEndpointSuffix": format!("afs.{domain}"),
            "synapseAnalytics": format!("dev.azuresynapse.{domain}"),
        },
    });
    if !version.is_empty() && version < FIRST_WITH_OBJECT { Value::Array(vec![cloud]) } else { cloud }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) if text.contains("://") => found.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| addresses(item, found)),
            Value::Object(fields) => {
                let own = fields.iter().filter(|(key, _)| *key != "audiences");
                own.for_each(|(_, value)| addresses(value, found));
            }
            _ => {}
        }
    }

    #[test]
    fn the_cloud_is_an_object_or_a_list_by_version_and_leads_back_here() {
        for (version, list) in
            [("", false), ("2022-09-01", false), ("2023-11-01", false), ("2020-06-01", true), ("2015-01-01", true)]
        {
            assert_eq!(endpoints("https://localhost:8443", version).is_array(), list, "{version}");
        }
        let mut found = Vec::new();
        addresses(&endpoints("http://127.0.0.1:9000", "2022-09-01"), &mut found);
        assert!(found.len() > 15);
        for address in found {
            assert!(address.starts_with("https://127.0.0.1:9000"), "{address}");
        }
    }
}
