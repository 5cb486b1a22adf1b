//! Every operation, with its rule: the list from which the authorization matrix is printed.

use crate::actor::PartnerRole::{self, AdminAgent, BillingAdmin, GlobalAdmin, HelpdeskAgent, SalesAgent, UserAdmin};
use crate::authz::Rule;

/// Something that can be asked for: its name in the activity log, and who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Its name, as the activity log and the matrix print it.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Who may.
    pub rule: Rule,
    /// Whether it changes anything, and so leaves an activity record.
    pub writes: bool,
}

macro_rules! operations {
    ($($(#[doc = $summary:literal])+ $kind:ident $constant:ident = $name:literal, $rule:expr;)*) => {
        $($(#[doc = $summary])+ pub const $constant: Operation = Operation {
            name: $name,
            summary: concat!($($summary),+),
            rule: $rule,
            writes: operations!(@ $kind),
        };)*

        /// All operations, in the order of the published matrix.
        pub const ALL: &[Operation] = &[$($constant),*];
    };
    (@ write) => { true };
    (@ read) => { false };
}

const fn partner(roles: &'static [PartnerRole]) -> Rule {
    Rule::Partner { roles, application: true }
}

const fn partner_user(roles: &'static [PartnerRole]) -> Rule {
    Rule::Partner { roles, application: false }
}

const ANY_AGENT: &[PartnerRole] = &[GlobalAdmin, AdminAgent, SalesAgent, HelpdeskAgent];
const ANY_ROLE: &[PartnerRole] = &[GlobalAdmin, AdminAgent, SalesAgent, HelpdeskAgent, BillingAdmin, UserAdmin];
/// Who buys for a customer.
const SELLERS: &[PartnerRole] = &[GlobalAdmin, AdminAgent, SalesAgent, HelpdeskAgent, UserAdmin];

/// Who sees bills.
const BOOKKEEPERS: &[PartnerRole] = &[GlobalAdmin, AdminAgent, BillingAdmin];

operations! {
    /// Turns the permission on (R02: only an Admin agent).
    write GRANT_SELF_SERVE_POLICY = "create_self_serve_policy", partner_user(&[AdminAgent]);
    /// Changes what the permission covers.
    write REPLACE_SELF_SERVE_POLICY = "update_self_serve_policy", partner_user(&[AdminAgent]);
    /// Turns the permission off.
    write REVOKE_SELF_SERVE_POLICY = "delete_self_serve_policy", partner_user(&[AdminAgent]);
    /// Sees the permission.
    read READ_SELF_SERVE_POLICY = "read_self_serve_policy", partner_user(ANY_AGENT);
    /// Asks for a price that holds for a while.
    write QUOTE_PRICE = "quote_price", Rule::Arm("Microsoft.Capacity/catalogs/read");
    /// Buys a reservation on a quote; the decision itself says everything that is missing (R12).
    write BUY_RESERVATION = "create_order", Rule::Related;
    /// Sees an order and its reservations.
    read READ_RESERVATION_ORDER = "read_reservation_order", Rule::Arm("Microsoft.Capacity/reservationOrders/read");
    /// Sees the orders he may read.
    read LIST_RESERVATION_ORDERS = "list_reservation_orders", Rule::Related;
    /// Asks whether someone may buy, and if not, why not (G04).
    read CAN_BUY = "can_buy", Rule::Related;
    /// Sees the list of customers.
    read LIST_CUSTOMERS = "list_customers", partner(ANY_AGENT);
    /// Sees a customer.
    read READ_CUSTOMER = "read_customer", partner(ANY_AGENT);
    /// Sees the list of customers with their permissions, on the dashboard.
    read BROWSE_CUSTOMERS = "browse_customers", partner_user(ANY_AGENT);
    /// Sees what a customer's own purchase still needs, and who turned the permission on.
    read READ_READINESS = "read_readiness", partner_user(ANY_AGENT);
    /// Makes a customer.
    write CREATE_CUSTOMER = "add_customer", partner(&[GlobalAdmin, AdminAgent, SalesAgent, UserAdmin]);
    /// Changes whom a customer's bills are made out to.
    write UPDATE_BILL_TO = "update_customer_billing_profile",
        partner(&[GlobalAdmin, AdminAgent, SalesAgent, HelpdeskAgent]);
    /// Records that the customer accepted the customer agreement.
    write CONFIRM_AGREEMENT = "create_agreement", partner_user(&[AdminAgent, SalesAgent]);
    /// Sees confirmations of the customer agreement.
    read READ_AGREEMENT = "read_agreement", partner_user(&[AdminAgent, SalesAgent]);
    /// Sees what the partner bought for a customer.
    read READ_ENTITLEMENT = "read_entitlement", partner(ANY_ROLE);
    /// Renames, suspends or resumes it.
    write UPDATE_ENTITLEMENT = "update_subscription",
        partner(&[GlobalAdmin, AdminAgent, SalesAgent, HelpdeskAgent, BillingAdmin]);
    /// Enables it for reservations of the partner's orders.
    write REGISTER_ENTITLEMENT = "register_subscription",
        partner(&[GlobalAdmin, AdminAgent, SalesAgent, HelpdeskAgent, UserAdmin]);
    /// Sees the partner's own profiles.
    read READ_PARTNER = "read_partner", partner(&[GlobalAdmin]);
    /// Makes a cart for a customer.
    write CREATE_CART = "create_cart", partner(SELLERS);
    /// Changes a cart.
    write UPDATE_CART = "update_cart", partner(SELLERS);
    /// Sees a cart.
    read READ_CART = "read_cart", partner(SELLERS);
    /// Buys for a customer, with or without a cart.
    write PLACE_ORDER = "create_order", partner(SELLERS);
    /// Sees the orders of a customer that the partner is billed for.
    read READ_ORDER = "read_order", partner(ANY_ROLE);
    /// Sees the reservations of a customer that the partner pays for.
    read READ_BOUGHT_RESERVATIONS = "read_bought_reservations", partner_user(ANY_ROLE);
    /// Sees the activity log.
    read READ_ACTIVITY = "read_activity", partner(ANY_ROLE);
    /// Gives someone a role.
    write ASSIGN_ROLE = "create_role_assignment", Rule::Arm("Microsoft.Authorization/roleAssignments/write");
    /// Takes a role away.
    write REMOVE_ROLE_ASSIGNMENT = "delete_role_assignment", Rule::Arm("Microsoft.Authorization/roleAssignments/delete");
    /// Sees who has which role.
    read LIST_ROLE_ASSIGNMENTS = "list_role_assignments", Rule::Arm("Microsoft.Authorization/roleAssignments/read");
    /// Sees one role assignment.
    read READ_ROLE_ASSIGNMENT = "read_role_assignment", Rule::Arm("Microsoft.Authorization/roleAssignments/read");
    /// Makes or changes a custom role.
    write SAVE_ROLE_DEFINITION = "update_role_definition", Rule::Arm("Microsoft.Authorization/roleDefinitions/write");
    /// Removes a custom role.
    write REMOVE_ROLE_DEFINITION = "delete_role_definition", Rule::Arm("Microsoft.Authorization/roleDefinitions/delete");
    /// Sees the roles there are.
    read LIST_ROLE_DEFINITIONS = "list_role_definitions", Rule::Arm("Microsoft.Authorization/roleDefinitions/read");
    /// Sees one role.
    read READ_ROLE_DEFINITION = "read_role_definition", Rule::Arm("Microsoft.Authorization/roleDefinitions/read");
    /// Sees what oneself may do somewhere.
    read LIST_PERMISSIONS = "list_permissions", Rule::Related;
    /// Sees the Azure subscriptions on which one has a role.
    read LIST_SUBSCRIPTIONS = "list_subscriptions", Rule::Related;
    /// Sees an Azure subscription on which one has a role.
    read READ_SUBSCRIPTION = "read_subscription", Rule::Related;
    /// Sees one's own directory and those one serves.
    read LIST_TENANTS = "list_tenants", Rule::Related;
    /// Sees the names of users and applications of the directory one is signed in to.
    read FIND_PRINCIPALS = "find_principals", Rule::Related;
    /// Sees what is for sale, as the partner or for one of its customers.
    read READ_PARTNER_CATALOG = "read_partner_catalog", partner(ANY_ROLE);
    /// Sees what is for sale on a subscription.
    read READ_SUBSCRIPTION_CATALOG = "read_subscription_catalog", Rule::Arm("Microsoft.Capacity/catalogs/read");
    /// Sees a price that one asked for.
    read READ_QUOTE = "read_quote", Rule::Arm("Microsoft.Capacity/catalogs/read");
    /// Sees which partner pays, and how to reach it.
    read READ_BILLING_PARTNER = "read_billing_partner", Rule::Related;
    /// Makes a price rule.
    write ADD_PRICE_RULE = "create_price_rule", partner(&[AdminAgent]);
    /// Ends a price rule.
    write END_PRICE_RULE = "end_price_rule", partner(&[AdminAgent]);
    /// Sees the partner's price rules.
    read LIST_PRICE_RULES = "list_price_rules", partner(&[GlobalAdmin, AdminAgent, SalesAgent, BillingAdmin]);
    /// Changes a reservation; what only the partner may change, the decision knows (R20).
    write UPDATE_RESERVATION = "update_reservation", Rule::Arm("Microsoft.Capacity/reservationOrders/reservations/write");
    /// Sees the ledger of a customer, the partner's own cost included (R14).
    read READ_LEDGER = "read_ledger", partner(BOOKKEEPERS);
    /// Sees what a customer owes the partner.
    read READ_STATEMENT = "read_statement", partner(BOOKKEEPERS);
    /// Sees what was charged for the reservations that one may see.
    read READ_OWN_STATEMENT = "read_own_statement", Rule::Related;
    /// Sees what the partner owes its supplier: invoices, billed and unbilled lines.
    read READ_INVOICES = "read_invoices", partner(BOOKKEEPERS);
    /// Takes away all that a customer's business with the partner left behind.
    read EXPORT_CUSTOMER = "export_customer", partner(BOOKKEEPERS);
    /// Posts the instalments of a day.
    write POST_INSTALMENTS = "post_instalments", Rule::Server;
    /// Renews a reservation that the partner set to renew itself.
    write RENEW_WHEN_DUE = "renew_reservation", Rule::Server;
    /// Ends the term of a reservation order.
    write EXPIRE_RESERVATION_ORDER = "expire_reservation_order", Rule::Server;
    /// Moves the clock of a server whose time stands still.
    read MOVE_CLOCK = "move_clock", partner(&[GlobalAdmin, AdminAgent]);
    /// Divides a reservation in two (R22).
    write SPLIT_RESERVATION = "split_reservation", Rule::Arm("Microsoft.Capacity/reservationOrders/split/action");
    /// Makes one reservation of two (R22).
    write MERGE_RESERVATIONS = "merge_reservations", Rule::Arm("Microsoft.Capacity/reservationOrders/merge/action");
    /// Hides a reservation that is over.
    write ARCHIVE_RESERVATION = "archive_reservation",
        Rule::Arm("Microsoft.Capacity/reservationOrders/reservations/archive/action");
    /// Shows a hidden reservation again.
    write UNARCHIVE_RESERVATION = "unarchive_reservation",
        Rule::Arm("Microsoft.Capacity/reservationOrders/reservations/unarchive/action");
    /// Asks which scopes a reservation could have.
    read CHECK_SCOPES = "check_scopes",
        Rule::Arm("Microsoft.Capacity/reservationOrders/reservations/availablescopes/action");
    /// Sees what a reservation has been.
    read READ_REVISIONS = "read_revisions",
        Rule::Arm("Microsoft.Capacity/reservationOrders/reservations/revisions/read");
    /// Renews a reservation; the customer is told whom to ask (R20).
    write RENEW_RESERVATION = "renew_reservation", Rule::Related;
    /// Sees what a renewal would cost.
    read PRICE_RENEWAL = "price_renewal", Rule::Arm("Microsoft.Capacity/reservationOrders/read");
    /// Asks what a return would give back; the customer is told whom to ask (R20).
    write QUOTE_REFUND = "quote_refund", Rule::Related;
    /// Sees what a return was quoted at, and what came of it.
    read READ_REFUND_QUOTE = "read_refund_quote", Rule::Related;
    /// Returns a reservation for money; the customer is told whom to ask (R20).
    write RETURN_RESERVATION = "return_reservation", Rule::Related;
    /// Cancels a commercial order: returns all that is left of it (R21).
    write CANCEL_ORDER = "cancel_order", partner(&[AdminAgent]);
    /// Asks what an exchange would come to; the customer is told whom to ask (R20).
    write QUOTE_EXCHANGE = "quote_exchange", Rule::Related;
    /// Exchanges reservations; the customer is told whom to ask (R20).
    write EXCHANGE_RESERVATIONS = "exchange_reservations", Rule::Related;
    /// Sees what came of an exchange that was asked for.
    read READ_EXCHANGE = "read_exchange", Rule::Related;
    /// Sees what counts against the limit of returns.
    read READ_REFUND_WINDOW = "read_refund_window", partner(&[GlobalAdmin, AdminAgent, SalesAgent, BillingAdmin]);
    /// Sees the partner's rules of returns.
    read READ_REFUND_RULES = "read_refund_rules", partner(&[GlobalAdmin, AdminAgent, SalesAgent, BillingAdmin]);
    /// Notes that a reservation has been used.
    write NOTE_USE = "note_use", Rule::Server;
    /// Brings in what a customer used, hour by hour.
    write IMPORT_USAGE = "import_usage", partner(&[AdminAgent]);
    /// Sees what was used, what reservations covered of it and what it cost: a partner what it sold, the customer's own what
    /// they may read.
    read READ_USAGE = "read_usage", Rule::Related;
    /// Sees what to buy, by the usage of a subscription and of those that would share.
    read READ_RECOMMENDATIONS = "read_recommendations", Rule::Arm("Microsoft.Consumption/reservationRecommendations/read");
    /// Sees how well a reservation is used.
    read READ_RESERVATION_USE = "read_reservation_use", Rule::Arm(crate::benefit::READ_RESERVATION);
    /// Sees how well the reservations are used that the partner pays for, of all customers at once.
    read READ_PARTNER_USE = "read_partner_use", partner(ANY_ROLE);
    /// Sees what ran in a subscription and what it cost.
    read READ_SUBSCRIPTION_USE = "read_subscription_use", Rule::Arm(crate::benefit::READ_USAGE_DETAILS);
    /// Sets the partner's rules of returns.
    write SET_REFUND_POLICY = "set_refund_policy", partner(&[AdminAgent]);
    /// Sets a rate at which amounts are compared with the limit of returns.
    write SET_CONVERSION_RATE = "set_conversion_rate", partner(&[AdminAgent]);
    /// Asks for another directory, or for a return or exchange that names nothing (R20).
    write CHANGE_PURCHASE = "change_purchase", Rule::Related;
}
