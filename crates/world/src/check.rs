//! Reads a world file and reports every mistake in it at once.

use std::collections::{BTreeMap, BTreeSet};

use fullmakt_domain::actor::PartnerRole;
use fullmakt_domain::arm_scope::ArmScope;
use fullmakt_domain::catalog::SkuName;
use fullmakt_domain::ids::{
    ClientId, CustomerId, EntitlementId, PartnerId, PriceRuleId, PrincipalId, RoleAssignmentId, SubscriptionId,
    TenantId,
};
use fullmakt_domain::market::Country;
use fullmakt_domain::money::{Currency, Money};
use fullmakt_domain::price_rule::{PriceRule, PriceRuleKind};
use fullmakt_domain::role::{self, BuiltInRole};
use fullmakt_domain::self_serve_policy::SelfServeResource;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use toml::de::DeTable;
use uuid::Uuid;

use crate::read::{Found, Mistake, Place, Section, Sheet, listed, nearest, shown};
use crate::world::{
    Application, Customer, Entitlement, EntitlementStatus, Offer, Partner, RoleAssignment, Secret, SelfServe,
    Subscription, Support, User, World,
};

/// Reads a world file.
///
/// # Errors
/// Every mistake, from the top of the file to its end. Where the text is not TOML, only those of its grammar: what is
/// behind them cannot be told.
pub fn parse(text: &str) -> Result<World, Vec<Mistake>> {
    let sheet = Sheet::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let line = sheet.line(error.span().map_or(0, |span| span.start));
        sheet.report(&Place { line, path: String::new() }, format!("not TOML: {}", first_line(error.message())));
    }
    if !errors.is_empty() {
        return Err(sheet.into_mistakes());
    }
    let world = Check::new(&sheet).world(&Section::root(&sheet, document.get_ref()));
    match sheet.into_mistakes() {
        none if none.is_empty() => Ok(world),
        mistakes => Err(mistakes),
    }
}

fn first_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join(", ")
}

/// What must be unique in the whole file, and where it was first seen.
struct Register<K> {
    what: &'static str,
    seen: BTreeMap<K, Place>,
}

impl<K: Ord + Clone> Register<K> {
    fn of(what: &'static str) -> Self {
        Self { what, seen: BTreeMap::new() }
    }

    fn enter(&mut self, sheet: &Sheet, found: &Found<K>) {
        if let Some(first) = self.seen.get(&found.value) {
            let message = format!("the same {} already stands at {} in line {}", self.what, first.path, first.line);
            sheet.report(&found.place, message);
        } else {
            self.seen.insert(found.value.clone(), found.place.clone());
        }
    }
}

/// What customers and prices need to know about a partner.
struct PartnerFacts {
    currency: Option<Currency>,
    principals: BTreeSet<PrincipalId>,
}

/// Takes the place of an identifier that could not be read. The empty GUID is refused in files, so it means nothing else.
const STAND_IN: Uuid = Uuid::nil();

/// Whether `id` is among `known`. Where one of those could not be read it may have been that one, so no second mistake is
/// made of it.
fn knows<'k, K: PartialEq + 'k>(known: impl IntoIterator<Item = &'k K>, id: &K, stand_in: K) -> bool {
    known.into_iter().any(|one| one == id || *one == stand_in)
}

/// One pass over a file. After a mistake it goes on with a stand-in value: the world it makes is then thrown away.
struct Check<'s> {
    sheet: &'s Sheet,
    tenants: Register<Uuid>,
    domains: Register<String>,
    upns: Register<String>,
    principals: Register<PrincipalId>,
    clients: Register<ClientId>,
    entitlements: Register<EntitlementId>,
    subscriptions: Register<SubscriptionId>,
    partners: BTreeMap<PartnerId, PartnerFacts>,
    resold: BTreeMap<CustomerId, BTreeSet<PartnerId>>,
}

impl<'s> Check<'s> {
    fn new(sheet: &'s Sheet) -> Self {
        Self {
            sheet,
            tenants: Register::of("tenant id"),
            domains: Register::of("domain"),
            upns: Register::of("user principal name"),
            principals: Register::of("object id"),
            clients: Register::of("client id"),
            entitlements: Register::of("entitlement id"),
            subscriptions: Register::of("subscription id"),
            partners: BTreeMap::new(),
            resold: BTreeMap::new(),
        }
    }

