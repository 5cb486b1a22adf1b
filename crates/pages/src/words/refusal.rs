//! Why something is not possible, and what to do about it, for people.

use fullmakt_domain::basket::LineProblem;
use fullmakt_domain::cancellation::{CANCELLATION_DAYS, Uncancellable};
use fullmakt_domain::catalog::{NotForSale, Quantity};
use fullmakt_domain::money::MoneyError;
use fullmakt_domain::obstacle::{Obstacle, PartnerContact};
use fullmakt_domain::price_rule::InvalidPriceRule;
use fullmakt_domain::purchase::PartnerOnlyChange;
use fullmakt_domain::refusal::Refusal;
use fullmakt_server::text::Text;

use super::{offer, place, plan, principal_type, sentence, subscription_state, term};
use crate::format;

/// Why a request was turned down, in whole sentences.
pub fn refusal(t: Text, refusal: &Refusal) -> String {
    match refusal {
        Refusal::PolicyExists { .. } => t.get("refusal-policy-exists"),
        Refusal::PolicyNotFound { .. } => t.get("refusal-policy-not-found"),
        Refusal::StaleEtag => t.get("refusal-changed-meanwhile"),
        Refusal::ScopeNotFound { scope } => t.with("refusal-scope-not-found", "scope", place(t, scope)),
        Refusal::ScopeNotYours { scope, .. } => t.with("refusal-scope-not-yours", "scope", place(t, scope)),
        Refusal::RoleNotFound { .. } => t.get("refusal-role-not-found"),
        Refusal::PrincipalNotFound { .. } => t.get("refusal-principal-not-found"),
        Refusal::PrincipalTypeMismatch { found, claimed, .. } => t.with_all(
            "refusal-principal-type",
            &[("found", &principal_type(t, *found)), ("claimed", &principal_type(t, *claimed))],
        ),
        Refusal::RoleNotAssignableHere { scope, .. } => t.with("refusal-role-not-assignable", "scope", place(t, scope)),
        Refusal::RoleAssignmentFixed { .. } => t.get("refusal-assignment-fixed"),
        Refusal::RoleAssignmentExists { .. } => t.get("refusal-assignment-exists"),
        Refusal::CustomerNotServed { .. } => t.get("refusal-customer-not-served"),
        Refusal::InvalidPriceRule(problem) => price_rule(t, problem),
        Refusal::PriceRuleNotFound { .. } => t.get("refusal-price-rule-not-found"),
        Refusal::PurchaseNotAllowed { obstacles } => obstacles
            .iter()
            .map(|found| format!("{} {}", obstacle(t, found), remedy(t, found)))
            .collect::<Vec<_>>()
            .join(" "),
        Refusal::PartnerOnly { what, contact } => partner_only_reason(t, *what, contact),
        Refusal::QuoteMissing { .. } => t.get("refusal-quote-missing"),
        Refusal::QuoteLapsed { at, .. } => t.with("refusal-quote-lapsed", "at", format::instant(t, *at)),
        Refusal::NotWhatWasQuoted { .. } => t.get("refusal-not-what-was-quoted"),
        Refusal::ReservationOrderExists { .. } => t.get("refusal-bought-already"),
        Refusal::ReservationNotFound { .. } => t.get("refusal-reservation-not-found"),
        Refusal::ReservationNotActive { .. } => t.get("refusal-reservation-not-active"),
        Refusal::RefundQuantity { of, .. } => t.with("refusal-refund-quantity", "of", of.instances()),
        Refusal::NotReturnable { .. } => t.get("refusal-not-returnable"),
        Refusal::OrderNotFound { .. } => t.get("refusal-order-not-found"),
        Refusal::OrderNotCancellable { because, .. } => match because {
            Uncancellable::NothingLeft => t.get("refusal-order-nothing-left"),
            Uncancellable::HasPlan => t.get("refusal-order-has-plan"),
            Uncancellable::TooOld => t.with("refusal-order-too-old", "days", CANCELLATION_DAYS),
        },
        Refusal::ReturnQuoteMissing { .. } | Refusal::ReturnQuoteDiffers { .. } | Refusal::ReturnQuoteStale { .. } => {
            t.get("refusal-return-quote-stale")
        }
        Refusal::ReturnQuoteLapsed { at, .. } => t.with("refusal-return-quote-lapsed", "at", format::instant(t, *at)),
        Refusal::ReturnQuoteUsed { at, .. } => t.with("refusal-return-quote-used", "at", format::instant(t, *at)),
        Refusal::RefundLimitExceeded { limit, before, amount, months } => t.with_all(
            "refusal-refund-limit",
            &[
                ("limit", &format::money(t.language(), *limit)),
                ("before", &format::money(t.language(), *before)),
                ("amount", &format::money(t.language(), *amount)),
                ("months", months),
            ],
        ),
        Refusal::NoConversionRate { currency, .. } => t.with("refusal-no-rate", "currency", currency.code()),
        Refusal::ExchangeIncomplete => t.get("refusal-exchange-incomplete"),
        Refusal::NotExchangeable { .. } => t.get("refusal-not-exchangeable"),
        Refusal::ExchangeTooSmall { bought, returned } => t.with_all(
            "refusal-exchange-too-small",
            &[("bought", &format::money(t.language(), *bought)), ("returned", &format::money(t.language(), *returned))],
        ),
        Refusal::ReservationNotOver { .. } => t.get("refusal-reservation-not-over"),
        Refusal::SplitQuantities { quantity } => t.with("refusal-split-quantities", "quantity", quantity.instances()),
        Refusal::MergeSources => t.with("refusal-merge-sources", "most", i64::from(Quantity::MAX)),
        Refusal::MergeDiffers { what: "scopes" } => t.get("refusal-merge-scopes"),
        Refusal::MergeDiffers { .. } => t.get("refusal-merge-differs"),
        Refusal::AlreadyRenewed { .. } => t.get("refusal-renewed-already"),
        Refusal::NothingToChange { .. } => t.get("refusal-nothing-to-change"),
        Refusal::ScopeOutsideContext { .. } => t.get("refusal-scope-outside"),
        Refusal::NotOffered { .. } => t.get("refusal-not-offered"),
        Refusal::NotForSale(reason) => not_for_sale(t, reason),
        Refusal::Money(reason) => money(t, reason),
        Refusal::AgreementMissing { .. } => t.get("refusal-agreement-missing"),
        Refusal::CartNotFound { .. } => {
            t.with("refusal-cart-not-found", "minutes", fullmakt_domain::cart::CART_MINUTES)
        }
        Refusal::CartSubmitted { .. } => t.get("refusal-cart-submitted"),
        Refusal::CartInError { lines, .. } => {
            let problems: Vec<String> = lines.iter().map(|(_, problem)| line_problem(t, problem)).collect();
            t.with("refusal-cart-in-error", "problems", problems.join(" "))
        }
        Refusal::OrderLine { problem, .. } => line_problem(t, problem),
        Refusal::DomainTaken { domain } => t.with("refusal-domain-taken", "domain", domain),
        Refusal::RegistrationNumberNotTaken { country } => {
            t.with("refusal-registration-number-not-taken", "country", super::country(t, *country))
        }
        Refusal::RegistrationNumberMissing { country } => {
            t.with("refusal-registration-number-missing", "country", super::country(t, *country))
        }
        Refusal::RegistrationNumberMalformed { number } => {
            t.with("refusal-registration-number-malformed", "number", number)
        }
        Refusal::PhoneNumberMissing { country } => {
            t.with("refusal-phone-missing", "country", super::country(t, *country))
        }
        Refusal::AgreementInFuture { day } => t.with("refusal-agreement-in-future", "day", format::date(t, *day)),
        Refusal::AgreementExists { email } => t.with("refusal-agreement-exists", "email", email),
        Refusal::EntitlementNotFound { .. } => t.get("refusal-subscription-not-found"),
        Refusal::EntitlementNotActive { status, .. } => {
            t.with("refusal-subscription-not-active", "status", subscription_state(t, *status))
        }
        Refusal::EntitlementDeleted { .. } => t.get("refusal-subscription-deleted"),
        Refusal::EntitlementSuspended { .. } => t.get("refusal-subscription-suspended"),
        Refusal::EntitlementStatus { from, to } => t.with_all(
            "refusal-subscription-status",
            &[("from", &subscription_state(t, *from)), ("to", &subscription_state(t, *to))],
        ),
        Refusal::PlanInUse { subscriptions, reservations, .. } => {
            t.with_all("refusal-plan-in-use", &[("subscriptions", subscriptions), ("reservations", reservations)])
        }
        // No page asks for what these turn down: policies and payers that a page names itself, custom roles, quantities of
        // subscriptions, a scope or renewal that comes with a split, rules of returns, usage.
        Refusal::ForeignGrantor { .. }
        | Refusal::InvalidUsage(_)
        | Refusal::PolicyWithoutPermission
        | Refusal::BuiltInRoleFixed { .. }
        | Refusal::RoleWithoutScope
        | Refusal::RoleNameTaken { .. }
        | Refusal::RoleInUse { .. }
        | Refusal::ChangedElsewhere { .. }
        | Refusal::InvalidRefundPolicy { .. }
        | Refusal::EntitlementQuantity { .. } => sentence(&refusal.to_string()),
    }
}

