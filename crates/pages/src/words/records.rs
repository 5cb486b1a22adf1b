//! What a record of the activity log holds, in the visitor's language. The log keeps names and values of its own, the same for
//! every reader.

use std::str::FromStr;

use fullmakt_domain::catalog::Term;
use fullmakt_domain::market::Country;
use fullmakt_domain::money::{Currency, Money};
use fullmakt_domain::order::{BillingCycle, BoughtBy, OrderStatus};
use fullmakt_domain::reservation::AppliedScope;
use fullmakt_server::text::{Language, Text};
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{billing_cycle, bought_by, country, product, term};
use crate::format;

/// Names of the log and the texts of them, sorted.
const PROPERTIES: &[(&str, &str)] = &[
    ("Action", "activity-action"),
    ("Actions", "record-actions"),
    ("AddressLine1", "address-1"),
    ("AddressLine2", "address-2"),
    ("AgreementType", "record-agreement-type"),
    ("AlternateId", "order-number"),
    ("Amount", "return-money"),
    ("AppliedScope", "record-applied-scope"),
    ("AppliedScopeType", "buy-scope"),
    ("Archived", "record-archived"),
    ("AssignableScopes", "record-assignable-scopes"),
    ("Attributes", "record-attributes"),
    ("AutoRenewEnabled", "reservation-renew"),
    ("BillingCycle", "order-billing"),
    ("BillingProfile", "record-billing-profile"),
    ("Bought", "history-bought"),
    ("BoughtBy", "orders-bought-by"),
    ("CartId", "record-cart-id"),
    ("City", "address-city"),
    ("CommerceId", "order-id"),
    ("CommitmentBought", "record-commitment-bought"),
    ("CommitmentReturned", "record-commitment-returned"),
    ("CompanyName", "customer-company"),
    ("CompanyProfile", "customer-company"),
    ("Country", "customer-country"),
    ("CreationDate", "record-creation-date"),
    ("Currency", "statement-currency"),
    ("CurrencyCode", "statement-currency"),
    ("Customer", "prices-customer"),
    ("DateAgreed", "record-date-agreed"),
    ("DefaultAddress", "bill-to-address"),
    ("Description", "record-description"),
    ("DiscountPercent", "prices-discount"),
    ("DisplayName", "portal-subscription-name"),
    ("Domain", "record-domain"),
    ("Email", "person-email"),
    ("Etag", "record-etag"),
    ("ExpiredAt", "record-expired-at"),
    ("Family", "purchase-family"),
    ("FeePercent", "record-fee-percent"),
    ("FirstName", "person-first-name"),
    ("FirstUsedAt", "record-first-used-at"),
    ("Fixed", "record-fixed"),
    ("FriendlyName", "portal-subscription-name"),
    ("From", "activity-from"),
    ("FullRefundDays", "record-full-refund-days"),
    ("Grantor", "record-grantor"),
    ("GrantorType", "record-grantor"),
    ("Hours", "explain-hours"),
    ("Id", "record-id"),
    ("Instalment", "ledger-instalment"),
    ("InstanceFlexibility", "reservation-flexibility"),
    ("Item", "order-item"),
    ("Language", "customer-language"),
    ("LastName", "person-last-name"),
    ("Limit", "refund-limit"),
    ("LineItemNumber", "explain-line"),
    ("LineItems", "orders-items"),
    ("Lines", "record-lines"),
    ("MarkupPercent", "prices-markup"),
    ("NotActions", "record-not-actions"),
    ("NotRenewed", "record-not-renewed"),
    ("ObjectType", "record-object-type"),
    ("OfferId", "record-offer-id"),
    ("OrderId", "order-id"),
    ("OrganizationRegistrationNumber", "bill-to-registration-number"),
    ("Permission", "record-permission"),
    ("Permissions", "record-permissions"),
    ("PhoneNumber", "person-phone"),
    ("PolicyId", "record-policy-id"),
    ("PostalCode", "address-postal-code"),
    ("PrimaryContact", "agreement-accepted-by"),
    ("PrimaryDomainName", "customers-domain"),
    ("PrincipalId", "record-principal-id"),
    ("PrincipalType", "record-principal-type"),
    ("Quantity", "orders-quantity"),
    ("Rate", "rules-rate-label"),
    ("Reason", "return-reason"),
    ("ReferenceCustomerId", "record-reference-customer-id"),
    ("Region", "may-buy-region"),
    ("Registered", "record-registered"),
    ("Relationship", "record-relationship"),
    ("RelationshipToPartner", "record-relationship"),
    ("Renew", "reservation-renew"),
    ("RenewedReservationId", "record-renewed-reservation-id"),
    ("ReservationOrderId", "record-reservation-order-id"),
    ("Resource", "explain-resource"),
    ("Returned", "record-returned"),
    ("ReviewDateTime", "record-review-date-time"),
    ("RoleDefinitionId", "record-role-definition-id"),
    ("RoleName", "access-role"),
    ("Scope", "buy-scope"),
    ("SelfServeEntity", "record-self-serve-entity"),
    ("SelfServeEntityType", "record-self-serve-entity"),
    ("SessionId", "record-session-id"),
    ("Sku", "explain-size"),
    ("Status", "orders-state"),
    ("SubscriptionId", "portal-subscription-id"),
    ("SubscriptionName", "orders-product"),
    ("SuspensionReasons", "record-suspension-reasons"),
    ("TenantID", "record-tenant-id"),
    ("TenantId", "record-tenant-id"),
    ("Term", "buy-term"),
    ("Total", "orders-total"),
    ("TransactionType", "record-transaction-type"),
    ("Type", "record-type"),
    ("UnitPrice", "record-unit-price"),
    ("Until", "record-until"),
    ("ValidFrom", "rules-valid-from"),
    ("WindowMonths", "record-window-months"),
    ("before", "refund-before"),
    ("cancelled", "refund-cancelled"),
    ("counted", "refund-counted"),
    ("credit", "refund-credit"),
    ("dropped", "refund-dropped"),
    ("fee", "refund-fee"),
    ("left", "refund-left"),
    ("limit", "refund-limit"),
    ("refund", "refund-back"),
    ("share", "refund-share"),
];

