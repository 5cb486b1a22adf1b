//! What an item of the catalogue is told by: term, billing plan, quantity, kind, region, SKU.

use std::cmp::Ordering;
use std::fmt;

/// A text that is not one of the words, or not of the form, that the catalogue knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct InvalidValue {
    /// What was given, cut to 64 characters.
    pub text: String,
    /// What would have been right: `a term such as P1Y or P3Y`.
    pub expected: &'static str,
}

impl InvalidValue {
    pub(crate) fn new(text: &str, expected: &'static str) -> Self {
        Self { text: text.chars().take(64).collect(), expected }
    }
}

/// How long a reservation lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Term {
    /// One year.
    P1Y,
    /// Three years.
    P3Y,
    /// Five years.
    P5Y,
}

impl Term {
    /// All terms, the shortest first.
    pub const ALL: [Self; 3] = [Self::P1Y, Self::P3Y, Self::P5Y];

    /// Reads `P1Y`, `P3Y`, `P5Y` in either case.
    ///
    /// # Errors
    /// [`InvalidValue`].
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        Self::ALL
            .into_iter()
            .find(|term| term.code().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| InvalidValue::new(text, "a term: P1Y, P3Y or P5Y"))
    }

    /// Reads the spellings of Partner Center: `1Year`, `3Years`, `3Year`, and the codes of [`Term::parse`].
    ///
    /// # Errors
    /// [`InvalidValue`].
    pub fn parse_duration(text: &str) -> Result<Self, InvalidValue> {
        let lower = text.trim().to_ascii_lowercase();
        let singular = lower.strip_suffix('s').unwrap_or(&lower);
        Self::ALL
            .into_iter()
            .find(|term| singular == format!("{}year", term.years()))
            .map_or_else(|| Self::parse(text), Ok)
            .map_err(|_| InvalidValue::new(text, "a duration: 1Year, 3Years or 5Years"))
    }

    /// `P1Y`, `P3Y`, `P5Y`.
    pub fn code(self) -> &'static str {
        match self {
            Self::P1Y => "P1Y",
            Self::P3Y => "P3Y",
            Self::P5Y => "P5Y",
        }
    }

    /// `1Year`, `3Years`, `5Years`, as Partner Center's SKUs spell it.
    pub fn duration(self) -> &'static str {
        match self {
            Self::P1Y => "1Year",
            Self::P3Y => "3Years",
            Self::P5Y => "5Years",
        }
    }

    /// `1 Year`, `3 Years`, `5 Years`, for titles.
    pub fn title(self) -> &'static str {
        match self {
            Self::P1Y => "1 Year",
            Self::P3Y => "3 Years",
            Self::P5Y => "5 Years",
        }
    }

    /// The number of years.
    pub fn years(self) -> i16 {
        match self {
            Self::P1Y => 1,
            Self::P3Y => 3,
            Self::P5Y => 5,
        }
    }

    /// The number of months, which is the number of monthly instalments.
    pub fn months(self) -> u32 {
        match self {
            Self::P1Y => 12,
            Self::P3Y => 36,
            Self::P5Y => 60,
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// How a reservation is paid. Both plans cost the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BillingPlan {
    /// All at the purchase.
    Upfront,
    /// One instalment a month, the first at the purchase.
    Monthly,
}

impl BillingPlan {
    /// Both plans.
    pub const ALL: [Self; 2] = [Self::Upfront, Self::Monthly];

    /// Reads `Upfront` or `Monthly` (also `P1M`) in either case.
    ///
    /// # Errors
    /// [`InvalidValue`].
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        match text.trim().to_ascii_lowercase().as_str() {
            "upfront" => Ok(Self::Upfront),
            "monthly" | "p1m" => Ok(Self::Monthly),
            _ => Err(InvalidValue::new(text, "a billing plan: Upfront or Monthly")),
        }
    }

    /// `Upfront`, `Monthly`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Upfront => "Upfront",
            Self::Monthly => "Monthly",
        }
    }
}

