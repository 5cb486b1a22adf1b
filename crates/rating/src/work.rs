//! Stretches of work, cut so that they depend on the data only, and how one is rated.

use crate::block::{Block, NONE};
use crate::book::{Book, Seat};
use crate::error::Error;
use crate::number::{at, long, number};
use crate::runs::{Lines, Row};
use crate::tally::Tally;
use fullmakt_domain::rating::{Line, Scratch};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Lines and unused rows of one stretch, about: a row group of the output.
const STRETCH_ROWS: u64 = 400_000;

/// An hour with more is cut by cells.
const HOUR_ROWS: u64 = 4 * STRETCH_ROWS;

/// Some hours of all cells, or some cells of one hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Hours since 1970.
    pub hours: Range<i64>,
    /// Cells.
    pub cells: Range<u32>,
}

/// Which of the lines with repeated numbers count.
#[derive(Default)]
pub struct Repeats {
    /// One of each.
    pub equal: bool,
    /// None of them.
    pub none: BTreeSet<i64>,
}

/// Cuts the period into stretches.
///
/// # Errors
/// [`Error`] when lines on disk cannot be read.
pub fn cut(book: &Book, lines: &Lines, period: &Range<i64>) -> Result<Vec<Stretch>, Error> {
    let all_cells = 0..number(book.cells.len());
    let mut changes: BTreeMap<i64, i64> = BTreeMap::new();
    for one in book.cells.iter().flat_map(|cell| cell.plan.reservations()) {
        let (first, end) = (one.first_hour.max(period.start), one.end_hour.min(period.end));
        if first < end && one.quantity > 0 {
            *changes.entry(first).or_default() += 1;
            *changes.entry(end).or_default() -= 1;
        }
    }
    let mut active = 0_u64;
    let mut weight = 0;
    let mut begin = period.start;
    let mut stretches = Vec::new();
    for hour in period.clone() {
        active = active.saturating_add_signed(changes.get(&hour).copied().unwrap_or(0));
        let of_hour = active + u32::try_from(hour).ok().and_then(|hour| lines.hours.get(&hour)).copied().unwrap_or(0);
        if weight + of_hour > STRETCH_ROWS && weight > 0 {
            stretches.push(Stretch { hours: begin..hour, cells: all_cells.clone() });
            (begin, weight) = (hour, 0);
        }
        weight += of_hour;
        if weight > HOUR_ROWS {
            for cells in cut_hour(book, lines, hour)? {
                stretches.push(Stretch { hours: hour..hour + 1, cells });
            }
            (begin, weight) = (hour + 1, 0);
        }
    }
    if weight > 0 {
        stretches.push(Stretch { hours: begin..period.end, cells: all_cells });
    }
    Ok(stretches)
}

/// Cuts an hour by cells. A cell stays whole.
fn cut_hour(book: &Book, lines: &Lines, hour: i64) -> Result<Vec<Range<u32>>, Error> {
    let mut weights: Vec<u64> = Vec::new();
    for cell in &book.cells {
        weights.push(long(cell.plan.reservations().iter().filter(|one| one.is_active(hour)).count()));
    }
    let number_of_hour = u32::try_from(hour).unwrap_or(u32::MAX);
    lines.each_of(&(number_of_hour..number_of_hour + 1), |rows| {
        for row in rows {
            weights[at(book.seats[at(row.profile)].cell)] += 1;
        }
    })?;
    let (mut begin, mut weight) = (0, 0);
    let mut ranges = Vec::new();
    for (cell, of_cell) in (0..).zip(weights) {
        if weight + of_cell > STRETCH_ROWS && weight > 0 {
            ranges.push(begin..cell);
            (begin, weight) = (cell, 0);
        }
        weight += of_cell;
    }
    ranges.push(begin..number(book.cells.len()));
    Ok(ranges)
}

/// Rates stretches, one after the other, on one thread.
pub struct Rater<'a> {
    book: &'a Book,
    lines: &'a Lines,
    repeats: &'a Repeats,
    /// What has come out so far.
    pub tally: Tally,
    scratch: Scratch,
    gathered: Vec<Row>,
    sorted: Vec<Row>,
    buffer: Vec<Row>,
    of_cell: Vec<Line>,
    rows: Vec<fullmakt_domain::rating::Row>,
}

