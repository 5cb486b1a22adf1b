use jiff::civil::date;
use proptest::prelude::*;

use super::*;

/// A plain offer: `Standard_D2s_v5` in swedencentral for a year in euros.
pub(crate) fn offer() -> Offer {
    let eur = Currency::parse("EUR").unwrap();
    Offer {
        sku: SkuName::parse("Standard_D2s_v5").unwrap(),
        family: "Dsv5".into(),
        region: Region::parse("swedencentral").unwrap(),
        resource_type: ReservedResourceType::VirtualMachines,
        term: Term::P1Y,
        billing_plans: BillingPlan::ALL.to_vec(),
        list_price: Money::rounded(Decimal::from(500), eur).unwrap(),
        partner_price: Money::rounded(Decimal::from(450), eur).unwrap(),
        flexibility_group: Some("Dsv5 Series".into()),
        ratio: Decimal::ONE,
        vcpus: Some(2),
        memory_gib: Some(Decimal::from(8)),
        sold_from: None,
        sold_until: None,
        markets: Vec::new(),
    }
}

fn sheet() -> Catalog {
    let se = Country::parse("SE").unwrap();
    Catalog::new(vec![
        Offer { sold_until: Some(date(2026, 7, 1)), ..offer() },
        Offer { sold_from: Some(date(2027, 1, 1)), ..offer() },
        Offer { term: Term::P3Y, billing_plans: vec![BillingPlan::Upfront], ..offer() },
        Offer {
            sku: SkuName::parse("Standard_NC4as_T4_v3").unwrap(),
            region: Region::parse("uksouth").unwrap(),
            markets: vec![se],
            ..offer()
        },
    ])
    .unwrap()
}

#[test]
fn the_catalogue_says_why_something_is_not_for_sale() {
    let sheet = sheet();
    // sku, region, term, plan, currency, market, day, outcome
    for case in [
        "standard_d2S_V5 swedencentral P1Y Monthly EUR NO 2026-06-30 Reserved VM Instance, Standard_D2s_v5, SE Central, 1 Year",
        "Standard_D2s_v5 swedencentral P1Y Monthly EUR NO 2026-07-01 `Standard_D2s_v5` for `P1Y` is sold from 2027-01-01",
        "Standard_D2s_v5 swedencentral P1Y Upfront EUR NO 2027-01-01 Reserved VM Instance, Standard_D2s_v5, SE Central, 1 Year",
        "Standard_D2s_v5 swedencentral P3Y Monthly EUR NO 2026-06-30 `Standard_D2s_v5` cannot be paid by the billing plan `Monthly`",
        "Standard_D2s_v5 swedencentral P5Y Upfront EUR NO 2026-06-30 `Standard_D2s_v5` is not sold for the term `P5Y`",
        "Standard_D2s_v5 swedencentral P3Y Upfront SEK NO 2026-06-30 `Standard_D2s_v5` has no price in `SEK`",
        "Standard_D2s_v5 uksouth P3Y Upfront EUR NO 2026-06-30 `Standard_D2s_v5` is not sold in the region `uksouth`",
        "Standard_D2s_v5 moon P3Y Upfront EUR NO 2026-06-30 nothing is sold in the region `moon`",
        "Standard_X uksouth P3Y Upfront EUR NO 2026-06-30 `Standard_X` is not in the catalogue",
        "Standard_NC4as_T4_v3 uksouth P1Y Upfront EUR NO 2026-06-30 `Standard_NC4as_T4_v3` is not sold in the market `NO`",
        "Standard_NC4as_T4_v3 uksouth P1Y Upfront EUR SE 2026-06-30 Reserved VM Instance, Standard_NC4as_T4_v3, UK South, 1 Year",
    ] {
        let words: Vec<&str> = case.splitn(8, ' ').collect();
        let [sku, region, term, plan, currency, market, on, expected] = words[..] else { panic!("{case}") };
        let got = sheet.find(&Wanted {
            resource_type: ReservedResourceType::VirtualMachines,
            sku: &SkuName::parse(sku).unwrap(),
            region: &Region::parse(region).unwrap(),
            term: Term::parse(term).unwrap(),
            plan: BillingPlan::parse(plan).unwrap(),
            currency: Currency::parse(currency).unwrap(),
            market: Country::parse(market).unwrap(),
            on: on.parse().unwrap(),
        });
        assert_eq!(got.map_or_else(|why| why.to_string(), Offer::title), expected, "{case}");
    }
}

