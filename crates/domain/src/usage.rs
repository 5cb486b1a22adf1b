//! Hourly usage as a partner brings it in: who ran what, and for how long.
//!
//! Usage is kept by customer, by the partner whose subscriptions ran it, and by hour. An hour is replaced as a whole, so that
//! bringing the same hour in again changes nothing, and late usage is brought in by giving its hour once more in full.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::activity::RecordDraft;
use crate::authz::{Action, Command, Decision, Permit, Target};
use crate::change::Change;
use crate::ids::{CustomerId, SubscriptionId};
use crate::money::Currency;
use crate::operation::{self, Operation};
use crate::rating::HOUR_MICROS;
use crate::refusal::Refusal;

/// Hours that one import may replace.
pub const HOURS_MAX: usize = 8_784;
/// Lines that one import may bring.
pub const LINES_MAX: usize = 500_000;
/// What a quantity or a price lies below, in its smallest unit: 12 digits before the point and 6 behind it.
pub const AMOUNT_BOUND: i64 = 1_000_000_000_000_000_000;

/// What usage lines have in common: a resource, where and as what it ran, and what an hour of it costs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsageResource {
    /// `SubAccountId`.
    pub subscription: SubscriptionId,
    /// `ResourceId`.
    pub resource: String,
    /// `RegionId`.
    pub region: String,
    /// `x_ArmSkuName`.
    pub sku: String,
    /// `ContractedUnitPrice`: pay-as-you-go price of an instance hour for this customer, in 10^-6.
    pub unit_price_e6: i64,
    /// `BillingCurrency`.
    pub currency: Currency,
}

impl UsageResource {
    /// The resource group in the resource's identifier, in lower case since case does not count; `None` where it names none.
    pub fn group(&self) -> Option<String> {
        let mut segments = self.resource.split('/').filter(|segment| !segment.is_empty());
        segments.find(|segment| segment.eq_ignore_ascii_case("resourceGroups"))?;
        segments.next().map(str::to_lowercase)
    }

    /// Whether its texts and its price can be kept.
    ///
    /// # Errors
    /// [`InvalidUsage::Text`] or [`InvalidUsage::TooLarge`].
    pub fn check(&self) -> Result<(), InvalidUsage> {
        for (field, text) in [("resourceId", &self.resource), ("regionId", &self.region), ("armSkuName", &self.sku)] {
            if text.is_empty() || text.chars().count() > 1_000 || text.chars().any(char::is_control) {
                return Err(InvalidUsage::Text { field });
            }
        }
        if is_bounded(self.unit_price_e6) { Ok(()) } else { Err(InvalidUsage::TooLarge(self.unit_price_e6)) }
    }
}

fn is_bounded(amount: i64) -> bool {
    (-AMOUNT_BOUND..AMOUNT_BOUND).contains(&amount) && amount != -AMOUNT_BOUND
}

/// A line of usage in its hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsageLine {
    /// The number of its [`UsageResource`].
    pub resource: i64,
    /// `LineId`: names the line within its hour.
    pub line: i64,
    /// `ConsumedQuantity`: instance hours, in 10^-6.
    pub quantity_e6: i64,
}

/// All usage of a customer in an hour, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageHour {
    /// The hour, counted from 1970.
    pub hour: i64,
    /// Its lines, by number of the resource and then of the line.
    pub lines: Vec<UsageLine>,
}

/// The day, counted from 1970, that an hour belongs to.
pub fn day_of(hour: i64) -> i64 {
    hour.div_euclid(24)
}

