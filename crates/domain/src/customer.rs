//! Customers as their partner knows them: who they are, where the bill goes, whether the agreement is confirmed.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::activity::{RecordDraft, Snapshot};
use crate::authz::{Action, Command, Decision, Permit, Query, Target};
use crate::change::Change;
use crate::ids::{CustomerId, PartnerId, PrincipalId};
use crate::market::Country;
use crate::operation::{self, Operation};
use crate::refusal::Refusal;
use crate::self_serve_policy::SelfServeResource;

/// A line of a partner's customer list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerSummary {
    /// The customer and its directory.
    pub id: CustomerId,
    /// The company's name.
    pub name: String,
    /// The directory's domain, in lower case.
    pub domain: String,
}

/// Whom a bill is made out to. Texts are empty where nothing was entered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BillTo {
    /// Given name of the contact.
    pub first_name: String,
    /// Family name of the contact.
    pub last_name: String,
    /// E-mail address of the contact.
    pub email: String,
    /// Telephone number, as people write it.
    pub phone: String,
    /// Street and number.
    pub address_1: String,
    /// Further line of the address.
    pub address_2: String,
    /// City.
    pub city: String,
    /// State or region.
    pub region: String,
    /// Postal code.
    pub postal_code: String,
    /// The company's number in its country's register, where the country asks for one.
    pub registration_number: Option<String>,
}

/// A customer of a partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// The customer and its directory.
    pub id: CustomerId,
    /// What the customer is called in commerce.
    pub commerce_id: String,
    /// The company's name.
    pub name: String,
    /// The directory's domain, in lower case.
    pub domain: String,
    /// Where it is at home.
    pub country: Country,
    /// The language of what is written to it, `sv` or `en`.
    pub language: String,
    /// Whom its bills are made out to.
    pub bill_to: BillTo,
    /// Counts the changes of the bill-to information.
    pub profile_version: i64,
    /// When it came to be.
    pub created_at: Timestamp,
    /// When the customer's agreement was confirmed to this partner.
    pub agreement_confirmed_at: Option<Timestamp>,
}

/// What a customer list is ordered and restricted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomerKey {
    /// The name, without regard to case.
    Name,
    /// The domain.
    Domain,
}

/// Where a page of a list begins. Keys are name (or domain) and identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageStart {
    /// After so many entries.
    Offset(u32),
    /// Behind this key.
    After(String, String),
    /// Before this key: the page that ends there.
    Before(String, String),
    /// The last page.
    Last,
}

/// A page of the partner's customers, in the order of the key.
#[derive(Debug, Clone)]
pub struct ListCustomers {
    /// The order.
    pub key: CustomerKey,
    /// What the key must begin with, in lower case; empty for all.
    pub prefix: String,
    /// Where the page begins.
    pub start: PageStart,
    /// How many customers a page has at most.
    pub size: u32,
}

/// A page of customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerPage {
    /// The customers with their keys.
    pub customers: Vec<(String, CustomerSummary)>,
    /// Whether there are more in the direction in which the page was read.
    pub more: bool,
}

impl Action for ListCustomers {
    const OPERATION: Operation = operation::LIST_CUSTOMERS;

    fn target(&self) -> Target {
        Target::OwnPartner
    }
}

impl Query for ListCustomers {
    type Answer = CustomerPage;
}

/// A page of the partner's customers whose name or domain holds a text, with what each may buy by itself.
#[derive(Debug, Clone)]
pub struct BrowseCustomers {
    /// The order.
    pub key: CustomerKey,
    /// Whether the order runs from the end of the alphabet.
    pub descending: bool,
    /// What the name or the domain must hold somewhere, in lower case; empty for all.
    pub search: String,
    /// Where the page begins, in the order asked for.
    pub start: PageStart,
    /// How many customers a page has at most.
    pub size: u32,
}

/// A line of that list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerLine {
    /// The customer.
    pub customer: CustomerSummary,
    /// What it may buy on the partner's account.
    pub permitted: Vec<SelfServeResource>,
}