#[test]
fn after_the_last_day_of_sale_its_end_is_told() {
    let gone = Catalog::new(vec![Offer { sold_until: Some(date(2026, 7, 1)), ..offer() }]).unwrap();
    let day = gone.offers()[0].check_sold_on(date(2026, 7, 1)).unwrap_err();
    assert_eq!(day.to_string(), "`Standard_D2s_v5` for `P1Y` is no longer sold since 2026-07-01");
}

#[test]
fn two_lines_for_the_same_thing_on_the_same_day_are_refused() {
    let se = vec![Country::parse("SE").unwrap()];
    let no = vec![Country::parse("NO").unwrap()];
    let shouting = Offer { sku: SkuName::parse("STANDARD_D2S_V5").unwrap(), ..offer() };
    let pair = |a, b| Catalog::new(vec![a, b]).err();
    let both = Some(vec![Duplicate { first: 0, second: 1 }]);
    assert_eq!(pair(offer(), shouting), both);
    assert_eq!(pair(offer(), Offer { markets: se.clone(), ..offer() }), both);
    assert_eq!(pair(Offer { markets: no, ..offer() }, Offer { markets: se, ..offer() }), None);
    assert_eq!(pair(offer(), Offer { sold_from: Some(date(2027, 1, 1)), ..offer() }), both);
    let until = Offer { sold_until: Some(date(2027, 1, 1)), ..offer() };
    assert_eq!(pair(Offer { sold_from: Some(date(2027, 1, 1)), ..offer() }, until), None);
}

#[test]
fn words_are_read_in_either_case() {
    assert_eq!(Term::parse("p3y"), Ok(Term::P3Y));
    assert_eq!(Term::parse_duration("3Year"), Ok(Term::P3Y));
    assert_eq!(Term::parse_duration("1year"), Ok(Term::P1Y));
    assert_eq!(Term::parse_duration("p1y"), Ok(Term::P1Y));
    assert_eq!(BillingPlan::parse("p1m"), Ok(BillingPlan::Monthly));
    assert_eq!(ReservedResourceType::parse("virtualmachines"), Ok(ReservedResourceType::VirtualMachines));
    assert_eq!(Region::parse("West US"), Region::parse("westus"));
    for entered in ["swedencentral", "Sweden Central", "SE Central", " se central "] {
        assert_eq!(Region::entered(entered), Region::parse("swedencentral"), "{entered}");
    }
    assert!(Region::entered("SE-Central").is_err());
    assert_eq!(Term::parse("P2Y").unwrap_err().to_string(), "`P2Y` is not a term: P1Y, P3Y or P5Y");
    assert!(Quantity::new(0).is_err() && Quantity::new(1_001).is_err() && Quantity::new(-1).is_err());
    assert_eq!(Quantity::new(1_000).unwrap().instances(), 1_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
        let _ = Term::parse(&text);
        let _ = Term::parse_duration(&text);
        let _ = BillingPlan::parse(&text);
        let _ = ReservedResourceType::parse(&text);
        if let Ok(region) = Region::parse(&text) {
            prop_assert_eq!(Region::parse(region.as_str()), Ok(region));
        }
        if let Ok(sku) = SkuName::parse(&text) {
            prop_assert_eq!(SkuName::parse(&sku.as_str().to_uppercase()), Ok(sku));
        }
    }
}
