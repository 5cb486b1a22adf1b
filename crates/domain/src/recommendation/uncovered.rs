//! What of rated usage was left to pay as you go.

use std::collections::BTreeMap;

use super::SizeGroup;
use crate::catalog::Region;
use crate::ids::SubscriptionId;
use crate::money::Currency;
use crate::rated::Book;
use crate::rating::{Flexibility, Overflow, Ratio};
use crate::usage::{UsageHour, UsageResource};

/// What was paid as you go for one SKU at one price, hour by hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uncovered {
    /// Whose usage.
    pub subscription: SubscriptionId,
    /// Where it ran.
    pub region: Region,
    /// Its sizes.
    pub group: SizeGroup,
    /// Normalised units of one instance.
    pub ratio: Ratio,
    /// Pay-as-you-go price of an instance hour, in 10^-6 of the currency of the prices.
    pub unit_price_e6: i64,
    /// Hours since 1970 with the instance hours in 10^-10. What is not above zero is not looked at.
    pub hours: Vec<(i64, i128)>,
}

/// What each hour left to pay as you go, of the usage in `currency` that `is_visible` lets through: the remainders of rating,
/// by resource in the order in which a reservation would take them.
///
/// # Errors
/// [`Overflow`] when an amount does not fit.
pub fn uncovered(
    book: &Book<'_>,
    resources: &BTreeMap<i64, UsageResource>,
    hours: &[UsageHour],
    sizes: &Flexibility,
    currency: Currency,
    is_visible: impl Fn(SubscriptionId) -> bool,
) -> Result<Vec<Uncovered>, Overflow> {
    let mut rest: BTreeMap<i64, Vec<(i64, i128)>> = BTreeMap::new();
    for hour in hours {
        for cell in book.rate_hour(hour)? {
            let left = cell.rows.iter().filter(|row| row.reservation.is_none() && row.consumed_e10 > 0);
            for row in left {
                let line = row.line.and_then(|line| cell.usage.get(usize::try_from(line).ok()?));
                if let Some(line) = line {
                    rest.entry(line.resource).or_default().push((hour.hour, row.consumed_e10));
                }
            }
        }
    }
    let mut found: Vec<(SubscriptionId, &str, i64, Uncovered)> = Vec::with_capacity(rest.len());
    for (number, hours) in rest {
        let Some(one) = resources.get(&number) else { continue };
        // As in rating, regions are the same where their bytes are.
        let Some(region) = Region::parse(&one.region).ok().filter(|region| region.as_str() == one.region) else {
            continue;
        };
        if one.currency != currency || !is_visible(one.subscription) {
            continue;
        }
        let (group, ratio) = SizeGroup::of(&one.sku, sizes);
        let (subscription, unit_price_e6) = (one.subscription, one.unit_price_e6);
        let series = Uncovered { subscription, region, group, ratio, unit_price_e6, hours };
        found.push((subscription, &one.resource, number, series));
    }
    found.sort_by_key(|(subscription, resource, number, _)| (*subscription, *resource, *number));
    Ok(found.into_iter().map(|(.., series)| series).collect())
}
