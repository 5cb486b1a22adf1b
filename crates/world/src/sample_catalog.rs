//! Makes the built-in sample catalogue: real sizes and size ratios, invented prices.
//!
//! Prices are whole currency units by an arithmetic of our own: a family's price of one ratio unit, times the ratio, times a
//! factor of the region, of the term and of the currency. They resemble nobody's price list and are good for trying out only.

use fullmakt_domain::catalog::Term;
use rust_decimal::{Decimal, RoundingStrategy};

/// The regions, with their price level in per cent of `eastus`.
const REGIONS: [(&str, i64); 6] = [
    ("eastus", 100),
    ("northeurope", 107),
    ("swedencentral", 104),
    ("uksouth", 111),
    ("westeurope", 113),
    ("westus", 109),
];
/// The currencies, with what a hundred dollars make.
const CURRENCIES: [(&str, i64); 4] = [("USD", 100), ("EUR", 92), ("GBP", 79), ("SEK", 1_050)];
/// Sales of older families ended on this day.
const END_OF_SALE: &str = "2026-07-01";
/// Sales of the newest family begin in one region on this day.
const START_OF_SALE: &str = "2027-03-01";

/// Sizes that stand in for one another.
struct Group {
    family: &'static str,
    flexibility_group: &'static str,
    /// Dollars for one ratio unit and year in `eastus`.
    unit_price: i64,
    /// What the partner pays, in per cent of the list price.
    partner_percent: i64,
    sold: Sold,
    /// Name without `Standard_`, ratio in thousandths, virtual processors, memory in tenths of a GiB.
    sizes: &'static [(&'static str, i64, i64, i64)],
}

/// When, where and for how long a group is sold.
#[derive(Clone, Copy, PartialEq)]
enum Sold {
    Always,
    /// One year only until [`END_OF_SALE`].
    OneYearEnded,
    /// Any term only until [`END_OF_SALE`].
    Ended,
    /// In `uksouth` to customers of the United Kingdom and Ireland only.
    UkAtHome,
    /// In `swedencentral` only from [`START_OF_SALE`].
    SwedenLater,
}

/// The whole file, heading first, always the same.
pub fn generate() -> String {
    let mut text = String::from(
        "# Sample catalogue of Fullmakt, made by `cargo xtask catalog`. Sizes and ratios are real, prices are invented.\n",
    );
    text.push_str(&crate::catalog_csv::COLUMNS.join(","));
    text.push('\n');
    for group in GROUPS {
        for size in group.sizes {
            for region in REGIONS {
                for term in [Term::P1Y, Term::P3Y] {
                    for currency in CURRENCIES {
                        text.push_str(&line(group, *size, region, term, currency));
                    }
                }
            }
        }
    }
    text
}

fn line(
    group: &Group,
    (name, ratio, vcpus, memory): (&str, i64, i64, i64),
    (region, level): (&str, i64),
    term: Term,
    (currency, rate): (&str, i64),
) -> String {
    // Three years cost somewhat less than two single ones.
    let term_percent = if term == Term::P1Y { 100 } else { 192 };
    let product = [ratio, level, term_percent, rate]
        .into_iter()
        .fold(Decimal::from(group.unit_price), |product, factor| product.saturating_mul(Decimal::from(factor)));
    // Thousandths and three times per cent.
    let list = whole(product.checked_div(Decimal::from(1_000_000_000)).unwrap_or_default());
    let partner = list.saturating_mul(Decimal::new(group.partner_percent, 2));
    let ended = group.sold == Sold::Ended || (group.sold == Sold::OneYearEnded && term == Term::P1Y);
    let from = if group.sold == Sold::SwedenLater && region == "swedencentral" { START_OF_SALE } else { "" };
    let until = if ended { END_OF_SALE } else { "" };
    let markets = if group.sold == Sold::UkAtHome && region == "uksouth" { "GB;IE" } else { "" };
    format!(
        "Standard_{name},{family},{region},VirtualMachines,{term},Upfront;Monthly,{currency},{list},{partner},{group},{ratio},{from},{until},{markets},{vcpus},{memory}\n",
        family = group.family,
        partner = partner.normalize(),
        group = group.flexibility_group,
        ratio = Decimal::new(ratio, 3).normalize(),
        memory = Decimal::new(memory, 1).normalize(),
    )
}

