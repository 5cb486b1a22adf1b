//! Usage lines in few bytes, sorted by hour: in memory as long as it suffices, then on disk.

use crate::error::Error;
use crate::number::{at, long, number};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A usage line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// `LineId`.
    pub line: i64,
    /// `ConsumedQuantity` in 10^-6.
    pub quantity_e6: i64,
    /// Its profile.
    pub profile: u32,
    /// Its hour since 1970.
    pub hour: u32,
}

const ROW_BYTES: usize = size_of::<Row>();

impl Row {
    fn to_bytes(self) -> [u8; ROW_BYTES] {
        let mut bytes = [0; ROW_BYTES];
        bytes[..8].copy_from_slice(&self.line.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.quantity_e6.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.profile.to_le_bytes());
        bytes[20..].copy_from_slice(&self.hour.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; ROW_BYTES]) -> Self {
        let word = |from: usize| bytes[from..].first_chunk().map_or(0, |word| u32::from_le_bytes(*word));
        let long = |from: usize| bytes[from..].first_chunk().map_or(0, |word| i64::from_le_bytes(*word));
        Self { line: long(0), quantity_e6: long(8), profile: word(16), hour: word(20) }
    }
}

/// Lines sorted by hour, and where each hour begins.
#[derive(Default)]
pub struct Run {
    rows: Vec<Row>,
    hours: Vec<(u32, usize)>,
}

impl Run {
    /// Sorts by hour; lines of an hour keep their order.
    pub fn new(rows: &[Row]) -> Self {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        let mut last = (u32::MAX, 0);
        for row in rows {
            if row.hour != last.0 {
                if last.1 > 0 {
                    *counts.entry(last.0).or_default() += last.1;
                }
                last = (row.hour, 0);
            }
            last.1 += 1;
        }
        if last.1 > 0 {
            *counts.entry(last.0).or_default() += last.1;
        }
        let mut begin = 0;
        let mut hours = Vec::with_capacity(counts.len());
        for (hour, count) in counts {
            hours.push((hour, begin));
            begin += count;
        }
        let mut sorted = vec![Row::default(); rows.len()];
        // A table by hour where the hours are close together, as they nearly always are.
        let first = hours.first().map_or(0, |(hour, _)| *hour);
        let span = hours.last().map_or(0, |(hour, _)| at(*hour - first) + 1);
        if span <= 4 * rows.len() + 1024 {
            let mut next = vec![0; span];
            hours.iter().for_each(|(hour, begin)| next[at(*hour - first)] = *begin);
            for row in rows {
                let place = &mut next[at(row.hour - first)];
                sorted[*place] = *row;
                *place += 1;
            }
        } else {
            sorted.copy_from_slice(rows);
            sorted.sort_by_key(|row| row.hour);
        }
        Self { rows: sorted, hours }
    }

    fn of(&self, hours: &Range<u32>) -> &[Row] {
        let begin = self.hours.partition_point(|(hour, _)| *hour < hours.start);
        let end = self.hours.partition_point(|(hour, _)| *hour < hours.end);
        let place = |index: usize| self.hours.get(index).map_or(self.rows.len(), |(_, begin)| *begin);
        &self.rows[place(begin)..place(end)]
    }
}

/// A run on disk: its hours, and where each begins in the file, in rows.
struct Spilled {
    hours: Vec<(u32, u64)>,
    end: u64,
}

/// All lines.
pub struct Runs {
    limit: u64,
    folder: PathBuf,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    runs: Vec<Run>,
    bytes: u64,
    spilled: Vec<Spilled>,
    file: Option<File>,
    end: u64,
}

/// Lines in memory and on disk, once all are there.
pub struct Lines {
    runs: Vec<Run>,
    spilled: Vec<Spilled>,
    file: Option<File>,
    folder: PathBuf,
    /// How many lines each hour has.
    pub hours: BTreeMap<u32, u64>,
}