/// A page of customers with their permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerLines {
    /// The lines with their keys.
    pub lines: Vec<(String, CustomerLine)>,
    /// Whether there are more in the direction in which the page was read.
    pub more: bool,
}

impl Action for BrowseCustomers {
    const OPERATION: Operation = operation::BROWSE_CUSTOMERS;

    fn target(&self) -> Target {
        Target::OwnPartner
    }
}

impl Query for BrowseCustomers {
    type Answer = CustomerLines;
}

/// One customer; `None` cannot be: a customer that is not the partner's own is hidden.
#[derive(Debug, Clone)]
pub struct GetCustomer {
    /// Which.
    pub customer: CustomerId,
}

impl Action for GetCustomer {
    const OPERATION: Operation = operation::READ_CUSTOMER;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for GetCustomer {
    type Answer = Option<Customer>;
}

/// The first user of a new customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstUser {
    /// Its object id.
    pub id: PrincipalId,
    /// Its name to sign in with.
    pub upn: String,
    /// The argon2id hash of its password.
    pub secret_hash: String,
}

/// A customer that comes to be, with its partner and its first user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCustomer {
    /// The customer.
    pub customer: Customer,
    /// Who serves it.
    pub partner: PartnerId,
    /// Who can sign in.
    pub first_user: FirstUser,
}

/// Makes a customer of the actor's partner.
#[derive(Debug, Clone)]
pub struct CreateCustomer {
    /// The customer; its times are set when it is made.
    pub customer: Customer,
    /// Who can sign in.
    pub first_user: FirstUser,
}

impl Action for CreateCustomer {
    const OPERATION: Operation = operation::CREATE_CUSTOMER;

    fn target(&self) -> Target {
        Target::OwnPartner
    }
}

impl Command for CreateCustomer {
    /// Whether the domain, the identifier or the user's name is taken.
    type State = bool;
    type Receipt = Customer;

    fn decide(&self, permit: &Permit<Self>, taken: bool, now: Timestamp) -> Result<Decision<Customer>, Refusal> {
        check_registration(self.customer.country, &self.customer.bill_to)?;
        if taken {
            return Err(Refusal::DomainTaken { domain: self.customer.domain.clone() });
        }
        let customer = Customer { created_at: now, agreement_confirmed_at: None, ..self.customer.clone() };
        let record = RecordDraft {
            subject: customer.id.to_string(),
            old: None,
            new: Some(customer.snapshot()),
            details: vec![
                ("PrimaryDomainName".to_owned(), customer.domain.clone()),
                ("Relationship".to_owned(), "Reseller".to_owned()),
            ],
        };
        let new =
            NewCustomer { customer: customer.clone(), partner: permit.partner(), first_user: self.first_user.clone() };
        Ok(Decision::changed(customer, vec![Change::CustomerCreated(Box::new(new))], record))
    }

    fn subject(&self) -> String {
        self.customer.id.to_string()
    }
}

/// Changes whom a customer's bills are made out to.
#[derive(Debug, Clone)]
pub struct UpdateBillTo {
    /// Whose.
    pub customer: CustomerId,
    /// The new contact and address.
    pub bill_to: BillTo,
    /// The language of what is written to it.
    pub language: String,
    /// The version that the change is made to; none means the last writer wins.
    pub if_match: Option<i64>,
}