fn whole(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).max(Decimal::ONE)
}

const GROUPS: &[Group] = &[
    Group {
        family: "BS",
        flexibility_group: "BS Series",
        unit_price: 29,
        partner_percent: 90,
        sold: Sold::Always,
        sizes: &[("B1ls", 1_000, 1, 5), ("B1s", 2_000, 1, 10), ("B2s", 8_000, 2, 40)],
    },
    Group {
        family: "BS",
        flexibility_group: "BS Series High Memory",
        unit_price: 118,
        partner_percent: 90,
        sold: Sold::Always,
        sizes: &[
            ("B1ms", 1_000, 1, 20),
            ("B2ms", 4_000, 2, 80),
            ("B4ms", 8_000, 4, 160),
            ("B8ms", 16_000, 8, 320),
            ("B12ms", 24_000, 12, 480),
            ("B16ms", 32_000, 16, 640),
            ("B20ms", 40_000, 20, 800),
        ],
    },
    Group {
        family: "Bsv2",
        flexibility_group: "Bsv2 Series",
        unit_price: 51,
        partner_percent: 89,
        sold: Sold::Always,
        sizes: &[
            ("B2ts_v2", 1_000, 2, 10),
            ("B2ls_v2", 4_000, 2, 40),
            ("B2s_v2", 8_000, 2, 80),
            ("B4ls_v2", 14_135, 4, 80),
            ("B4s_v2", 15_960, 4, 160),
            ("B8ls_v2", 28_365, 8, 160),
            ("B8s_v2", 32_020, 8, 320),
            ("B16ls_v2", 56_635, 16, 320),
            ("B16s_v2", 64_040, 16, 640),
            ("B32ls_v2", 113_365, 32, 640),
            ("B32s_v2", 127_980, 32, 1_280),
        ],
    },
    Group {
        family: "Dsv5",
        flexibility_group: "Dsv5 Series",
        unit_price: 530,
        partner_percent: 88,
        sold: Sold::Always,
        sizes: &[
            ("D2s_v5", 1_000, 2, 80),
            ("D4s_v5", 2_000, 4, 160),
            ("D8s_v5", 4_000, 8, 320),
            ("D16s_v5", 8_000, 16, 640),
            ("D32s_v5", 16_000, 32, 1_280),
            ("D48s_v5", 24_000, 48, 1_920),
            ("D64s_v5", 32_000, 64, 2_560),
            ("D96s_v5", 48_000, 96, 3_840),
        ],
    },
    Group {
        family: "Ddsv5",
        flexibility_group: "Ddsv5 Series",
        unit_price: 622,
        partner_percent: 88,
        sold: Sold::Always,
        sizes: &[
            ("D2ds_v5", 1_000, 2, 80),
            ("D4ds_v5", 2_000, 4, 160),
            ("D8ds_v5", 4_000, 8, 320),
            ("D16ds_v5", 8_000, 16, 640),
            ("D32ds_v5", 16_000, 32, 1_280),
            ("D48ds_v5", 24_000, 48, 1_920),
            ("D64ds_v5", 32_000, 64, 2_560),
            ("D96ds_v5", 48_000, 96, 3_840),
        ],
    },
    Group {
        family: "Dasv5",
        flexibility_group: "Dasv5 Series",
        unit_price: 476,
        partner_percent: 87,
        sold: Sold::Always,
        sizes: &[
            ("D2as_v5", 1_000, 2, 80),
            ("D4as_v5", 2_000, 4, 160),
            ("D8as_v5", 4_000, 8, 320),
            ("D16as_v5", 8_000, 16, 640),
            ("D32as_v5", 16_000, 32, 1_280),
            ("D48as_v5", 24_000, 48, 1_920),
            ("D64as_v5", 32_000, 64, 2_560),
            ("D96as_v5", 48_000, 96, 3_840),
        ],
    },
    Group {
        family: "Dsv6",
        flexibility_group: "Dsv6 Series",
        unit_price: 551,
        partner_percent: 92,
        sold: Sold::SwedenLater,
        sizes: &[
            ("D2s_v6", 1_000, 2, 80),
            ("D4s_v6", 2_000, 4, 160),
            ("D8s_v6", 4_000, 8, 320),
            ("D16s_v6", 8_000, 16, 640),
            ("D32s_v6", 16_000, 32, 1_280),
            ("D48s_v6", 24_000, 48, 1_920),
            ("D64s_v6", 31_940, 64, 2_560),
            ("D96s_v6", 47_900, 96, 3_840),
            ("D128s_v6", 63_870, 128, 5_120),
            ("D192s_v6", 95_810, 192, 7_680),
        ],
    },
    Group {
        family: "Esv5",
        flexibility_group: "Esv5 Series",
        unit_price: 695,
        partner_percent: 88,
        sold: Sold::Always,
        sizes: &[
            ("E2s_v5", 1_000, 2, 160),
            ("E4s_v5", 2_000, 4, 320),
            ("E8s_v5", 4_000, 8, 640),
            ("E16s_v5", 8_000, 16, 1_280),
            ("E20s_v5", 10_000, 20, 1_600),
            ("E32s_v5", 16_000, 32, 2_560),
            ("E48s_v5", 24_000, 48, 3_840),
            ("E64s_v5", 32_000, 64, 5_120),
            ("E96s_v5", 48_000, 96, 6_720),
        ],
    },
    Group {
        family: "Easv5",
        flexibility_group: "Easv5 Series",
        unit_price: 628,
        partner_percent: 87,
        sold: Sold::Always,
        sizes: &[
            ("E2as_v5", 1_000, 2, 160),
            ("E4as_v5", 2_000, 4, 320),
            ("E8as_v5", 4_000, 8, 640),
            ("E16as_v5", 8_000, 16, 1_280),
            ("E20as_v5", 10_000, 20, 1_600),
            ("E32as_v5", 16_000, 32, 2_560),
            ("E48as_v5", 24_000, 48, 3_840),
            ("E64as_v5", 32_000, 64, 5_120),
            ("E96as_v5", 48_000, 96, 6_720),
            ("E112ias_v5", 61_600, 112, 6_720),
        ],
    },
    Group {
        family: "FSv2",
        flexibility_group: "FSv2 Series",
        unit_price: 467,
        partner_percent: 91,
        sold: Sold::OneYearEnded,
        sizes: &[
            ("F2s_v2", 1_000, 2, 40),
            ("F4s_v2", 2_000, 4, 80),
            ("F8s_v2", 4_000, 8, 160),
            ("F16s_v2", 8_000, 16, 320),
            ("F32s_v2", 16_000, 32, 640),
            ("F48s_v2", 24_000, 48, 960),
            ("F64s_v2", 32_000, 64, 1_280),
            ("F72s_v2", 36_000, 72, 1_440),
        ],
    },
    Group {
        family: "Lsv3",
        flexibility_group: "Lsv3 Series",
        unit_price: 3_740,
        partner_percent: 86,
        sold: Sold::Always,
        sizes: &[
            ("L8s_v3", 1_000, 8, 640),
            ("L16s_v3", 2_000, 16, 1_280),
            ("L32s_v3", 4_000, 32, 2_560),
            ("L48s_v3", 6_000, 48, 3_840),
            ("L64s_v3", 8_000, 64, 5_120),
            ("L80s_v3", 10_000, 80, 6_400),
        ],
    },
    Group {
        family: "DSv2",
        flexibility_group: "DSv2 Series",
        unit_price: 344,
        partner_percent: 92,
        sold: Sold::OneYearEnded,
        sizes: &[
            ("DS1_v2", 1_000, 1, 35),
            ("DS2_v2", 2_000, 2, 70),
            ("DS3_v2", 4_000, 4, 140),
            ("DS4_v2", 8_000, 8, 280),
            ("DS5_v2", 16_000, 16, 560),
        ],
    },
    Group {
        family: "DSv3",
        flexibility_group: "DSv3 Series",
        unit_price: 566,
        partner_percent: 92,
        sold: Sold::Ended,
        sizes: &[
            ("D2s_v3", 1_000, 2, 80),
            ("D4s_v3", 2_000, 4, 160),
            ("D8s_v3", 4_000, 8, 320),
            ("D16s_v3", 8_000, 16, 640),
            ("D32s_v3", 16_000, 32, 1_280),
            ("D48s_v3", 24_000, 48, 1_920),
            ("D64s_v3", 32_000, 64, 2_560),
        ],
    },
    Group {
        family: "NCasT4v3",
        flexibility_group: "NCasT4 v3 Series",
        unit_price: 2_890,
        partner_percent: 85,
        sold: Sold::UkAtHome,
        sizes: &[
            ("NC4as_T4_v3", 1_000, 4, 280),
            ("NC8as_T4_v3", 1_430, 8, 560),
            ("NC16as_T4_v3", 2_290, 16, 1_100),
            ("NC64as_T4_v3", 8_270, 64, 4_400),
        ],
    },
];