impl<'a> Rater<'a> {
    /// With nothing rated yet.
    pub fn new(book: &'a Book, lines: &'a Lines, repeats: &'a Repeats) -> Self {
        Self {
            book,
            lines,
            repeats,
            tally: Tally::new(book.reservations.len()),
            scratch: Scratch::default(),
            gathered: Vec::new(),
            sorted: Vec::new(),
            buffer: Vec::new(),
            of_cell: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Rates a stretch. The block holds its rows and nothing else then.
    ///
    /// # Errors
    /// [`Error`] when lines on disk cannot be read, or an amount does not fit.
    pub fn rate(&mut self, stretch: &Stretch, block: &mut Block) -> Result<(), Error> {
        let bound = |hour: i64| u32::try_from(hour.max(0)).unwrap_or(u32::MAX);
        let hours = bound(stretch.hours.start)..bound(stretch.hours.end);
        let has_all = stretch.cells == (0..number(self.book.cells.len()));
        let (book, repeats) = (self.book, self.repeats);
        let keep = |row: &Row| {
            (has_all || stretch.cells.contains(&book.seats[at(row.profile)].cell))
                && (repeats.none.is_empty() || !repeats.none.contains(&row.line))
        };
        block.clear();
        let mut rows = std::mem::take(&mut self.gathered);
        let begins = self.lines.of(&hours, keep, &mut rows)?;
        let mut begins = begins.iter().copied().peekable();
        for hour in stretch.hours.clone() {
            let found = begins.next_if(|(found, _)| i64::from(*found) == hour);
            let of_hour = found.map_or(&[][..], |(_, begin)| {
                let end = begins.peek().map_or(rows.len(), |(_, begin)| *begin);
                &rows[begin..end]
            });
            self.rate_hour(hour, &stretch.cells, of_hour, block)?;
        }
        self.gathered = rows;
        Ok(())
    }

    fn rate_hour(&mut self, hour: i64, cells: &Range<u32>, rows: &[Row], block: &mut Block) -> Result<(), Error> {
        sort(rows, &self.book.seats, &mut self.sorted, &mut self.buffer);
        if self.repeats.equal {
            self.sorted.dedup_by_key(|row| row.line);
        }
        let sorted = std::mem::take(&mut self.sorted);
        let book = self.book;
        let from = book.planned.partition_point(|cell| *cell < cells.start);
        let to = book.planned.partition_point(|cell| *cell < cells.end);
        let mut planned = book.planned[from..to].iter().copied().peekable();
        let mut rest = &sorted[..];
        loop {
            let with_lines = rest.first().map(|row| book.seats[at(row.profile)].cell);
            let Some(cell) = with_lines.into_iter().chain(planned.peek().copied()).min() else { break };
            planned.next_if_eq(&cell);
            let count = rest.iter().take_while(|row| book.seats[at(row.profile)].cell == cell).count();
            let (mine, others) = rest.split_at(count);
            self.rate_cell(hour, cell, mine, block)?;
            rest = others;
        }
        self.sorted = sorted;
        Ok(())
    }

    fn rate_cell(&mut self, hour: i64, cell: u32, lines: &[Row], block: &mut Block) -> Result<(), Error> {
        let book = self.book;
        self.of_cell.clear();
        self.of_cell.extend(lines.iter().map(|row| {
            let seat = &book.seats[at(row.profile)];
            Line { quantity_e6: row.quantity_e6, unit_price_e6: seat.price_e6, ratio: seat.ratio, slots: seat.slots }
        }));
        self.rows.clear();
        let place = &book.cells[at(cell)];
        place.plan.rate_hour(hour, &self.of_cell, &mut self.scratch, &mut self.rows)?;
        block.extend_runs(hour, cell, self.rows.len());
        let mut money = self.tally.of(place.sample.currency);
        money.count_lines(&self.of_cell);
        for row in &self.rows {
            let reservation = row.reservation.map_or(NONE, |index| place.reservations[at(index)]);
            match row.line {
                Some(line) => {
                    let line = &lines[at(line)];
                    block.lines.push(line.line);
                    block.profiles.push(line.profile);
                }
                None => {
                    block.lines.push(0);
                    block.profiles.push(book.usage_profiles + reservation);
                }
            }
            block.reservations.push(reservation);
            block.consumed.push(row.consumed_e10);
            if reservation != NONE {
                block.discounted.push(row.discounted_e10);
            }
            block.billed.push(row.billed_e10);
            block.effective.push(row.effective_e10);
            money.count(row, row.line.map(|line| &self.of_cell[at(line)]), reservation)?;
        }
        money.finish();
        Ok(())
    }
}

/// Sorts the lines of an hour by place, then number. Places are small integers, so they are sorted by their digits; lines of
/// one resource in one hour are few.
pub fn sort(rows: &[Row], seats: &[Seat], sorted: &mut Vec<Row>, buffer: &mut Vec<Row>) {
    let place = |row: &Row| seats[at(row.profile)].place;
    sorted.clear();
    sorted.extend_from_slice(rows);
    if rows.len() < 64 {
        sorted.sort_unstable_by_key(|row| (place(row), row.line));
        return;
    }
    const DIGIT: u32 = 11;
    let most = rows.iter().map(place).max().unwrap_or(0);
    let mut shift = 0;
    while shift < 32 && most >> shift > 0 {
        let digit = |row: &Row| at(place(row) >> shift & ((1 << DIGIT) - 1));
        let mut next = [0_usize; 1 << DIGIT];
        sorted.iter().for_each(|row| next[digit(row)] += 1);
        let mut begin = 0;
        for count in &mut next {
            begin += std::mem::replace(count, begin);
        }
        buffer.clear();
        buffer.resize(sorted.len(), Row::default());
        for row in &*sorted {
            let index = &mut next[digit(row)];
            buffer[*index] = *row;
            *index += 1;
        }
        std::mem::swap(sorted, buffer);
        shift += DIGIT;
    }
    for of_place in sorted.chunk_by_mut(|a, b| place(a) == place(b)) {
        if of_place.len() > 1 {
            of_place.sort_unstable_by_key(|row| row.line);
        }
    }
}