    fn world(mut self, root: &Section<'_>) -> World {
        root.knows(&["clock", "partners", "customers", "prices", "catalog"]);
        let clock = root.parsed_literal("clock", instant).map(|found| found.value);
        let partners = root.sections("partners").iter().map(|section| self.partner(section)).collect();
        let customers = root.sections("customers").iter().map(|section| self.customer(section)).collect();
        let rules = root.sections("prices");
        let prices = rules.iter().enumerate().map(|(index, section)| self.price(section, index)).collect();
        let catalog = root.section("catalog");
        if let Some(section) = &catalog {
            section.knows(&["file"]);
        }
        let catalog_file = catalog.and_then(|section| section.parsed("file", label)).map(|found| found.value);
        World { clock, partners, customers, prices, catalog_file }
    }

    fn partner(&mut self, section: &Section<'_>) -> Partner {
        section.knows(&["tenant_id", "name", "domain", "country", "currency", "support", "users", "applications"]);
        let tenant = self.tenant(section);
        let currency = section.required("currency", currency).map(|found| found.value);
        let support = section.section("support").map(|support| {
            support.knows(&["email", "phone", "url"]);
            Support {
                email: support.parsed("email", email).map(|found| found.value),
                phone: support.parsed("phone", phone).map(|found| found.value),
                url: support.parsed("url", url).map(|found| found.value),
            }
        });
        let users: Vec<User> = section.sections("users").iter().map(|user| self.user(user, true)).collect();
        let applications: Vec<Application> = section
            .sections("applications")
            .iter()
            .map(|app| self.application(app, tenant.unwrap_or_default()))
            .collect();
        let id = PartnerId(tenant.unwrap_or_default());
        let mut principals: BTreeSet<PrincipalId> = users.iter().map(|user| user.id).collect();
        principals.extend(applications.iter().map(|app| app.id));
        principals.insert(id.admin_agents_group());
        self.partners.insert(id, PartnerFacts { currency, principals });
        Partner {
            id,
            name: text_of(section, "name", label),
            domain: self.domain(section),
            country: value_or(section.required("country", country), unused_country()),
            currency: currency.unwrap_or_else(unused_currency),
            support: support.unwrap_or_default(),
            users,
            applications,
        }
    }

    fn tenant(&mut self, section: &Section<'_>) -> Option<Uuid> {
        let found = section.required("tenant_id", |text| guid(text, TenantId::parse).map(|id| id.0))?;
        self.tenants.enter(self.sheet, &found);
        Some(found.value)
    }

    fn domain(&mut self, section: &Section<'_>) -> String {
        let Some(found) = section.required("domain", domain) else {
            return String::new();
        };
        self.domains.enter(self.sheet, &found);
        found.value
    }

    fn user(&mut self, section: &Section<'_>, of_partner: bool) -> User {
        let keys = ["id", "upn", "name", "password", "roles"];
        section.knows(if of_partner { &keys } else { &keys[..4] });
        let id = section.required("id", |text| guid(text, PrincipalId::parse));
        if let Some(found) = &id {
            self.principals.enter(self.sheet, found);
        }
        let upn = section.required("upn", upn);
        if let Some(found) = &upn {
            self.upns.enter(self.sheet, found);
        }
        let mut roles = vec![];
        for role in if of_partner { section.list("roles", partner_role) } else { vec![] } {
            if roles.contains(&role.value) {
                self.sheet.report(&role.place, "is given twice");
            } else {
                roles.push(role.value);
            }
        }
        User {
            id: value_or(id, PrincipalId(STAND_IN)),
            upn: value_or(upn, String::new()),
            name: text_of(section, "name", label),
            password: Secret(text_of(section, "password", secret)),
            roles,
        }
    }

