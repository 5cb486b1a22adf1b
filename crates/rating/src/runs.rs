//! Usage lines in few bytes, sorted by billing context and region: in memory as long as it suffices, then on disk.

use crate::error::Error;
use crate::number::{at, long, number};
use crate::profile::CellOrder;
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

/// Rows of a cell that are few are looked through; more are sorted by hour, and found by it in steps of so many.
const STEP: usize = 1024;

/// Where a cell, or the rows of a cell from some hour on, begins.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The cell, counted in the order of arrival.
    cell: u32,
    /// All rows before have an earlier hour; 0 where a cell begins.
    hour: u32,
    begin: u64,
}

/// Where the rows of a run are: cells in canonical order.
#[derive(Default)]
struct Index {
    entries: Vec<Entry>,
    end: u64,
}

impl Index {
    /// Adds the next rows, all of one cell and sorted by hour where they are more than [`STEP`].
    fn add(&mut self, cell: u32, rows: &[Row]) {
        self.entries.push(Entry { cell, hour: 0, begin: self.end });
        let mut from = 0;
        while rows.len() - from > STEP {
            let hour = rows[from + STEP - 1].hour;
            from += STEP;
            from += rows[from..].iter().take_while(|row| row.hour == hour).count();
            if let Some(next) = rows.get(from) {
                self.entries.push(Entry { cell, hour: next.hour, begin: self.end + long(from) });
            }
        }
        self.end += long(rows.len());
    }

    /// Cells and where each begins and ends; one may be there in several pieces.
    fn pieces(&self) -> impl Iterator<Item = (u32, Range<u64>)> {
        let ends = self.entries.iter().skip(1).map(|entry| entry.begin).chain([self.end]);
        self.entries.iter().zip(ends).map(|(entry, end)| (entry.cell, entry.begin..end))
    }

    /// The rows of some cells and hours, and perhaps some of other hours. `ranks` gives the place of each cell.
    fn find(&self, wanted: &Wanted, ranks: &[u32]) -> Range<u64> {
        let place = |entry: &Entry| (ranks[at(entry.cell)], entry.hour);
        let mut from = self.entries.partition_point(|entry| place(entry) <= (wanted.cells.start, wanted.hours.start));
        // The piece before begins earlier and may go on into the first hour.
        if from > 0 && place(&self.entries[from - 1]).0 == wanted.cells.start {
            from -= 1;
        }
        let is_before = |entry: &Entry| {
            let (rank, hour) = place(entry);
            rank < wanted.cells.end && (rank + 1 < wanted.cells.end || hour < wanted.hours.end)
        };
        let to = self.entries.partition_point(is_before).max(from);
        let begin = |index: usize| self.entries.get(index).map_or(self.end, |entry| entry.begin);
        begin(from)..begin(to)
    }
}

/// Cells by their places in the canonical order, and hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Cells.
    pub cells: Range<u32>,
    /// Hours since 1970.
    pub hours: Range<u32>,
}

/// Lines sorted by cell.
#[derive(Default)]
pub struct Run {
    rows: Vec<Row>,
    index: Index,
}

impl Run {
    /// Sorts by cell. `cells` has the cell of each row, `ranks` the place of each cell.
    pub fn new(rows: &[Row], cells: &[u32], ranks: &[u32]) -> Self {
        let mut run = Self { rows: vec![Row::default(); rows.len()], index: Index::default() };
        let mut ends: Vec<(u32, usize)> = Vec::new();
        // A table by cell, unless there are many more of them than rows.
        if ranks.len() <= 4 * rows.len() {
            let mut counts = vec![(0_u32, 0_usize); ranks.len()];
            for cell in cells {
                let count = &mut counts[at(ranks[at(*cell)])];
                *count = (*cell, count.1 + 1);
            }
            let mut begin = 0;
            for (cell, count) in counts.iter_mut().filter(|(_, count)| *count > 0) {
                begin += std::mem::replace(count, begin);
                ends.push((*cell, begin));
            }
            for (row, cell) in rows.iter().zip(cells) {
                let place = &mut counts[at(ranks[at(*cell)])].1;
                run.rows[*place] = *row;
                *place += 1;
            }
        } else {
            let mut order: Vec<(u32, u32, usize)> =
                cells.iter().enumerate().map(|(index, cell)| (ranks[at(*cell)], *cell, index)).collect();
            order.sort_unstable();
            for (place, (_, cell, index)) in order.into_iter().enumerate() {
                run.rows[place] = rows[index];
                match ends.last_mut() {
                    Some((last, end)) if *last == cell => *end = place + 1,
                    _ => ends.push((cell, place + 1)),
                }
            }
        }
        let mut begin = 0;
        for (cell, end) in ends {
            let of_cell = &mut run.rows[begin..end];
            sort_long(of_cell);
            run.index.add(cell, of_cell);
            begin = end;
        }
        run
    }

