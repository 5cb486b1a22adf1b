//! One of each refusal, for the page that publishes them and for tests that look at all of them.

use jiff::Timestamp;
use jiff::civil::date;
use uuid::Uuid;

use crate::arm_scope::ArmScope;
use crate::basket::LineProblem;
use crate::cancellation::Uncancellable;
use crate::catalog::{NotForSale, Quantity, ReservedResourceType, SkuName};
use crate::ids::{
    CartId, CustomerId, EntitlementId, OrderId, PartnerId, PriceRuleId, PrincipalId, ReservationId, ReservationOrderId,
    RoleAssignmentId, RoleDefinitionId, SubscriptionId,
};
use crate::market::Country;
use crate::money::{Currency, Money, MoneyError};
use crate::obstacle::{Obstacle, PartnerContact};
use crate::price_rule::InvalidPriceRule;
use crate::purchase::PartnerOnlyChange;
use crate::refusal::Refusal;
use crate::role_assignment::PrincipalType;
use crate::self_serve_policy::PolicyId;
use crate::subscription::SubscriptionStatus;
use crate::usage::InvalidUsage;

macro_rules! samples {
    ($($variant:ident = $sample:expr;)*) => {
        /// One of each refusal. A new one does not compile before it has a sample here.
        pub fn samples() -> Vec<Refusal> {
            vec![$($sample),*]
        }

        /// The name of a refusal, as the published page gives it.
        pub fn name(refusal: &Refusal) -> &'static str {
            match refusal {
                $(Refusal::$variant { .. } => stringify!($variant),)*
            }
        }
    };
}

const fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_0000 + n)
}

const PARTNER: PartnerId = PartnerId(id(0x11));
const CUSTOMER: CustomerId = CustomerId(id(0x22));
const SUBSCRIPTION: SubscriptionId = SubscriptionId(id(0x33));
const ORDER: ReservationOrderId = ReservationOrderId(id(0x44));
const RESERVATION: ReservationId = ReservationId(id(0x45));
const ROLE: RoleDefinitionId = RoleDefinitionId(id(0x55));
const ASSIGNMENT: RoleAssignmentId = RoleAssignmentId(id(0x56));
const PRINCIPAL: PrincipalId = PrincipalId(id(0x66));
const ENTITLEMENT: EntitlementId = EntitlementId(id(0x77));
const CART: CartId = CartId(id(0x88));
const POLICY: PolicyId = PolicyId { grantor: PARTNER, customer: CUSTOMER };
const SCOPE: ArmScope = ArmScope::Subscription(SUBSCRIPTION);

fn country(code: &str) -> Country {
    Country::parse(code).expect("two letters")
}

fn currency(code: &str) -> Currency {
    Currency::parse(code).expect("three letters")
}

fn usd(units: i64) -> Money {
    Money { amount_e6: units.saturating_mul(1_000_000), currency: currency("USD") }
}

fn sku() -> SkuName {
    SkuName::parse("Standard_D2s_v5").expect("a plain name")
}

fn contact() -> PartnerContact {
    PartnerContact {
        id: PARTNER,
        name: "Nordmoln AB".to_owned(),
        support: vec!["hjalp@nordmoln.example".to_owned()],
        currency: currency("EUR"),
    }
}