    /// An application. Its object id may be left out; it is then made from the directory and the client id, so that the
    /// same file gives the same id again.
    fn application(&mut self, section: &Section<'_>, tenant: Uuid) -> Application {
        section.knows(&["id", "client_id", "client_secret", "name"]);
        let client = section.required("client_id", |text| guid(text, ClientId::parse));
        let given = section.parsed("id", |text| guid(text, PrincipalId::parse));
        let id = match (&given, &client) {
            (None, Some(client)) if !section.has("id") => {
                let derived = PrincipalId(Uuid::new_v5(&tenant, client.value.0.as_bytes()));
                Some(Found { value: derived, place: client.place.clone() })
            }
            _ => given,
        };
        // A client id that stands twice is one mistake, not two.
        let repeated = client.as_ref().is_some_and(|found| self.clients.seen.contains_key(&found.value));
        if let Some(found) = &client {
            self.clients.enter(self.sheet, found);
        }
        if let Some(found) = id.as_ref().filter(|_| section.has("id") || !repeated) {
            self.principals.enter(self.sheet, found);
        }
        Application {
            id: value_or(id, PrincipalId(STAND_IN)),
            client_id: value_or(client, ClientId(STAND_IN)),
            client_secret: Secret(text_of(section, "client_secret", secret)),
            name: text_of(section, "name", label),
        }
    }

    fn customer(&mut self, section: &Section<'_>) -> Customer {
        section.knows(&[
            "tenant_id",
            "name",
            "domain",
            "country",
            "language",
            "partners",
            "agreement_confirmed",
            "users",
            "applications",
            "entitlements",
            "role_assignments",
            "self_serve",
        ]);
        let tenant = self.tenant(section);
        let partners = self.resellers(section);
        let id = tenant.unwrap_or_default();
        self.resold.insert(CustomerId(id), partners.clone());
        let users: Vec<User> = section.sections("users").iter().map(|user| self.user(user, false)).collect();
        let applications: Vec<Application> =
            section.sections("applications").iter().map(|app| self.application(app, id)).collect();
        let bought = section.sections("entitlements");
        let entitlements: Vec<Entitlement> = bought.iter().map(|entry| self.entitlement(entry, &partners)).collect();

        let mut principals: BTreeSet<PrincipalId> = users.iter().map(|user| user.id).collect();
        principals.extend(applications.iter().map(|app| app.id));
        for partner in &partners {
            principals.extend(self.partners.get(partner).iter().flat_map(|facts| &facts.principals));
        }
        let subscriptions: BTreeSet<SubscriptionId> =
            entitlements.iter().flat_map(|entitlement| &entitlement.subscriptions).map(|sub| sub.id).collect();
        Customer {
            id: CustomerId(id),
            name: text_of(section, "name", label),
            domain: self.domain(section),
            country: value_or(section.required("country", country), unused_country()),
            language: section.parsed("language", language).map_or_else(|| "en".to_owned(), |found| found.value),
            agreement_confirmed: section.flag("agreement_confirmed").unwrap_or(false),
            role_assignments: self.role_assignments(section, TenantId(id), &principals, &subscriptions),
            self_serve: self.self_serve(section, &partners),
            partners: partners.into_iter().collect(),
            users,
            applications,
            entitlements,
        }
    }

    fn resellers(&self, section: &Section<'_>) -> BTreeSet<PartnerId> {
        let listed = section.list("partners", |text| guid(text, PartnerId::parse));
        let mut partners = BTreeSet::new();
        if section.is_missing_or_empty("partners") {
            section.report("partners", "must name the tenant id of at least one partner");
        }
        if listed.is_empty() {
            partners.insert(PartnerId(STAND_IN));
        }
        for found in listed {
            if !knows(self.partners.keys(), &found.value, PartnerId(STAND_IN)) {
                self.sheet.report(&found.place, format!("no partner `{}` is in this file", found.value));
            }
            if !partners.insert(found.value) {
                self.sheet.report(&found.place, "is given twice");
            }
        }
        partners
    }

    /// The partner that a part of a customer names, which must resell to the customer.
    fn reseller(&self, section: &Section<'_>, partners: &BTreeSet<PartnerId>) -> PartnerId {
        let Some(found) = section.required("partner", |text| guid(text, PartnerId::parse)) else {
            return PartnerId(STAND_IN);
        };
        if !knows(partners, &found.value, PartnerId(STAND_IN)) {
            let message = format!("`{}` is not among the customer's partners: add it there", found.value);
            self.sheet.report(&found.place, message);
        }
        found.value
    }