    fn of(&self, wanted: &Wanted, ranks: &[u32]) -> &[Row] {
        let found = self.index.find(wanted, ranks);
        &self.rows[place(found.start)..place(found.end)]
    }
}

/// Sorts the rows of a cell by hour, if they are many.
fn sort_long(rows: &mut [Row]) {
    if rows.len() > STEP {
        rows.sort_unstable_by_key(|row| row.hour);
    }
}

fn place(row: u64) -> usize {
    usize::try_from(row).expect("rows in memory are counted by an index")
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
    count: u64,
    hours: Option<(u32, u32)>,
    spilled: Vec<Index>,
    file: Option<File>,
    end: u64,
}

/// Lines in memory and on disk, once all are there.
pub struct Lines {
    runs: Vec<Run>,
    /// Runs on disk: where in the file each begins, and its index, in rows.
    spilled: Vec<(u64, Index)>,
    file: Option<File>,
    folder: PathBuf,
    /// How many there are.
    pub count: u64,
    /// The first and the last hour of any.
    pub hours: Option<(u32, u32)>,
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
    pub fn add(&self, run: Run, order: &mut CellOrder<'_>) -> Result<(), Error> {
        let hours = run.rows.iter().map(|row| row.hour);
        let hours = hours.clone().min().zip(hours.max());
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.bytes += long(run.rows.len() * ROW_BYTES + run.index.entries.len() * size_of::<Entry>());
        held.count += long(run.rows.len());
        let either = |a: (u32, u32), b: (u32, u32)| (a.0.min(b.0), a.1.max(b.1));
        held.hours = hours.into_iter().chain(held.hours).reduce(either);
        held.runs.push(run);
        // Others may have added cells that this thread has not seen.
        if held.bytes > self.limit { self.spill(&mut held, order.ranks()) } else { Ok(()) }
    }

    fn spill(&self, held: &mut Held, ranks: &[u32]) -> Result<(), Error> {
        let failed = |cause| Error::io("write lines that do not fit in memory to", &self.folder, cause);
        if held.file.is_none() {
            held.file = Some(unnamed_file(&self.folder).map_err(failed)?);
        }
        let file = held.file.as_ref().expect("it was just made");
        let mut pieces: Vec<(u32, u32, &[Row])> = Vec::new();
        for run in &held.runs {
            let rows = |rows: Range<u64>| &run.rows[place(rows.start)..place(rows.end)];
            pieces.extend(run.index.pieces().map(|(cell, found)| (ranks[at(cell)], cell, rows(found))));
        }
        pieces.sort_unstable_by_key(|(rank, ..)| *rank);
        let mut index = Index::default();
        let mut of_cell: Vec<Row> = Vec::new();
        let mut buffer = Vec::with_capacity(1 << 20);
        let mut place = held.end * long(ROW_BYTES);
        for same in pieces.chunk_by(|a, b| a.0 == b.0) {
            of_cell.clear();
            same.iter().for_each(|(_, _, rows)| of_cell.extend_from_slice(rows));
            sort_long(&mut of_cell);
            index.add(same[0].1, &of_cell);
            for rows in of_cell.chunks(1 << 14) {
                buffer.extend(rows.iter().flat_map(|row| row.to_bytes()));
                if buffer.len() >= 1 << 20 {
                    file.write_all_at(&buffer, place).map_err(failed)?;
                    place += long(buffer.len());
                    buffer.clear();
                }
            }
        }
        file.write_all_at(&buffer, place).map_err(failed)?;
        held.end += index.end;
        held.spilled.push(index);
        held.runs.clear();
        held.bytes = 0;
        Ok(())
    }

