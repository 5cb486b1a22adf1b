//! The size flexibility table: which SKUs a flexible reservation matches, and how much each counts.

use super::amount::Ratio;
use std::collections::BTreeMap;

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlexibilityRow {
    /// `InstanceSizeFlexibilityGroup`.
    pub group: String,
    /// `ArmSkuName`.
    pub sku: String,
    /// `Ratio`.
    pub ratio: Ratio,
}

/// What the table says of a SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// The number of its group.
    pub group: u32,
    /// Its ratio, divided by what the ratios of the group have in common.
    pub ratio: Ratio,
    /// Its ratio as the table has it.
    pub listed: Ratio,
}

/// The table, by SKU. Where a SKU is listed more than once, its first row counts.
#[derive(Clone, Debug, Default)]
pub struct Flexibility {
    sizes: BTreeMap<String, Size>,
}

impl Flexibility {
    /// Takes the rows in the order of the table.
    #[must_use]
    pub fn new(rows: impl IntoIterator<Item = FlexibilityRow>) -> Self {
        let mut groups: BTreeMap<String, u32> = BTreeMap::new();
        let mut sizes: BTreeMap<String, Size> = BTreeMap::new();
        let mut common: BTreeMap<u32, i128> = BTreeMap::new();
        for row in rows {
            let next = u32::try_from(groups.len()).unwrap_or(u32::MAX);
            let group = *groups.entry(row.group).or_insert(next);
            let divisor = common.entry(group).or_insert(0);
            sizes.entry(row.sku).or_insert_with(|| {
                *divisor = greatest_common_divisor(row.ratio.scaled(), *divisor);
                Size { group, ratio: row.ratio, listed: row.ratio }
            });
        }
        for size in sizes.values_mut() {
            size.ratio = size.ratio.divided_by(common[&size.group]);
        }
        Self { sizes }
    }

    /// The SKU's row; `None`: it is not listed, so it is a group of its own with ratio 1.
    #[must_use]
    pub fn size(&self, sku: &str) -> Option<Size> {
        self.sizes.get(sku).copied()
    }

    /// How many SKUs are listed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sizes.len()
    }

    /// Whether no SKU is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }
}

fn greatest_common_divisor(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(group: &str, sku: &str, ratio: &str) -> FlexibilityRow {
        FlexibilityRow { group: group.into(), sku: sku.into(), ratio: Ratio::parse(ratio).unwrap() }
    }

    #[test]
    fn the_first_row_of_a_sku_counts() {
        let table = Flexibility::new([row("a", "small", "2"), row("b", "small", "8"), row("b", "large", "3")]);
        let (small, large) = (table.size("small").unwrap(), table.size("large").unwrap());
        assert_ne!(small.group, large.group);
        assert_eq!(table.size("a"), None);
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn ratios_keep_their_quotient() {
        let table = Flexibility::new([row("a", "x", "28.8"), row("a", "y", "1"), row("a", "z", "2")]);
        let scaled = |sku| table.size(sku).unwrap().ratio.scaled();
        assert_eq!((scaled("x"), scaled("y"), scaled("z")), (144, 5, 10));
        assert_eq!(table.size("x").unwrap().listed, Ratio::parse("28.8").unwrap());
    }
}
