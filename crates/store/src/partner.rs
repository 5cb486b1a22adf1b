//! Partners: answers.

use fullmakt_domain::authz::Permit;
use fullmakt_domain::market::Country;
use fullmakt_domain::obstacle::PartnerContact;
use fullmakt_domain::partner::{GetBillingPartner, GetPartner, Partner};

use crate::db::{Tx, on};
use crate::door::Answer;
use crate::purchase;
use crate::row::{Fault, known};

#[derive(serde::Deserialize)]
struct PartnerRow {
    name: String,
    domain: String,
    country: String,
    support_email: Option<String>,
    support_phone: Option<String>,
    support_url: Option<String>,
}

impl Answer for GetPartner {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Self::Answer, Fault> {
        let id = permit.partner();
        let row: Option<PartnerRow> = on!(tx, conn => sqlx::query_as(
            "SELECT t.name, t.domain, p.country, p.support_email, p.support_phone, p.support_url
             FROM partner p JOIN tenant t ON t.tenant_id = p.partner_id WHERE p.partner_id = $1")
            .bind(id.to_string()).fetch_optional(conn).await)?;
        row.map(|row| {
            Ok(Partner {
                id,
                name: row.name,
                domain: row.domain,
                country: known("country", &row.country, Country::parse(&row.country).ok())?,
                support_email: row.support_email,
                support_phone: row.support_phone,
                support_url: row.support_url,
            })
        })
        .transpose()
    }
}

impl Answer for GetBillingPartner {
    async fn answer(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<PartnerContact>, Fault> {
        if !self.shows(permit) || permit.facts().partner.is_none() {
            return Ok(None);
        }
        Ok(Some(purchase::parties(permit.customer(), permit.partner(), tx).await?.0))
    }
}
