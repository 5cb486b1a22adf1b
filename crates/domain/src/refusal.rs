//! Why a permitted request is turned down.

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::arm_scope::ArmScope;
use crate::basket::LineProblem;
use crate::cancellation::Uncancellable;
use crate::catalog::{NotForSale, Quantity, ReservedResourceType};
use crate::ids::{
    CartId, CustomerId, EntitlementId, OrderId, PartnerId, PriceRuleId, PrincipalId, ReservationId, ReservationOrderId,
    RoleAssignmentId, RoleDefinitionId,
};
use crate::market::Country;
use crate::money::{Currency, Money, MoneyError};
use crate::obstacle::{Obstacle, PartnerContact};
use crate::price_rule::InvalidPriceRule;
use crate::purchase::PartnerOnlyChange;
use crate::role_assignment::PrincipalType;
use crate::self_serve_policy::PolicyId;
use crate::subscription::SubscriptionStatus;
use crate::usage::InvalidUsage;

/// Why a permitted request is turned down. Of several that apply, a decision reports the first it meets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A policy names its own partner as the one that pays.
    #[error("the grantor `{grantor}` is not your own partner")]
    ForeignGrantor {
        /// Who was named.
        grantor: PartnerId,
    },
    /// A policy without permissions would mean nothing.
    #[error("a self-serve policy must permit at least one purchase")]
    PolicyWithoutPermission,
    /// The permission is on already.
    #[error("a self-serve policy `{id}` already exists; replace it or delete it first")]
    PolicyExists {
        /// Which.
        id: PolicyId,
    },
    /// There is no such permission.
    #[error("there is no self-serve policy `{id}`")]
    PolicyNotFound {
        /// Which.
        id: PolicyId,
    },
    /// Someone else changed it in the meantime.
    #[error("the resource was changed since it was read; read it again and repeat the change")]
    StaleEtag,
    /// A scope that is not there.
    #[error("there is nothing at `{scope}`")]
    ScopeNotFound {
        /// Where.
        scope: ArmScope,
    },
    /// A further scope that the request names, where the actor's roles do not allow it.
    #[error("your roles do not allow `{action}` at `{scope}`")]
    ScopeNotYours {
        /// What.
        action: &'static str,
        /// Where.
        scope: ArmScope,
    },
    /// There is no such role.
    #[error("there is no role definition `{id}`")]
    RoleNotFound {
        /// Which.
        id: RoleDefinitionId,
    },
    /// There is no such user, application or group.
    #[error("there is no principal `{id}` in the directory")]
    PrincipalNotFound {
        /// Which.
        id: PrincipalId,
    },
    /// The principal is something else than the request says.
    #[error("the principal `{id}` is a {}, not a {}", found.name(), claimed.name())]
    PrincipalTypeMismatch {
        /// Which.
        id: PrincipalId,
        /// What it is.
        found: PrincipalType,
        /// What the request says.
        claimed: PrincipalType,
    },
    /// The role is made for other places.
    #[error("the role `{id}` cannot be given at `{scope}`")]
    RoleNotAssignableHere {
        /// Which.
        id: RoleDefinitionId,
        /// Where.
        scope: ArmScope,
    },
    /// Who has which role where is fixed once it is given.
    #[error("principal, role and scope of the role assignment `{id}` cannot be changed; remove it and make another")]
    RoleAssignmentFixed {
        /// Which.
        id: RoleAssignmentId,
    },
    /// The principal has the role there already.
    #[error("the principal has this role here already: role assignment `{id}`")]
    RoleAssignmentExists {
        /// Under which identifier.
        id: RoleAssignmentId,
    },
    /// Built-in roles are part of the program.
    #[error("the role `{id}` is built in and cannot be changed or removed")]
    BuiltInRoleFixed {
        /// Which.
        id: RoleDefinitionId,
    },
    /// A role without a place would mean nothing.
    #[error("a role needs at least one assignable scope")]
    RoleWithoutScope,
    /// Another role has the name.
    #[error("the role name `{name}` is taken")]
    RoleNameTaken {
        /// Which.
        name: String,
    },
    /// Someone has the role.
    #[error("the role `{id}` is given to someone; remove its role assignments first")]
    RoleInUse {
        /// Which.
        id: RoleDefinitionId,
    },
    /// Someone named a customer that is another's, or nobody's.
    #[error("`{customer}` is not a customer of yours")]
    CustomerNotServed {
        /// Who was named.
        customer: CustomerId,
    },
    /// A price rule that would make no sense.
    #[error(transparent)]
    InvalidPriceRule(#[from] InvalidPriceRule),
    /// There is no such price rule.
    #[error("there is no price rule `{id}`")]
    PriceRuleNotFound {
        /// Which.
        id: PriceRuleId,
    },
    /// One or more conditions of a purchase are not met; all of them are named (R12).
    #[error("the purchase is not possible: {}", listed(obstacles))]
    PurchaseNotAllowed {
        /// In the order of [`crate::obstacle::obstacles`].
        obstacles: Vec<Obstacle>,
    },
    /// The customer asked for what only the partner may do (R20).
    #[error(
        "a customer cannot {} that {} pays for; ask {}{}",
        what.words(), contact.name, contact.name, reached(&contact.support)
    )]
    PartnerOnly {
        /// What.
        what: PartnerOnlyChange,
        /// Whom to ask.
        contact: PartnerContact,
    },
    /// There is no price to buy at (R13).
    #[error("there is no quote `{order}`; ask for a price first and buy with the order id it names")]
    QuoteMissing {
        /// The identifier given.
        order: ReservationOrderId,
    },
    /// The price holds no longer (R13).
    #[error("the quote `{order}` lapsed at {at}; ask for a new price and buy with the order id it names")]
    QuoteLapsed {
        /// Which.
        order: ReservationOrderId,
        /// When.
        at: Timestamp,
    },
    /// The price was for something else (R13).
    #[error("the purchase differs from what the quote `{order}` is for; ask for a new price")]
    NotWhatWasQuoted {
        /// Which.
        order: ReservationOrderId,
    },
    /// The quote has been bought on with other terms.
    #[error("the reservation order `{order}` already exists with other terms")]
    ReservationOrderExists {
        /// Which.
        order: ReservationOrderId,
    },
    /// There is no such reservation under the order.
    #[error("there is no reservation `{reservation}` under the order `{order}`")]
    ReservationNotFound {
        /// The order.
        order: ReservationOrderId,
        /// Which.
        reservation: ReservationId,
    },
    /// The reservation is cancelled or its term is over.
    #[error("the reservation `{reservation}` is no longer active and cannot be changed")]
    ReservationNotActive {
        /// Which.
        reservation: ReservationId,
    },
    /// More or less than there is was to be returned.
    #[error("{quantity} instances cannot be returned, the reservation has {of}: return at least 1 and at most {of}")]
    RefundQuantity {
        /// How many.
        quantity: i64,
        /// How many there are.
        of: Quantity,
    },
    /// Pools of units and third-party licences are not taken back.
    #[error("reservations of the kind `{kind}` cannot be returned or exchanged")]
    NotReturnable {
        /// Which kind.
        kind: ReservedResourceType,
    },
    /// There is no such commercial order.
    #[error("there is no order `{order}`")]
    OrderNotFound {
        /// Which.
        order: OrderId,
    },
    /// A commercial order stays as it is.
    #[error("the order `{order}` cannot be cancelled: {because}")]
    OrderNotCancellable {
        /// Which.
        order: OrderId,
        /// Why.
        because: Uncancellable,
    },
    /// There is no such quote of a refund or an exchange.
    #[error("there is no quote `{session}`; ask for a new one")]
    ReturnQuoteMissing {
        /// Which.
        session: Uuid,
    },
    /// The quote is for something else.
    #[error("the quote `{session}` is for another reservation or quantity; ask for a new one")]
    ReturnQuoteDiffers {
        /// Which.
        session: Uuid,
    },
    /// The quote holds no longer.
    #[error("the quote `{session}` lapsed at {at}; ask for a new one")]
    ReturnQuoteLapsed {
        /// Which.
        session: Uuid,
        /// When.
        at: Timestamp,
    },
    /// A quote is used once.
    #[error("the quote `{session}` was used at {at}; nothing more comes of it")]
    ReturnQuoteUsed {
        /// Which.
        session: Uuid,
        /// When.
        at: Timestamp,
    },
    /// Something else of the same order was given back since.
    #[error("something else of the same order was given back since the quote `{session}`; ask for a new one")]
    ReturnQuoteStale {
        /// Which.
        session: Uuid,
    },
    /// Too much commitment would be cancelled (R23).
    #[error(
        "the return would cancel {amount} of commitment; with {before} in the {months} months before it would exceed the \
         limit of {limit}"
    )]
    RefundLimitExceeded {
        /// The limit.
        limit: Money,
        /// What counts already.
        before: Money,
        /// What this return counts.
        amount: Money,
        /// For how long returns count.
        months: i64,
    },
    /// Without a rate nothing can be compared with the limit.
    #[error("there is no conversion rate for `{currency}` on {on}; set one")]
    NoConversionRate {
        /// Which currency.
        currency: Currency,
        /// On which day.
        on: Date,
    },
    /// Rules of returns that make no sense.
    #[error("`{field}` must {must}")]
    InvalidRefundPolicy {
        /// What is wrong.
        field: &'static str,
        /// What it must do.
        must: &'static str,
    },
    /// An exchange gives and takes.
    #[error("an exchange needs at least one reservation to return, each named once, and one to purchase")]
    ExchangeIncomplete,
    /// An exchange stays within a group of kinds.
    #[error("a reservation of the kind `{from}` cannot be exchanged for one of the kind `{to}`")]
    NotExchangeable {
        /// What is returned.
        from: ReservedResourceType,
        /// What is to be bought.
        to: ReservedResourceType,
    },
    /// An exchange buys at least as much as it returns (R23).
    #[error("an exchange must buy at least as much as it returns: {bought} is less than {returned}")]
    ExchangeTooSmall {
        /// The whole price of what is bought.
        bought: Money,
        /// The commitment that is returned.
        returned: Money,
    },
    /// Only what is over can be hidden.
    #[error("the reservation `{reservation}` is still active; only one that is cancelled or expired can be archived")]
    ReservationNotOver {
        /// Which.
        reservation: ReservationId,
    },
    /// The parts of a split do not add up.
    #[error("a split needs two numbers of at least 1 that add up to {quantity}, the quantity of the reservation")]
    SplitQuantities {
        /// What there is to divide.
        quantity: Quantity,
    },
    /// A merge takes two reservations of one order.
    #[error("a merge needs two different reservations of the same order")]
    MergeSources,
    /// A merge would change one of the two.
    #[error("the reservations cannot be merged, because their {what} differ; make them alike first")]
    MergeDiffers {
        /// What is not the same.
        what: &'static str,
    },
    /// Splitting and merging change nothing else.
    #[error("splitting or merging changes nothing else; {} on the reservation itself", what.words())]
    ChangedElsewhere {
        /// What was asked for besides.
        what: PartnerOnlyChange,
    },
    /// What is renewed is not renewed again.
    #[error("the reservation `{reservation}` is renewed already, by the reservation order `{order}`")]
    AlreadyRenewed {
        /// Which.
        reservation: ReservationId,
        /// By what.
        order: ReservationOrderId,
    },
    /// Everything asked for is so already.
    #[error("the reservation is as it is asked to be; there is nothing to change")]
    NothingToChange {
        /// Whether the scope was all that was asked for.
        scope_only: bool,
    },
    /// A scope outside what the partner bought for the customer (R30, R31).
    #[error("the scope `{scope}` is not among the subscriptions that the same partner bought for this customer")]
    ScopeOutsideContext {
        /// Which.
        scope: ArmScope,
    },
    /// Something that this version cannot do for anyone.
    #[error("this server cannot {} yet", what.words())]
    NotOffered {
        /// What.
        what: PartnerOnlyChange,
    },
    /// The catalogue does not sell it.
    #[error(transparent)]
    NotForSale(#[from] NotForSale),
    /// An amount is beyond what can be billed.
    #[error("the amount cannot be billed: {0}")]
    Money(#[from] MoneyError),
    /// Nothing new is sold without it.
    #[error("the customer agreement of `{customer}` is not confirmed; confirm it first")]
    AgreementMissing {
        /// Whose.
        customer: CustomerId,
    },
    /// There is no such cart, or not any more.
    #[error("there is no cart `{id}`; a cart is gone {} minutes after its last change", crate::cart::CART_MINUTES)]
    CartNotFound {
        /// Which.
        id: CartId,
    },
    /// It was bought before.
    #[error("the cart `{id}` was submitted already; make a new one")]
    CartSubmitted {
        /// Which.
        id: CartId,
    },
    /// Nothing of it is bought while a line cannot be.
    #[error("the cart `{id}` cannot be bought: {}", wrong_lines(lines))]
    CartInError {
        /// Which.
        id: CartId,
        /// The lines that cannot be bought, and why.
        lines: Vec<(i64, LineProblem)>,
    },
    /// An order is placed with all its lines or not at all.
    #[error("line {line}: {problem}")]
    OrderLine {
        /// The first that cannot be bought.
        line: i64,
        /// Why.
        problem: Box<LineProblem>,
    },
    /// The domain of a new customer belongs to another directory.
    #[error("the domain `{domain}` is taken, choose another")]
    DomainTaken {
        /// Which.
        domain: String,
    },
    /// The country has no registration numbers.
    #[error("`{country}` takes no registration number, leave it out")]
    RegistrationNumberNotTaken {
        /// Which.
        country: Country,
    },
    /// The country asks for one.
    #[error("`{country}` asks for a registration number, give `companyProfile.organizationRegistrationNumber`")]
    RegistrationNumberMissing {
        /// Which.
        country: Country,
    },
    /// It cannot be one.
    #[error("`{number}` is not a registration number: {}", crate::customer::REGISTRATION_NUMBER_FORM)]
    RegistrationNumberMalformed {
        /// What was given.
        number: String,
    },
    /// The country asks for one.
    #[error("`{country}` asks for a telephone number, give `billingProfile.defaultAddress.phoneNumber`")]
    PhoneNumberMissing {
        /// Which.
        country: Country,
    },
    /// An agreement cannot be accepted tomorrow.
    #[error("the agreement was accepted on `{day}`, which is in the future")]
    AgreementInFuture {
        /// The day.
        day: Date,
    },
    /// The same person confirmed it before.
    #[error("the agreement is already confirmed by `{email}`")]
    AgreementExists {
        /// Whose confirmation there is.
        email: String,
    },
    /// There is no such commercial subscription.
    #[error("there is no subscription `{id}`")]
    EntitlementNotFound {
        /// Which.
        id: EntitlementId,
    },
    /// It has to be active for this.
    #[error("the subscription `{id}` is {}, it has to be active", status.name())]
    EntitlementNotActive {
        /// Which.
        id: EntitlementId,
        /// What it is instead.
        status: SubscriptionStatus,
    },
    /// It was deleted, for good.
    #[error("the subscription `{id}` is deleted, nothing of it can change")]
    EntitlementDeleted {
        /// Which.
        id: EntitlementId,
    },
    /// It has to be resumed first.
    #[error("the subscription `{id}` is suspended, make it active first")]
    EntitlementSuspended {
        /// Which.
        id: EntitlementId,
    },
    /// No way leads from one status to the other.
    #[error("a subscription that is `{}` cannot become `{}`", from.name(), to.name())]
    EntitlementStatus {
        /// What it is.
        from: SubscriptionStatus,
        /// What it was to become.
        to: SubscriptionStatus,
    },
    /// There is always one of it.
    #[error("the quantity of subscription `{id}` is 1 and cannot change")]
    EntitlementQuantity {
        /// Which.
        id: EntitlementId,
    },
    /// Suspending the plan would take what hangs on it away.
    #[error(
        "the Azure plan `{id}` has {subscriptions} active subscriptions and {reservations} reservations, cancel them first"
    )]
    PlanInUse {
        /// Which.
        id: EntitlementId,
        /// How many subscriptions.
        subscriptions: i64,
        /// How many reservations.
        reservations: i64,
    },
    /// Usage that cannot be taken in.
    #[error(transparent)]
    InvalidUsage(#[from] InvalidUsage),
}

/// Obstacles in one sentence, each with its remedy.
fn listed(obstacles: &[Obstacle]) -> String {
    let each: Vec<String> = obstacles.iter().map(|o| format!("{o} ({})", o.remedy())).collect();
    each.join("; ")
}

/// Lines of a cart in one sentence.
fn wrong_lines(lines: &[(i64, LineProblem)]) -> String {
    let each: Vec<String> = lines.iter().map(|(line, problem)| format!("line {line}: {problem}")).collect();
    if each.is_empty() { "it has no lines".to_owned() } else { each.join("; ") }
}

/// How a partner can be reached, in brackets.
fn reached(support: &[String]) -> String {
    if support.is_empty() { String::new() } else { format!(" ({})", support.join(", ")) }
}