/// What stands in the way of a purchase.
pub fn obstacle(t: Text, obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::PermissionOff { partner, .. } => t.with("obstacle-permission-off", "partner", partner),
        Obstacle::NoSubscription { partner } => t.with("obstacle-no-subscription", "partner", partner),
        Obstacle::SubscriptionNotActive { subscription, .. } => {
            t.with("obstacle-subscription-not-active", "subscription", subscription.to_string())
        }
        Obstacle::NotOwner { buyer, subscription } => {
            t.with_all("obstacle-not-owner", &[("buyer", buyer), ("subscription", &subscription.to_string())])
        }
        Obstacle::MarketNotServed { country } => t.with("obstacle-market", "country", super::country(t, *country)),
        Obstacle::NotForSale(reason) => not_for_sale(t, reason),
        Obstacle::ScopeOutsideContext { .. } => t.get("obstacle-scope-outside"),
    }
}

/// What to do about it.
pub fn remedy(t: Text, obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::PermissionOff { partner, contact } => {
            t.with("remedy-permission-off", "partner", reached(partner, contact))
        }
        Obstacle::NoSubscription { partner } => t.with("remedy-no-subscription", "partner", partner),
        Obstacle::SubscriptionNotActive { partner, .. } => t.with("remedy-subscription-not-active", "partner", partner),
        Obstacle::NotOwner { .. } => t.get("remedy-not-owner"),
        Obstacle::MarketNotServed { .. } => t.get("remedy-market"),
        Obstacle::NotForSale(_) => t.get("remedy-not-for-sale"),
        Obstacle::ScopeOutsideContext { .. } => t.get("remedy-scope-outside"),
    }
}