samples! {
    ForeignGrantor = Refusal::ForeignGrantor { grantor: PARTNER };
    PolicyWithoutPermission = Refusal::PolicyWithoutPermission;
    PolicyExists = Refusal::PolicyExists { id: POLICY };
    PolicyNotFound = Refusal::PolicyNotFound { id: POLICY };
    StaleEtag = Refusal::StaleEtag;
    ScopeNotFound = Refusal::ScopeNotFound { scope: SCOPE };
    ScopeNotYours = Refusal::ScopeNotYours { action: "Microsoft.Authorization/roleAssignments/write", scope: SCOPE };
    RoleNotFound = Refusal::RoleNotFound { id: ROLE };
    PrincipalNotFound = Refusal::PrincipalNotFound { id: PRINCIPAL };
    PrincipalTypeMismatch = Refusal::PrincipalTypeMismatch {
        id: PRINCIPAL, found: PrincipalType::User, claimed: PrincipalType::ServicePrincipal,
    };
    RoleNotAssignableHere = Refusal::RoleNotAssignableHere { id: ROLE, scope: SCOPE };
    RoleAssignmentFixed = Refusal::RoleAssignmentFixed { id: ASSIGNMENT };
    RoleAssignmentExists = Refusal::RoleAssignmentExists { id: ASSIGNMENT };
    BuiltInRoleFixed = Refusal::BuiltInRoleFixed { id: ROLE };
    RoleWithoutScope = Refusal::RoleWithoutScope;
    RoleNameTaken = Refusal::RoleNameTaken { name: "Buyers".to_owned() };
    RoleInUse = Refusal::RoleInUse { id: ROLE };
    CustomerNotServed = Refusal::CustomerNotServed { customer: CUSTOMER };
    InvalidPriceRule = Refusal::InvalidPriceRule(InvalidPriceRule::PercentOutOfRange {
        what: "discount", percent: rust_decimal::Decimal::from(101), max: 100,
    });
    PriceRuleNotFound = Refusal::PriceRuleNotFound { id: PriceRuleId(id(0x99)) };
    PurchaseNotAllowed = Refusal::PurchaseNotAllowed { obstacles: obstacles() };
    PartnerOnly = Refusal::PartnerOnly { what: PartnerOnlyChange::Refund, contact: contact() };
    QuoteMissing = Refusal::QuoteMissing { order: ORDER };
    QuoteLapsed = Refusal::QuoteLapsed { order: ORDER, at: Timestamp::UNIX_EPOCH };
    NotWhatWasQuoted = Refusal::NotWhatWasQuoted { order: ORDER };
    ReservationOrderExists = Refusal::ReservationOrderExists { order: ORDER };
    ReservationNotFound = Refusal::ReservationNotFound { order: ORDER, reservation: RESERVATION };
    ReservationNotActive = Refusal::ReservationNotActive { reservation: RESERVATION };
    RefundQuantity = Refusal::RefundQuantity { quantity: 5, of: Quantity::new(4).expect("four are few") };
    NotReturnable = Refusal::NotReturnable { kind: ReservedResourceType::RedHat };
    OrderNotFound = Refusal::OrderNotFound { order: OrderId::from_uuid(id(0xbb)) };
    OrderNotCancellable = Refusal::OrderNotCancellable {
        order: OrderId::from_uuid(id(0xbb)), because: Uncancellable::TooOld,
    };
    ReturnQuoteMissing = Refusal::ReturnQuoteMissing { session: id(0xaa) };
    ReturnQuoteDiffers = Refusal::ReturnQuoteDiffers { session: id(0xaa) };
    ReturnQuoteLapsed = Refusal::ReturnQuoteLapsed { session: id(0xaa), at: Timestamp::UNIX_EPOCH };
    ReturnQuoteUsed = Refusal::ReturnQuoteUsed { session: id(0xaa), at: Timestamp::UNIX_EPOCH };
    ReturnQuoteStale = Refusal::ReturnQuoteStale { session: id(0xaa) };
    RefundLimitExceeded = Refusal::RefundLimitExceeded {
        limit: usd(50_000), before: usd(49_000), amount: usd(1_001), months: 12,
    };
    NoConversionRate = Refusal::NoConversionRate { currency: currency("XAF"), on: date(2026, 11, 1) };
    InvalidRefundPolicy = Refusal::InvalidRefundPolicy { field: "feePercent", must: "lie between 0 and 100" };
    ExchangeIncomplete = Refusal::ExchangeIncomplete;
    NotExchangeable = Refusal::NotExchangeable {
        from: ReservedResourceType::VirtualMachines, to: ReservedResourceType::SqlDatabases,
    };
    ExchangeTooSmall = Refusal::ExchangeTooSmall { bought: usd(99), returned: usd(100) };
    ReservationNotOver = Refusal::ReservationNotOver { reservation: RESERVATION };
    SplitQuantities = Refusal::SplitQuantities { quantity: Quantity::new(4).expect("four are few") };
    MergeSources = Refusal::MergeSources;
    MergeDiffers = Refusal::MergeDiffers { what: "scopes" };
    ChangedElsewhere = Refusal::ChangedElsewhere { what: PartnerOnlyChange::ScopeChange };
    AlreadyRenewed = Refusal::AlreadyRenewed { reservation: RESERVATION, order: ORDER };
    NothingToChange = Refusal::NothingToChange { scope_only: false };
    ScopeOutsideContext = Refusal::ScopeOutsideContext { scope: SCOPE };
    NotOffered = Refusal::NotOffered { what: PartnerOnlyChange::Exchange };
    NotForSale = Refusal::NotForSale(NotForSale::NotFound { sku: sku() });
    Money = Refusal::Money(MoneyError::Overflow);
    AgreementMissing = Refusal::AgreementMissing { customer: CUSTOMER };
    CartNotFound = Refusal::CartNotFound { id: CART };
    CartSubmitted = Refusal::CartSubmitted { id: CART };
    CartInError = Refusal::CartInError {
        id: CART, lines: vec![(0, LineProblem::ItemUnknown { item: "a:b:c".to_owned() })],
    };
    OrderLine = Refusal::OrderLine { line: 0, problem: Box::new(LineProblem::ItemUnknown { item: "a:b:c".to_owned() }) };
    DomainTaken = Refusal::DomainTaken { domain: "exempel.example".to_owned() };
    RegistrationNumberNotTaken = Refusal::RegistrationNumberNotTaken { country: country("SE") };
    RegistrationNumberMissing = Refusal::RegistrationNumberMissing { country: country("PL") };
    RegistrationNumberMalformed = Refusal::RegistrationNumberMalformed { number: "?".to_owned() };
    PhoneNumberMissing = Refusal::PhoneNumberMissing { country: country("PL") };
    AgreementInFuture = Refusal::AgreementInFuture { day: date(2027, 1, 1) };
    AgreementExists = Refusal::AgreementExists { email: "olle@exempel.example".to_owned() };
    EntitlementNotFound = Refusal::EntitlementNotFound { id: ENTITLEMENT };
    EntitlementNotActive = Refusal::EntitlementNotActive { id: ENTITLEMENT, status: SubscriptionStatus::Suspended };
    EntitlementDeleted = Refusal::EntitlementDeleted { id: ENTITLEMENT };
    EntitlementSuspended = Refusal::EntitlementSuspended { id: ENTITLEMENT };
    EntitlementStatus = Refusal::EntitlementStatus {
        from: SubscriptionStatus::Active, to: SubscriptionStatus::Deleted,
    };
    EntitlementQuantity = Refusal::EntitlementQuantity { id: ENTITLEMENT };
    PlanInUse = Refusal::PlanInUse { id: ENTITLEMENT, subscriptions: 1, reservations: 2 };
    InvalidUsage = Refusal::InvalidUsage(InvalidUsage::Subscription(SUBSCRIPTION));
}

/// One of each obstacle, in the order in which a purchase names them.
pub fn obstacles() -> Vec<Obstacle> {
    let partner = || "Nordmoln AB".to_owned();
    vec![
        Obstacle::PermissionOff { partner: partner(), contact: contact().support },
        Obstacle::NoSubscription { partner: partner() },
        Obstacle::SubscriptionNotActive { subscription: SUBSCRIPTION, partner: partner() },
        Obstacle::NotOwner { buyer: "rut@exempel.example".to_owned(), subscription: SUBSCRIPTION },
        Obstacle::MarketNotServed { country: country("AD") },
        Obstacle::NotForSale(NotForSale::NotFound { sku: sku() }),
        Obstacle::ScopeOutsideContext { scope: SCOPE },
    ]
}