    fn entitlement(&mut self, section: &Section<'_>, partners: &BTreeSet<PartnerId>) -> Entitlement {
        section.knows(&["id", "partner", "offer", "status", "subscriptions"]);
        let id = section.required("id", |text| guid(text, EntitlementId::parse));
        if let Some(found) = &id {
            self.entitlements.enter(self.sheet, found);
        }
        let offer = section.required("offer", |text| one_of(text, &Offer::ALL.map(|offer| (offer.name(), offer))));
        let states = EntitlementStatus::ALL.map(|status| (status.name(), status));
        let status = section.parsed("status", |text| one_of(text, &states));
        let parts = section.sections("subscriptions");
        if offer.as_ref().is_some_and(|offer| offer.value == Offer::AzureGlobal) && parts.len() != 1 {
            let message = format!("`azure-global` has exactly one subscription, here are {}", parts.len());
            section.report("subscriptions", message);
        }
        Entitlement {
            id: value_or(id, EntitlementId(STAND_IN)),
            partner: self.reseller(section, partners),
            offer: value_or(offer, Offer::AzurePlan),
            status: value_or(status, EntitlementStatus::Active),
            subscriptions: parts.iter().map(|part| self.subscription(part)).collect(),
        }
    }

    fn subscription(&mut self, section: &Section<'_>) -> Subscription {
        section.knows(&["id", "name"]);
        let id = section.required("id", |text| guid(text, SubscriptionId::parse));
        if let Some(found) = &id {
            self.subscriptions.enter(self.sheet, found);
        }
        Subscription { id: value_or(id, SubscriptionId(STAND_IN)), name: text_of(section, "name", label) }
    }

    fn role_assignments(
        &self,
        customer: &Section<'_>,
        tenant: TenantId,
        principals: &BTreeSet<PrincipalId>,
        subscriptions: &BTreeSet<SubscriptionId>,
    ) -> Vec<RoleAssignment> {
        let mut seen = Register::of("assignment");
        let mut assignments = vec![];
        for section in customer.sections("role_assignments") {
            section.knows(&["principal", "role", "scope"]);
            let principal = section.required("principal", |text| guid(text, PrincipalId::parse));
            let stranger = |found: &&Found<PrincipalId>| !knows(principals, &found.value, PrincipalId(STAND_IN));
            if let Some(found) = principal.as_ref().filter(stranger) {
                let message = format!(
                    "`{}` is neither a user nor an application of this customer, nor one of its partners' users, \
                     applications or their group of Admin agents",
                    found.value
                );
                self.sheet.report(&found.place, message);
            }
            let role = section.required("role", built_in_role);
            let scope = section.required("scope", |text| customer_scope(text, tenant, subscriptions));
            let (Some(principal), Some(role), Some(scope)) = (principal, role, scope) else {
                continue;
            };
            let key = format!("{}|{}|{}", principal.value, role.value.id, scope.value.key());
            let id = RoleAssignmentId(Uuid::new_v5(&tenant.0, key.as_bytes()));
            seen.enter(self.sheet, &Found { value: key, place: section.place.clone() });
            assignments.push(RoleAssignment {
                id,
                principal: principal.value,
                role: role.value.id,
                scope: scope.value,
            });
        }
        assignments
    }

    fn self_serve(&self, customer: &Section<'_>, partners: &BTreeSet<PartnerId>) -> Vec<SelfServe> {
        let mut seen = Register::of("permission of this partner");
        let names = SelfServeResource::ALL.map(|resource| (resource.name(), resource));
        let mut permissions: BTreeMap<PartnerId, BTreeSet<SelfServeResource>> = BTreeMap::new();
        for section in customer.sections("self_serve") {
            section.knows(&["partner", "resources"]);
            let partner = self.reseller(&section, partners);
            let listed = section.list("resources", |text| one_of(text, &names));
            if section.is_missing_or_empty("resources") {
                section.report("resources", "must name at least one, such as `AzureReservedInstances`");
            }
            permissions.entry(partner).or_default().extend(listed.iter().map(|found| found.value));
            for found in listed {
                seen.enter(self.sheet, &Found { value: (partner, found.value), place: found.place });
            }
        }
        let of_partner = |(partner, resources): (PartnerId, BTreeSet<_>)| SelfServe {
            partner,
            resources: resources.into_iter().collect(),
        };
        permissions.into_iter().map(of_partner).collect()
    }

