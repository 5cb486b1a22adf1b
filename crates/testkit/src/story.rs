//! Who is who in `worlds/nordmoln.toml`.

use crate::persona::{Persona, Secret};
use crate::site::Site;

/// The world file of the tests.
pub const NORDMOLN_WORLD: &str = include_str!("../worlds/nordmoln.toml");
/// The partner who sells.
pub const NORDMOLN: &str = "11111111-1111-4111-8111-111111111111";
/// Another partner, with whom Nordmoln shares no customer.
pub const SYDMOLN: &str = "44444444-4444-4444-8444-444444444444";
/// The customer who buys.
pub const FJALLRAVEN: &str = "22222222-2222-4222-8222-222222222222";
/// Fjällräven's subscription; Olle is its Owner.
pub const PRODUKTION: &str = "33333333-3333-4333-8333-333333333333";
/// Fjällräven's other subscription; nobody has a role on it.
pub const PROV: &str = "33333333-3333-4333-8333-333333333334";
/// Another customer of Nordmoln.
pub const SKOGSBRUKET: &str = "55555555-5555-4555-8555-555555555555";
/// Skogsbruket's only subscription, an Azure Global one; Pelle is its Owner.
pub const SKOGEN: &str = "55555555-0000-4000-8000-0000000000e1";
/// A customer of Sydmoln.
pub const KUSTFISKE: &str = "66666666-6666-4666-8666-666666666666";
/// Kustfiske's subscription; Frida is its Owner.
pub const KUSTEN: &str = "66666666-0000-4000-8000-0000000000f1";

