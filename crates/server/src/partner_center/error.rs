//! Refusals as Partner Center words them: a status, a code, a text that says what to do.

use axum::response::{IntoResponse, Response};
use fullmakt_domain::authz::Denied;
use fullmakt_domain::basket::LineProblem;
use fullmakt_domain::cancellation::Uncancellable;
use fullmakt_domain::catalog::NotForSale;
use fullmakt_domain::obstacle::Obstacle;
use fullmakt_domain::refusal::Refusal;
use fullmakt_store::{ExecuteError, Fault, ReadError};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

/// Largest number of characters a description may have.
const DESCRIPTION_MAX: usize = 1024;

macro_rules! catalogue {
    ($($(#[$doc:meta])* $name:ident = $status:literal, $code:literal;)*) => {
        /// What went wrong, in the vocabulary of the wire.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($(#[$doc])* $name),* }

        impl Code {
            /// Every code, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The HTTP status and the text of the code.
            pub const fn face(self) -> (u16, &'static str) {
                match self { $(Self::$name => ($status, $code)),* }
            }
        }
    };
}

catalogue! {
    /// The request has no token.
    NoToken = 401, "800001";
    /// The token is bad, expired, or of the wrong kind.
    TokenRefused = 401, "400";
    /// The caller's role may not do this.
    RoleNotSufficient = 403, "900150";
    /// The caller may not touch this object.
    ObjectDenied = 403, "2032";
    /// The partner has no relationship with the customer any more.
    NoRelationship = 403, "20002";
    /// The path names nothing.
    NotFound = 404, "1000";
    /// The verb is not known for this path.
    VerbNotAllowed = 405, "800042";
    /// No such customer, as far as the caller may know.
    CustomerNotFound = 404, "60003";
    /// No such user.
    UserNotFound = 404, "60002";
    /// The customer identifier is not a GUID.
    CustomerIdInvalid = 400, "900118";
    /// The input is not valid.
    InputInvalid = 400, "800002";
    /// A property has a value it cannot have.
    PropertyInvalid = 400, "3000";
    /// A word is not among those of its enumeration.
    WordUnknown = 400, "900126";
    /// Only sandboxes do this.
    NotInThisEnvironment = 400, "900127";
    /// This server does not do this.
    NotSupported = 400, "900141";
    /// The resource changed after the caller read it.
    EtagStale = 400, "2055";
    /// Ours.
    Unexpected = 500, "800003";
    /// Ours, and it passes.
    Unavailable = 503, "800003";
    /// No such self-serve policy.
    PolicyNotFound = 404, "600039";
    /// The identifier cannot be that of a self-serve policy.
    PolicyIdNotAcceptable = 404, "600040";
    /// There is one already.
    PolicyExists = 409, "600041";
    /// The country takes no registration number.
    RegistrationNumberNotSupported = 400, "600002";
    /// The country asks for a registration number.
    RegistrationNumberMissing = 400, "600049";
    /// The registration number has not the form of its country.
    RegistrationNumberBadlyFormed = 400, "600050";
    /// The country asks for a telephone number.
    PhoneNumberMissing = 400, "600051";
    /// The name or identifier is taken.
    Taken = 409, "3000";
    /// An agreement with the same contact is confirmed already.
    AgreementExists = 409, "600061";
    /// No such subscription.
    SubscriptionNotFound = 404, "20003";
    /// No such order.
    OrderNotFound = 404, "20000";
    /// No such cart.
    CartNotFound = 404, "800008";
    /// Nothing is known about provisioning.
    ProvisioningNotAvailable = 404, "800007";
    /// A line of the cart is at fault.
    CartInError = 400, "800009";
    /// Another request works on the cart.
    CartBusy = 409, "800064";
    /// The cart was checked out before.
    CartSubmitted = 400, "800065";
    /// The quantity is outside what the item allows.
    QuantityOutOfRange = 400, "2002";
    /// The subscription is deleted.
    SubscriptionDeleted = 400, "2011";
    /// The billing cycle changes through the order.
    BillingCycleThroughOrder = 400, "2054";
    /// The status cannot become the one asked for.
    StatusTransition = 400, "800040";
    /// The subscription is suspended.
    SubscriptionSuspended = 400, "800091";
    /// Active Azure subscriptions or reservations hang on the plan.
    PlanInUse = 403, "900115";
    /// Not a subscription of Azure.
    NotAnAzureSubscription = 400, "800011";
    /// The subscription is not active.
    SubscriptionNotActive = 400, "800012";
    /// The subscription cannot carry reservations.
    NotEnabledForReservations = 400, "800013";
    /// No subscription that could be used here.
    SubscriptionNotValid = 400, "800021";
    /// The subscription is not registered for reservations.
    NotRegistered = 400, "800030";
    /// No such offer.
    OfferUnknown = 400, "800004";
    /// The offer is not sold in the country.
    OfferNotInCountry = 400, "800070";
    /// The partner does not sell in the country.
    CountryNotServed = 403, "2030";
    /// The item is not for sale.
    ItemNotEligible = 403, "800020";
    /// None left.
    NoInventory = 400, "800010";
    /// So many are not available.
    QuantityNotAvailable = 400, "800017";
    /// The limit of a sandbox.
    SandboxLimit = 400, "800018";
    /// The customer agreement is not confirmed.
    AgreementMissing = 403, "13605";
    /// The plan of the customer stands in the way of another.
    PlanExists = 400, "900116";
    /// An order is in progress.
    OrderInProgress = 409, "800060";
    /// The order cannot be cancelled.
    OrderNotCancellable = 400, "800061";
    /// What the order bought ends by suspending its subscription.
    CancelBySuspending = 400, "800063";
    /// The window in which the order could be cancelled is over.
    CancellationWindowOver = 400, "900117";
    /// Outside a sandbox, reservations are not cancelled this way.
    CancellationNotByApi = 403, "800019";
    /// The target segment is not allowed.
    SegmentNotAllowed = 403, "400030";
    /// The target view is not allowed.
    ViewNotAllowed = 403, "400036";
    /// No such product.
    ProductNotFound = 404, "400013";
    /// No such SKU.
    SkuNotFound = 404, "400018";
    /// No such availability.
    AvailabilityNotFound = 404, "400019";
}

/// A refused or failed request: what every handler of this edge answers with when it does not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong.
    pub code: Code,
    /// For a person: what is wrong and what to do.
    pub description: String,
}

impl Failure {
    /// A failure of this code with this text, cut to what the format allows.
    pub fn new(code: Code, description: impl Into<String>) -> Self {
        let text: String = description.into();
        let description = if text.trim().is_empty() { "the request was refused".to_owned() } else { text };
        Self { code, description: description.chars().take(DESCRIPTION_MAX).collect() }
    }

    /// 400/800002: the text names the field.
    pub fn input(description: impl Into<String>) -> Self {
        Self::new(Code::InputInvalid, description)
    }

    /// 401/800001.
    pub fn no_token() -> Self {
        Self::new(Code::NoToken, "the request has no `Authorization: Bearer` header")
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.face().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// The failure for what must not be known to exist: the same as for what does not exist (R45).
fn hidden() -> Failure {
    Failure::new(Code::CustomerNotFound, "there is no such customer, check the customer id")
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Hidden => hidden(),
            Denied::Forbidden { actor, .. } => Self::new(
                Code::RoleNotSufficient,
                format!("the role of `{actor}` may not do this, ask a colleague with the role that may"),
            ),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(code(&refusal), refusal.to_string())
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Denied(denied) => denied.into(),
            ReadError::Fault(error) => fault(&error),
        }
    }
}

impl From<ExecuteError> for Failure {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Denied(denied) => denied.into(),
            ExecuteError::Refused(refusal) => refusal.into(),
            ExecuteError::Fault(error) => fault(&error),
        }
    }
}