    fn price(&self, section: &Section<'_>, index: usize) -> PriceRule {
        section.knows(&[
            "partner",
            "customer",
            "family",
            "sku",
            "discount_percent",
            "markup_percent",
            "fixed",
            "from",
            "until",
        ]);
        let partner = section.required("partner", |text| guid(text, PartnerId::parse));
        let facts = partner.as_ref().and_then(|found| self.partners.get(&found.value));
        let stranger = |found: &&Found<PartnerId>| !knows(self.partners.keys(), &found.value, PartnerId(STAND_IN));
        if let Some(found) = partner.as_ref().filter(stranger) {
            self.sheet.report(&found.place, format!("no partner `{}` is in this file", found.value));
        }
        let customer = section.parsed("customer", |text| guid(text, CustomerId::parse));
        if let (Some(customer), Some(partner)) = (&customer, &partner) {
            let message = match self.resold.get(&customer.value) {
                None if self.resold.contains_key(&CustomerId(STAND_IN)) => None,
                None => Some(format!("no customer `{}` is in this file", customer.value)),
                Some(partners) if facts.is_some() && !knows(partners, &partner.value, PartnerId(STAND_IN)) => {
                    Some(format!("`{}` is no customer of this partner", customer.value))
                }
                Some(_) => None,
            };
            if let Some(message) = message {
                self.sheet.report(&customer.place, message);
            }
        }
        let from = section.parsed_literal("from", date);
        let until = section.parsed_literal("until", date);
        if let (Some(from), Some(until)) = (&from, &until)
            && until.value <= from.value
        {
            self.sheet.report(&until.place, format!("must be after `from`, which is {}", from.value));
        }
        if let Some(sku) = section.place_if_both("family", "sku") {
            self.sheet.report(&sku, "stands beside `family`: leave out one of them");
        }
        let order = i64::try_from(index).unwrap_or(i64::MAX);
        let partner = value_or(partner, PartnerId(STAND_IN));
        PriceRule {
            id: PriceRuleId(Uuid::new_v5(&partner.0, format!("price rule {index}").as_bytes())),
            partner,
            customer: customer.map(|found| found.value),
            family: section.parsed("family", label).map(|found| found.value),
            sku: section.parsed("sku", sku).map(|found| found.value),
            term: None,
            kind: self.price_kind(section, facts.and_then(|facts| facts.currency)),
            from: from.map_or(Date::constant(1970, 1, 1), |found| found.value),
            until: until.map(|found| found.value),
            created_at: Timestamp::from_microsecond(order).unwrap_or_default(),
        }
    }

    fn price_kind(&self, section: &Section<'_>, currency: Option<Currency>) -> PriceRuleKind {
        let discount = section.parsed_literal("discount_percent", |text| percent(text, 100));
        let markup = section.parsed_literal("markup_percent", |text| percent(text, PriceRuleKind::MAX_MARKUP));
        let fixed = section.parsed_literal("fixed", |text| amount(text, currency.unwrap_or_else(unused_currency)));
        let keys = ["discount_percent", "markup_percent", "fixed"];
        let given: Vec<&str> = keys.into_iter().filter(|key| section.has(key)).collect();
        match given.as_slice() {
            [_] => {}
            [] => self.sheet.report(&section.place, format!("has no price: give {}", listed(&keys))),
            [first, others @ ..] => {
                for key in others {
                    section.report(key, format!("stands beside `{first}`: leave out one of them"));
                }
            }
        }
        discount
            .map(|found| PriceRuleKind::Discount(found.value))
            .or_else(|| markup.map(|found| PriceRuleKind::Markup(found.value)))
            .or_else(|| fixed.map(|found| PriceRuleKind::Fixed(found.value)))
            .unwrap_or(PriceRuleKind::Discount(Decimal::ZERO))
    }
}

