//! A table as a PDF file, for statements that are sent to people: A4, in the fonts that every reader has, so that its text can
//! be selected and searched and nothing has to be embedded. Places are whole points from the lower left corner.
//!
//! These fonts know the letters of western European languages; a letter they do not know is shown as `?`.

use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

const WIDTH: u16 = 595;
const HEIGHT: u16 = 842;
const MARGIN: u16 = 42;
const GAP: u16 = 8;
const SIZE: u16 = 9;
const TITLE_SIZE: u16 = 16;
const LINE: u16 = 12;
const REGULAR: Name<'_> = Name(b"F1");
const BOLD: Name<'_> = Name(b"F2");

/// What a file shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// The language of its words: `en`, `sv`.
    pub language: &'static str,
    /// What it is.
    pub title: String,
    /// What stands above the table: names and values.
    pub facts: Vec<(String, String)>,
    /// The heads of the columns, their width in points, and whether they stand to the right.
    pub columns: Vec<(String, u16, bool)>,
    /// The rows of the table, a text for each column.
    pub rows: Vec<Vec<String>>,
    /// What it comes to: names and amounts.
    pub totals: Vec<(String, String)>,
    /// What stands in place of a table without rows.
    pub empty: String,
}

/// A page as it is drawn.
struct Drawing {
    content: Content,
    /// The base line of the next line.
    at: u16,
}

impl Drawing {
    fn new() -> Self {
        Self { content: Content::new(), at: HEIGHT.saturating_sub(MARGIN).saturating_sub(TITLE_SIZE) }
    }

    fn write(&mut self, font: Name<'_>, size: u16, x: u16, text: &str) {
        self.content.begin_text();
        self.content.set_font(font, f32::from(size));
        self.content.next_line(f32::from(x), f32::from(self.at));
        self.content.show(Str(&encoded(text)));
        self.content.end_text();
    }

    /// Ends at `right`.
    fn write_right(&mut self, font: Name<'_>, right: u16, text: &str) {
        self.write(font, SIZE, right.saturating_sub(points(text)), text);
    }

    fn rule(&mut self) {
        let y = f32::from(self.at.saturating_add(LINE.saturating_sub(3)));
        self.content.move_to(f32::from(MARGIN), y);
        self.content.line_to(f32::from(WIDTH.saturating_sub(MARGIN)), y);
        self.content.stroke();
    }

    fn down(&mut self, by: u16) {
        self.at = self.at.saturating_sub(by);
    }

    fn has_room(&self, lines: usize) -> bool {
        let needed = u16::try_from(lines).unwrap_or(u16::MAX).saturating_mul(LINE);
        self.at >= needed.saturating_add(MARGIN).saturating_add(LINE)
    }
}

/// A file of sheets, each on pages of its own; in the language and with the title of the first.
pub fn file(sheets: &[Sheet]) -> Vec<u8> {
    let pages: Vec<Drawing> = sheets.iter().flat_map(draw).collect();
    let (language, title) = sheets.first().map_or(("en", ""), |first| (first.language, first.title.as_str()));
    let count = pages.len();
    let mut next = 1;
    let mut id = || {
        let id = Ref::new(next);
        next = next.saturating_add(1);
        id
    };
    let (catalog, tree, info, regular, bold) = (id(), id(), id(), id(), id());
    let ids: Vec<(Ref, Ref)> = (0..count).map(|_| (id(), id())).collect();
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree).lang(TextStr(language));
    pdf.document_info(info).title(TextStr(title)).producer(TextStr("Fullmakt"));
    pdf.pages(tree).kids(ids.iter().map(|(page, _)| *page)).count(i32::try_from(count).unwrap_or(i32::MAX));
    for (font, name) in [(regular, Name(b"Helvetica")), (bold, Name(b"Helvetica-Bold"))] {
        pdf.type1_font(font).base_font(name).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    for (number, (mut drawing, (page, content))) in (1_u32..).zip(pages.into_iter().zip(ids)) {
        drawing.at = MARGIN.saturating_sub(LINE);
        drawing.write_right(REGULAR, WIDTH.saturating_sub(MARGIN), &format!("{number} / {count}"));
        let mut written = pdf.page(page);
        written.media_box(Rect::new(0.0, 0.0, f32::from(WIDTH), f32::from(HEIGHT))).parent(tree).contents(content);
        written.resources().fonts().pair(REGULAR, regular).pair(BOLD, bold);
        written.finish();
        pdf.stream(content, &drawing.content.finish());
    }
    pdf.finish()
}

