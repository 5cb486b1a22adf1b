//! Numbers packed in few bits, as pages of Parquet hold them.

use crate::number::{at, low};

/// Bits that codes below `count` need; at least one, which every reader understands.
pub fn width(count: usize) -> u32 {
    (usize::BITS - count.saturating_sub(1).leading_zeros()).max(1)
}

/// Appends codes of that width, each in its own bits.
pub fn packed(codes: impl ExactSizeIterator<Item = u32>, width: u32, out: &mut Vec<u8>) {
    let count = codes.len();
    if count == 0 {
        return;
    }
    let groups = count.div_ceil(8);
    varint(crate::number::long(groups) << 1 | 1, out);
    let end = out.len() + groups * at(width);
    let mut bits: u64 = 0;
    let mut filled = 0;
    for code in codes {
        bits |= u64::from(code) << filled;
        filled += width;
        if filled >= 32 {
            out.extend_from_slice(&low(bits).to_le_bytes());
            bits >>= 32;
            filled -= 32;
        }
    }
    out.extend_from_slice(&bits.to_le_bytes());
    out.resize(end, 0);
}

/// Appends codes of that width as runs of equal ones.
pub fn runs(runs: impl Iterator<Item = (u32, usize)>, width: u32, out: &mut Vec<u8>) {
    let mut last: Option<(u32, usize)> = None;
    let mut put = |(code, count): (u32, usize)| {
        varint(crate::number::long(count) << 1, out);
        out.extend_from_slice(&code.to_le_bytes()[..at(width.div_ceil(8))]);
    };
    for (code, count) in runs.filter(|(_, count)| *count > 0) {
        match &mut last {
            Some((before, so_far)) if *before == code => *so_far += count,
            _ => {
                if let Some(run) = last.replace((code, count)) {
                    put(run);
                }
            }
        }
    }
    last.into_iter().for_each(put);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7F).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or(0));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::hybrid;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn what_is_packed_is_read(codes in proptest::collection::vec(0_u32..70_000, 0..200), most in 1_usize..70_000) {
            let codes: Vec<u32> = codes.into_iter().map(|code| code % crate::number::number(most)).collect();
            let width = width(most);
            for as_runs in [false, true] {
                let mut bytes = Vec::new();
                if as_runs {
                    runs(codes.iter().map(|code| (*code, 1)), width, &mut bytes);
                } else {
                    packed(codes.iter().copied(), width, &mut bytes);
                }
                let mut back = Vec::new();
                let read = hybrid(&bytes, at(width), codes.len(), |code, times| {
                    back.extend(std::iter::repeat_n(code, times));
                });
                prop_assert!(read.is_ok());
                prop_assert_eq!(&back, &codes);
            }
        }
    }
}