    /// Ends the collection.
    pub fn finish(self) -> Lines {
        let held = self.held.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut end = 0;
        let from = |index: Index| {
            let begin = end;
            end += index.end;
            (begin, index)
        };
        Lines {
            runs: held.runs,
            spilled: held.spilled.into_iter().map(from).collect(),
            file: held.file,
            folder: self.folder,
            count: held.count,
            hours: held.hours,
        }
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
    /// Bytes on disk.
    pub fn spilled_bytes(&self) -> u64 {
        self.spilled.last().map_or(0, |(begin, index)| begin + index.end) * long(ROW_BYTES)
    }

    /// How many lines each of so many cells has. `ranks` gives the place of each cell, by its number of arrival.
    pub fn weights(&self, cells: usize, ranks: &[u32]) -> Vec<u64> {
        let mut weights = vec![0; cells];
        let indices = self.runs.iter().map(|run| &run.index).chain(self.spilled.iter().map(|(_, index)| index));
        for (cell, rows) in indices.flat_map(Index::pieces) {
            weights[at(ranks[at(cell)])] += rows.end - rows.start;
        }
        weights
    }

    /// The lines of some cells and hours in pieces, in no order. There may be some of other hours between them. What is on
    /// disk is read into `memory`.
    ///
    /// # Errors
    /// [`Error`] when the lines on disk cannot be read.
    pub fn of<'a>(&'a self, wanted: &Wanted, ranks: &[u32], memory: &'a mut Vec<Row>) -> Result<Vec<&'a [Row]>, Error> {
        memory.clear();
        for (begin, index) in &self.spilled {
            let found = index.find(wanted, ranks);
            self.each_spilled(begin + found.start..begin + found.end, |rows| memory.extend_from_slice(rows))?;
        }
        let of_runs = self.runs.iter().map(|run| run.of(wanted, ranks));
        Ok(of_runs.chain([&memory[..]]).filter(|rows| !rows.is_empty()).collect())
    }

    fn each_spilled(&self, rows: Range<u64>, mut each: impl FnMut(&[Row])) -> Result<(), Error> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut bytes = Vec::new();
        let mut some = Vec::new();
        let mut from = rows.start;
        while from < rows.end {
            let count = place((rows.end - from).min(1 << 16));
            bytes.resize(count * ROW_BYTES, 0);
            file.read_exact_at(&mut bytes, from * long(ROW_BYTES))
                .map_err(|cause| Error::io("read lines that did not fit in memory from", &self.folder, cause))?;
            some.clear();
            some.extend(bytes.as_chunks::<ROW_BYTES>().0.iter().map(Row::from_bytes));
            each(&some);
            from += long(count);
        }
        Ok(())
    }

    /// Calls `each` with the lines of some cells and hours, a piece at a time, in no order. There may be some of other hours
    /// between them.
    ///
    /// # Errors
    /// [`Error`] when the lines on disk cannot be read.
    pub fn each_of(&self, wanted: &Wanted, ranks: &[u32], mut each: impl FnMut(&[Row])) -> Result<(), Error> {
        self.runs.iter().for_each(|run| each(run.of(wanted, ranks)));
        for (begin, index) in &self.spilled {
            let found = index.find(wanted, ranks);
            self.each_spilled(begin + found.start..begin + found.end, &mut each)?;
        }
        Ok(())
    }