fn value_or<T>(found: Option<Found<T>>, stand_in: T) -> T {
    found.map_or(stand_in, |found| found.value)
}

fn text_of(section: &Section<'_>, key: &str, parse: impl Fn(&str) -> Result<String, String>) -> String {
    value_or(section.required(key, parse), String::new())
}

/// Stands for a currency that was mistaken; never leaves this module.
fn unused_currency() -> Currency {
    Currency::parse("XXX").expect("three letters are a currency code")
}

fn unused_country() -> Country {
    Country::parse("ZZ").expect("two letters are a country code")
}

fn guid<T, E: std::fmt::Display>(text: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, String> {
    if Uuid::try_parse(text.trim()).is_ok_and(|id| id.is_nil()) {
        return Err("must not be the empty GUID".to_owned());
    }
    parse(text).map_err(|_| {
        format!("`{}` is not a GUID: write one such as `6f9619ff-8b86-4d01-b42d-00c04fc964ff`", shown(text))
    })
}

fn one_of<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    choices
        .iter()
        .find(|(name, _)| *name == text)
        .map(|(_, choice)| *choice)
        .ok_or_else(|| format!("`{}` is not known here: write {}", shown(text), listed(&names)))
}

fn partner_role(text: &str) -> Result<PartnerRole, String> {
    let names = PartnerRole::ALL.map(PartnerRole::name);
    PartnerRole::parse(text).ok_or_else(|| format!("`{}` is not a role: write {}", shown(text), listed(&names)))
}

fn built_in_role(text: &str) -> Result<&'static BuiltInRole, String> {
    let names = role::BUILT_IN_ROLES.map(|role| role.name);
    role::built_in(text).ok_or_else(|| match nearest(text, &names) {
        Some(near) => format!("`{}` is not a role; did you mean `{near}`?", shown(text)),
        None => format!("`{}` is not a role: write {}, or its GUID", shown(text), listed(&names)),
    })
}

/// A scope at which a role can be given before anything is bought.
fn customer_scope(text: &str, tenant: TenantId, subscriptions: &BTreeSet<SubscriptionId>) -> Result<ArmScope, String> {
    let scope =
        ArmScope::parse(text).map_err(|_| format!("`{}` is not a scope such as `/subscriptions/…`", shown(text)))?;
    match &scope {
        ArmScope::Root | ArmScope::Capacity => Ok(scope),
        ArmScope::ManagementGroup(name) if TenantId::parse(name).is_ok_and(|id| id == tenant) => Ok(scope),
        ArmScope::ManagementGroup(name) => Err(format!(
            "management group `{}` is not there: only the root group is, which is named like the customer's tenant id",
            shown(name)
        )),
        ArmScope::Subscription(id) | ArmScope::ResourceGroup(id, _) | ArmScope::Resource(id, _) => {
            if knows(subscriptions, id, SubscriptionId(STAND_IN)) {
                Ok(scope)
            } else {
                Err(format!("subscription `{id}` is not among this customer's subscriptions"))
            }
        }
        ArmScope::ReservationOrder(_) | ArmScope::Reservation(..) => {
            Err("a world file holds no reservations, so no role can be given on one".to_owned())
        }
    }
}

fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| format!("`{}` is not an instant such as `2026-11-01T08:00:00Z`", shown(text)))
}

fn date(text: &str) -> Result<Date, String> {
    let exact = text.len() == 10;
    text.parse::<Date>()
        .ok()
        .filter(|_| exact)
        .ok_or_else(|| format!("`{}` is not a date such as `2026-01-31`", shown(text)))
}

/// A number as it is written down: digits, at most one point, at most `decimals` decimals. No sign, no exponent.
fn number(text: &str, decimals: usize) -> Option<Decimal> {
    let (whole, rest) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let digits =
        |part: &str, most: usize| (1..=most).contains(&part.len()) && part.bytes().all(|digit| digit.is_ascii_digit());
    if digits(whole, 15) && rest.is_none_or(|rest| digits(rest, decimals)) { text.parse().ok() } else { None }
}