fn draw(sheet: &Sheet) -> Vec<Drawing> {
    let mut pages = Vec::new();
    let mut page = Drawing::new();
    page.write(BOLD, TITLE_SIZE, MARGIN, &sheet.title);
    page.down(LINE.saturating_mul(2));
    for (name, value) in &sheet.facts {
        page.write(BOLD, SIZE, MARGIN, name);
        for line in wrapped(value, 400) {
            page.write(REGULAR, SIZE, MARGIN.saturating_add(90), &line);
            page.down(LINE);
        }
    }
    page.down(LINE);
    if sheet.rows.is_empty() {
        page.write(REGULAR, SIZE, MARGIN, &sheet.empty);
        pages.push(page);
        return pages;
    }
    let heads: Vec<String> = sheet.columns.iter().map(|(head, _, _)| head.clone()).collect();
    row(&mut page, sheet, BOLD, &cells(sheet, &heads));
    for texts in &sheet.rows {
        let cells = cells(sheet, texts);
        if !page.has_room(cells.iter().map(Vec::len).max().unwrap_or(1)) {
            pages.push(std::mem::replace(&mut page, Drawing::new()));
            row(&mut page, sheet, BOLD, &self::cells(sheet, &heads));
        }
        page.rule();
        row(&mut page, sheet, REGULAR, &cells);
    }
    if !page.has_room(sheet.totals.len()) {
        pages.push(std::mem::replace(&mut page, Drawing::new()));
    }
    page.rule();
    let right = WIDTH.saturating_sub(MARGIN);
    for (name, amount) in &sheet.totals {
        page.write_right(BOLD, right.saturating_sub(110), name);
        page.write_right(BOLD, right, amount);
        page.down(LINE);
    }
    pages.push(page);
    pages
}

/// The lines of each cell of a row.
fn cells(sheet: &Sheet, texts: &[String]) -> Vec<Vec<String>> {
    texts.iter().zip(&sheet.columns).map(|(text, (_, width, _))| wrapped(text, *width)).collect()
}

fn row(page: &mut Drawing, sheet: &Sheet, font: Name<'_>, cells: &[Vec<String>]) {
    let top = page.at;
    let mut lowest = top;
    let mut x = MARGIN;
    for (lines, (_, width, is_right)) in cells.iter().zip(&sheet.columns) {
        page.at = top;
        for line in lines {
            if *is_right {
                page.write_right(font, x.saturating_add(*width), line);
            } else {
                page.write(font, SIZE, x, line);
            }
            page.down(LINE);
        }
        lowest = lowest.min(page.at);
        x = x.saturating_add(*width).saturating_add(GAP);
    }
    page.at = lowest.saturating_sub(2);
}

/// A text in lines of a width, broken at blanks, and within a word where it alone is too long.
fn wrapped(text: &str, width: u16) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if points(&longer) <= width {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for letter in word.chars() {
            let mut longer = line.clone();
            longer.push(letter);
            if points(&longer) > width && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            line.push(letter);
        }
    }
    lines.push(line);
    lines
}

/// The width of a text of the usual size, rounded up. Bold figures are as wide as others; bold words are a little wider.
fn points(text: &str) -> u16 {
    let thousandths: u32 = text.chars().map(|letter| u32::from(advance(letter))).sum();
    u16::try_from(thousandths.saturating_mul(u32::from(SIZE)).div_ceil(1_000)).unwrap_or(u16::MAX)
}