impl fmt::Display for BillingPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How many identical instances one order covers: 1 to [`Quantity::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(u16);

/// A number of instances that one order cannot cover.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("quantity `{asked}` is outside 1 to {max}", max = Quantity::MAX)]
pub struct QuantityOutOfRange {
    /// The number asked for.
    pub asked: i64,
}

impl Quantity {
    /// Largest quantity one order may name, in instances.
    pub const MAX: u16 = 1_000;

    /// Takes a number of instances.
    ///
    /// # Errors
    /// [`QuantityOutOfRange`].
    pub fn new(instances: i64) -> Result<Self, QuantityOutOfRange> {
        match u16::try_from(instances) {
            Ok(n @ 1..=Self::MAX) => Ok(Self(n)),
            _ => Err(QuantityOutOfRange { asked: instances }),
        }
    }

    /// The number of instances.
    pub fn instances(self) -> i64 {
        i64::from(self.0)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! resource_types {
    ($($name:ident $($title:literal)?,)*) => {
        /// What kind of resource a reservation is for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "the names are the wire's own words and nothing more can be said of them")]
        pub enum ReservedResourceType { $($name,)* }

        impl ReservedResourceType {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name on the wire: `VirtualMachines`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

resource_types! {
    VirtualMachines, SqlDatabases, SuseLinux, CosmosDb, RedHat, SqlDataWarehouse, VMwareCloudSimple, RedHatOsa,
    Databricks, AppService, ManagedDisk, BlockBlob, RedisCache, AzureDataExplorer, MySql, MariaDb, PostgreSql,
    DedicatedHost, SapHana, SqlAzureHybridBenefit, AVS, DataFactory, NetAppStorage, AzureFiles, SqlEdge,
    VirtualMachineSoftware,
}

impl ReservedResourceType {
    /// Reads a name in either case.
    ///
    /// # Errors
    /// [`InvalidValue`].
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.name().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| InvalidValue::new(text, "a reserved resource type such as VirtualMachines"))
    }

    /// What stands before the SKU in titles of orders and quotes.
    pub fn title(self) -> &'static str {
        match self {
            Self::VirtualMachines => "Reserved VM Instance",
            _ => "Reserved Capacity",
        }
    }
}

impl fmt::Display for ReservedResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name of a region: `westeurope`. Global products have the region `global`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(String);

/// Names of regions and how titles spell them.
const TITLES: &[(&str, &str)] = &[
    ("westeurope", "EU West"),
    ("northeurope", "EU North"),
    ("swedencentral", "SE Central"),
    ("swedensouth", "SE South"),
    ("norwayeast", "NO East"),
    ("francecentral", "FR Central"),
    ("germanywestcentral", "DE West Central"),
    ("switzerlandnorth", "CH North"),
    ("uksouth", "UK South"),
    ("ukwest", "UK West"),
    ("eastus", "US East"),
    ("eastus2", "US East 2"),
    ("centralus", "US Central"),
    ("northcentralus", "US North Central"),
    ("southcentralus", "US South Central"),
    ("westus", "US West"),
    ("westus2", "US West 2"),
    ("westus3", "US West 3"),
    ("canadacentral", "CA Central"),
    ("canadaeast", "CA East"),
    ("brazilsouth", "BR South"),
    ("australiaeast", "AU East"),
    ("japaneast", "JA East"),
    ("japanwest", "JA West"),
    ("koreacentral", "KR Central"),
    ("koreasouth", "KR South"),
    ("southeastasia", "AP Southeast"),
    ("eastasia", "AP East"),
];

impl Region {
    /// Reads a region's name (`westus`) or its display form (`West US`): letters and digits, blanks and case do not count.
    ///
    /// # Errors
    /// [`InvalidValue`] for other characters and for more than 40 of them. Whether anything is sold there is the catalogue's to say.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let name: String = text.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_lowercase()).collect();
        if (1..=40).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric()) {
            Ok(Self(name))
        } else {
            Err(InvalidValue::new(text, "the name of a region such as westeurope"))
        }
    }

    /// Reads what a person enters: as [`Self::parse`] does, or the title as [`Self::title`] gives it, without regard to case.
    ///
    /// # Errors
    /// [`InvalidValue`].
    pub fn entered(text: &str) -> Result<Self, InvalidValue> {
        let titled = TITLES.iter().find(|(_, title)| title.eq_ignore_ascii_case(text.trim()));
        Self::parse(titled.map_or(text, |(name, _)| name))
    }

    /// The name, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as titles spell it, `EU West`; the plain name for a region that is not on the list.
    pub fn title(&self) -> &str {
        TITLES.iter().find(|(name, _)| *name == self.0).map_or(&self.0, |(_, title)| title)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A SKU's name, `Standard_D2s_v5`: compared without regard to case, written as the catalogue spells it.
#[derive(Debug, Clone)]
pub struct SkuName(String);

impl SkuName {
    /// Reads a name: 1 to 100 letters, digits, `_`, `-`, `.`, `+`, `/` or blanks.
    ///
    /// # Errors
    /// [`InvalidValue`].
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let name = text.trim();
        let fits = (1..=100).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.+/ ".contains(&b));
        if fits { Ok(Self(name.to_owned())) } else { Err(InvalidValue::new(text, "a SKU such as Standard_D2s_v5")) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without `Standard_`, as titles in pages show it.
    pub fn short(&self) -> &str {
        self.0.strip_prefix("Standard_").unwrap_or(&self.0)
    }

    fn folded(&self) -> impl Iterator<Item = u8> {
        self.0.bytes().map(|b| b.to_ascii_lowercase())
    }
}

impl PartialEq for SkuName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for SkuName {}

impl Ord for SkuName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(other.folded())
    }
}

impl PartialOrd for SkuName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::hash::Hash for SkuName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.folded().for_each(|b| state.write_u8(b));
        state.write_u8(0xff);
    }
}

impl fmt::Display for SkuName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