/// What the log calls a property: `BillingCycle`, `OfferId-1`, `LineItems.0.UnitPrice`. What has no text stays as it is. What the
/// log counts from 0 is counted from 1.
pub fn property(t: Text, path: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut parent = "";
    for part in path.split('.') {
        match (numbered(part), words.last_mut()) {
            (Some(("", number)), Some(named)) => *named = with_number(t, named, number),
            (Some(("", number)), None) => words.push(number.to_string()),
            (Some((name, number)), _) => words.push(with_number(t, &named(t, parent, name), number)),
            (None, _) => words.push(named(t, parent, part)),
        }
        parent = part;
    }
    words.join(" › ")
}

/// The name and the number behind it, from 1: of `OfferId-1` and of `1`.
fn numbered(part: &str) -> Option<(&str, u32)> {
    let (name, number) = part.rsplit_once('-').unwrap_or(("", part));
    Some((name, number.parse::<u32>().ok()?.checked_add(1)?))
}

fn with_number(t: Text, property: &str, number: u32) -> String {
    t.with_all("record-numbered", &[("property", &property), ("number", &number)])
}

fn named(t: Text, parent: &str, name: &str) -> String {
    // How something stands, but in an address a part of the country.
    if name == "State" {
        return t.get(if parent == "DefaultAddress" { "address-region" } else { "orders-state" });
    }
    let at = PROPERTIES.binary_search_by_key(&name, |(property, _)| property);
    at.ok().and_then(|at| PROPERTIES.get(at)).map_or_else(|| name.to_owned(), |(_, key)| t.get(key))
}

/// A value of the log as this language writes it: an instant, a day, an amount, a term, a decimal, yes or no. Any other text
/// stays as it is.
pub fn value(t: Text, path: &str, text: &str) -> String {
    let flag = || match text {
        "true" => Some(t.get("record-yes")),
        "false" => Some(t.get("record-no")),
        _ => None,
    };
    let at = || text.ends_with('Z').then(|| text.parse::<Timestamp>().ok()).flatten();
    let day = || (text.len() == 10).then(|| text.parse::<Date>().ok()).flatten();
    let decimal = || text.contains('.') && Decimal::from_str(text).is_ok();
    word(t, path, text)
        .or_else(flag)
        .or_else(|| at().map(|at| format::instant(t, at)))
        .or_else(|| day().map(|day| format::date(t, day)))
        .or_else(|| Term::parse(text).ok().map(|years| term(t, years)))
        .or_else(|| amount(text).map(|amount| format::money(t.language(), amount)))
        .or_else(|| decimal().then(|| format::number(t.language(), text)))
        .or_else(|| explained(t, text))
        .unwrap_or_else(|| text.to_owned())
}

