//! The page that publishes every refusal with its faces on the wire.

use expect_test::expect_file;
use fullmakt_domain::refusal::Refusal;
use fullmakt_domain::refusal_samples::{name, obstacles, samples};

use crate::arm::error::face;
use crate::partner_center::Failure;

#[test]
fn every_refusal_is_published_with_its_faces() {
    let mut page = String::from(
        "# Why a request is turned down\n\n\
         Made by a test from `crates/domain/src/refusal.rs` and the edges; do not edit by hand.\n\n\
         A refusal is for someone who may ask, but not for this, not now or not so. Who may ask at all is in\n\
         [authorization.md](authorization.md). The texts hold sample values. The own API answers every refusal with 409 and\n\
         the text as `detail`.\n\n\
         | refusal | Partner Center | Azure Resource Manager | text |\n|---|---|---|---|\n",
    );
    for refusal in samples() {
        page.push_str(&row(name(&refusal), &refusal));
    }
    page.push_str(
        "\n## What may stand in the way of a purchase\n\n\
         `PurchaseNotAllowed` names all of these that apply, in this order, each with its remedy: in Azure Resource Manager\n\
         as `error.details`, at `/fullmakt/v1/can-buy` as `obstacles`. Below is what each looks like alone.\n\n\
         | obstacle | Partner Center | Azure Resource Manager | text and remedy |\n|---|---|---|---|\n",
    );
    for obstacle in obstacles() {
        let code = obstacle.code();
        page.push_str(&row(code, &Refusal::PurchaseNotAllowed { obstacles: vec![obstacle] }));
    }
    expect_file!["../../../docs/refusals.md"].assert_eq(&page);
}

fn row(name: &str, refusal: &Refusal) -> String {
    let (status, code) = face(refusal);
    let failure = Failure::from(refusal.clone());
    let text = refusal.to_string();
    let text = text.strip_prefix("the purchase is not possible: ").unwrap_or(&text);
    format!(
        "| {name} | {} {} | {} {code} | {} |\n",
        failure.status().as_u16(),
        failure.code.face().1,
        status.as_u16(),
        text.replace('|', "\\|"),
    )
}
