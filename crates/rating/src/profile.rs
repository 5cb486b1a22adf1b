//! What the lines of a resource have in common. A line is then a number of its own, a quantity, an hour and a profile: 24
//! bytes, whatever its texts.

use crate::intern::{Names, Texts};
use crate::number::{at, long, low, number};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// The distinct texts of the usage.
#[derive(Default)]
pub struct Vocabulary {
    /// `BillingAccountId`.
    pub account: Names,
    /// `x_CustomerId`.
    pub customer: Names,
    /// `SubAccountId`.
    pub subscription: Names,
    /// `ResourceId`.
    pub resource: Names,
    /// `RegionId`.
    pub region: Names,
    /// `x_ArmSkuName`.
    pub sku: Names,
    /// `BillingCurrency`.
    pub currency: Names,
    /// What FOCUS rows say beside, joined.
    pub detail: Names,
}

impl Vocabulary {
    /// Bytes of memory taken.
    pub fn memory(&self) -> u64 {
        let all = [
            &self.account,
            &self.customer,
            &self.subscription,
            &self.resource,
            &self.region,
            &self.sku,
            &self.currency,
            &self.detail,
        ];
        all.iter().map(|names| names.texts().memory()).sum()
    }
}

/// Everything of a usage line but `LineId`, hour and quantity; texts by their numbers in the [`Vocabulary`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Profile {
    /// `BillingAccountId`.
    pub account: u32,
    /// `x_CustomerId`.
    pub customer: u32,
    /// `BillingCurrency`.
    pub currency: u32,
    /// `RegionId`.
    pub region: u32,
    /// `SubAccountId`.
    pub subscription: u32,
    /// `ResourceId`.
    pub resource: u32,
    /// `x_ArmSkuName`.
    pub sku: u32,
    /// What a FOCUS row says beside, or [`NULL`](crate::intern::NULL).
    pub detail: u32,
    /// `ContractedUnitPrice` in 10^-6.
    pub price_e6: i64,
}

/// A billing context and region, by the numbers of its texts: account, customer, currency, region.
pub type CellKey = [u32; 4];

impl Profile {
    /// Its billing context and region.
    pub fn cell(&self) -> CellKey {
        [self.account, self.customer, self.currency, self.region]
    }
}

/// The distinct profiles, shared by all threads.
#[derive(Default)]
pub struct Profiles(RwLock<Table>);

/// Profiles by number.
#[derive(Default)]
pub struct Table {
    profiles: Vec<Profile>,
    /// For each resource the profile of its latest line: the likeliest of its next.
    latest: Vec<u32>,
    slots: Vec<u32>,
    /// For each profile its cell, counted in the order of arrival.
    cell_of: Vec<u32>,
    cells: Vec<CellKey>,
    cell_numbers: HashMap<CellKey, u32>,
}

impl Profiles {
    /// Adds the number of each profile to `out`.
    pub fn number_all(&self, wanted: &[Profile], out: &mut Vec<u32>) {
        let mut unknown = Vec::new();
        {
            let table = self.table();
            for profile in wanted {
                match table.find(profile) {
                    Some(found) => out.push(found),
                    None => {
                        unknown.push((out.len(), *profile));
                        out.push(u32::MAX);
                    }
                }
            }
        }
        if unknown.is_empty() {
            return;
        }
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (place, profile) in unknown {
            out[place] = table.number(profile);
        }
    }

    /// Adds the cell of each profile to `out`.
    pub fn cells_of(&self, profiles: &[u32], out: &mut Vec<u32>) {
        let table = self.table();
        out.extend(profiles.iter().map(|profile| table.cell_of[at(*profile)]));
    }

    /// All profiles, for reading.
    pub fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// The profiles in the order of their numbers.
    pub fn all(&self) -> &[Profile] {
        &self.profiles
    }

    /// For each profile its cell, counted in the order of arrival.
    pub fn cell_of(&self) -> &[u32] {
        &self.cell_of
    }

    /// How many cells there are.
    pub fn cells(&self) -> usize {
        self.cells.len()
    }

    /// Bytes of memory taken.
    pub fn memory(&self) -> u64 {
        let numbers = self.latest.capacity() + self.slots.capacity() + self.cell_of.capacity();
        // A cell is there as a key of the map, too.
        long(self.profiles.capacity() * size_of::<Profile>() + 4 * numbers + 64 * self.cells.capacity())
    }

    fn find(&self, profile: &Profile) -> Option<u32> {
        let latest = *self.latest.get(at(profile.resource))?;
        if self.profiles.get(at(latest)) == Some(profile) {
            return Some(latest);
        }
        self.search(profile)
    }

