//! Reads `catalog.csv`: one offer a line.

use std::fmt;
use std::sync::OnceLock;

use fullmakt_domain::catalog::{BillingPlan, Catalog, Offer, Region, ReservedResourceType, SkuName, Term};
use fullmakt_domain::market::Country;
use fullmakt_domain::money::{Currency, Money};
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::read::Mistake;

/// The columns, in the order in which a file without a heading has them. The last two may be missing altogether.
pub const COLUMNS: [&str; 16] = [
    "sku",
    "family",
    "region",
    "resource_type",
    "term",
    "billing_plans",
    "currency",
    "list_price",
    "partner_price",
    "flexibility_group",
    "ratio",
    "sold_from",
    "sold_until",
    "markets",
    "vcpus",
    "memory_gib",
];
const REQUIRED: [&str; 5] = ["sku", "region", "term", "currency", "list_price"];
/// The highest price of one instance, in currency units, so that a thousand of them at the highest markup can be added up.
const MAX_PRICE: u32 = 100_000_000;
const MAX_RATIO: u32 = 1_000_000;

/// Reads a catalogue.
///
/// The first line names the columns, in any order; a file without such a line has them in the order of [`COLUMNS`].
/// `sku`, `region`, `term`, `currency` and `list_price` must be there. What is left empty means: the family is the SKU, the
/// resource is a virtual machine, both billing plans, the partner pays the list price, no flexibility group, ratio 1, sold
/// always and everywhere. Lists (`billing_plans`, `markets`) are separated by `;`, `|` or blanks. Lines that begin with `#` do not count.
///
/// # Errors
/// Every mistake of the file, sorted by line.
pub fn parse(text: &str) -> Result<Catalog, Vec<Mistake>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).comment(Some(b'#')).from_reader(text.as_bytes());
    let mut mistakes = Vec::new();
    let (mut offers, mut lines) = (Vec::new(), Vec::new());
    let mut places: Option<Places> = None;
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Err(error) => {
                let line = error.position().map_or(1, line_of);
                mistakes.push(Mistake {
                    line,
                    path: String::new(),
                    message: "the line is not comma-separated text".into(),
                });
                break;
            }
            Ok(true) => {}
        }
        let line = record.position().map_or(1, line_of);
        if places.is_none() {
            let is_heading = record.iter().any(|cell| cell.trim().eq_ignore_ascii_case("sku"));
            places = Some(if is_heading { Places::named(&record, line, &mut mistakes) } else { Places::usual() });
            if is_heading {
                continue;
            }
        }
        let Some(places) = &places else { break };
        match Row::read(line, &record, places) {
            Ok(offer) => {
                offers.push(offer);
                lines.push(line);
            }
            Err(found) => mistakes.extend(found),
        }
    }
    if offers.is_empty() && mistakes.is_empty() {
        mistakes.push(Mistake { line: 1, path: String::new(), message: "the catalogue has no offers".into() });
    }
    let catalog = Catalog::new(offers).map_err(|duplicates| {
        let line = |place: usize| lines.get(place).copied().unwrap_or(0);
        mistakes.extend(duplicates.iter().map(|duplicate| Mistake {
            line: line(duplicate.second),
            path: "sku".into(),
            message: format!(
                "the same thing, on the same days and in the same market, is offered in line {}",
                line(duplicate.first)
            ),
        }));
    });
    match catalog {
        Ok(catalog) if mistakes.is_empty() => Ok(catalog),
        _ => {
            mistakes.sort_by_key(|mistake| mistake.line);
            Err(mistakes)
        }
    }
}

/// The sample catalogue that is built in: invented prices, real size ratios. See [`crate::sample_catalog`].
pub fn built_in() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| {
        parse(include_str!("../data/catalog.csv")).expect("the built-in catalogue is read by a test of this crate")
    })
}

fn line_of(position: &csv::Position) -> usize {
    usize::try_from(position.line()).unwrap_or(usize::MAX)
}

/// Where in a line each column stands.
struct Places {
    of: [Option<usize>; COLUMNS.len()],
    count: usize,
}

impl Places {
    fn usual() -> Self {
        Self { of: std::array::from_fn(Some), count: COLUMNS.len() }
    }

