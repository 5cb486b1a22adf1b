//! What stands in a page of Parquet: levels, and numbers packed in few bits.

use crate::number::at;

/// The bytes are not what the page says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged;

/// Reads `count` numbers of `width` bits in the hybrid of runs and packed groups. `sink` gets each number and how many times
/// it stands there.
pub fn hybrid(bytes: &[u8], width: usize, count: usize, mut sink: impl FnMut(u32, usize)) -> Result<(), Damaged> {
    if width > 32 {
        return Err(Damaged);
    }
    let mut left = count;
    let mut rest = bytes;
    while left > 0 {
        let (header, after) = varint(rest)?;
        if header & 1 == 0 {
            let length = usize::try_from(header >> 1).map_err(|_| Damaged)?;
            let value_bytes = width.div_ceil(8);
            let value = after.get(..value_bytes).ok_or(Damaged)?;
            let value = value.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
            let taken = length.min(left);
            if taken == 0 {
                return Err(Damaged);
            }
            sink(value, taken);
            left -= taken;
            rest = &after[value_bytes..];
        } else {
            let groups = usize::try_from(header >> 1).map_err(|_| Damaged)?;
            let stated = groups.checked_mul(width).ok_or(Damaged)?;
            // Writers may leave out the padding of the last group.
            let packed = &after[..stated.min(after.len())];
            let wanted = groups.saturating_mul(8).min(left);
            if wanted == 0 || packed.len() * 8 < wanted * width {
                return Err(Damaged);
            }
            unpack(packed, width, wanted, &mut sink);
            left -= wanted;
            rest = &after[packed.len()..];
        }
    }
    Ok(())
}

fn unpack(packed: &[u8], width: usize, count: usize, sink: &mut impl FnMut(u32, usize)) {
    if width == 0 {
        sink(0, count);
        return;
    }
    let mask = if width == 32 { u64::from(u32::MAX) } else { (1 << width) - 1 };
    // Eight bytes at any bit hold a number of up to 32 bits; near the end they are taken from a padded copy.
    let safe = (packed.len().saturating_sub(8) * 8 / width).min(count);
    let mut bit = 0;
    for _ in 0..safe {
        let window = packed[bit / 8..bit / 8 + 8].try_into().map_or(0, u64::from_le_bytes);
        sink(crate::number::low(window >> (bit % 8) & mask), 1);
        bit += width;
    }
    for _ in safe..count {
        let mut window = [0; 8];
        let from = &packed[bit / 8..];
        let length = from.len().min(8);
        window[..length].copy_from_slice(&from[..length]);
        sink(crate::number::low(u64::from_le_bytes(window) >> (bit % 8) & mask), 1);
        bit += width;
    }
}

fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), Damaged> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((value, &bytes[index + 1..]));
        }
    }
    Err(Damaged)
}

/// Which of `count` values of an optional column are there; `None`: all.
pub fn presence(levels: &[u8], count: usize) -> Result<Option<Vec<bool>>, Damaged> {
    let mut runs: Vec<(u32, usize)> = Vec::new();
    let mut absent = false;
    hybrid(levels, 1, count, |level, times| {
        absent |= level == 0;
        match runs.last_mut() {
            Some(run) if run.0 == level => run.1 += times,
            _ => runs.push((level, times)),
        }
    })?;
    if !absent {
        return Ok(None);
    }
    Ok(Some(runs.into_iter().flat_map(|(level, times)| std::iter::repeat_n(level == 1, times)).collect()))
}

/// The levels and the values of a page of the first version, whose levels begin with their length.
pub fn split_levels(bytes: &[u8]) -> Result<(&[u8], usize), Damaged> {
    let length: [u8; 4] = bytes.get(..4).ok_or(Damaged)?.try_into().map_err(|_| Damaged)?;
    let end = at(u32::from_le_bytes(length)).checked_add(4).ok_or(Damaged)?;
    Ok((bytes.get(4..end).ok_or(Damaged)?, end))
}

/// The next value of plain texts: its length in four bytes, then its bytes.
pub fn plain_text(bytes: &[u8], from: usize) -> Result<(&[u8], usize), Damaged> {
    let head = bytes.get(from..).and_then(<[u8]>::first_chunk::<4>).ok_or(Damaged)?;
    let begin = from + 4;
    let end = begin.checked_add(at(u32::from_le_bytes(*head))).ok_or(Damaged)?;
    Ok((bytes.get(begin..end).ok_or(Damaged)?, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8], width: usize, count: usize) -> Result<Vec<u32>, Damaged> {
        let mut out = Vec::new();
        hybrid(bytes, width, count, |value, times| out.extend(std::iter::repeat_n(value, times)))?;
        Ok(out)
    }

    #[test]
    fn runs_and_groups() {
        assert_eq!(read(&[0x08, 5], 3, 4), Ok(vec![5; 4]));
        // The example of the format: 0 to 7 in three bits.
        assert_eq!(read(&[0x03, 0x88, 0xC6, 0xFA], 3, 8), Ok((0..8).collect()));
        assert_eq!(read(&[0x03, 0x88, 0xC6], 3, 5), Ok((0..5).collect()), "cut padding");
        assert_eq!(read(&[0x03, 0x88], 3, 8), Err(Damaged));
        assert_eq!(read(&[], 3, 1), Err(Damaged));
        assert_eq!(read(&[0x00, 0x00], 3, 1), Err(Damaged), "a run of nothing");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40), width in 0..34_usize) {
            if let Ok(values) = read(&bytes, width, 100) {
                prop_assert_eq!(values.len(), 100);
            }
            presence(&bytes, 50).ok();
            split_levels(&bytes).ok();
            plain_text(&bytes, 1).ok();
        }
    }
}