/// What is one of few words, or is a name for a program.
fn word(t: Text, path: &str, text: &str) -> Option<String> {
    let name = path.rsplit('.').next().unwrap_or(path);
    let (name, _) = name.split_once('-').unwrap_or((name, ""));
    match name {
        "BillingCycle" => BillingCycle::parse(text).map(|cycle| billing_cycle(t, cycle)),
        "BoughtBy" => BoughtBy::parse(text).map(|side| bought_by(t, side)),
        "Country" => Country::parse(text).ok().map(|known| country(t, known)),
        "Status" if text == OrderStatus::Completed.name() => Some(t.get("orders-completed")),
        "Status" if text == OrderStatus::Cancelled.name() => Some(t.get("orders-cancelled")),
        "AppliedScopeType" if text == AppliedScope::Shared.type_name() => Some(t.get("scope-shared")),
        "SubscriptionName" | "Item" | "FriendlyName" => Some(product(t, text)),
        _ => None,
    }
}

/// `12.50 EUR`.
fn amount(text: &str) -> Option<Money> {
    let (number, currency) = text.split_once(' ')?;
    Money::exact(Decimal::from_str(number).ok()?, Currency::parse(currency).ok()?).ok()
}

/// An amount and what it comes from, in the log's English: for those who read English.
fn explained(t: Text, text: &str) -> Option<String> {
    let (number, why) = text.split_once(": ")?;
    let shown = format::money(t.language(), amount(number)?);
    Some(match t.language() {
        Language::English => format!("{shown}: {why}"),
        Language::Swedish => shown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::texts;

    #[test]
    fn properties_of_the_log_have_names_in_both_languages() {
        assert!(PROPERTIES.is_sorted());
        for (name, key) in PROPERTIES {
            assert!(Language::ALL.into_iter().all(|language| texts(language).knows(key)), "{name}: {key}");
        }
        for (path, english, swedish) in [
            ("BillingCycle", "Billing frequency", "Faktureringsfrekvens"),
            ("OfferId-0", "Offer 1", "Erbjudande 1"),
            ("LineItems.1.UnitPrice", "Items 2 › Unit price", "Artiklar 2 › Styckpris"),
            ("0.Status", "1 › Status", "1 › Status"),
            (
                "BillingProfile.DefaultAddress.State",
                "Bill-to › Address › State or region",
                "Faktureras till › Adress › Delstat eller region",
            ),
            ("State", "Status", "Status"),
            ("fee", "Early termination fee", "Avgift för avslut i förtid"),
            ("Something-new", "Something-new", "Something-new"),
            ("", "", ""),
        ] {
            assert_eq!(Language::ALL.map(|language| property(texts(language), path)), [english, swedish], "{path}");
        }
    }

    #[test]
    fn values_of_the_log_are_written_as_the_language_does() {
        for (text, english, swedish) in [
            ("2026-11-10T08:00:01Z", "10 Nov 2026, 08:00", "10 nov. 2026 08:00"),
            ("2026-11-10", "10 Nov 2026", "10 nov. 2026"),
            ("P3Y", "3 years", "3 år"),
            ("-1200.5 EUR", "\u{2212}€1,200.50", "\u{2212}1\u{a0}200,50\u{a0}€"),
            ("8.80 EUR: 12% of what comes back", "€8.80: 12% of what comes back", "8,80\u{a0}€"),
            ("true", "Yes", "Ja"),
            ("2000.00", "2,000.00", "2\u{a0}000,00"),
            ("5566778899", "5566778899", "5566778899"),
            (
                "d17233e8-346f-472f-bffc-c759bda8e0e3",
                "d17233e8-346f-472f-bffc-c759bda8e0e3",
                "d17233e8-346f-472f-bffc-c759bda8e0e3",
            ),
            ("12 of it: 3", "12 of it: 3", "12 of it: 3"),
        ] {
            assert_eq!(Language::ALL.map(|language| value(texts(language), "X", text)), [english, swedish], "{text}");
        }
        for (path, text, swedish) in [
            ("DefaultAddress.Country", "SE", "Sverige"),
            ("CurrencyCode", "SE", "SE"),
            ("BillingCycle", "one_time", "I förskott"),
            ("BoughtBy", "customer", "Kunden"),
            ("LineItems.0.FriendlyName", "Standard_D2s_v5, 1 Year", "Standard_D2s_v5, 1\u{a0}år"),
            ("0.Status", "cancelled", "Annullerad"),
            ("Status", "suspended", "suspended"),
        ] {
            assert_eq!(value(texts(Language::Swedish), path, text), swedish, "{path}");
        }
    }
}