/// The instant at which an hour, counted from 1970, begins.
pub fn hour_start(hour: i64) -> Timestamp {
    let micros = hour.checked_mul(HOUR_MICROS).and_then(|micros| Timestamp::from_microsecond(micros).ok());
    micros.unwrap_or(if hour < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// The hour, counted from 1970, that an instant lies in.
pub fn hour_of(at: Timestamp) -> i64 {
    at.as_microsecond().div_euclid(HOUR_MICROS)
}

/// Replaces hours of a customer's usage. The partner that asks is the one whose subscriptions ran it.
#[derive(Debug, Clone)]
pub struct ImportUsage {
    /// Whose.
    pub customer: CustomerId,
    /// What the lines have in common; their numbers are the places in this list.
    pub resources: Vec<UsageResource>,
    /// The hours that are replaced, also those in which nothing ran.
    pub hours: Vec<UsageHour>,
}

/// What an import looks at.
#[derive(Debug, Clone, Default)]
pub struct ImportState {
    /// The customer's subscriptions that the partner sold.
    pub subscriptions: BTreeSet<SubscriptionId>,
    /// The numbers of those resources of the import that have one.
    pub numbers: BTreeMap<UsageResource, i64>,
    /// The number that the next new resource gets.
    pub next: i64,
    /// What is known of the hours that are to be replaced.
    pub hours: BTreeMap<i64, Vec<UsageLine>>,
}

/// What an import came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// Hours that are now otherwise than before.
    pub changed_hours: usize,
    /// Hours that were the same already.
    pub unchanged_hours: usize,
    /// Lines in all hours of the import.
    pub lines: usize,
}

/// Why usage cannot be taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUsage {
    /// More hours or lines than one import takes.
    #[error("one import takes at most {HOURS_MAX} hours and {LINES_MAX} lines; bring them in several")]
    TooMuch,
    /// An hour that is given twice.
    #[error("the hour {0} is given twice")]
    HourTwice(Timestamp),
    /// An hour that is not over.
    #[error("the hour {0} is not over yet")]
    NotOver(Timestamp),
    /// Two lines of one name.
    #[error("the hour {hour} has the line {line} twice")]
    LineTwice {
        /// The hour.
        hour: Timestamp,
        /// The line.
        line: i64,
    },
    /// A line of a resource that is not in the list.
    #[error("the line {line} of the hour {hour} is of resource {resource}, of which there are {resources}")]
    NoResource {
        /// The hour.
        hour: Timestamp,
        /// The line.
        line: i64,
        /// The number it gives.
        resource: i64,
        /// How many there are.
        resources: usize,
    },
    /// A quantity or price of too many digits.
    #[error("`{0}` has more than 12 digits before the point")]
    TooLarge(i64),
    /// Empty, or longer than anything of its kind.
    #[error("`{field}` is empty, longer than 1000 characters or has control characters")]
    Text {
        /// The field.
        field: &'static str,
    },
    /// A subscription that the partner did not sell to the customer.
    #[error("the partner has sold no subscription `{0}` to this customer")]
    Subscription(SubscriptionId),
}

impl InvalidUsage {
    /// The field of the own API that is wrong.
    pub fn field(&self) -> &'static str {
        match self {
            Self::TooMuch | Self::HourTwice(_) | Self::NotOver(_) => "hours",
            Self::LineTwice { .. } | Self::NoResource { .. } | Self::TooLarge(_) => "lines",
            Self::Text { field } => field,
            Self::Subscription(_) => "subAccountId",
        }
    }
}

impl Action for ImportUsage {
    const OPERATION: Operation = operation::IMPORT_USAGE;

    fn target(&self) -> Target {
        Target::Customer(self.customer)
    }
}

impl Command for ImportUsage {
    type State = ImportState;
    type Receipt = Imported;