/// Words a failure of ours, which the log explains and the caller need not understand.
pub fn fault(fault: &Fault) -> Failure {
    let chain = std::iter::successors(Some::<&dyn std::error::Error>(fault), |error| error.source());
    let chain: Vec<String> = chain.map(ToString::to_string).collect();
    tracing::error!(error = chain.join(": "), "a Partner Center request failed");
    if fault.is_transient() {
        Failure::new(Code::Unavailable, "the server is busy, repeat the request in a moment")
    } else {
        Failure::new(Code::Unexpected, "the server failed, its log has the reason under this MS-CorrelationId")
    }
}

/// The code of every refusal. It has no wildcard, so that a new refusal is given its code.
fn code(refusal: &Refusal) -> Code {
    match refusal {
        Refusal::ForeignGrantor { .. } => Code::ObjectDenied,
        Refusal::PolicyWithoutPermission => Code::InputInvalid,
        Refusal::PolicyExists { .. } => Code::PolicyExists,
        Refusal::PolicyNotFound { .. } => Code::PolicyNotFound,
        Refusal::StaleEtag => Code::EtagStale,
        Refusal::DomainTaken { .. }
        | Refusal::RoleAssignmentExists { .. }
        | Refusal::RoleNameTaken { .. }
        | Refusal::RoleInUse { .. }
        | Refusal::ReservationOrderExists { .. } => Code::Taken,
        Refusal::ScopeNotFound { .. }
        | Refusal::RoleNotFound { .. }
        | Refusal::ReservationNotFound { .. }
        | Refusal::PriceRuleNotFound { .. } => Code::NotFound,
        Refusal::CustomerNotServed { .. } => Code::CustomerNotFound,
        Refusal::PrincipalNotFound { .. } => Code::UserNotFound,
        Refusal::ScopeNotYours { .. } | Refusal::PartnerOnly { .. } => Code::RoleNotSufficient,
        Refusal::PrincipalTypeMismatch { .. }
        | Refusal::RoleNotAssignableHere { .. }
        | Refusal::RoleAssignmentFixed { .. }
        | Refusal::BuiltInRoleFixed { .. }
        | Refusal::RoleWithoutScope
        | Refusal::InvalidPriceRule(_)
        | Refusal::InvalidUsage(_)
        | Refusal::QuoteMissing { .. }
        | Refusal::QuoteLapsed { .. }
        | Refusal::NotWhatWasQuoted { .. }
        | Refusal::ReservationNotActive { .. }
        | Refusal::ReservationNotOver { .. }
        | Refusal::RefundQuantity { .. }
        | Refusal::NotReturnable { .. }
        | Refusal::RefundLimitExceeded { .. }
        | Refusal::ReturnQuoteMissing { .. }
        | Refusal::ReturnQuoteDiffers { .. }
        | Refusal::ReturnQuoteLapsed { .. }
        | Refusal::ReturnQuoteUsed { .. }
        | Refusal::ReturnQuoteStale { .. }
        | Refusal::NoConversionRate { .. }
        | Refusal::InvalidRefundPolicy { .. }
        | Refusal::ExchangeIncomplete
        | Refusal::NotExchangeable { .. }
        | Refusal::ExchangeTooSmall { .. }
        | Refusal::SplitQuantities { .. }
        | Refusal::MergeSources
        | Refusal::MergeDiffers { .. }
        | Refusal::ChangedElsewhere { .. }
        | Refusal::AlreadyRenewed { .. }
        | Refusal::NothingToChange { .. }
        | Refusal::ScopeOutsideContext { .. }
        | Refusal::NotOffered { .. }
        | Refusal::Money(_) => Code::InputInvalid,
        Refusal::NotForSale(_) => Code::ItemNotEligible,
        Refusal::PurchaseNotAllowed { obstacles } => obstacles.first().map_or(Code::InputInvalid, obstacle),
        Refusal::RegistrationNumberNotTaken { .. } => Code::RegistrationNumberNotSupported,
        Refusal::RegistrationNumberMissing { .. } => Code::RegistrationNumberMissing,
        Refusal::RegistrationNumberMalformed { .. } => Code::RegistrationNumberBadlyFormed,
        Refusal::PhoneNumberMissing { .. } => Code::PhoneNumberMissing,
        Refusal::AgreementInFuture { .. } => Code::InputInvalid,
        Refusal::AgreementExists { .. } => Code::AgreementExists,
        Refusal::EntitlementNotFound { .. } => Code::SubscriptionNotFound,
        Refusal::EntitlementNotActive { .. } => Code::SubscriptionNotActive,
        Refusal::EntitlementDeleted { .. } => Code::SubscriptionDeleted,
        Refusal::EntitlementSuspended { .. } => Code::SubscriptionSuspended,
        Refusal::EntitlementStatus { .. } => Code::StatusTransition,
        Refusal::EntitlementQuantity { .. } => Code::QuantityOutOfRange,
        Refusal::PlanInUse { .. } => Code::PlanInUse,
        Refusal::AgreementMissing { .. } => Code::AgreementMissing,
        Refusal::OrderNotFound { .. } => Code::OrderNotFound,
        Refusal::OrderNotCancellable { because, .. } => match because {
            Uncancellable::NothingLeft => Code::OrderNotCancellable,
            Uncancellable::HasPlan => Code::CancelBySuspending,
            Uncancellable::TooOld => Code::CancellationNotByApi,
        },
        Refusal::CartNotFound { .. } => Code::CartNotFound,
        Refusal::CartSubmitted { .. } => Code::CartSubmitted,
        Refusal::CartInError { .. } => Code::CartInError,
        Refusal::OrderLine { problem, .. } => line_problem(problem),
    }
}

