//! Numbers that are indices, both ways.

/// A number of 32 bits as an index.
pub fn at(index: u32) -> usize {
    usize::try_from(index).expect("an index has 32 bits or more")
}

/// An index as a number of 32 bits.
pub fn number(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than four billion of a kind fit in memory")
}

/// A length as a number of 64 bits.
pub fn long(length: usize) -> u64 {
    u64::try_from(length).expect("a length has at most 64 bits")
}

/// The low 32 bits.
pub fn low(bits: u64) -> u32 {
    u32::try_from(bits & 0xFFFF_FFFF).expect("32 bits are left")
}