    fn search(&self, profile: &Profile) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut place = at(low(hash(profile))) & mask;
        loop {
            let found = self.slots[place].checked_sub(1)?;
            if self.profiles[at(found)] == *profile {
                return Some(found);
            }
            place = (place + 1) & mask;
        }
    }

    fn number(&mut self, profile: Profile) -> u32 {
        let found = self.search(&profile).unwrap_or_else(|| self.add(profile));
        let resource = at(profile.resource);
        if self.latest.len() <= resource {
            self.latest.resize(resource + 1, u32::MAX);
        }
        self.latest[resource] = found;
        found
    }

    fn add(&mut self, profile: Profile) -> u32 {
        if self.slots.len() < 2 * (self.profiles.len() + 1) {
            let size = (self.slots.len() * 2).max(64);
            self.slots.clear();
            self.slots.resize(size, 0);
            for index in 0..self.profiles.len() {
                self.occupy(index);
            }
        }
        self.profiles.push(profile);
        let next = number(self.cells.len());
        let cell = *self.cell_numbers.entry(profile.cell()).or_insert(next);
        if cell == next {
            self.cells.push(profile.cell());
        }
        self.cell_of.push(cell);
        self.occupy(self.profiles.len() - 1);
        number(self.profiles.len() - 1)
    }

    fn occupy(&mut self, index: usize) {
        let mask = self.slots.len() - 1;
        let mut place = at(low(hash(&self.profiles[index]))) & mask;
        while self.slots[place] != 0 {
            place = (place + 1) & mask;
        }
        self.slots[place] = number(index) + 1;
    }
}

/// The canonical order of the cells that have arrived: by the bytes of account, customer, currency and region. Two cells keep
/// their order whatever arrives later, so what is sorted early stays sorted.
pub struct CellOrder<'a> {
    words: &'a Vocabulary,
    profiles: &'a Profiles,
    /// Cells by their numbers of arrival, in canonical order.
    sorted: Vec<u32>,
    /// For each cell by its number of arrival, its place in the order.
    ranks: Vec<u32>,
}

impl<'a> CellOrder<'a> {
    /// Of no cell yet.
    pub fn new(words: &'a Vocabulary, profiles: &'a Profiles) -> Self {
        Self { words, profiles, sorted: Vec::new(), ranks: Vec::new() }
    }

    /// For each cell that has arrived so far its place in the canonical order.
    pub fn ranks(&mut self) -> &[u32] {
        let table = self.profiles.table();
        if table.cells.len() > self.ranks.len() {
            let texts =
                [&self.words.account, &self.words.customer, &self.words.currency, &self.words.region].map(Names::texts);
            let texts = texts.each_ref().map(|texts| &**texts);
            let order = |a: u32, b: u32| compare(&table.cells[at(a)], &table.cells[at(b)], texts);
            let mut new: Vec<u32> = (number(self.ranks.len())..number(table.cells.len())).collect();
            new.sort_unstable_by(|a, b| order(*a, *b));
            let mut merged = Vec::with_capacity(table.cells.len());
            let mut rest = &self.sorted[..];
            for cell in new {
                let (before, behind) = rest.split_at(rest.partition_point(|other| order(*other, cell).is_lt()));
                merged.extend_from_slice(before);
                merged.push(cell);
                rest = behind;
            }
            merged.extend_from_slice(rest);
            self.ranks.resize(merged.len(), 0);
            for (rank, cell) in merged.iter().enumerate() {
                self.ranks[at(*cell)] = number(rank);
            }
            self.sorted = merged;
        }
        &self.ranks
    }
}

fn compare(a: &CellKey, b: &CellKey, texts: [&Texts; 4]) -> Ordering {
    let differing = a.iter().zip(b).zip(texts).find(|((a, b), _)| a != b);
    differing.map_or(Ordering::Equal, |((a, b), texts)| texts.bytes(*a).cmp(texts.bytes(*b)))
}

fn hash(profile: &Profile) -> u64 {
    foldhash::fast::FixedState::with_seed(0x5EED).hash_one(profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_keep_their_order_when_others_arrive() {
        let (words, profiles) = (Vocabulary::default(), Profiles::default());
        let mut order = CellOrder::new(&words, &profiles);
        assert!(order.ranks().is_empty());
        let mut names = Vec::new();
        for turn in 0..40_u32 {
            let mut arrived = Vec::new();
            for index in 0..turn {
                let name = format!("{}", (turn * 7919 + index * 104_729) % 1000);
                let region = words.region.number(if index % 2 == 0 { "b" } else { "a" });
                let customer = words.customer.number(&name);
                let (account, currency) = (words.account.number("x"), words.currency.number("EUR"));
                let (subscription, resource, sku, price_e6, detail) = (0, index, 0, 0, crate::intern::NULL);
                let cell =
                    Profile { account, customer, currency, region, subscription, resource, sku, detail, price_e6 };
                arrived.push(cell);
                names.push((arrived[arrived.len() - 1], (name, region)));
            }
            profiles.number_all(&arrived, &mut Vec::new());
            let ranks = order.ranks().to_vec();
            let table = profiles.table();
            let mut cells: Vec<(&String, String, u32)> = Vec::new();
            for (profile, (name, region)) in &names {
                let found = table.find(profile).expect("it was numbered");
                let region = words.region.texts().text(*region).to_owned();
                cells.push((name, region, ranks[at(table.cell_of[at(found)])]));
            }
            cells.sort();
            assert!(cells.is_sorted_by_key(|(_, _, rank)| rank));
            assert_eq!(ranks.len(), table.cells());
        }
    }
}