    fn decide(
        &self,
        _permit: &Permit<Self>,
        state: ImportState,
        now: Timestamp,
    ) -> Result<Decision<Imported>, Refusal> {
        self.check(&state, now)?;
        let mut next = state.next;
        let mut added: BTreeMap<&UsageResource, i64> = BTreeMap::new();
        let mut numbers = Vec::with_capacity(self.resources.len());
        for resource in &self.resources {
            let known = state.numbers.get(resource).or_else(|| added.get(resource)).copied();
            let number = known.unwrap_or_else(|| {
                let number = next;
                next = next.saturating_add(1);
                added.insert(resource, number);
                number
            });
            numbers.push(number);
        }
        let number_of = |place: i64| usize::try_from(place).ok().and_then(|place| numbers.get(place)).copied();
        let mut changed = Vec::new();
        let mut lines: usize = 0;
        for hour in &self.hours {
            lines = lines.saturating_add(hour.lines.len());
            let numbered = |line: &UsageLine| Some(UsageLine { resource: number_of(line.resource)?, ..*line });
            let mut numbered: Vec<UsageLine> = hour.lines.iter().filter_map(numbered).collect();
            numbered.sort_unstable();
            if state.hours.get(&hour.hour) != Some(&numbered) {
                changed.push(UsageHour { hour: hour.hour, lines: numbered });
            }
        }
        let imported = Imported {
            changed_hours: changed.len(),
            unchanged_hours: self.hours.len().saturating_sub(changed.len()),
            lines,
        };
        let (Some(first), Some(last)) = (changed.iter().map(|h| h.hour).min(), changed.iter().map(|h| h.hour).max())
        else {
            return Ok(Decision::unchanged(imported));
        };
        let details = vec![
            ("From".to_owned(), hour_start(first).to_string()),
            ("Until".to_owned(), hour_start(last.saturating_add(1)).to_string()),
            ("Hours".to_owned(), changed.len().to_string()),
            ("Lines".to_owned(), changed.iter().map(|hour| hour.lines.len()).sum::<usize>().to_string()),
        ];
        let mut resources: Vec<(i64, UsageResource)> =
            added.into_iter().map(|(resource, number)| (number, resource.clone())).collect();
        resources.sort_unstable();
        let changes = vec![Change::UsageImported { resources, hours: changed, at: now }];
        let record = RecordDraft { subject: self.subject(), old: None, new: None, details };
        Ok(Decision::changed(imported, changes, record))
    }

    fn subject(&self) -> String {
        self.customer.to_string()
    }
}