/// The code of what is wrong with a line of an order.
fn line_problem(problem: &LineProblem) -> Code {
    match problem {
        LineProblem::Unsupported(_)
        | LineProblem::Currency { .. }
        | LineProblem::BillingCycle { .. }
        | LineProblem::Term { .. }
        | LineProblem::Scope { .. }
        | LineProblem::SubscriptionMissing
        | LineProblem::Money(_) => Code::InputInvalid,
        LineProblem::ItemUnknown { .. } => Code::OfferUnknown,
        LineProblem::Quantity { .. } => Code::QuantityNotAvailable,
        LineProblem::MarketNotServed { .. } | LineProblem::NotForSale(NotForSale::MarketNotServed { .. }) => {
            Code::OfferNotInCountry
        }
        LineProblem::NotForSale(_) | LineProblem::LegacyClosed => Code::ItemNotEligible,
        LineProblem::SubscriptionUnknown { .. } => Code::SubscriptionNotValid,
        LineProblem::SubscriptionNotActive { .. } => Code::SubscriptionNotActive,
        LineProblem::SubscriptionNotRegistered { .. } => Code::NotRegistered,
        LineProblem::ItemForOtherSubscription { .. } => Code::NotEnabledForReservations,
        LineProblem::PlanExists | LineProblem::LegacyActive => Code::PlanExists,
    }
}

