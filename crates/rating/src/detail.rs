//! What a FOCUS row says of its charge beside what rating needs. It goes through a run as one text, so that a line stays small.

/// The descriptive columns that go from the usage to the outcome as they are.
pub const DETAILS: [&str; 19] = [
    "AvailabilityZone",
    "BillingAccountName",
    "ChargeDescription",
    "InvoiceIssuerName",
    "ListUnitPrice",
    "ProviderName",
    "PublisherName",
    "RegionName",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountName",
    "Tags",
];

/// The values of [`DETAILS`], or what stands for them; an empty one is null.
pub type Details<'a> = [&'a str; DETAILS.len()];

/// Appends the values as one text: their lengths, then all of them.
pub fn join<'a>(values: impl Iterator<Item = &'a [u8]> + Clone, out: &mut Vec<u8>) {
    for value in values.clone() {
        out.extend_from_slice(value.len().to_string().as_bytes());
        out.push(b' ');
    }
    values.for_each(|value| out.extend_from_slice(value));
}

/// Takes a joined text apart. A text that is none gives empty values.
pub fn split(text: &str) -> Details<'_> {
    let mut values = [""; DETAILS.len()];
    let mut lengths = [0_usize; DETAILS.len()];
    let mut rest = text;
    for length in &mut lengths {
        let Some((number, after)) = rest.split_once(' ') else { return values };
        *length = number.parse().unwrap_or(0);
        rest = after;
    }
    for (value, length) in values.iter_mut().zip(lengths) {
        let Some((found, after)) = rest.split_at_checked(length) else { return values };
        (*value, rest) = (found, after);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_joined_comes_apart() {
        let mut values: Details<'_> = [""; DETAILS.len()];
        (values[0], values[3], values[18]) = ("1", "Företaget, 12 ", "{\"a\": \"b\"}");
        let mut joined = Vec::new();
        join(values.iter().map(|value| value.as_bytes()), &mut joined);
        assert_eq!(split(std::str::from_utf8(&joined).unwrap()), values);
        assert_eq!(split(""), [""; DETAILS.len()]);
    }
}
