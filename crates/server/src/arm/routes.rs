//! Every route of Azure Resource Manager that is answered, and how a path finds its route.

use http::Method;

use super::api_version::Provider;
use super::error::ArmError;
use super::query::decode;

/// The longest path, in bytes.
const MAX_PATH_BYTES: usize = 4_096;

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the operation its route in ROUTES spells out")]
pub enum Operation {
    MetadataEndpoints,
    ListTenants,
    ListSubscriptions,
    GetSubscription,
    ListLocations,
    ListResourceGroups,
    GetResourceGroup,
    ListProviders,
    GetProvider,
    RegisterProvider,
    ListOperations,
    ListCatalogs,
    ListAppliedReservations,
    CalculatePrice,
    PurchaseOrder,
    ListOrders,
    GetOrder,
    ListReservationsOfOrder,
    GetReservation,
    UpdateReservation,
    ListReservations,
    SplitReservation,
    MergeReservations,
    SplitResult,
    MergeResult,
    ArchiveReservation,
    UnarchiveReservation,
    AvailableScopes,
    ListRevisions,
    CalculateRefund,
    ReturnReservation,
    CalculateExchange,
    ExchangeReservations,
    OperationResult,
    PartnerOnly,
    ListRoleAssignments,
    GetRoleAssignment,
    PutRoleAssignment,
    DeleteRoleAssignment,
    ListRoleDefinitions,
    GetRoleDefinition,
    PutRoleDefinition,
    DeleteRoleDefinition,
    ListPermissions,
    ListDenyAssignments,
    ReservationSummaries,
    ReservationDetails,
    UsageDetails,
    ListRecommendations,
    GetDirectoryObjects,
}

/// One method on one pattern. `{name}` stands for one segment, a leading `{scope}` for any number of them.
#[derive(Debug, Clone)]
pub struct Route {
    /// The HTTP method; HEAD is answered wherever GET is.
    pub method: Method,
    /// The path.
    pub pattern: &'static str,
    /// What it does.
    pub operation: Operation,
    /// The action of Azure's access control that it needs, or `none`.
    pub action: &'static str,
    /// Whose versions count.
    pub provider: Provider,
}

impl Route {
    /// Whether the route is answered without signing in.
    pub fn is_anonymous(&self) -> bool {
        self.operation == Operation::MetadataEndpoints
    }

    /// The resource type, for messages about versions.
    pub fn resource_type(&self) -> &'static str {
        self.pattern.split('/').rev().find(|s| !s.is_empty() && !s.starts_with('{')).unwrap_or_default()
    }
}

macro_rules! routes {
    ($($method:ident $pattern:literal $operation:ident $provider:ident $action:literal;)*) => {
        /// All routes.
        pub const ROUTES: &[Route] = &[$(Route {
            method: Method::$method,
            pattern: $pattern,
            operation: Operation::$operation,
            action: $action,
            provider: Provider::$provider,
        }),*];
    };
}