fn percent(text: &str, most: u32) -> Result<Decimal, String> {
    number(text, usize::try_from(PriceRuleKind::PERCENT_DECIMALS).unwrap_or(0))
        .filter(|number| *number <= Decimal::from(most))
        .ok_or_else(|| format!("`{}` is not a percentage from 0 to {most} such as `12.5`", shown(text)))
}

fn amount(text: &str, currency: Currency) -> Result<Money, String> {
    let digits = currency.minor_digits();
    number(text, usize::try_from(digits).unwrap_or(0))
        .and_then(|number| Money::exact(number, currency).ok())
        .filter(|amount| PriceRuleKind::Fixed(*amount).check().is_ok())
        .ok_or_else(|| format!("`{}` is not an amount such as `812.50`, with at most {digits} decimals", shown(text)))
}

fn sku(text: &str) -> Result<SkuName, String> {
    SkuName::parse(text).map_err(|_| format!("`{}` is not a SKU such as `Standard_D2s_v5`", shown(text)))
}

fn currency(text: &str) -> Result<Currency, String> {
    let wrong = || format!("`{}` is not an ISO 4217 currency code such as `EUR`", shown(text));
    let known = iso_currency::Currency::from_code(text).filter(|known| !known.is_special() && !known.is_fund());
    known.ok_or_else(wrong)?;
    Currency::parse(text).map_err(|_| wrong())
}

fn country(text: &str) -> Result<Country, String> {
    let wrong = || format!("`{}` is not an ISO 3166-1 country code such as `SE`", shown(text));
    if text.len() != 2 || text.parse::<iso_currency::Country>().is_err() {
        return Err(wrong());
    }
    Country::parse(text).map_err(|_| wrong())
}

/// A text for people: something in it, no line ends, at most 256 characters.
fn label(text: &str) -> Result<String, String> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        Err("must not be empty".to_owned())
    } else if trimmed.chars().any(char::is_control) {
        Err("must not hold line ends or other control characters".to_owned())
    } else if trimmed.chars().count() > 256 {
        Err("is longer than 256 characters".to_owned())
    } else {
        Ok(trimmed.to_owned())
    }
}

fn secret(text: &str) -> Result<String, String> {
    match text.len() {
        0 => Err("must not be empty".to_owned()),
        1..=256 => Ok(text.to_owned()),
        _ => Err("is longer than 256 bytes".to_owned()),
    }
}

fn is_domain(text: &str) -> bool {
    let is_label = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_label)
}

fn domain(text: &str) -> Result<String, String> {
    if is_domain(text) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!("`{}` is not a domain such as `nordmoln.example`", shown(text)))
    }
}

fn is_address(text: &str) -> bool {
    let local = |part: &str| {
        (1..=64).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b))
    };
    text.split_once('@').is_some_and(|(name, host)| local(name) && is_domain(host))
}

fn upn(text: &str) -> Result<String, String> {
    if is_address(text) {
        Ok(text.to_lowercase())
    } else {
        Err(format!("`{}` is not a name to sign in with such as `ada@nordmoln.example`", shown(text)))
    }
}

fn email(text: &str) -> Result<String, String> {
    if is_address(text) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{}` is not an e-mail address such as `help@nordmoln.example`", shown(text)))
    }
}

fn phone(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_digit() || " +-().,/x".contains(c);
    if text.chars().any(|c| c.is_ascii_digit()) && text.len() <= 64 && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{}` is not a telephone number such as `+46 8 000 00`", shown(text)))
    }
}

fn url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let good = rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or("");
        let (host, port) = host.split_once(':').unwrap_or((host, "443"));
        (is_domain(host) || host == "localhost") && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if good && text.len() <= 2_048 && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>\"".contains(c)) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{}` is not an address such as `https://nordmoln.example/help`", shown(text)))
    }
}

fn language(text: &str) -> Result<String, String> {
    let mut parts = text.split('-');
    let first = parts.next().is_some_and(|p| (2..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphabetic()));
    let rest = parts.all(|p| (2..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()));
    if first && rest && text.len() <= 35 {
        Ok(text.to_owned())
    } else {
        Err(format!("`{}` is not a language such as `sv` or `en-US`", shown(text)))
    }
}

#[cfg(test)]
mod tests;
