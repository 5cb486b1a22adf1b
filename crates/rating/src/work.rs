//! Stretches of work, cut so that they depend on the data only, and how one is rated.

use crate::block::{Block, NONE};
use crate::book::{Book, Seat};
use crate::error::Error;
use crate::number::{at, long, number};
use crate::runs::{Lines, Row, Wanted};
use crate::tally::Tally;
use fullmakt_domain::rating::{Line, Scratch};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Lines and unused rows of one stretch, about: a row group of the output.
pub const STRETCH_ROWS: u64 = 200_000;

/// Some cells in all hours of the period, or one cell in some hours. As it has few cells, it has few resources, and their
/// names stand in the output once: the work for a line stays the same however many there are.
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

/// Cuts the cells into stretches of at most so many rows, about, and cells that have more by hours.
///
/// # Errors
/// [`Error`] when lines on disk cannot be read.
pub fn cut(book: &Book, lines: &Lines, period: &Range<i64>, most: u64) -> Result<Vec<Stretch>, Error> {
    let mut weights = lines.weights(book.cells.len(), &book.arrived);
    for cell in &book.planned {
        let hours = active_hours(book, *cell, period).map(|(first, end)| end.abs_diff(first));
        weights[at(*cell)] += hours.sum::<u64>();
    }
    let (mut begin, mut weight) = (0, 0);
    let mut stretches = Vec::new();
    let mut end_with = |cells: Range<u32>, weight: u64| {
        if weight > 0 {
            stretches.push(Stretch { hours: period.clone(), cells });
        }
    };
    let mut large = Vec::new();
    for (cell, of_cell) in (0..).zip(weights) {
        if weight + of_cell > most {
            end_with(begin..cell, weight);
            (begin, weight) = (cell, 0);
        }
        if of_cell > most {
            large.push(cell);
            begin = cell + 1;
        } else {
            weight += of_cell;
        }
    }
    end_with(begin..number(book.cells.len()), weight);
    for cell in large {
        cut_cell((book, lines), period, cell, most, &mut stretches)?;
    }
    stretches.sort_by_key(|stretch| (stretch.cells.start, stretch.hours.start));
    Ok(stretches)
}

/// For each reservation of a cell the hours of the period in which it is active.
fn active_hours(book: &Book, cell: u32, period: &Range<i64>) -> impl Iterator<Item = (i64, i64)> {
    let reservations = book.cells[at(cell)].plan.reservations().iter().filter(|one| one.quantity > 0);
    let hours = reservations.map(|one| (one.first_hour.max(period.start), one.end_hour.min(period.end)));
    hours.filter(|(first, end)| first < end)
}

/// Cuts a cell by hours. An hour stays whole.
fn cut_cell(
    (book, lines): (&Book, &Lines),
    period: &Range<i64>,
    cell: u32,
    most: u64,
    stretches: &mut Vec<Stretch>,
) -> Result<(), Error> {
    let mut changes: BTreeMap<i64, i64> = BTreeMap::new();
    for (first, end) in active_hours(book, cell, period) {
        *changes.entry(first).or_default() += 1;
        *changes.entry(end).or_default() -= 1;
    }
    let mut of_hours: BTreeMap<i64, u64> = BTreeMap::new();
    let wanted = Wanted { cells: cell..cell + 1, hours: 0..u32::MAX };
    lines.each_of(&wanted, &book.arrived, |rows| {
        for same in rows.chunk_by(|a, b| a.hour == b.hour) {
            *of_hours.entry(same[0].hour.into()).or_default() += long(same.len());
        }
    })?;
    let (mut active, mut begin, mut weight) = (0_u64, period.start, 0);
    for hour in period.clone() {
        active = active.saturating_add_signed(changes.get(&hour).copied().unwrap_or(0));
        let of_hour = active + of_hours.get(&hour).copied().unwrap_or(0);
        if weight + of_hour > most && weight > 0 {
            stretches.push(Stretch { hours: begin..hour, cells: cell..cell + 1 });
            (begin, weight) = (hour, 0);
        }
        weight += of_hour;
    }
    if weight > 0 {
        stretches.push(Stretch { hours: begin..period.end, cells: cell..cell + 1 });
    }
    Ok(())
}