routes! {
    GET "/metadata/endpoints" MetadataEndpoints Metadata "none";
    GET "/tenants" ListTenants Resources "none";
    GET "/subscriptions" ListSubscriptions Resources "none";
    GET "/subscriptions/{subscription}" GetSubscription Resources "Microsoft.Resources/subscriptions/read";
    GET "/subscriptions/{subscription}/locations" ListLocations Resources "Microsoft.Resources/subscriptions/locations/read";
    GET "/subscriptions/{subscription}/resourcegroups" ListResourceGroups Resources
        "Microsoft.Resources/subscriptions/resourceGroups/read";
    GET "/subscriptions/{subscription}/resourcegroups/{group}" GetResourceGroup Resources
        "Microsoft.Resources/subscriptions/resourceGroups/read";
    GET "/subscriptions/{subscription}/providers" ListProviders Resources "Microsoft.Resources/subscriptions/providers/read";
    GET "/subscriptions/{subscription}/providers/{namespace}" GetProvider Resources
        "Microsoft.Resources/subscriptions/providers/read";
    POST "/subscriptions/{subscription}/providers/{namespace}/register" RegisterProvider Resources
        "{namespace}/register/action";

    GET "/providers/Microsoft.Capacity/operations" ListOperations Capacity "none";
    GET "/subscriptions/{subscription}/providers/Microsoft.Capacity/catalogs" ListCatalogs Capacity
        "Microsoft.Capacity/catalogs/read";
    GET "/subscriptions/{subscription}/providers/Microsoft.Capacity/appliedReservations" ListAppliedReservations Capacity
        "Microsoft.Capacity/appliedreservations/read";
    POST "/providers/Microsoft.Capacity/calculatePrice" CalculatePrice Capacity "Microsoft.Capacity/calculateprice/action";
    GET "/providers/Microsoft.Capacity/reservationOrders" ListOrders Capacity "Microsoft.Capacity/reservationOrders/read";
    GET "/providers/Microsoft.Capacity/reservationOrders/{order}" GetOrder Capacity
        "Microsoft.Capacity/reservationOrders/read";
    PUT "/providers/Microsoft.Capacity/reservationOrders/{order}" PurchaseOrder Capacity
        "Microsoft.Capacity/reservationOrders/write";
    POST "/providers/Microsoft.Capacity/reservationOrders/{order}/purchase" PurchaseOrder Capacity
        "Microsoft.Capacity/reservationOrders/purchase/action";
    GET "/providers/Microsoft.Capacity/reservationOrders/{order}/reservations" ListReservationsOfOrder Capacity
        "Microsoft.Capacity/reservationOrders/reservations/read";
    GET "/providers/Microsoft.Capacity/reservationOrders/{order}/reservations/{reservation}" GetReservation Capacity
        "Microsoft.Capacity/reservationOrders/reservations/read";
    PATCH "/providers/Microsoft.Capacity/reservationOrders/{order}/reservations/{reservation}" UpdateReservation Capacity
        "Microsoft.Capacity/reservationOrders/reservations/write";
    GET "/providers/Microsoft.Capacity/reservations" ListReservations Capacity
        "Microsoft.Capacity/reservationOrders/reservations/read";
    POST "/providers/Microsoft.Capacity/reservationOrders/{order}/split" SplitReservation Capacity
        "Microsoft.Capacity/reservationOrders/split/action";
    POST "/providers/Microsoft.Capacity/reservationOrders/{order}/merge" MergeReservations Capacity
        "Microsoft.Capacity/reservationOrders/merge/action";
    GET "/providers/Microsoft.Capacity/reservationOrders/{order}/splitoperationresults/{result}" SplitResult Capacity
        "Microsoft.Capacity/reservationOrders/splitoperationresults/read";
    GET "/providers/Microsoft.Capacity/reservationOrders/{order}/mergeoperationresults/{result}" MergeResult Capacity
        "Microsoft.Capacity/reservationOrders/mergeoperationresults/read";
    POST "/providers/Microsoft.Capacity/reservationOrders/{order}/reservations/{reservation}/archive" ArchiveReservation
        Capacity "Microsoft.Capacity/reservationOrders/reservations/archive/action";
    POST "/providers/Microsoft.Capacity/reservationOrders/{order}/reservations/{reservation}/unarchive"
        UnarchiveReservation Capacity "Microsoft.Capacity/reservationOrders/reservations/unarchive/action";
    POST "/providers/Microsoft.Capacity/reservationOrders/{order}/reservations/{reservation}/availableScopes"
        AvailableScopes Capacity "Microsoft.Capacity/reservationOrders/reservations/availablescopes/action";
    GET "/providers/Microsoft.Capacity/reservationOrders/{order}/reservations/{reservation}/revisions" ListRevisions
        Capacity "Microsoft.Capacity/reservationOrders/reservations/revisions/read";
    POST "/providers/Microsoft.Capacity/reservationOrders/{order}/calculateRefund" CalculateRefund Capacity
        "Microsoft.Capacity/reservationOrders/calculaterefund/action";
    POST "/providers/Microsoft.Capacity/reservationOrders/{order}/return" ReturnReservation Capacity
        "Microsoft.Capacity/reservationOrders/return/action";
    POST "/providers/Microsoft.Capacity/reservationOrders/{order}/changeDirectory" PartnerOnly Capacity
        "Microsoft.Capacity/reservationOrders/changedirectory/action";
    POST "/providers/Microsoft.Capacity/calculateExchange" CalculateExchange Capacity
        "Microsoft.Capacity/calculateexchange/action";
    POST "/providers/Microsoft.Capacity/exchange" ExchangeReservations Capacity "Microsoft.Capacity/exchange/action";
    GET "/providers/Microsoft.Capacity/operationResults/{operation}" OperationResult Capacity "none";

    GET "{scope}/providers/Microsoft.Authorization/roleAssignments" ListRoleAssignments Authorization
        "Microsoft.Authorization/roleAssignments/read";
    GET "{scope}/providers/Microsoft.Authorization/roleAssignments/{assignment}" GetRoleAssignment Authorization
        "Microsoft.Authorization/roleAssignments/read";
    PUT "{scope}/providers/Microsoft.Authorization/roleAssignments/{assignment}" PutRoleAssignment Authorization
        "Microsoft.Authorization/roleAssignments/write";
    DELETE "{scope}/providers/Microsoft.Authorization/roleAssignments/{assignment}" DeleteRoleAssignment Authorization
        "Microsoft.Authorization/roleAssignments/delete";
    GET "{scope}/providers/Microsoft.Authorization/roleDefinitions" ListRoleDefinitions Authorization
        "Microsoft.Authorization/roleDefinitions/read";
    GET "{scope}/providers/Microsoft.Authorization/roleDefinitions/{definition}" GetRoleDefinition Authorization
        "Microsoft.Authorization/roleDefinitions/read";
    PUT "{scope}/providers/Microsoft.Authorization/roleDefinitions/{definition}" PutRoleDefinition Authorization
        "Microsoft.Authorization/roleDefinitions/write";
    DELETE "{scope}/providers/Microsoft.Authorization/roleDefinitions/{definition}" DeleteRoleDefinition Authorization
        "Microsoft.Authorization/roleDefinitions/delete";
    GET "{scope}/providers/Microsoft.Authorization/permissions" ListPermissions Authorization "none";
    GET "{scope}/providers/Microsoft.Authorization/denyAssignments" ListDenyAssignments Authorization
        "Microsoft.Authorization/denyAssignments/read";

    GET "/providers/Microsoft.Capacity/reservationOrders/{order}/providers/Microsoft.Consumption/reservationSummaries"
        ReservationSummaries Consumption "Microsoft.Capacity/reservationOrders/reservations/read";
    GET "/providers/Microsoft.Capacity/reservationOrders/{order}/reservations/{reservation}/providers/Microsoft.Consumption/reservationSummaries"
        ReservationSummaries Consumption "Microsoft.Capacity/reservationOrders/reservations/read";
    GET "/providers/Microsoft.Capacity/reservationOrders/{order}/providers/Microsoft.Consumption/reservationDetails"
        ReservationDetails Consumption "Microsoft.Capacity/reservationOrders/reservations/read";
    GET "/providers/Microsoft.Capacity/reservationOrders/{order}/reservations/{reservation}/providers/Microsoft.Consumption/reservationDetails"
        ReservationDetails Consumption "Microsoft.Capacity/reservationOrders/reservations/read";
    GET "/providers/Microsoft.Billing/billingAccounts/{account}/providers/Microsoft.Consumption/reservationSummaries"
        ReservationSummaries Consumption "Microsoft.Consumption/reservationSummaries/read";
    GET "/providers/Microsoft.Billing/billingAccounts/{account}/billingProfiles/{profile}/providers/Microsoft.Consumption/reservationSummaries"
        ReservationSummaries Consumption "Microsoft.Consumption/reservationSummaries/read";
    GET "/providers/Microsoft.Billing/billingAccounts/{account}/providers/Microsoft.Consumption/reservationDetails"
        ReservationDetails Consumption "Microsoft.Consumption/reservationDetails/read";
    GET "/providers/Microsoft.Billing/billingAccounts/{account}/billingProfiles/{profile}/providers/Microsoft.Consumption/reservationDetails"
        ReservationDetails Consumption "Microsoft.Consumption/reservationDetails/read";
    GET "/subscriptions/{subscription}/providers/Microsoft.Consumption/usageDetails" UsageDetails Consumption
        "Microsoft.Consumption/usageDetails/read";
    GET "{scope}/providers/Microsoft.Consumption/reservationRecommendations" ListRecommendations Consumption
        "Microsoft.Consumption/reservationRecommendations/read";

    POST "/v1.0/directoryObjects/getByIds" GetDirectoryObjects Graph "none";
}