macro_rules! people {
    ($($(#[$doc:meta])* $name:ident: $tenant:expr, $id:literal, $upn:literal, $password:literal;)*) => {
        /// The people of the tests' world.
        impl Site {
            $($(#[$doc])*
            pub fn $name(&self) -> Persona {
                Persona::new(self, $tenant, $id, Secret::User { upn: $upn.into(), password: $password.into() })
            })*
        }
    };
}

people! {
    /// Admin agent of Nordmoln.
    ada: NORDMOLN, "11111111-0000-4000-8000-000000000001", "ada@nordmoln.example", "adas lösenord 1";
    /// Sales agent of Nordmoln.
    sven: NORDMOLN, "11111111-0000-4000-8000-000000000002", "sven@nordmoln.example", "svens lösenord 1";
    /// Helpdesk agent of Nordmoln.
    hedda: NORDMOLN, "11111111-0000-4000-8000-000000000003", "hedda@nordmoln.example", "heddas lösenord 1";
    /// Billing administrator of Nordmoln.
    beata: NORDMOLN, "11111111-0000-4000-8000-000000000004", "beata@nordmoln.example", "beatas lösenord 1";
    /// Global administrator of Nordmoln.
    gustav: NORDMOLN, "11111111-0000-4000-8000-000000000005", "gustav@nordmoln.example", "gustavs lösenord 1";
    /// User administrator of Nordmoln.
    ulla: NORDMOLN, "11111111-0000-4000-8000-000000000006", "ulla@nordmoln.example", "ullas lösenord 1";
    /// Works at Nordmoln, without any role.
    nisse: NORDMOLN, "11111111-0000-4000-8000-000000000007", "nisse@nordmoln.example", "nisses lösenord 1";
    /// Admin agent and global administrator of Sydmoln.
    ture: SYDMOLN, "44444444-0000-4000-8000-000000000001", "ture@sydmoln.example", "tures lösenord 1";
    /// Owner of Fjällräven's subscription Produktion.
    olle: FJALLRAVEN, "22222222-0000-4000-8000-000000000001", "olle@exempel.example", "olles lösenord 1";
    /// Contributor on Produktion.
    karin: FJALLRAVEN, "22222222-0000-4000-8000-000000000002", "karin@exempel.example", "karins lösenord 1";
    /// Works at Fjällräven, without any role.
    rut: FJALLRAVEN, "22222222-0000-4000-8000-000000000003", "rut@exempel.example", "ruts lösenord 1";
    /// Owner of Skogsbruket's subscription.
    pelle: SKOGSBRUKET, "55555555-0000-4000-8000-000000000001", "pelle@skogsbruket.example", "pelles lösenord 1";
    /// Owner of Kustfiske's subscription.
    frida: KUSTFISKE, "66666666-0000-4000-8000-000000000001", "frida@kustfiske.example", "fridas lösenord 1";
}

impl Site {
    /// Nordmoln's application.
    pub fn integration(&self) -> Persona {
        let (client, secret) = ("11111111-0000-4000-8000-0000000000a1", "integrationens hemlighet");
        let secret = Secret::Application { client: client.into(), secret: secret.into() };
        Persona::new(self, NORDMOLN, "11111111-0000-4000-8000-0000000000a0", secret)
    }

    /// Fjällräven's service principal; Reader on Produktion.
    pub fn pipeline(&self) -> Persona {
        let (client, secret) = ("22222222-0000-4000-8000-0000000000a1", "rörets hemlighet");
        let secret = Secret::Application { client: client.into(), secret: secret.into() };
        Persona::new(self, FJALLRAVEN, "22222222-0000-4000-8000-0000000000a0", secret)
    }
}

/// Someone of a crowd: Owner of Produktion, like the others.
#[derive(Debug, Clone)]
pub struct Owner {
    /// Their object id.
    pub id: String,
    /// The name to sign in with.
    pub upn: String,
}

/// The password of everybody in a crowd.
pub const CROWD_PASSWORD: &str = "alla samma lösenord 1";

/// The tests' world with so many more Owners of Produktion, and who they are.
pub fn world_with_owners(count: usize) -> (String, Vec<Owner>) {
    let owners: Vec<Owner> = (0..count)
        .map(|number| Owner {
            id: format!("22222222-0000-4000-8001-{number:012x}"),
            upn: format!("owner{number}@exempel.example"),
        })
        .collect();
    let mut people = String::new();
    for Owner { id, upn } in &owners {
        people.push_str(&format!(
            "[[customers.users]]\nid = \"{id}\"\nupn = \"{upn}\"\nname = \"Owner\"\npassword = \"{CROWD_PASSWORD}\"\n\n\
             [[customers.role_assignments]]\nprincipal = \"{id}\"\nrole = \"Owner\"\n\
             scope = \"/subscriptions/{PRODUKTION}\"\n\n"
        ));
    }
    (NORDMOLN_WORLD.replace("# (more people)\n\n", &people), owners)
}

impl Site {
    /// Someone of a crowd.
    pub fn owner(&self, owner: &Owner) -> Persona {
        let secret = Secret::User { upn: owner.upn.clone(), password: CROWD_PASSWORD.into() };
        Persona::new(self, FJALLRAVEN, &owner.id, secret)
    }
}

/// A customer of Nordmoln among many, with one Owner.
#[derive(Debug, Clone)]
pub struct ManyCustomer {
    /// Its directory.
    pub id: String,
    /// Its subscription.
    pub subscription: String,
    owner: Owner,
}

/// The tests' world with so many more customers of Nordmoln, and who they are.
pub fn world_of_many_customers(count: usize) -> (String, Vec<ManyCustomer>) {
    let mut world = NORDMOLN_WORLD.to_owned();
    let mut customers = Vec::new();
    for number in 0..count {
        let (id, subscription) =
            (format!("77777777-0000-4000-8000-{number:012x}"), format!("77777777-0000-4000-8001-{number:012x}"));
        let owner =
            Owner { id: format!("77777777-0000-4000-8002-{number:012x}"), upn: format!("owner@kund{number}.example") };
        world.push_str(&format!(
            r#"
[[customers]]
tenant_id = "{id}"
name = "Kund {number}"
domain = "kund{number}.example"
country = "SE"
partners = ["{NORDMOLN}"]
agreement_confirmed = true

[[customers.users]]
id = "{owner}"
upn = "{upn}"
name = "Owner"
password = "{CROWD_PASSWORD}"

[[customers.entitlements]]
id = "77777777-0000-4000-8003-{number:012x}"
partner = "{NORDMOLN}"
offer = "azure-plan"

[[customers.entitlements.subscriptions]]
id = "{subscription}"
name = "Drift"

[[customers.role_assignments]]
principal = "{owner}"
role = "Owner"
scope = "/subscriptions/{subscription}"
"#,
            owner = owner.id,
            upn = owner.upn,
        ));
        customers.push(ManyCustomer { id, subscription, owner });
    }
    (world, customers)
}

impl Site {
    /// The Owner of a customer among many.
    pub fn buyer_of(&self, customer: &ManyCustomer) -> Persona {
        let secret = Secret::User { upn: customer.owner.upn.clone(), password: CROWD_PASSWORD.into() };
        Persona::new(self, &customer.id, &customer.owner.id, secret)
    }
}