impl Action for UpdateBillTo {
    const OPERATION: Operation = operation::UPDATE_BILL_TO;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Command for UpdateBillTo {
    /// The customer as it is.
    type State = Option<Customer>;
    type Receipt = Customer;

    fn decide(
        &self,
        _permit: &Permit<Self>,
        state: Option<Customer>,
        _now: Timestamp,
    ) -> Result<Decision<Customer>, Refusal> {
        let old = state.ok_or(Refusal::CustomerNotServed { customer: self.customer })?;
        if self.if_match.is_some_and(|version| version != old.profile_version) {
            return Err(Refusal::StaleEtag);
        }
        check_registration(old.country, &self.bill_to)?;
        if old.bill_to == self.bill_to && old.language == self.language {
            return Ok(Decision::unchanged(old));
        }
        let new = Customer {
            bill_to: self.bill_to.clone(),
            language: self.language.clone(),
            profile_version: old.profile_version.saturating_add(1),
            ..old.clone()
        };
        let record = RecordDraft {
            subject: self.subject(),
            old: Some(old.snapshot()),
            new: Some(new.snapshot()),
            details: Vec::new(),
        };
        Ok(Decision::changed(new.clone(), vec![Change::BillToUpdated(Box::new(new))], record))
    }

    fn subject(&self) -> String {
        self.customer.to_string()
    }
}

impl Customer {
    fn snapshot(&self) -> Snapshot {
        let text = |value: &str| Snapshot::optional(Some(value).filter(|value| !value.is_empty()));
        let bill_to = &self.bill_to;
        Snapshot::Object(vec![
            ("Id", Snapshot::text(self.id)),
            ("CommerceId", text(&self.commerce_id)),
            (
                "CompanyProfile",
                Snapshot::Object(vec![
                    ("TenantId", Snapshot::text(self.id)),
                    ("Domain", text(&self.domain)),
                    ("CompanyName", text(&self.name)),
                    ("OrganizationRegistrationNumber", Snapshot::optional(bill_to.registration_number.as_ref())),
                ]),
            ),
            (
                "BillingProfile",
                Snapshot::Object(vec![
                    ("CompanyName", text(&self.name)),
                    ("FirstName", text(&bill_to.first_name)),
                    ("LastName", text(&bill_to.last_name)),
                    ("Email", text(&bill_to.email)),
                    ("Language", text(&self.language)),
                    (
                        "DefaultAddress",
                        Snapshot::Object(vec![
                            ("Country", Snapshot::text(self.country)),
                            ("Region", Snapshot::Null),
                            ("City", text(&bill_to.city)),
                            ("State", text(&bill_to.region)),
                            ("AddressLine1", text(&bill_to.address_1)),
                            ("AddressLine2", text(&bill_to.address_2)),
                            ("PostalCode", text(&bill_to.postal_code)),
                            ("PhoneNumber", text(&bill_to.phone)),
                        ]),
                    ),
                ]),
            ),
            ("RelationshipToPartner", Snapshot::Text("reseller".to_owned())),
            ("Attributes", Snapshot::Object(vec![("ObjectType", Snapshot::Text("Customer".to_owned()))])),
        ])
    }
}

/// Countries in which a company is known by a registration number and a telephone number, sorted.
pub const WITH_REGISTRATION_NUMBER: [&str; 24] = [
    "AE", "AM", "AZ", "BR", "BY", "HU", "IN", "IQ", "KG", "KZ", "MD", "MM", "PL", "RU", "SA", "SS", "TH", "TJ", "TR",
    "UA", "UZ", "VE", "VN", "ZA",
];

/// The form of a registration number, for a person. The countries' own forms differ and change; what all have in common
/// is checked.
pub const REGISTRATION_NUMBER_FORM: &str =
    "4 to 20 letters and digits, which may have dashes, dots and slashes between them";

/// Checks what a country asks of its companies.
fn check_registration(country: Country, bill_to: &BillTo) -> Result<(), Refusal> {
    let asks = WITH_REGISTRATION_NUMBER.binary_search(&country.code()).is_ok();
    match &bill_to.registration_number {
        Some(_) if !asks => return Err(Refusal::RegistrationNumberNotTaken { country }),
        None if asks => return Err(Refusal::RegistrationNumberMissing { country }),
        Some(number) if !is_registration_number(number) => {
            return Err(Refusal::RegistrationNumberMalformed { number: number.clone() });
        }
        Some(_) | None => {}
    }
    if asks && bill_to.phone.trim().is_empty() { Err(Refusal::PhoneNumberMissing { country }) } else { Ok(()) }
}

/// Whether a text is a domain: two labels or more of letters, digits and inner dashes.
pub fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

/// Whether a text has the form of an e-mail address. Only sending to it would tell more.
pub fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'))
}