    fn each(&self, mut each: impl FnMut(&[Row])) -> Result<(), Error> {
        self.runs.iter().for_each(|run| each(&run.rows));
        self.each_spilled(0..self.spilled.last().map_or(0, |(begin, index)| begin + index.end), each)
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
        if span / 8 <= (memory / 8).min(16 * self.count + 4096) {
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
        let parts = number(usize::try_from(self.count * 8 / (memory / 8).max(1 << 20)).unwrap_or(0) + 1);
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
    use crate::intern::Names;
    use crate::profile::{Profile, Profiles, Vocabulary};

    fn row(line: i64, hour: u32) -> Row {
        Row { line, quantity_e6: line * 7 - 50, profile: 0, hour }
    }

    /// So many cells; the profile of a line is its cell.
    fn ordered(cells: u32) -> (Vocabulary, Profiles) {
        let (words, profiles) = (Vocabulary::default(), Profiles::default());
        let text = |names: &Names| names.number("x");
        let (account, currency, region) = (text(&words.account), text(&words.currency), text(&words.region));
        let profile = |cell: u32| Profile {
            account,
            customer: words.customer.number(&(cell * 7919 % 1009).to_string()),
            currency,
            region,
            subscription: 0,
            resource: cell,
            sku: 0,
            detail: crate::intern::NULL,
            price_e6: 0,
        };
        profiles.number_all(&(0..cells).map(profile).collect::<Vec<_>>(), &mut Vec::new());
        (words, profiles)
    }

    fn run(rows: &[Row], ranks: &[u32]) -> Run {
        Run::new(rows, &rows.iter().map(|row| row.profile).collect::<Vec<_>>(), ranks)
    }

    /// Every cell and range of hours is found, from memory and from disk, whether cells are long or short, many or few.
    #[test]
    fn disk_and_memory_hold_the_same() {
        let folder = tempfile::tempdir().unwrap();
        for (cells, lines_of_run) in [(1, 5000_i64), (13, 4000), (13, 9), (600, 70)] {
            let (words, profiles) = ordered(cells);
            let mut order = CellOrder::new(&words, &profiles);
            let mut all: Vec<Row> = Vec::new();
            let mut lines = |limit: u64| {
                let runs = Runs::new(limit, folder.path());
                all.clear();
                for part in 0..7 {
                    let line = |n: i64| {
                        let mixed = u32::try_from((part * 31 + n) * 2_654_435_761 % 1_000_003).unwrap();
                        // The first cell is longer than the others.
                        let profile = if mixed.is_multiple_of(3) { 0 } else { mixed % cells };
                        Row { line: part * lines_of_run + n, quantity_e6: n, profile, hour: mixed / 7 % 17 + 5 }
                    };
                    let rows: Vec<Row> = (0..lines_of_run).map(line).collect();
                    all.extend_from_slice(&rows);
                    runs.add(run(&rows, order.ranks()), &mut order).unwrap();
                }
                runs.finish()
            };
            let held = lines(u64::MAX);
            let spilled = lines(u64::try_from(lines_of_run).unwrap() * 60);
            assert!(spilled.spilled_bytes() > 0 && held.spilled_bytes() == 0);
            let ranks = order.ranks();
            for lines in [&held, &spilled] {
                let first_and_last = all.iter().map(|row| row.hour).min().zip(all.iter().map(|row| row.hour).max());
                assert_eq!((lines.count, lines.hours), (long(all.len()), first_and_last));
                assert_eq!(lines.weights(ranks.len(), ranks).iter().sum::<u64>(), long(all.len()));
                for begin in (0..cells).step_by(1 + at(cells / 9)) {
                    for hours in [0..u32::MAX, 7..8, 6..12, 0..5, 21..22, 30..40] {
                        let wanted = Wanted { cells: begin..(begin + 1 + cells / 5).min(cells), hours };
                        let is_wanted = |row: &&Row| {
                            wanted.cells.contains(&ranks[at(row.profile)]) && wanted.hours.contains(&row.hour)
                        };
                        let numbers = |rows: &[Row]| {
                            let mut numbers: Vec<i64> = rows.iter().filter(is_wanted).map(|row| row.line).collect();
                            numbers.sort_unstable();
                            numbers
                        };
                        let (mut memory, mut each) = (Vec::new(), Vec::new());
                        let found = lines.of(&wanted, ranks, &mut memory).unwrap().concat();
                        assert!(found.iter().all(|row| wanted.cells.contains(&ranks[at(row.profile)])));
                        lines.each_of(&wanted, ranks, |rows| each.extend_from_slice(rows)).unwrap();
                        assert_eq!(numbers(&found), numbers(&all), "{wanted:?}");
                        assert_eq!(numbers(&each), numbers(&all), "{wanted:?}");
                        if lines_of_run > 3000 && wanted.cells.len() == 1 && wanted.hours.len() == 1 {
                            assert!(found.len() < all.len() / 2, "a long cell is not looked through as a whole");
                        }
                    }
                }
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
    }

    #[test]
    fn repeated_numbers_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let (words, profiles) = ordered(1);
        let mut order = CellOrder::new(&words, &profiles);
        for limit in [u64::MAX, 100] {
            let mut lines = |of_runs: [[Row; 3]; 2]| {
                let runs = Runs::new(limit, folder.path());
                of_runs.iter().for_each(|rows| runs.add(run(rows, &[0]), &mut order).unwrap());
                runs.finish()
            };
            let near = lines([[row(1, 5), row(2, 5), row(9, 6)], [row(9, 5), row(4, 5), row(2, 7)]]);
            assert_eq!(near.repeated(1 << 20, 10).unwrap(), [2, 9]);
            let far = i64::MAX / 9;
            let far_apart = lines([[row(far, 5), row(0, 5), row(3, 6)], [row(far, 5), row(4, 5), row(7, 7)]]);
            assert_eq!(far_apart.repeated(1 << 20, 10).unwrap(), [far]);
        }
    }
}