    fn named(heading: &csv::StringRecord, line: usize, mistakes: &mut Vec<Mistake>) -> Self {
        let mut of = [None; COLUMNS.len()];
        for (cell, place) in heading.iter().map(str::trim).zip(0..) {
            let mistake = |message: String| Mistake { line, path: shown(cell), message };
            match COLUMNS.into_iter().zip(&mut of).find(|(name, _)| name.eq_ignore_ascii_case(cell)) {
                None => {
                    mistakes.push(mistake(format!("there is no such column: the columns are {}", COLUMNS.join(", "))));
                }
                Some((_, Some(_))) => mistakes.push(mistake("the column is there twice".into())),
                Some((_, free)) => *free = Some(place),
            }
        }
        for (name, _) in COLUMNS.into_iter().zip(of).filter(|(name, place)| REQUIRED.contains(name) && place.is_none())
        {
            mistakes.push(Mistake { line, path: name.into(), message: "the column is missing".into() });
        }
        Self { of, count: heading.len() }
    }
}

fn shown(cell: &str) -> String {
    cell.chars().take(40).collect()
}

/// One value of a line.
#[derive(Clone, Copy)]
struct Cell<'a> {
    column: &'static str,
    /// Whether the file has the column at all.
    is_there: bool,
    text: Option<&'a str>,
}

struct Row {
    line: usize,
    mistakes: Vec<Mistake>,
}

impl Row {
    fn read(line: usize, record: &csv::StringRecord, places: &Places) -> Result<Offer, Vec<Mistake>> {
        let mut row = Self { line, mistakes: Vec::new() };
        if record.len() > places.count {
            let message = format!("the line has {} values for {} columns", record.len(), places.count);
            row.mistakes.push(Mistake { line, path: String::new(), message });
        }
        let mut columns = COLUMNS.into_iter();
        let cells = places.of.map(|place| Cell {
            column: columns.next().unwrap_or_default(),
            is_there: place.is_some(),
            text: place.and_then(|place| record.get(place)).map(str::trim).filter(|text| !text.is_empty()),
        });
        let offer = row.offer(cells);
        match offer {
            Some(offer) if row.mistakes.is_empty() => Ok(offer),
            _ => Err(row.mistakes),
        }
    }

    fn offer(&mut self, cells: [Cell<'_>; COLUMNS.len()]) -> Option<Offer> {
        let [
            sku,
            family,
            region,
            resource_type,
            term,
            billing_plans,
            currency_code,
            list_price,
            partner_price,
            flexibility_group,
            ratio,
            sold_from,
            sold_until,
            markets,
            vcpus,
            memory_gib,
        ] = cells;
        let in_currency = self.required(currency_code, currency);
        let amount = |text: &str| price(text, in_currency);
        let sku = self.required(sku, said(SkuName::parse));
        let family = self.optional(family, name);
        let region = self.required(region, said(Region::parse));
        let resource_type = self.optional(resource_type, said(ReservedResourceType::parse));
        let term = self.required(term, said(Term::parse));
        let billing_plans = self.optional(billing_plans, list(said(BillingPlan::parse)));
        let list_price = self.required(list_price, amount);
        let partner_price = self.optional(partner_price, amount);
        let flexibility_group = self.optional(flexibility_group, name);
        let ratio = self.optional(ratio, units);
        let sold_from = self.optional(sold_from, day);
        let sold_until_text = sold_until;
        let sold_until = self.optional(sold_until, day);
        let markets = self.optional(markets, list(said(Country::parse)));
        let vcpus = self.optional(vcpus, count);
        let memory_gib = self.optional(memory_gib, gibibytes);
        if let (Some(from), Some(until)) = (sold_from, sold_until)
            && until <= from
        {
            let message = format!("the sale ends on {until}, which is not after its first day {from}");
            self.tell(sold_until_text, message);
        }
        let (sku, list_price) = (sku?, list_price?);
        Some(Offer {
            family: family.unwrap_or_else(|| sku.as_str().to_owned()),
            sku,
            region: region?,
            resource_type: resource_type.unwrap_or(ReservedResourceType::VirtualMachines),
            term: term?,
            billing_plans: billing_plans.unwrap_or_else(|| BillingPlan::ALL.to_vec()),
            list_price,
            partner_price: partner_price.unwrap_or(list_price),
            flexibility_group,
            ratio: ratio.unwrap_or(Decimal::ONE),
            vcpus,
            memory_gib,
            sold_from,
            sold_until,
            markets: markets.unwrap_or_default(),
        })
    }

    fn required<T>(&mut self, cell: Cell<'_>, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        // A column that is missing altogether has been reported with the heading.
        if cell.is_there && cell.text.is_none() {
            self.tell(cell, "the value is missing".into());
        }
        self.optional(cell, read)
    }

    fn optional<T>(&mut self, cell: Cell<'_>, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        match read(cell.text?) {
            Ok(value) => Some(value),
            Err(message) => {
                self.tell(cell, message);
                None
            }
        }
    }