fn is_registration_number(text: &str) -> bool {
    let signs = text.bytes().filter(u8::is_ascii_alphanumeric).count();
    let sound = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-./ ".contains(&b));
    let edges = text.bytes().next().zip(text.bytes().next_back());
    sound
        && (4..=20).contains(&signs)
        && edges.is_some_and(|(a, b)| a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric())
}

/// Who confirmed the agreement for the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreementContact {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// E-mail address.
    pub email: String,
    /// Telephone number, as people write it.
    pub phone: Option<String>,
}

/// A confirmed customer agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Who accepted it for the customer; `None` where only the fact is known.
    pub contact: Option<AgreementContact>,
    /// The day of acceptance.
    pub agreed_on: Date,
    /// Who of the partner recorded it: the user's object id.
    pub recorded_by: Option<PrincipalId>,
}

/// Records that the customer accepted the customer agreement (R42).
#[derive(Debug, Clone)]
pub struct ConfirmAgreement {
    /// Whose.
    pub customer: CustomerId,
    /// Who accepted it for the customer.
    pub contact: AgreementContact,
    /// The day of acceptance, which is not in the future.
    pub agreed_on: Date,
}

impl Action for ConfirmAgreement {
    const OPERATION: Operation = operation::CONFIRM_AGREEMENT;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Command for ConfirmAgreement {
    /// The latest confirmation.
    type State = Option<Agreement>;
    type Receipt = Agreement;

    fn decide(
        &self,
        permit: &Permit<Self>,
        latest: Self::State,
        now: Timestamp,
    ) -> Result<Decision<Agreement>, Refusal> {
        // A day ahead is the present somewhere on Earth.
        let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        if self.agreed_on > today.tomorrow().unwrap_or(today) {
            return Err(Refusal::AgreementInFuture { day: self.agreed_on });
        }
        if latest.and_then(|agreement| agreement.contact).is_some_and(|contact| contact == self.contact) {
            return Err(Refusal::AgreementExists { email: self.contact.email.clone() });
        }
        let agreement = Agreement {
            contact: Some(self.contact.clone()),
            agreed_on: self.agreed_on,
            recorded_by: Some(permit.actor().principal),
        };
        let text = |value: &str| Snapshot::Text(value.to_owned());
        let snapshot = Snapshot::Object(vec![
            (
                "PrimaryContact",
                Snapshot::Object(vec![
                    ("FirstName", text(&self.contact.first_name)),
                    ("LastName", text(&self.contact.last_name)),
                    ("Email", text(&self.contact.email)),
                    ("PhoneNumber", Snapshot::optional(self.contact.phone.as_ref())),
                ]),
            ),
            ("DateAgreed", Snapshot::text(self.agreed_on)),
            ("Type", text("MicrosoftCustomerAgreement")),
            ("Attributes", Snapshot::Object(vec![("ObjectType", text("Agreement"))])),
        ]);
        let record = RecordDraft {
            subject: permit.customer().to_string(),
            old: None,
            new: Some(snapshot),
            details: vec![("AgreementType".to_owned(), "MicrosoftCustomerAgreement".to_owned())],
        };
        Ok(Decision::changed(agreement.clone(), vec![Change::AgreementConfirmed(agreement, now)], record))
    }

    fn subject(&self) -> String {
        self.customer.to_string()
    }
}

/// The confirmations of the customer agreement to the actor's partner, newest first.
#[derive(Debug, Clone)]
pub struct ListAgreements {
    /// Whose.
    pub customer: CustomerId,
}

impl Action for ListAgreements {
    const OPERATION: Operation = operation::READ_AGREEMENT;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Query for ListAgreements {
    type Answer = Vec<Agreement>;
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::testing::{self, outcome};

    fn customer(country: &str, registration_number: Option<&str>, phone: &str) -> Customer {
        Customer {
            id: testing::customer(),
            commerce_id: "c".to_owned(),
            name: "Exempel AB".to_owned(),
            domain: "exempel.example".to_owned(),
            country: Country::parse(country).unwrap(),
            language: "sv".to_owned(),
            bill_to: BillTo {
                registration_number: registration_number.map(str::to_owned),
                phone: phone.to_owned(),
                ..BillTo::default()
            },
            profile_version: 1,
            created_at: Timestamp::UNIX_EPOCH,
            agreement_confirmed_at: None,
        }
    }

    #[test]
    fn a_new_customer_has_a_free_domain_and_what_its_country_asks_for() {
        for (country, number, phone, taken, expected) in [
            ("SE", None, "", false, "created exempel.example"),
            ("SE", None, "", true, "the domain `exempel.example` is taken"),
            ("SE", Some("556677-8899"), "", false, "takes no registration number"),
            ("PL", Some("123-45/6"), "+48 1", false, "created"),
            ("PL", None, "+48 1", false, "asks for a registration number"),
            ("PL", Some("-1234"), "+48 1", false, "`-1234` is not a registration number"),
            ("PL", Some("12"), "+48 1", true, "`12` is not a registration number"),
            ("PL", Some("123456"), "", false, "asks for a telephone number"),
        ] {
            let command = CreateCustomer {
                customer: customer(country, number, phone),
                first_user: FirstUser {
                    id: PrincipalId(Uuid::from_u128(5)),
                    upn: "admin@exempel.example".to_owned(),
                    secret_hash: String::new(),
                },
            };
            let permit = testing::permit_partner(&command);
            let shown =
                outcome(&command.decide(&permit, taken, testing::now()), |d| format!("created {}", d.receipt.domain));
            assert!(shown.contains(expected), "{country} {number:?}: {shown}");
        }
        assert!(WITH_REGISTRATION_NUMBER.is_sorted());
    }

    #[test]
    fn the_bill_to_changes_as_its_country_asks_and_only_what_was_seen() {
        let new = |phone: &str, language: &str, if_match, old: Customer| {
            let bill_to = BillTo { phone: phone.to_owned(), ..old.bill_to.clone() };
            let command = UpdateBillTo { customer: old.id, bill_to, language: language.to_owned(), if_match };
            let permit = testing::permit_partner(&command);
            let decided = command.decide(&permit, Some(old), testing::now());
            outcome(&decided, |d| format!("version {}, {} changes", d.receipt.profile_version, d.changes.len()))
        };
        let (swedish, polish) = (customer("SE", None, ""), customer("PL", Some("123456"), "+48 1"));
        for (got, expected) in [
            (new("+46 8 1", "sv", Some(1), swedish.clone()), "version 2, 1 changes"),
            (new("+46 8 1", "sv", None, swedish.clone()), "version 2, 1 changes"),
            (new("", "en", Some(1), swedish.clone()), "version 2, 1 changes"),
            (new("", "sv", Some(1), swedish.clone()), "version 1, 0 changes"),
            (new("+46 8 1", "sv", Some(2), swedish), "changed"),
            (new("", "sv", Some(1), polish), "asks for a telephone number"),
        ] {
            assert!(got.contains(expected), "{got}");
        }
    }

    #[test]
    fn r42_an_agreement_is_confirmed_once_for_a_contact_and_not_for_the_future() {
        let contact = |email: &str| AgreementContact {
            first_name: "Olle".to_owned(),
            last_name: "Ek".to_owned(),
            email: email.to_owned(),
            phone: None,
        };
        let latest = |email: &str| {
            Some(Agreement { contact: Some(contact(email)), agreed_on: Date::constant(2026, 1, 1), recorded_by: None })
        };
        for (latest, day, expected) in [
            (None, "2026-11-01", "confirmed 2026-11-01"),
            (None, "2026-11-02", "confirmed"),
            (None, "2026-11-03", "in the future"),
            (latest("olle@exempel.example"), "2026-11-01", "already confirmed"),
            (latest("pelle@exempel.example"), "2026-11-01", "confirmed 2026-11-01"),
        ] {
            let command = ConfirmAgreement {
                customer: testing::customer(),
                contact: contact("olle@exempel.example"),
                agreed_on: day.parse().unwrap(),
            };
            let permit = testing::permit_partner(&command);
            let shown = outcome(&command.decide(&permit, latest, testing::now()), |d| {
                format!("confirmed {}", d.receipt.agreed_on)
            });
            assert!(shown.contains(expected), "{day}: {shown}");
        }
    }
}
