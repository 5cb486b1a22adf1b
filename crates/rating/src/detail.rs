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

/// Appends the values as one text: their lengths, then all of them.
pub fn join<'a>(values: impl Iterator<Item = &'a [u8]> + Clone, out: &mut Vec<u8>) {
    for value in values.clone() {
        out.extend_from_slice(value.len().to_string().as_bytes());
        out.push(b' ');
    }
    values.for_each(|value| out.extend_from_slice(value));
}
