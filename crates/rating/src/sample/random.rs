//! Numbers that look random and follow from a seed.

/// A generator (splitmix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        scramble(self.0)
    }

    /// A number below `end`, or 0.
    pub fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(end);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// The place of one that is drawn by weight, given the running sums of the weights.
    pub fn pick(&mut self, sums: &[u64]) -> u64 {
        let drawn = self.below(sums.last().copied().unwrap_or(0));
        crate::number::long(sums.partition_point(|sum| *sum <= drawn))
    }

    /// An identifier in the usual form.
    pub fn guid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        let (first, second, third) = (a >> 32, a >> 16 & 0xFFFF, a & 0xFFF);
        format!("{first:08x}-{second:04x}-4{third:03x}-{:04x}-{:012x}", 0x8000 | b >> 50, b & 0xFFFF_FFFF_FFFF)
    }

    /// Puts the items in another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let other = usize::try_from(self.below(crate::number::long(end) + 1)).unwrap_or(0);
            items.swap(end, other);
        }
    }
}

/// A number that follows from two.
pub fn mix(a: u64, b: u64) -> u64 {
    scramble(a ^ scramble(b.wrapping_add(0x9E37_79B9_7F4A_7C15)))
}

/// A number below `end` that follows from another.
pub fn spread(of: u64, end: u64) -> u64 {
    mix(of, end) % end.max(1)
}

fn scramble(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
