//! The canonical order of everything, once all names are known: nothing in it depends on which thread saw a name first.

use crate::error::Error;
use crate::input::ReservationRow;
use crate::number::{at, number};
use crate::profile::{Profile, Table, Vocabulary};
use fullmakt_domain::rating::{
    Flexibility, Group, Plan, Ratio, Reservation, Sku, Slots, Subscription, first_hour_from,
};
use std::collections::BTreeMap;

/// A reservation whose texts have their numbers.
pub struct Numbered {
    /// As its file has it.
    pub row: ReservationRow,
    /// What its unused rows show: no subscription, no resource.
    pub profile: Profile,
    scope: Option<u32>,
}

/// Numbers the texts of the reservations, in the vocabulary of the usage.
pub fn number_reservations(rows: Vec<ReservationRow>, words: &Vocabulary) -> Vec<Numbered> {
    let numbered = |row: ReservationRow| Numbered {
        profile: Profile {
            account: words.account.number(&row.account),
            customer: words.customer.number(&row.customer),
            currency: words.currency.number(&row.currency),
            region: words.region.number(&row.region),
            subscription: crate::intern::NULL,
            resource: crate::intern::NULL,
            sku: words.sku.number(&row.sku),
            detail: crate::intern::NULL,
            price_e6: 0,
        },
        scope: row.scope.as_deref().map(|scope| words.subscription.number(scope)),
        row,
    };
    rows.into_iter().map(numbered).collect()
}

/// What matching needs of a profile.
#[derive(Clone, Copy)]
pub struct Seat {
    /// Its place in the order of billing context, region, subscription, resource.
    pub place: u32,
    /// Its billing context and region.
    pub cell: u32,
    /// `ContractedUnitPrice` in 10^-6.
    pub price_e6: i64,
    /// The ratio of its SKU.
    pub ratio: Ratio,
    /// The reservations it meets.
    pub slots: Slots,
}

/// A billing context and region.
pub struct Cell {
    /// One profile or reservation of it, for its texts.
    pub sample: Profile,
    /// Its reservations.
    pub plan: Plan,
    /// For each reservation of the plan its number in [`Book::reservations`].
    pub reservations: Vec<u32>,
}

/// Everything but the lines.
pub struct Book {
    /// By number of profile.
    pub seats: Vec<Seat>,
    /// The profiles, and behind them one for each reservation.
    pub profiles: Vec<Profile>,
    /// In canonical order.
    pub cells: Vec<Cell>,
    /// Cells that have reservations.
    pub planned: Vec<u32>,
    /// For each cell that the usage has, in the order of arrival, its number here.
    pub arrived: Vec<u32>,
    /// All reservations.
    pub reservations: Vec<Numbered>,
    /// How many profiles are of usage.
    pub usage_profiles: u32,
    /// By number of the SKU.
    sizes: Vec<(Group, Ratio)>,
}

impl Book {
    /// Sorts.
    ///
    /// # Errors
    /// [`Error`] when an amount does not fit.
    pub fn new(
        table: &Table,
        reservations: Vec<Numbered>,
        flexibility: &Flexibility,
        words: &Vocabulary,
    ) -> Result<Self, Error> {
        let usage = table.all();
        let mut profiles = usage.to_vec();
        profiles.extend(reservations.iter().map(|one| one.profile));
        let (cell_of, samples) = cells(&profiles, words);
        let sizes = sizes(flexibility, words);
        let plans = plans(&reservations, &cell_of[usage.len()..], samples.len(), &sizes)?;
        let cells: Vec<Cell> = samples
            .into_iter()
            .zip(plans)
            .map(|(sample, (plan, reservations))| Cell { sample, plan, reservations })
            .collect();
        let places = places(usage, &cell_of, words);
        let mut slots: BTreeMap<(u32, u32, u32), Slots> = BTreeMap::new();
        let seat = |(index, profile): (usize, &Profile)| {
            let cell = cell_of[index];
            let (group, ratio) = sizes[at(profile.sku)];
            let plan = &cells[at(cell)].plan;
            let slots = if plan.reservations().is_empty() {
                Slots::NONE
            } else {
                let key = (cell, profile.subscription, profile.sku);
                *slots
                    .entry(key)
                    .or_insert_with(|| plan.slots(Subscription(profile.subscription), Sku(profile.sku), group))
            };
            Seat { place: places[index], cell, price_e6: profile.price_e6, ratio, slots }
        };
        let mut arrived = vec![0; table.cells()];
        for (early, cell) in table.cell_of().iter().zip(&cell_of) {
            arrived[at(*early)] = *cell;
        }
        let seats = usage.iter().enumerate().map(seat).collect();
        let planned = (0..number(cells.len())).filter(|cell| !cells[at(*cell)].reservations.is_empty()).collect();
        Ok(Self { seats, usage_profiles: number(usage.len()), profiles, cells, planned, arrived, reservations, sizes })
    }