/// The code of what stands in the way of a purchase; of several, the first counts.
fn obstacle(obstacle: &Obstacle) -> Code {
    match obstacle {
        Obstacle::PermissionOff { .. } | Obstacle::NotOwner { .. } => Code::RoleNotSufficient,
        Obstacle::NoSubscription { .. } => Code::SubscriptionNotValid,
        Obstacle::SubscriptionNotActive { .. } => Code::SubscriptionNotActive,
        Obstacle::MarketNotServed { .. } => Code::CountryNotServed,
        Obstacle::NotForSale(_) => Code::ItemNotEligible,
        Obstacle::ScopeOutsideContext { .. } => Code::InputInvalid,
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = json!({
            "code": self.code.face().1,
            "description": self.description,
            "source": "PartnerApi",
            "isRetryable": status.is_server_error(),
        });
        let mut response = super::reply::json_response(status, &body);
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_an_error_status_and_digits() {
        for code in Code::ALL {
            let (status, text) = code.face();
            assert!((400..600).contains(&status), "{code:?}");
            assert!(!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()), "{code:?}");
        }
    }

    #[test]
    fn a_description_is_never_empty_and_never_too_long() {
        assert!(!Failure::input("  ").description.trim().is_empty());
        assert_eq!(Failure::input("å".repeat(3000)).description.chars().count(), 1024);
    }
}