/// Why something cannot be bought from the catalogue.
pub fn not_for_sale(t: Text, reason: &NotForSale) -> String {
    match reason {
        NotForSale::NotFound { sku } => t.with("not-for-sale-not-found", "sku", sku.as_str()),
        NotForSale::UnknownRegion { region } => t.with("not-for-sale-unknown-region", "region", region.title()),
        NotForSale::NotInRegion { sku, region } => {
            t.with_all("not-for-sale-not-in-region", &[("sku", &sku.as_str()), ("region", &region.title())])
        }
        NotForSale::TermNotOffered { sku, term: asked } => {
            t.with_all("not-for-sale-term", &[("sku", &sku.as_str()), ("term", &term(t, *asked))])
        }
        NotForSale::CurrencyNotOffered { sku, currency } => {
            t.with_all("not-for-sale-currency", &[("sku", &sku.as_str()), ("currency", &currency.code())])
        }
        NotForSale::MarketNotServed { sku, market } => {
            t.with_all("not-for-sale-market", &[("sku", &sku.as_str()), ("country", &super::country(t, *market))])
        }
        NotForSale::NotYetSold { sku, from, .. } => {
            t.with_all("not-for-sale-not-yet", &[("sku", &sku.as_str()), ("from", &format::date(t, *from))])
        }
        NotForSale::NoLongerSold { sku, since, .. } => {
            t.with_all("not-for-sale-no-longer", &[("sku", &sku.as_str()), ("since", &format::date(t, *since))])
        }
        NotForSale::PlanNotOffered { sku, plan: asked } => {
            t.with_all("not-for-sale-plan", &[("sku", &sku.as_str()), ("plan", &plan(t, *asked))])
        }
    }
}

/// Why a line of a cart cannot be bought.
pub fn line_problem(t: Text, problem: &LineProblem) -> String {
    match problem {
        LineProblem::ItemUnknown { .. } => t.get("line-item-unknown"),
        LineProblem::Currency { billed } => t.with("line-currency", "currency", billed),
        LineProblem::Quantity { most, .. } => t.with("line-quantity", "most", format::number(t.language(), most)),
        LineProblem::BillingCycle { .. } => t.get("line-billing-cycle"),
        LineProblem::Term { term: sold, .. } => t.with("line-term", "term", term(t, *sold)),
        LineProblem::MarketNotServed { country } => t.with("obstacle-market", "country", super::country(t, *country)),
        LineProblem::NotForSale(reason) => not_for_sale(t, reason),
        LineProblem::SubscriptionMissing => t.get("line-subscription-missing"),
        LineProblem::SubscriptionUnknown { .. } => t.get("line-subscription-unknown"),
        LineProblem::SubscriptionNotActive { .. } => t.get("line-subscription-not-active"),
        LineProblem::SubscriptionNotRegistered { .. } => t.get("line-subscription-not-registered"),
        LineProblem::ItemForOtherSubscription { offer: here } => {
            t.with("line-item-for-other", "offer", offer(t, *here))
        }
        LineProblem::PlanExists => t.get("line-plan-exists"),
        LineProblem::LegacyActive => t.get("line-legacy-active"),
        LineProblem::LegacyClosed => t.get("line-legacy-closed"),
        LineProblem::Money(reason) => money(t, reason),
        // No form has the fields that these turn down.
        LineProblem::Unsupported(_) | LineProblem::Scope { .. } => sentence(&problem.to_string()),
    }
}