/// How wide Helvetica's letters are, in thousandths of their size (the font's metrics, which Adobe published).
fn advance(letter: char) -> u16 {
    match letter {
        'i' | 'j' | 'l' => 222,
        '\'' => 191,
        '|' => 260,
        ' ' | '\u{a0}' | '!' | ',' | '.' | '/' | ':' | ';' | '[' | ']' | '\\' | 'I' | 'f' | 't' => 278,
        '(' | ')' | '-' | '`' | 'r' => 333,
        '{' | '}' => 334,
        '"' => 355,
        '*' => 389,
        '^' => 469,
        'J' | 'c' | 'k' | 's' | 'v' | 'x' | 'y' | 'z' => 500,
        '+' | '<' | '=' | '>' | '~' => 584,
        'F' | 'T' | 'Z' => 611,
        '&' | 'A' | 'B' | 'E' | 'K' | 'P' | 'S' | 'V' | 'X' | 'Y' | 'À'..='Å' | 'È'..='Ë' => 667,
        'C' | 'D' | 'H' | 'N' | 'R' | 'U' | 'w' | 'Ù'..='Ü' => 722,
        'G' | 'O' | 'Q' | 'Ò'..='Ö' | 'Ø' => 778,
        'M' | 'm' => 833,
        '%' => 889,
        'W' => 944,
        '@' | 'Æ' | '—' | '…' => 1_015,
        // Figures, most small letters, and what is rarer.
        _ => 556,
    }
}

/// The text in the encoding of the fonts (`WinAnsiEncoding`, which is Windows code page 1252).
fn encoded(text: &str) -> Vec<u8> {
    const ABOVE: [(char, u8); 14] = [
        ('€', 0x80),
        ('…', 0x85),
        ('Š', 0x8a),
        ('Œ', 0x8c),
        ('Ž', 0x8e),
        ('‘', 0x91),
        ('’', 0x92),
        ('“', 0x93),
        ('”', 0x94),
        ('–', 0x96),
        ('—', 0x97),
        ('š', 0x9a),
        ('œ', 0x9c),
        ('ž', 0x9e),
    ];
    text.chars()
        .map(|letter| match letter {
            '\u{202f}' => 0xa0,
            '\u{2212}' => b'-',
            ' '..='~' | '\u{a0}'..='ÿ' => u8::try_from(letter).unwrap_or(b'?'),
            _ => ABOVE.iter().find(|(known, _)| *known == letter).map_or(b'?', |(_, byte)| *byte),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sheet(rows: usize) -> Sheet {
        Sheet {
            language: "sv",
            title: "Räkning".to_owned(),
            facts: vec![("Från".to_owned(), "Nordmoln AB".to_owned())],
            columns: vec![("Vad".to_owned(), 300, false), ("Belopp".to_owned(), 100, true)],
            rows: (0..rows).map(|n| vec![format!("rad {n}"), "1,00\u{a0}€".to_owned()]).collect(),
            totals: vec![("Summa".to_owned(), "9,00\u{a0}€".to_owned())],
            empty: "Inget".to_owned(),
        }
    }

    #[test]
    fn long_tables_go_on_on_further_pages() {
        for (rows, pages) in [(0, 1), (1, 1), (40, 1), (60, 2), (1_000, 20)] {
            let drawn = draw(&sheet(rows)).len();
            assert_eq!(drawn, pages, "{rows}");
        }
    }

    #[test]
    fn swedish_letters_and_the_euro_have_their_bytes() {
        assert_eq!(encoded("Åäö é € – 1\u{202f}000 \u{2212}5 Ł"), b"\xc5\xe4\xf6 \xe9 \x80 \x96 1\xa0000 -5 ?");
    }

    proptest! {
        #[test]
        fn lines_fit_their_width_and_lose_nothing(text in "[a-zåäö0-9 ]{0,80}", width in 30_u16..300) {
            let lines = wrapped(&text, width);
            prop_assert!(lines.iter().all(|line| points(line) <= width), "{lines:?}");
            let letters = |text: &str| text.chars().filter(|letter| *letter != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }

        #[test]
        fn any_text_makes_a_file(title in ".{0,40}", cell in ".{0,200}") {
            let mut sheet = sheet(1);
            sheet.title = title;
            sheet.rows = vec![vec![cell.clone(), cell]];
            let file = file(&[sheet]);
            prop_assert!(file.starts_with(b"%PDF-") && file.ends_with(b"%%EOF"));
        }
    }
}