/// Rates stretches, one after the other, on one thread.
pub struct Rater<'a> {
    book: &'a Book,
    lines: &'a Lines,
    repeats: &'a Repeats,
    /// What has come out so far.
    pub tally: Tally,
    scratch: Scratch,
    from_disk: Vec<Row>,
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
            from_disk: Vec::new(),
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
        let wanted =
            Wanted { cells: stretch.cells.clone(), hours: bound(stretch.hours.start)..bound(stretch.hours.end) };
        let (book, repeats) = (self.book, self.repeats);
        let keep = |row: &Row| {
            wanted.hours.contains(&row.hour) && (repeats.none.is_empty() || !repeats.none.contains(&row.line))
        };
        block.clear();
        let pieces = self.lines.of(&wanted, &book.arrived, &mut self.from_disk)?;
        sort(&pieces, keep, &book.seats, &mut self.sorted, &mut self.buffer);
        if self.repeats.equal {
            self.sorted.dedup_by_key(|row| row.line);
        }
        let sorted = std::mem::take(&mut self.sorted);
        let mut rest = &sorted[..];
        for hour in stretch.hours.clone() {
            let (of_hour, later) = rest.split_at(rest.iter().take_while(|row| i64::from(row.hour) == hour).count());
            self.rate_hour(hour, &stretch.cells, of_hour, block)?;
            rest = later;
        }
        self.sorted = sorted;
        Ok(())
    }

    fn rate_hour(&mut self, hour: i64, cells: &Range<u32>, rows: &[Row], block: &mut Block) -> Result<(), Error> {
        let book = self.book;
        let from = book.planned.partition_point(|cell| *cell < cells.start);
        let to = book.planned.partition_point(|cell| *cell < cells.end);
        let mut planned = book.planned[from..to].iter().copied().peekable();
        let mut rest = rows;
        loop {
            let with_lines = rest.first().map(|row| book.seats[at(row.profile)].cell);
            let Some(cell) = with_lines.into_iter().chain(planned.peek().copied()).min() else { break };
            planned.next_if_eq(&cell);
            let count = rest.iter().take_while(|row| book.seats[at(row.profile)].cell == cell).count();
            let (mine, others) = rest.split_at(count);
            self.rate_cell(hour, cell, mine, block)?;
            rest = others;
        }
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
            let (line, profile) = match row.line {
                Some(line) => (lines[at(line)].line, lines[at(line)].profile),
                None => (0, book.usage_profiles + reservation),
            };
            block.lines.push(line);
            block.profiles.push(profile);
            block.reservations.push(reservation);
            block.consumed.push(profile, row.consumed_e10);
            if reservation != NONE {
                block.discounted.push(profile, row.discounted_e10);
            }
            block.billed.push(profile, row.billed_e10);
            block.effective.push(profile, row.effective_e10);
            money.count(row, row.line.map(|line| &self.of_cell[at(line)]), reservation)?;
        }
        money.finish();
        Ok(())
    }
}

/// Sorts the lines that are to be kept by hour, place and number. Hours and places are small integers, so they are sorted by
/// their digits; lines of one resource in one hour are few.
pub fn sort(
    pieces: &[&[Row]],
    keep: impl Fn(&Row) -> bool,
    seats: &[Seat],
    sorted: &mut Vec<Row>,
    buffer: &mut Vec<Row>,
) {
    let place = |row: &Row| seats[at(row.profile)].place;
    sorted.clear();
    for piece in pieces {
        sorted.extend(piece.iter().filter(|row| keep(row)));
    }
    if sorted.len() < 256 {
        sorted.sort_unstable_by_key(|row| (row.hour, place(row), row.line));
        return;
    }
    sort_by_digits(sorted, buffer, place);
    sort_by_digits(sorted, buffer, |row| row.hour);
    let key = |row: &Row| (row.hour, place(row));
    for same in sorted.chunk_by_mut(|a, b| key(a) == key(b)) {
        if same.len() > 1 {
            same.sort_unstable_by_key(|row| row.line);
        }
    }
}

/// Sorts by a number; rows of the same number keep their order.
fn sort_by_digits(rows: &mut Vec<Row>, buffer: &mut Vec<Row>, of: impl Fn(&Row) -> u32) {
    const DIGIT: u32 = 11;
    let (least, most) = rows.iter().map(&of).fold((u32::MAX, 0), |(least, most), one| (least.min(one), most.max(one)));
    let mut shift = 0;
    while shift < 32 && most.saturating_sub(least) >> shift > 0 {
        let digit = |row: &Row| at((of(row) - least) >> shift & ((1 << DIGIT) - 1));
        let mut next = [0_usize; 1 << DIGIT];
        rows.iter().for_each(|row| next[digit(row)] += 1);
        let mut begin = 0;
        for count in &mut next {
            begin += std::mem::replace(count, begin);
        }
        buffer.resize(rows.len(), Row::default());
        for row in &*rows {
            let index = &mut next[digit(row)];
            buffer[*index] = *row;
            *index += 1;
        }
        std::mem::swap(rows, buffer);
        shift += DIGIT;
    }
}