impl Runs {
    /// Holds as many bytes in memory, then writes to a file without a name in the folder.
    pub fn new(limit: u64, folder: &Path) -> Self {
        Self { limit, folder: folder.to_owned(), held: Mutex::default() }
    }

    /// Takes a run.
    ///
    /// # Errors
    /// [`Error`] when the disk is full or the folder cannot be written.
    pub fn add(&self, run: Run) -> Result<(), Error> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.bytes += long(run.rows.len() * ROW_BYTES);
        held.runs.push(run);
        if held.bytes > self.limit { self.spill(&mut held) } else { Ok(()) }
    }

    fn spill(&self, held: &mut Held) -> Result<(), Error> {
        let failed = |cause| Error::io("write lines that do not fit in memory to", &self.folder, cause);
        if held.file.is_none() {
            held.file = Some(unnamed_file(&self.folder).map_err(failed)?);
        }
        let file = held.file.as_ref().expect("it was just made");
        let mut hours: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (index, run) in held.runs.iter().enumerate() {
            for (hour, _) in &run.hours {
                hours.entry(*hour).or_default().push(index);
            }
        }
        let mut spilled = Spilled { hours: Vec::with_capacity(hours.len()), end: held.end };
        let mut buffer = Vec::with_capacity(1 << 20);
        let mut place = held.end * long(ROW_BYTES);
        for (hour, runs) in hours {
            spilled.hours.push((hour, spilled.end));
            for index in runs {
                let rows = held.runs[index].of(&(hour..hour + 1));
                buffer.extend(rows.iter().flat_map(|row| row.to_bytes()));
                spilled.end += long(rows.len());
            }
            if buffer.len() >= 1 << 20 {
                file.write_all_at(&buffer, place).map_err(failed)?;
                place += long(buffer.len());
                buffer.clear();
            }
        }
        file.write_all_at(&buffer, place).map_err(failed)?;
        held.end = spilled.end;
        held.spilled.push(spilled);
        held.runs.clear();
        held.bytes = 0;
        Ok(())
    }

    /// Ends the collection.
    pub fn finish(self) -> Lines {
        let held = self.held.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut hours: BTreeMap<u32, u64> = BTreeMap::new();
        for run in &held.runs {
            let ends = run.hours.iter().skip(1).map(|(_, begin)| *begin).chain([run.rows.len()]);
            for ((hour, begin), end) in run.hours.iter().zip(ends) {
                *hours.entry(*hour).or_default() += long(end - begin);
            }
        }
        for run in &held.spilled {
            let ends = run.hours.iter().skip(1).map(|(_, begin)| *begin).chain([run.end]);
            for ((hour, begin), end) in run.hours.iter().zip(ends) {
                *hours.entry(*hour).or_default() += end - begin;
            }
        }
        Lines { runs: held.runs, spilled: held.spilled, file: held.file, folder: self.folder, hours }
    }
}