    /// The group of a SKU.
    pub fn group_of(&self, sku: u32) -> Group {
        self.sizes[at(sku)].0
    }
}

/// For each profile its cell, and for each cell one of its profiles; cells in byte order of their texts.
fn cells(profiles: &[Profile], words: &Vocabulary) -> (Vec<u32>, Vec<Profile>) {
    let ranks = [&words.account, &words.customer, &words.currency, &words.region].map(|names| names.texts().ranks());
    let key = |profile: &Profile| {
        let [account, customer, currency, region] = &ranks;
        [
            account[at(profile.account)],
            customer[at(profile.customer)],
            currency[at(profile.currency)],
            region[at(profile.region)],
        ]
    };
    let mut keys: Vec<([u32; 4], usize)> = profiles.iter().map(key).zip(0..).collect();
    keys.sort_unstable();
    let mut cell_of = vec![0; profiles.len()];
    let mut samples: Vec<Profile> = Vec::new();
    let mut last = None;
    for (key, index) in keys {
        if last != Some(key) {
            last = Some(key);
            samples.push(profiles[index]);
        }
        cell_of[index] = number(samples.len() - 1);
    }
    (cell_of, samples)
}

/// For each SKU its group and ratio.
fn sizes(flexibility: &Flexibility, words: &Vocabulary) -> Vec<(Group, Ratio)> {
    let texts = words.sku.texts();
    let size = |sku| match flexibility.size(texts.text(sku)) {
        Some(size) => (Group::Listed(size.group), size.ratio),
        None => (Group::Own(Sku(sku)), Ratio::ONE),
    };
    (0..number(texts.len())).map(size).collect()
}

type Planned = (Plan, Vec<u32>);

/// For each cell its plan.
fn plans(
    reservations: &[Numbered],
    cell_of: &[u32],
    cells: usize,
    sizes: &[(Group, Ratio)],
) -> Result<Vec<Planned>, Error> {
    let mut by_id: Vec<usize> = (0..reservations.len()).collect();
    by_id.sort_unstable_by(|a, b| reservations[*a].row.id.as_bytes().cmp(reservations[*b].row.id.as_bytes()));
    let mut members: Vec<Vec<Reservation>> = (0..cells).map(|_| Vec::new()).collect();
    for (rank, index) in by_id.iter().enumerate() {
        let one = &reservations[*index];
        let (group, ratio) = sizes[at(one.profile.sku)];
        members[at(cell_of[*index])].push(Reservation {
            scope: one.scope.map(Subscription),
            is_flexible: one.row.is_flexible,
            sku: Sku(one.profile.sku),
            group,
            ratio,
            quantity: one.row.quantity,
            hourly_cost_e8: one.row.hourly_cost_e8,
            first_hour: first_hour_from(one.row.start),
            end_hour: first_hour_from(one.row.end),
            purchased_at: one.row.purchased_at,
            id_rank: number(rank),
        });
    }
    let plan = |members| {
        let plan = Plan::new(members)?;
        let reservations = plan.reservations().iter().map(|one| number(by_id[at(one.id_rank)])).collect();
        Ok((plan, reservations))
    };
    members.into_iter().map(plan).collect()
}

/// For each profile its place in the order of cell, subscription and resource. Profiles of one resource share a place: there
/// the number of the line decides.
fn places(usage: &[Profile], cell_of: &[u32], words: &Vocabulary) -> Vec<u32> {
    let (subscriptions, resources) = (words.subscription.texts().ranks(), words.resource.texts().ranks());
    let key = |(index, profile): (usize, &Profile)| {
        let key = (cell_of[index], subscriptions[at(profile.subscription)], resources[at(profile.resource)]);
        (key, index)
    };
    let mut keys: Vec<_> = usage.iter().enumerate().map(key).collect();
    keys.sort_unstable();
    let mut places = vec![0; usage.len()];
    let mut last = None;
    let mut place = 0;
    for (key, index) in keys {
        if let Some(last) = last
            && last != key
        {
            place += 1;
        }
        last = Some(key);
        places[index] = place;
    }
    places
}
