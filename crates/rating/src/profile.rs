//! What the lines of a resource have in common. A line is then a number of its own, a quantity, an hour and a profile: 24
//! bytes, whatever its texts.

use crate::intern::Names;
use crate::number::{at, long, low, number};
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
    /// `ContractedUnitPrice` in 10^-6.
    pub price_e6: i64,
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

    /// Bytes of memory taken.
    pub fn memory(&self) -> u64 {
        long(self.profiles.capacity() * size_of::<Profile>() + 4 * (self.latest.capacity() + self.slots.capacity()))
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

fn hash(profile: &Profile) -> u64 {
    foldhash::fast::FixedState::with_seed(0x5EED).hash_one(profile)
}