#[cfg(test)]
mod tests {
    use expect_test::expect_file;
    use fullmakt_domain::catalog::{BillingPlan, NotForSale, Region, ReservedResourceType, SkuName, Wanted};
    use fullmakt_domain::market::Country;
    use fullmakt_domain::money::Currency;

    use super::*;
    use crate::catalog_csv::built_in;

    #[test]
    fn the_file_is_what_the_generator_makes() {
        expect_file!["../data/catalog.csv"].assert_eq(&generate());
    }

    #[test]
    fn the_built_in_catalogue_has_what_is_promised() {
        let catalog = built_in();
        let count = |of: fn(&fullmakt_domain::catalog::Offer) -> String| {
            catalog.offers().iter().map(of).collect::<std::collections::BTreeSet<_>>().len()
        };
        assert!((4_000..6_000).contains(&catalog.offers().len()), "{}", catalog.offers().len());
        assert!(count(|offer| offer.family.clone()) >= 8);
        assert_eq!(count(|offer| offer.region.to_string()), 6);
        assert_eq!(count(|offer| offer.term.to_string()), 2);
        assert_eq!(count(|offer| offer.currency().to_string()), 4);
        assert!(catalog.offers().iter().all(|offer| offer.billing_plans == BillingPlan::ALL));
        assert!(catalog.offers().iter().all(|offer| offer.partner_price.amount_e6 < offer.list_price.amount_e6));
    }