    fn tell(&mut self, cell: Cell<'_>, message: String) {
        self.mistakes.push(Mistake { line: self.line, path: cell.column.to_owned(), message });
    }
}

/// A reader whose error is its text.
fn said<T, E: fmt::Display>(read: impl Fn(&str) -> Result<T, E>) -> impl Fn(&str) -> Result<T, String> {
    move |text| read(text).map_err(|error| error.to_string())
}

/// A reader of several values.
fn list<T: Ord>(read: impl Fn(&str) -> Result<T, String>) -> impl Fn(&str) -> Result<Vec<T>, String> {
    move |text| {
        let words = text.split([';', '|', ',', ' ']).filter(|word| !word.is_empty());
        let mut values = words.map(&read).collect::<Result<Vec<T>, String>>()?;
        values.sort();
        values.dedup();
        Ok(values)
    }
}

fn currency(text: &str) -> Result<Currency, String> {
    let currency = Currency::parse(text).map_err(|error| error.to_string())?;
    match iso_currency::Currency::from_code(currency.code()) {
        Some(_) => Ok(currency),
        None => Err(format!("`{currency}` is not a currency in use")),
    }
}

fn decimal(text: &str) -> Option<Decimal> {
    // The library also reads underscores and signs, which nobody means here.
    if text.len() > 24 || !text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    Decimal::from_str_exact(text).ok()
}

fn price(text: &str, currency: Option<Currency>) -> Result<Money, String> {
    let amount = decimal(text).ok_or_else(|| format!("`{}` is not an amount such as 812.50", shown(text)))?;
    if amount > Decimal::from(MAX_PRICE) {
        return Err(format!("`{}` is more than {MAX_PRICE}", shown(text)));
    }
    // Without a currency the line is refused anyway; the amount is checked as far as it goes.
    let currency = currency.map_or_else(|| Currency::parse("XXX").map_err(|error| error.to_string()), Ok)?;
    if amount.normalize().scale() > currency.minor_digits() {
        return Err(format!("`{}` is finer than the smallest coin of {currency}", shown(text)));
    }
    Money::exact(amount, currency).map_err(|error| error.to_string())
}

fn units(text: &str) -> Result<Decimal, String> {
    match decimal(text) {
        Some(ratio) if ratio > Decimal::ZERO && ratio <= Decimal::from(MAX_RATIO) && ratio.normalize().scale() <= 6 => {
            Ok(ratio.normalize())
        }
        _ => Err(format!("`{}` is not a ratio above 0 with at most 6 decimals", shown(text))),
    }
}

fn gibibytes(text: &str) -> Result<Decimal, String> {
    units(text).map_err(|_| format!("`{}` is not a number of GiB above 0", shown(text)))
}

fn count(text: &str) -> Result<u32, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| format!("`{}` is not a number above 0", shown(text)))
}

fn day(text: &str) -> Result<Date, String> {
    let shape = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let day = if shape { text.parse().ok() } else { None };
    day.ok_or_else(|| format!("`{}` is not a day such as 2026-07-01", shown(text)))
}