impl ImportUsage {
    fn check(&self, state: &ImportState, now: Timestamp) -> Result<(), InvalidUsage> {
        let lines: usize = self.hours.iter().map(|hour| hour.lines.len()).sum();
        if self.hours.len() > HOURS_MAX || lines > LINES_MAX || self.resources.len() > LINES_MAX {
            return Err(InvalidUsage::TooMuch);
        }
        for one in &self.resources {
            one.check()?;
            if !state.subscriptions.contains(&one.subscription) {
                return Err(InvalidUsage::Subscription(one.subscription));
            }
        }
        let mut hours = BTreeSet::new();
        for hour in &self.hours {
            let at = hour_start(hour.hour);
            if !hours.insert(hour.hour) {
                return Err(InvalidUsage::HourTwice(at));
            }
            if hour_start(hour.hour.saturating_add(1)) > now {
                return Err(InvalidUsage::NotOver(at));
            }
            let mut seen = BTreeSet::new();
            for line in &hour.lines {
                if usize::try_from(line.resource).map_or(true, |place| place >= self.resources.len()) {
                    let (line, resource) = (line.line, line.resource);
                    return Err(InvalidUsage::NoResource { hour: at, line, resource, resources: self.resources.len() });
                }
                if !is_bounded(line.quantity_e6) {
                    return Err(InvalidUsage::TooLarge(line.quantity_e6));
                }
                if !seen.insert(line.line) {
                    return Err(InvalidUsage::LineTwice { hour: at, line: line.line });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, outcome};

    fn resource(sku: &str) -> UsageResource {
        UsageResource {
            subscription: testing::subscription(),
            resource: "/subscriptions/33/resourceGroups/App/providers/Microsoft.Compute/virtualMachines/a".to_owned(),
            region: "swedencentral".to_owned(),
            sku: sku.to_owned(),
            unit_price_e6: 100_000,
            currency: Currency::parse("EUR").unwrap(),
        }
    }

    fn line(resource: i64, line: i64) -> UsageLine {
        UsageLine { resource, line, quantity_e6: 1_000_000 }
    }

    /// Two hours before [`testing::now`], the first with a line of each resource.
    fn import() -> ImportUsage {
        let first = hour_of(testing::now()) - 2;
        ImportUsage {
            customer: testing::customer(),
            resources: vec![resource("Standard_D4s_v5"), resource("Standard_D2s_v5")],
            hours: vec![
                UsageHour { hour: first, lines: vec![line(0, 7), line(1, 8)] },
                UsageHour { hour: first + 1, lines: Vec::new() },
            ],
        }
    }

    fn state() -> ImportState {
        let numbers = BTreeMap::from([(resource("Standard_D2s_v5"), 3)]);
        ImportState {
            subscriptions: BTreeSet::from([testing::subscription()]),
            numbers,
            next: 4,
            hours: BTreeMap::new(),
        }
    }

    fn check(command: &ImportUsage, state: ImportState) -> String {
        let decided = command.decide(&testing::permit_partner(command), state, testing::now());
        outcome(&decided, |decision| {
            let changes = decision.changes.iter().map(|change| match change {
                Change::UsageImported { resources, hours, .. } => {
                    let numbers: Vec<i64> = resources.iter().map(|(number, _)| *number).collect();
                    let lines: Vec<_> = hours
                        .iter()
                        .map(|h| h.lines.iter().map(|l| (l.resource, l.line)).collect::<Vec<_>>())
                        .collect();
                    format!("new {numbers:?} lines {lines:?}")
                }
                other => panic!("{other:?}"),
            });
            let Imported { changed_hours, unchanged_hours, lines } = decision.receipt;
            let changes: String = changes.collect();
            assert_eq!(decision.record.is_some(), changed_hours > 0);
            format!("{changed_hours} of {} hours, {lines} lines: {changes}", changed_hours + unchanged_hours)
        })
    }

    #[test]
    fn hours_are_replaced_whole_and_only_where_they_differ() {
        let import = import();
        assert_eq!(check(&import, state()), "2 of 2 hours, 2 lines: new [4] lines [[(3, 8), (4, 7)], []]");
        let mut known = state();
        known.hours.insert(import.hours[1].hour, Vec::new());
        assert_eq!(check(&import, known.clone()), "1 of 2 hours, 2 lines: new [4] lines [[(3, 8), (4, 7)]]");
        known.numbers.insert(resource("Standard_D4s_v5"), 4);
        known.hours.insert(import.hours[0].hour, vec![line(3, 8), line(4, 7)]);
        assert_eq!(check(&import, known), "0 of 2 hours, 2 lines: ");
    }

    #[test]
    fn what_cannot_be_is_refused_and_named() {
        let with = |change: &dyn Fn(&mut ImportUsage)| {
            let mut import = import();
            change(&mut import);
            check(&import, state())
        };
        for (wrong, expected) in [
            (with(&|i| i.hours[1].hour -= 1), "is given twice"),
            (with(&|i| i.hours[1].hour += 1), "is not over yet"),
            (with(&|i| i.hours[0].lines[1].line = 7), "has the line 7 twice"),
            (with(&|i| i.hours[0].lines[1].resource = 2), "is of resource 2, of which there are 2"),
            (with(&|i| i.hours[0].lines[1].resource = -1), "is of resource -1"),
            (with(&|i| i.hours[0].lines[1].quantity_e6 = AMOUNT_BOUND), "more than 12 digits"),
            (with(&|i| i.resources[0].unit_price_e6 = i64::MIN), "more than 12 digits"),
            (with(&|i| i.resources[0].sku = String::new()), "`armSkuName` is empty"),
            (with(&|i| i.resources[1].resource = "a\nb".to_owned()), "`resourceId` is empty"),
            (with(&|i| i.resources[0].subscription = SubscriptionId(uuid::Uuid::nil())), "has sold no subscription"),
        ] {
            assert!(wrong.contains(expected), "{wrong}: {expected}");
        }
    }

    #[test]
    fn the_resource_group_is_read_without_regard_to_case() {
        let group = |id: &str| UsageResource { resource: id.to_owned(), ..resource("a") }.group();
        assert_eq!(group("/subscriptions/33/RESOURCEGROUPS/App/providers/x/y/z"), Some("app".to_owned()));
        assert_eq!(group("/subscriptions/33/resourceGroups/"), None);
        assert_eq!(group("vm-1"), None);
    }
}