/// What is wrong with a price rule.
pub fn price_rule(t: Text, problem: &InvalidPriceRule) -> String {
    match problem {
        InvalidPriceRule::PercentOutOfRange { max, .. } => t.with("price-rule-percent-range", "max", *max),
        InvalidPriceRule::PercentTooFine { .. } => {
            t.with("price-rule-percent-fine", "max", fullmakt_domain::price_rule::PriceRuleKind::PERCENT_DECIMALS)
        }
        InvalidPriceRule::FixedOutOfRange { .. } => t.get("price-rule-fixed-range"),
        InvalidPriceRule::FixedTooFine { amount } => {
            t.with("price-rule-fixed-fine", "currency", amount.currency.code())
        }
        InvalidPriceRule::FamilyAndSku => t.get("price-rule-family-and-sku"),
        InvalidPriceRule::ForeignCurrency { billing, .. } => {
            t.with("price-rule-foreign-currency", "currency", billing.code())
        }
        InvalidPriceRule::EndsInThePast { today, .. } => {
            t.with("price-rule-ends-in-the-past", "today", format::date(t, *today))
        }
        InvalidPriceRule::EndsBeforeItBegins { from, .. } => {
            t.with("price-rule-ends-before", "from", format::date(t, *from))
        }
    }
}

/// Why the customer may not do it, and whom to ask (R20).
pub fn partner_only_reason(t: Text, what: PartnerOnlyChange, contact: &PartnerContact) -> String {
    let key = match what {
        PartnerOnlyChange::Exchange => "refusal-partner-only-exchange",
        PartnerOnlyChange::Refund => "refusal-partner-only-refund",
        PartnerOnlyChange::Renewal => "refusal-partner-only-renewal",
        PartnerOnlyChange::ScopeChange => "refusal-partner-only-scope",
        PartnerOnlyChange::DirectoryChange => "refusal-partner-only-directory",
    };
    t.with_all(key, &[("partner", &contact.name), ("contact", &reached(&contact.name, &contact.support))])
}

/// A partner and how to reach it: `Nordmoln AB (hjalp@nordmoln.example, +46 8 000 00)`.
pub fn reached(partner: &str, contact: &[String]) -> String {
    if contact.is_empty() { partner.to_owned() } else { format!("{partner} ({})", contact.join(", ")) }
}

fn money(t: Text, reason: &MoneyError) -> String {
    match reason {
        MoneyError::Overflow => t.get("refusal-amount-too-large"),
        MoneyError::CurrencyMismatch(one, other) => {
            t.with_all("refusal-currencies-differ", &[("one", &one.code()), ("other", &other.code())])
        }
    }
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::refusal_samples::samples;
    use fullmakt_server::text::Language;

    use super::*;
    use crate::words::texts;

    #[test]
    fn every_refusal_is_said_in_both_languages() {
        for refused in samples() {
            let [english, swedish] = Language::ALL.map(|language| refusal(texts(language), &refused));
            for said in [&english, &swedish] {
                assert!(said.ends_with('.') && said.contains(' '), "{refused:?} is said as {said}");
                assert!(!said.contains('`') || said == &sentence(&refused.to_string()), "{said}");
            }
        }
    }

    #[test]
    fn r12_r20_what_is_missing_names_remedy_and_contact() {
        for refused in samples() {
            let said = refusal(texts(Language::Swedish), &refused);
            match &refused {
                Refusal::PurchaseNotAllowed { obstacles } => {
                    for found in obstacles {
                        assert!(said.contains(&remedy(texts(Language::Swedish), found)), "{said}");
                    }
                }
                Refusal::PartnerOnly { contact, .. } => {
                    assert!(said.contains(&contact.name), "{said}");
                    assert!(contact.support.iter().all(|line| said.contains(line.as_str())), "{said}");
                }
                _ => {}
            }
        }
    }
}
