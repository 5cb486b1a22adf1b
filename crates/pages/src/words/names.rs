//! What reservations are called where several stand beside one another: the parts of one that was split share a name.

use std::collections::{BTreeMap, BTreeSet};

use fullmakt_domain::ids::ReservationId;
use fullmakt_domain::reservation::Reservation;
use fullmakt_server::text::Text;

use crate::format;

/// Letters of an identifier that tell it from others.
const END: usize = 6;

/// Those that share name and quantity with another.
pub fn twins<'r>(reservations: impl Iterator<Item = &'r Reservation>) -> BTreeSet<ReservationId> {
    let mut alike: BTreeMap<(&str, i64), Vec<ReservationId>> = BTreeMap::new();
    for one in reservations {
        alike.entry((one.display_name.as_str(), one.quantity.instances())).or_default().push(one.id);
    }
    alike.into_values().filter(|ids| ids.len() > 1).flatten().collect()
}

/// `web, ID …92f1c3`.
pub fn ending_in(t: Text, name: &str, id: ReservationId) -> String {
    let text = id.to_string();
    let end = text.get(text.len().saturating_sub(END)..).unwrap_or_default();
    t.with_all("reservation-ending-in", &[("name", &name), ("end", &end)])
}

/// `web, quantity 3`, and of a twin the end of its identifier.
pub fn reservation_of_quantity(t: Text, one: &Reservation, is_twin: bool) -> String {
    let quantity = format::number(t.language(), one.quantity);
    let name = t.with_all("reservation-of-quantity", &[("name", &one.display_name.as_str()), ("quantity", &quantity)]);
    if is_twin { ending_in(t, &name, one.id) } else { name }
}

/// What each is called: by its name, and where another has the same by its quantity, too; where that is also the same, by the
/// end of its identifier.
pub fn reservation_names<'r>(
    t: Text,
    reservations: impl Iterator<Item = &'r Reservation> + Clone,
) -> BTreeMap<ReservationId, String> {
    let mut shared: BTreeMap<&str, usize> = BTreeMap::new();
    for one in reservations.clone() {
        let count = shared.entry(one.display_name.as_str()).or_default();
        *count = count.saturating_add(1);
    }
    let twins = twins(reservations.clone());
    let name = |one: &Reservation| match shared.get(one.display_name.as_str()) {
        Some(2..) => reservation_of_quantity(t, one, twins.contains(&one.id)),
        _ => one.display_name.to_string(),
    };
    reservations.map(|one| (one.id, name(one))).collect()
}
