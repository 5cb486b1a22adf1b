//! Lines of carts and of orders, as callers write them.

use fullmakt_domain::basket::{AskedLine, Unsupported};

use super::Failure;
use super::body::Node;

/// Most lines that one cart or order may have.
const LINES_MAX: usize = 200;

/// Reads the lines of a cart or an order. `item` names the member with the catalogue item; a line without a billing cycle
/// of its own has that of the order.
///
/// # Errors
/// 400/800002 for what cannot be kept as it is: a missing member, a text where a number belongs. What is merely wrong is
/// for the decision to say, line by line.
pub fn read(root: &Node<'_>, item: &[&str], of_order: Option<&str>) -> Result<Vec<AskedLine>, Failure> {
    let list = root.get("lineItems")?;
    let nodes = list.items()?;
    if nodes.is_empty() {
        return Err(list.wrong("must have at least one entry"));
    }
    if nodes.len() > LINES_MAX {
        return Err(list.wrong(&format!("has more than {LINES_MAX} entries, use several carts")));
    }
    nodes.iter().map(|node| line(node, item, of_order)).collect()
}

fn line(node: &Node<'_>, item_names: &[&str], of_order: Option<&str>) -> Result<AskedLine, Failure> {
    let mut item = None;
    for name in item_names {
        item = item.or(node.get(name)?.text_within(256)?);
    }
    let missing = || item_names.first().map_or_else(|| node.missing(), |name| missing(node, name));
    let item = item.ok_or_else(missing)?;
    let quantity = node.get("quantity")?;
    let quantity = quantity.whole()?.ok_or_else(|| quantity.missing())?;
    let cycle = node.get("billingCycle")?;
    let billing_cycle = match (cycle.text_within(64)?, of_order) {
        // An order has one billing cycle; its lines have none, or the one that a library sends for none.
        (_, Some(of_order)) => of_order.to_owned(),
        (Some(own), None) => own,
        (None, None) => return Err(cycle.missing()),
    };
    let context = node.get("provisioningContext")?;
    let entries = context.dictionary()?;
    let provisioning =
        |key: &str| -> Result<Option<String>, Failure> {
            let value = entries.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
            match value.filter(|value| !value.is_empty()) {
                Some(value) if value.chars().count() > 64 || value.chars().any(char::is_control) => Err(context
                    .wrong(&format!("has a `{key}` that is longer than 64 characters or has control characters"))),
                value => Ok(value),
            }
        };
    Ok(AskedLine {
        item,
        quantity,
        billing_cycle,
        term: node.get("termDuration")?.text_within(64)?,
        subscription: provisioning("subscriptionid")?,
        scope: provisioning("scope")?,
        duration: provisioning("duration")?,
        name: node.get("friendlyName")?.text_within(128)?,
        currency: node.get("currencyCode")?.text_within(16)?,
        unsupported: unsupported(node)?,
    })
}

/// What the line asks for that this server does not do.
fn unsupported(node: &Node<'_>) -> Result<Option<Unsupported>, Failure> {
    let list = |name| -> Result<bool, Failure> { Ok(!node.get(name)?.items()?.is_empty()) };
    let found = if list("participants")? {
        Some(Unsupported::Participants)
    } else if node.get("promotionId")?.text()?.is_some() {
        Some(Unsupported::Promotion)
    } else if node.get("customTermEndDate")?.date()?.is_some() {
        Some(Unsupported::CustomTermEnd)
    } else if list("addonItems")? {
        Some(Unsupported::Addons)
    } else if node.get("renewsTo")?.get("termDuration")?.text()?.is_some() {
        Some(Unsupported::RenewsTo)
    } else {
        None
    };
    Ok(found)
}

fn missing(node: &Node<'_>, name: &str) -> Failure {
    Failure::input(format!("`{}.{name}` is missing", node.path()))
}
