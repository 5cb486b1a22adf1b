//! Changes after the purchase: loads.

use fullmakt_domain::authz::Permit;
use fullmakt_domain::obstacle::PartnerContact;
use fullmakt_domain::reservation_update::{ChangePurchase, UpdateReservation, UpdateState};

use crate::db::Tx;
use crate::door::Load;
use crate::row::Fault;
use crate::{purchase, reservation, subscription};

impl Load for UpdateReservation {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<UpdateState, Fault> {
        let customer = permit.customer();
        let found = reservation::load(customer, self.order, tx).await?;
        let (partner, _) = purchase::parties(customer, permit.partner(), tx).await?;
        let scope_in_context = match (&self.scope, &found) {
            (Some(scope), Some(found)) => {
                let billing = subscription::load(customer, found.order.subscription, tx).await?;
                purchase::in_context(customer, billing.as_ref(), scope, tx).await?
            }
            _ => true,
        };
        Ok(UpdateState { found, partner, scope_in_context })
    }
}

impl Load for ChangePurchase {
    async fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> Result<Option<PartnerContact>, Fault> {
        let customer = permit.customer();
        let partner = match permit.facts().partner {
            Some(partner) => Some(partner),
            None => subscription::any_partner(customer, tx).await?,
        };
        match partner {
            Some(partner) => Ok(Some(purchase::parties(customer, partner, tx).await?.0)),
            None => Ok(None),
        }
    }
}
