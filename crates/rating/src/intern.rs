//! A number for every distinct text of a column, shared by all threads.

use crate::number::{at, long, low, number};
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// Stands for a value that is not there.
pub const NULL: u32 = u32::MAX - 1;

/// Stands for a value that is not UTF-8.
pub const BAD: u32 = u32::MAX;

/// Values that are looked up together.
const TOGETHER: usize = 64;

/// The distinct values of one column.
#[derive(Default)]
pub struct Names(RwLock<Texts>);

impl Names {
    /// Adds the number of each value to `out`, [`BAD`] for one that is not UTF-8. Values seen before are looked up with other
    /// threads side by side; only new ones keep them waiting.
    pub fn number_all<'a>(&self, values: impl Iterator<Item = &'a [u8]>, out: &mut Vec<u32>) {
        let mut unknown: Vec<(usize, u64, &[u8])> = Vec::new();
        {
            let texts = self.texts();
            let mut values = values.fuse();
            let mut wanted: Vec<(u64, &[u8])> = Vec::with_capacity(TOGETHER);
            let mut likely: Vec<(u32, usize, usize)> = Vec::with_capacity(TOGETHER);
            loop {
                wanted.clear();
                for value in values.by_ref().take(TOGETHER) {
                    // Neighbours are often equal: lines of one resource, rows of one customer.
                    let before = wanted.last().filter(|(_, before)| *before == value);
                    let hash = before.map_or_else(|| hash(value), |(hash, _)| *hash);
                    wanted.push((hash, value));
                }
                if wanted.is_empty() {
                    break;
                }
                // Each step for all of them, so that the memory that one needs is on its way while others are served.
                likely.clear();
                likely.extend(wanted.iter().map(|(hash, _)| (texts.likely(*hash), 0, 0)));
                for one in likely.iter_mut().filter(|one| one.0 != NULL) {
                    let place = texts.place(one.0);
                    (one.1, one.2) = (place.start, place.end);
                }
                let touched = |(_, begin, end): &(u32, usize, usize)| {
                    (*begin..*end).step_by(64).fold(0, |sum, index| sum ^ texts.bytes[index])
                };
                std::hint::black_box(likely.iter().fold(0, |sum, one| sum ^ touched(one)));
                for ((hash, value), (text, begin, end)) in wanted.iter().zip(&likely) {
                    let is_it = *text != NULL && texts.bytes[*begin..*end] == **value;
                    match if is_it { Some(*text) } else { texts.find(*hash, value) } {
                        Some(found) => out.push(found),
                        None => {
                            unknown.push((out.len(), *hash, value));
                            out.push(BAD);
                        }
                    }
                }
            }
        }
        if unknown.is_empty() {
            return;
        }
        let mut texts = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (place, hash, value) in unknown {
            out[place] = texts.number(hash, value);
        }
    }

    /// The number of one text.
    pub fn number(&self, value: &str) -> u32 {
        self.0.write().unwrap_or_else(PoisonError::into_inner).number(hash(value.as_bytes()), value.as_bytes())
    }

    /// All texts, for reading.
    pub fn texts(&self) -> RwLockReadGuard<'_, Texts> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Texts and their numbers, which count from zero in the order of arrival.
#[derive(Default)]
pub struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Open addressing: the upper half of the hash, then the number plus one; zero is free.
    slots: Vec<u64>,
}

impl Texts {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of memory taken.
    pub fn memory(&self) -> u64 {
        long(self.bytes.capacity() + 8 * (self.ends.capacity() + self.slots.capacity()))
    }

    /// The text of a number, as bytes of UTF-8.
    pub fn bytes(&self, text: u32) -> &[u8] {
        &self.bytes[self.place(text)]
    }

    fn place(&self, text: u32) -> Range<usize> {
        let index = at(text);
        let begin = if index == 0 { 0 } else { self.ends[index - 1] };
        begin..self.ends[index]
    }

    /// The text that a value of this hash probably is, by the first slot alone; [`NULL`]: nobody knows.
    fn likely(&self, hash: u64) -> u32 {
        let Some(mask) = self.slots.len().checked_sub(1) else { return NULL };
        let slot = self.slots[at(low(hash)) & mask];
        if slot != 0 && slot >> 32 == hash >> 32 { low(slot) - 1 } else { NULL }
    }

    /// The text of a number; empty for [`NULL`] and [`BAD`].
    pub fn text(&self, text: u32) -> &str {
        if text >= NULL { "" } else { std::str::from_utf8(self.bytes(text)).unwrap_or_default() }
    }

    /// For each number its place in the byte order of all texts.
    pub fn ranks(&self) -> Vec<u32> {
        let mut sorted: Vec<u32> = (0..number(self.len())).collect();
        sorted.sort_unstable_by(|a, b| self.bytes(*a).cmp(self.bytes(*b)));
        let mut ranks = vec![0; sorted.len()];
        for (rank, text) in sorted.into_iter().enumerate() {
            ranks[at(text)] = number(rank);
        }
        ranks
    }

    fn find(&self, hash: u64, value: &[u8]) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let mask = self.slots.len() - 1;
        let mut place = at(low(hash)) & mask;
        loop {
            let slot = self.slots[place];
            if slot == 0 {
                return None;
            }
            if slot >> 32 == hash >> 32 {
                let found = low(slot) - 1;
                if self.bytes(found) == value {
                    return Some(found);
                }
            }
            place = (place + 1) & mask;
        }
    }

    fn number(&mut self, hash: u64, value: &[u8]) -> u32 {
        if let Some(found) = self.find(hash, value) {
            return found;
        }
        if std::str::from_utf8(value).is_err() {
            return BAD;
        }
        if self.slots.len() < 2 * (self.len() + 1) {
            self.grow();
        }
        let new = number(self.len());
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len());
        self.occupy(hash, new);
        new
    }

    fn occupy(&mut self, hash: u64, text: u32) {
        let mask = self.slots.len() - 1;
        let mut place = at(low(hash)) & mask;
        while self.slots[place] != 0 {
            place = (place + 1) & mask;
        }
        self.slots[place] = (hash >> 32) << 32 | u64::from(text + 1);
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(64);
        self.slots.clear();
        self.slots.resize(size, 0);
        for text in 0..number(self.len()) {
            let hash = hash(self.bytes(text));
            self.occupy(hash, text);
        }
    }
}

fn hash(value: &[u8]) -> u64 {
    // The seed is fixed: numbers only live inside a run, and nobody gains by making one slow for himself.
    foldhash::fast::FixedState::with_seed(0x5EED).hash_one(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_equal_numbers() {
        let names = Names::default();
        let mut numbers = Vec::new();
        let many: Vec<String> = (0..1000).map(|n| format!("text {}", n % 300)).collect();
        names.number_all(many.iter().map(String::as_bytes), &mut numbers);
        names.number_all([&b"text 7"[..], b"", b"\xFF"].into_iter(), &mut numbers);
        assert_eq!(numbers[1000], numbers[7]);
        assert_eq!(numbers[1002], BAD);
        let texts = names.texts();
        assert_eq!(texts.len(), 301);
        for (text, number) in many.iter().zip(&numbers) {
            assert_eq!(texts.text(*number), text);
        }
        let ranks = texts.ranks();
        assert_eq!(ranks[at(numbers[1001])], 0);
        assert!(ranks[at(numbers[10])] < ranks[at(numbers[2])], "`text 10` before `text 2`");
    }
}
