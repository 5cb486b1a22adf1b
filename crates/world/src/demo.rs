//! The small invented world that `fullmakt demo` starts with.

/// The demo's world file: partner Nordmoln AB, two customers, a few people. No real company, domain or person is meant.
pub fn demo() -> &'static str {
    include_str!("../data/demo.toml")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Offer;
    use fullmakt_domain::actor::PartnerRole;
    use fullmakt_domain::role;

    #[test]
    fn the_demo_world_has_who_it_takes_to_try_everything() {
        let world = crate::parse(demo()).expect("the demo world has no mistakes");
        let partner = &world.partners[0];
        assert_eq!(partner.name, "Nordmoln AB");
        for role in [PartnerRole::AdminAgent, PartnerRole::SalesAgent, PartnerRole::HelpdeskAgent] {
            assert!(partner.users.iter().any(|user| user.roles.contains(&role)), "{role:?}");
        }
        assert_eq!(partner.applications.len(), 1);
        assert_eq!(world.customers.len(), 2);
        let customer = &world.customers[0];
        assert_eq!(customer.name, "Fjällräven Exempel AB");
        let plan = &customer.entitlements[0];
        assert_eq!((plan.offer, plan.subscriptions.len()), (Offer::AzurePlan, 2));
        let owner = customer.role_assignments.iter().find(|given| given.role == role::OWNER).unwrap();
        assert_eq!(customer.users.iter().find(|user| user.id == owner.principal).unwrap().name, "Olle");
        assert!(world.prices.len() >= 2);
        // R01: the permission starts off, also in the demo.
        assert!(world.customers.iter().all(|customer| customer.self_serve.is_empty()));
    }
}