/// A file that is gone when the process is, however that ends.
fn unnamed_file(folder: &Path) -> std::io::Result<File> {
    let path = folder.join("lines");
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

impl Lines {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.hours.values().sum()
    }

    /// Bytes on disk.
    pub fn spilled_bytes(&self) -> u64 {
        self.spilled.last().map_or(0, |run| run.end) * long(ROW_BYTES)
    }

    /// Puts the lines of some hours into `rows`, hour by hour, and gives where each hour begins. Within an hour the order
    /// means nothing.
    ///
    /// # Errors
    /// [`Error`] when the lines on disk cannot be read.
    pub fn of(
        &self,
        hours: &Range<u32>,
        keep: impl Fn(&Row) -> bool,
        rows: &mut Vec<Row>,
    ) -> Result<Vec<(u32, usize)>, Error> {
        let mut begins = Vec::new();
        let mut total: usize = 0;
        let mut next = HashMap::new();
        for (hour, count) in self.hours.range(hours.clone()) {
            begins.push((*hour, total));
            next.insert(*hour, total);
            total += usize::try_from(*count).map_err(|_| Error::Engine("an hour has too many lines".into()))?;
        }
        rows.clear();
        rows.resize(total, Row::default());
        let mut put = |some: &[Row]| {
            let mut last: Option<(u32, usize)> = None;
            for row in some {
                let place = match last {
                    Some((hour, place)) if hour == row.hour => place,
                    _ => {
                        if let Some((hour, place)) = last {
                            next.insert(hour, place);
                        }
                        next[&row.hour]
                    }
                };
                rows[place] = *row;
                last = Some((row.hour, place + 1));
            }
            if let Some((hour, place)) = last {
                next.insert(hour, place);
            }
        };
        for run in &self.runs {
            put(run.of(hours));
        }
        self.each_spilled(hours, |some| put(some))?;
        if rows.iter().all(&keep) {
            return Ok(begins);
        }
        let ends: Vec<usize> = begins.iter().skip(1).map(|(_, begin)| *begin).chain([total]).collect();
        let mut kept = 0;
        for ((_, begin), end) in begins.iter_mut().zip(ends) {
            let from = std::mem::replace(begin, kept);
            for index in from..end {
                if keep(&rows[index]) {
                    rows[kept] = rows[index];
                    kept += 1;
                }
            }
        }
        rows.truncate(kept);
        Ok(begins)
    }

    fn each_spilled(&self, hours: &Range<u32>, mut each: impl FnMut(&[Row])) -> Result<(), Error> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut bytes = Vec::new();
        let mut rows = Vec::new();
        for run in &self.spilled {
            let begin = run.hours.partition_point(|(hour, _)| *hour < hours.start);
            let end = run.hours.partition_point(|(hour, _)| *hour < hours.end);
            let place = |index: usize| run.hours.get(index).map_or(run.end, |(_, begin)| *begin);
            let (mut from, to) = (place(begin), place(end));
            while from < to {
                let count = usize::try_from((to - from).min(1 << 16)).unwrap_or(1 << 16);
                bytes.resize(count * ROW_BYTES, 0);
                file.read_exact_at(&mut bytes, from * long(ROW_BYTES))
                    .map_err(|cause| Error::io("read lines that did not fit in memory from", &self.folder, cause))?;
                rows.clear();
                rows.extend(bytes.as_chunks::<ROW_BYTES>().0.iter().map(Row::from_bytes));
                each(&rows);
                from += long(count);
            }
        }
        Ok(())
    }

    /// Calls `each` with the lines of some hours, a piece at a time, in no order.
    ///
    /// # Errors
    /// [`Error`] when the lines on disk cannot be read.
    pub fn each_of(&self, hours: &Range<u32>, mut each: impl FnMut(&[Row])) -> Result<(), Error> {
        self.runs.iter().for_each(|run| each(run.of(hours)));
        self.each_spilled(hours, each)
    }

    fn each(&self, mut each: impl FnMut(&[Row])) -> Result<(), Error> {
        self.runs.iter().for_each(|run| each(&run.rows));
        self.each_spilled(&(0..u32::MAX), each)
    }

    /// Numbers of lines that are there more than once, smallest first, at most `most`.
    ///
    /// # Errors
    /// [`Error`] when the lines on disk cannot be read.
    pub fn repeated(&self, memory: u64, most: usize) -> Result<Vec<i64>, Error> {
        let (mut least, mut greatest) = (i64::MAX, i64::MIN);
        self.each(|rows| {
            for row in rows {
                least = least.min(row.line);
                greatest = greatest.max(row.line);
            }
        })?;
        let Some(span) = greatest.checked_sub(least).and_then(|span| u64::try_from(span).ok()) else {
            return if least > greatest { Ok(Vec::new()) } else { self.repeated_sparse(memory, most) };
        };
        // Numbers that lie close together need one bit each.
        if span / 8 <= (memory / 8).min(16 * self.count() + 4096) {
            return self.repeated_dense(least, span, most);
        }
        self.repeated_sparse(memory, most)
    }

    fn repeated_dense(&self, least: i64, span: u64, most: usize) -> Result<Vec<i64>, Error> {
        let words = usize::try_from(span / 64 + 1).map_err(|_| Error::Engine("too many lines".into()))?;
        let seen: Vec<AtomicU64> = (0..words).map(|_| AtomicU64::new(0)).collect();
        let check = |rows: &[Row], found: &mut Vec<i64>| {
            for row in rows {
                let bit = u64::try_from(row.line - least).unwrap_or(0);
                let mask = 1 << (bit % 64);
                let word = &seen[usize::try_from(bit / 64).unwrap_or(0)];
                if word.fetch_or(mask, Ordering::Relaxed) & mask != 0 {
                    found.push(row.line);
                }
            }
        };
        let mut found = Vec::new();
        self.each(|rows| check(rows, &mut found))?;
        found.sort_unstable();
        found.dedup();
        found.truncate(most);
        Ok(found)
    }

    /// Numbers far apart: sorted, as many at a time as fit.
    fn repeated_sparse(&self, memory: u64, most: usize) -> Result<Vec<i64>, Error> {
        let parts = number(usize::try_from(self.count() * 8 / (memory / 8).max(1 << 20)).unwrap_or(0) + 1);
        let part = |line: i64| (line.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) % u64::from(parts);
        let mut found = Vec::new();
        for wanted in 0..u64::from(parts) {
            let mut lines = Vec::new();
            self.each(|rows| lines.extend(rows.iter().map(|row| row.line).filter(|line| part(*line) == wanted)))?;
            lines.sort_unstable();
            found.extend(lines.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]));
        }
        found.sort_unstable();
        found.dedup();
        found.truncate(most);
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: i64, hour: u32) -> Row {
        Row { line, quantity_e6: line * 7 - 50, profile: 3, hour }
    }

    fn lines(limit: u64, folder: &Path) -> Lines {
        let runs = Runs::new(limit, folder);
        for part in 0..7 {
            let rows: Vec<Row> = (0..100).map(|n| row(i64::from(part * 100 + n), (n * 13 + part) % 17 + 5)).collect();
            runs.add(Run::new(&rows)).unwrap();
        }
        runs.finish()
    }

    #[test]
    fn disk_and_memory_hold_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let sorted = |lines: &Lines, hours: Range<u32>| {
            let mut rows = Vec::new();
            let begins = lines.of(&hours, |_| true, &mut rows).unwrap();
            for (index, (hour, begin)) in begins.iter().enumerate() {
                let end = begins.get(index + 1).map_or(rows.len(), |(_, begin)| *begin);
                assert!(rows[*begin..end].iter().all(|row| row.hour == *hour));
            }
            let mut numbers: Vec<i64> = rows.iter().map(|row| row.line).collect();
            numbers.sort_unstable();
            numbers
        };
        let (all, some) = (lines(u64::MAX, folder.path()), lines(5000, folder.path()));
        assert!(some.spilled_bytes() > 0 && all.spilled_bytes() == 0);
        assert_eq!(all.hours, some.hours);
        for hours in [0..u32::MAX, 7..8, 6..12, 0..5, 21..22] {
            assert_eq!(sorted(&all, hours.clone()), sorted(&some, hours));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
    }

    #[test]
    fn repeated_numbers_are_found() {
        let folder = tempfile::tempdir().unwrap();
        for limit in [u64::MAX, 100] {
            let runs = Runs::new(limit, folder.path());
            runs.add(Run::new(&[row(1, 5), row(2, 5), row(9, 6)])).unwrap();
            runs.add(Run::new(&[row(9, 5), row(4, 5), row(2, 7)])).unwrap();
            assert_eq!(runs.finish().repeated(1 << 20, 10).unwrap(), [2, 9]);
            let runs = Runs::new(limit, folder.path());
            runs.add(Run::new(&[row(i64::MAX / 9, 5), row(0, 5), row(i64::MAX / 9, 6)])).unwrap();
            assert_eq!(runs.finish().repeated(1 << 20, 10).unwrap(), [i64::MAX / 9]);
        }
    }
}