/// A path that found its route.
#[derive(Debug, Clone)]
pub struct Found {
    /// The route.
    pub route: &'static Route,
    /// What stood for each `{name}`, spelled as sent; `scope` begins with a slash.
    names: Vec<(&'static str, String)>,
}

impl Found {
    /// What stood for `{name}`; empty when the pattern has none of that name.
    pub fn name(&self, name: &str) -> &str {
        self.names.iter().find(|(n, _)| *n == name).map_or("", |(_, value)| value.as_str())
    }

    /// The action that the route needs, with the names of the path filled in.
    pub fn action(&self) -> String {
        let action = self.route.action.to_owned();
        self.names.iter().fold(action, |action, (name, value)| action.replace(&format!("{{{name}}}"), value))
    }
}

/// Whether a path is one that Azure Resource Manager or Graph answers, known or not.
pub fn is_ours(path: &str) -> bool {
    let first = path.split('/').find(|s| !s.is_empty()).unwrap_or_default().to_ascii_lowercase();
    matches!(first.as_str(), "subscriptions" | "providers" | "tenants" | "metadata" | "v1.0")
}

/// Finds the route of a request. Case, repeated slashes and a trailing slash do not count; nothing is redirected, because a
/// client that follows a redirect leaves its token behind.
///
/// # Errors
/// 400 for a path that cannot be read, 404 for one that is not known, 405 for a method that the path does not take.
pub fn find(method: &Method, path: &str) -> Result<Found, ArmError> {
    if path.len() > MAX_PATH_BYTES {
        return Err(ArmError::bad_request(
            "InvalidRequestUri",
            format!("The path is longer than {MAX_PATH_BYTES} bytes."),
        ));
    }
    let readable = decode(path).filter(|p| !p.chars().any(char::is_control));
    let Some(decoded) = readable else {
        return Err(ArmError::bad_request("InvalidRequestUri", "The path is not UTF-8 or has control characters."));
    };
    let segments: Vec<&str> = decoded.split('/').filter(|s| !s.is_empty()).collect();
    let fitting = ROUTES.iter().filter_map(|route| Some((route, names(route.pattern, &segments)?)));
    let fitting: Vec<(&Route, Vec<(&'static str, String)>)> = fitting.collect();
    let wanted = if *method == Method::HEAD { &Method::GET } else { method };
    if let Some((route, names)) = fitting.iter().find(|(route, _)| route.method == *wanted) {
        return Ok(Found { route, names: names.clone() });
    }
    if fitting.is_empty() {
        return Err(ArmError::no_route(&decoded));
    }
    Err(ArmError::method(&methods(fitting.iter().map(|(route, _)| *route))))
}

fn methods<'a>(routes: impl Iterator<Item = &'a Route>) -> String {
    let mut methods: Vec<&str> = routes.map(|route| route.method.as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    methods.sort_unstable();
    methods.dedup();
    methods.join(", ")
}

/// What stands for the names of a pattern, or [`None`] when the path does not fit. The part after `{scope}` is matched from
/// the end, so that the last `/providers/` counts.
fn names(pattern: &'static str, segments: &[&str]) -> Option<Vec<(&'static str, String)>> {
    let (scoped, rest) = match pattern.strip_prefix("{scope}") {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let parts = rest.split('/').filter(|s| !s.is_empty());
    let count = parts.clone().count();
    let scope_len = segments.len().checked_sub(count)?;
    if !scoped && scope_len != 0 {
        return None;
    }
    let (scope, tail) = segments.split_at_checked(scope_len)?;
    let fits = |(part, segment): (&str, &&str)| part.starts_with('{') || part.eq_ignore_ascii_case(segment);
    if !parts.clone().zip(tail).all(fits) {
        return None;
    }
    let mut names = Vec::new();
    if scoped {
        names.push(("scope", format!("/{}", scope.join("/"))));
    }
    for (part, segment) in parts.zip(tail) {
        if let Some(name) = part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
            names.push((name, (*segment).to_owned()));
        }
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(method: Method, path: &str) -> String {
        match find(&method, path) {
            Ok(found) => {
                let names: Vec<&str> = found.names.iter().map(|(_, value)| value.as_str()).collect();
                format!("{:?} {}", found.route.operation, names.join(" ")).trim().to_owned()
            }
            Err(error) => format!("{} {}", error.status.as_u16(), error.code),
        }
    }

    #[test]
    fn paths_find_their_routes_in_any_spelling() {
        let order = "/providers/Microsoft.Capacity/reservationOrders/O1";
        for (method, path, outcome) in [
            (Method::GET, "/subscriptions", "ListSubscriptions"),
            (Method::GET, "//Subscriptions//", "ListSubscriptions"),
            (Method::HEAD, "/subscriptions/S1/", "GetSubscription S1"),
            (Method::POST, "/subscriptions", "405 HttpMethodNotSupported"),
            (Method::GET, "/elsewhere", "404 InvalidResourceType"),
            (Method::GET, "/providers/microsoft.capacity/reservationorders/O1", "GetOrder O1"),
            (Method::PUT, order, "PurchaseOrder O1"),
            (Method::GET, "/subscriptions/S1/resourceGroups/G%C3%A5s", "GetResourceGroup S1 Gås"),
            (Method::GET, "/providers/Microsoft.Authorization/roleAssignments", "ListRoleAssignments /"),
            (
                Method::GET,
                "//subscriptions/S1/resourceGroups/G/providers/Microsoft.Compute/virtualMachines/V/providers/microsoft.authorization/roleassignments",
                "ListRoleAssignments /subscriptions/S1/resourceGroups/G/providers/Microsoft.Compute/virtualMachines/V",
            ),
            (
                Method::PUT,
                "/%2Fproviders%2FMicrosoft.Capacity%2FreservationOrders%2FO1/providers/Microsoft.Authorization/roleAssignments/A",
                "PutRoleAssignment /providers/Microsoft.Capacity/reservationOrders/O1 A",
            ),
            (Method::GET, "/subscriptions/S1/providers/Microsoft.Capacity", "GetProvider S1 Microsoft.Capacity"),
            (Method::GET, "/tenants/%FF", "400 InvalidRequestUri"),
            (Method::GET, "/tenants/%0A", "400 InvalidRequestUri"),
        ] {
            assert_eq!(found(method, path), outcome, "{path}");
        }
    }

    #[test]
    fn every_route_is_found_by_its_own_pattern_and_is_ours() {
        for route in ROUTES {
            let path = route.pattern.replace("{scope}", "/subscriptions/s");
            let path = path.replace(['{', '}'], "");
            let found = find(&route.method, &path).unwrap();
            assert_eq!((found.route.operation, found.route.pattern), (route.operation, route.pattern), "{path}");
            assert!(is_ours(&path), "{path}");
            assert!(find(&Method::TRACE, &path).unwrap_err().status == 405);
        }
    }

    #[test]
    fn an_action_takes_the_names_of_the_path() {
        let found = find(&Method::POST, "/subscriptions/s/providers/Microsoft.Compute/register").unwrap();
        assert_eq!(found.action(), "Microsoft.Compute/register/action");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn any_path_is_found_or_refused(path in "(/|%2F|subscriptions|providers|Microsoft\\.Authorization|roleAssignments|Microsoft\\.Capacity|reservationOrders|[%ÿ -z]{0,4}){0,12}") {
            let _ = find(&Method::GET, &path);
        }
    }
}