    #[test]
    fn old_families_are_no_longer_sold_and_some_are_not_sold_everywhere_or_yet() {
        let find = |sku: &str, region: &str, term: Term, market: &str| {
            built_in().find(&Wanted {
                resource_type: ReservedResourceType::VirtualMachines,
                sku: &SkuName::parse(sku).unwrap(),
                region: &Region::parse(region).unwrap(),
                term,
                plan: BillingPlan::Monthly,
                currency: Currency::parse("SEK").unwrap(),
                market: Country::parse(market).unwrap(),
                on: "2026-11-22".parse().unwrap(),
            })
        };
        assert!(find("standard_d2s_v5", "swedencentral", Term::P1Y, "SE").is_ok());
        assert!(find("Standard_B1s", "westus", Term::P1Y, "SE").is_ok());
        assert!(find("Standard_F2s_v2", "westus", Term::P3Y, "SE").is_ok());
        assert!(matches!(find("Standard_F2s_v2", "westus", Term::P1Y, "SE"), Err(NotForSale::NoLongerSold { .. })));
        assert!(matches!(find("Standard_D2s_v3", "westus", Term::P3Y, "SE"), Err(NotForSale::NoLongerSold { .. })));
        assert!(matches!(
            find("Standard_D2s_v6", "swedencentral", Term::P3Y, "SE"),
            Err(NotForSale::NotYetSold { .. })
        ));
        let nc = find("Standard_NC4as_T4_v3", "uksouth", Term::P1Y, "SE");
        assert!(matches!(nc, Err(NotForSale::MarketNotServed { .. })));
        assert!(find("Standard_NC4as_T4_v3", "uksouth", Term::P1Y, "IE").is_ok());
    }
}