fn name(text: &str) -> Result<String, String> {
    if text.len() <= 100 && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{}` is not a name of at most 100 characters", shown(text)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADING: &str = "sku,family,region,resource_type,term,billing_plans,currency,list_price,partner_price,\
                           flexibility_group,ratio,sold_from,sold_until,markets\n";

    #[test]
    fn a_file_is_read_with_and_without_a_heading() {
        let line = "Standard_D2s_v5, Dsv5, West US, virtualmachines, p1y, Upfront;Monthly, eur, 812.50, 700, Dsv5 Series, 1, , 2026-07-01, SE|NO\n";
        let with = parse(&format!("\u{feff}# prices of 2026\n{HEADING}\n{line}")).unwrap();
        assert_eq!(parse(line).unwrap(), with);
        let [offer] = with.offers() else { panic!("one offer") };
        assert_eq!(offer.title(), "Reserved VM Instance, Standard_D2s_v5, US West, 1 Year");
        assert_eq!(
            (offer.list_price.to_string(), offer.partner_price.to_string()),
            ("812.50 EUR".into(), "700.00 EUR".into())
        );
        assert_eq!(offer.billing_plans, BillingPlan::ALL);
        assert_eq!(offer.markets.len(), 2);
        let short = parse("currency,list_price,sku,region,term\nEUR,10,Standard_X,westus,P3Y\n").unwrap();
        assert_eq!(short.offers()[0].family, "Standard_X");
        assert_eq!(short.offers()[0].partner_price, short.offers()[0].list_price);
    }

    #[test]
    fn every_mistake_is_told_with_its_line_and_column() {
        for (line, expected) in [
            ("a,b,westus,,P1Y,,EUR,x,,,,,,", "line 2: list_price: `x` is not an amount such as 812.50"),
            ("a,b,westus,,P1Y,,EUR,-1,,,,,,", "line 2: list_price: `-1` is not an amount such as 812.50"),
            ("a,b,westus,,P1Y,,EUR,1.005,,,,,,", "line 2: list_price: `1.005` is finer than the smallest coin of EUR"),
            ("a,b,westus,,P1Y,,JPY,1.5,,,,,,", "line 2: list_price: `1.5` is finer than the smallest coin of JPY"),
            ("a,b,westus,,P1Y,,EUR,100000001,,,,,,", "line 2: list_price: `100000001` is more than 100000000"),
            ("a,b,westus,,P1Y,,QQQ,1,,,,,,", "line 2: currency: `QQQ` is not a currency in use"),
            ("a,b,westus,,P2Y,,EUR,1,,,,,,", "line 2: term: `P2Y` is not a term: P1Y, P3Y or P5Y"),
            (",b,westus,,P1Y,,EUR,1,,,,,,", "line 2: sku: the value is missing"),
            ("a,b,w€,,P1Y,,EUR,1,,,,,,", "line 2: region: `w€` is not the name of a region such as westeurope"),
            (
                "a,b,westus,Cars,P1Y,,EUR,1,,,,,,",
                "line 2: resource_type: `Cars` is not a reserved resource type such as VirtualMachines",
            ),
            (
                "a,b,westus,,P1Y,Weekly,EUR,1,,,,,,",
                "line 2: billing_plans: `Weekly` is not a billing plan: Upfront or Monthly",
            ),
            ("a,b,westus,,P1Y,,EUR,1,,,0,,,", "line 2: ratio: `0` is not a ratio above 0 with at most 6 decimals"),
            (
                "a,b,westus,,P1Y,,EUR,1,,,,2026-02-30,,",
                "line 2: sold_from: `2026-02-30` is not a day such as 2026-07-01",
            ),
            (
                "a,b,westus,,P1Y,,EUR,1,,,,2026-07-01,2026-07-01,",
                "line 2: sold_until: the sale ends on 2026-07-01, which is not after its first day 2026-07-01",
            ),
            (
                "a,b,westus,,P1Y,,EUR,1,,,,,,Sweden",
                "line 2: markets: `Sweden` is not a country code of two letters such as SE",
            ),
            ("a,b,westus,,P1Y,,EUR,1,,,,,,SE,more", "line 2: the line has 15 values for 14 columns"),
            (
                "a,b,westus,,P1Y,,EUR,1,,,,,,\nA,b,westus,,P1Y,,EUR,1,,,,,,",
                "line 3: sku: the same thing, on the same days and in the same market, is offered in line 2",
            ),
            ("", "line 1: the catalogue has no offers"),
        ] {
            let mistakes = parse(&format!("{HEADING}{line}")).unwrap_err();
            let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            assert_eq!(told, [expected], "{line}");
        }
        let several = parse("sku,colour,term\na,b,P9Y\n,,P1Y\n").unwrap_err();
        let told: Vec<String> = several.iter().map(|m| format!("{} {}", m.line, m.path)).collect();
        assert_eq!(told, ["1 colour", "1 region", "1 currency", "1 list_price", "2 term", "3 sku"]);
    }

    const WORDS: [&str; 16] = [
        "",
        "a",
        "Standard_D2s_v5",
        "P1Y",
        "p3y",
        "EUR",
        "westus",
        "2026-01-01",
        "10",
        "0.5",
        "1e9",
        "\"",
        "SE;NO",
        "ODD",
        "99999999999999999999999999999",
        "sku",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_line_is_read_or_refused_with_its_line(
            cells in prop::collection::vec(0..WORDS.len(), 0..18),
            odd in "[a-zA-Z0-9.,;\"|#é \n-]{0,12}",
            heading in any::<bool>(),
        ) {
            let text = format!("{}{}\n", if heading { HEADING } else { "" }, cells.iter().map(|n| WORDS[*n]).collect::<Vec<_>>().join(",").replace("ODD", &odd));
            if let Err(mistakes) = parse(&text) {
                prop_assert!(!mistakes.is_empty());
                prop_assert!(mistakes.iter().all(|m| (1..=300).contains(&m.line)), "{:?}", mistakes);
            }
        }
    }
}
