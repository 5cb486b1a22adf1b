//! What people do in the tests, in words.

use crate::answer::Answer;
use crate::site::{Ask, Audience, Site};
use crate::story::PRODUKTION;
use axum::http::Method;
use serde_json::{Value, json};

const CALCULATE_PRICE: &str = "/providers/Microsoft.Capacity/calculatePrice?api-version=2022-11-01";

/// Someone who acts on a site.
#[derive(Clone)]
pub struct Persona {
    site: Site,
    /// The directory they sign in to.
    pub tenant: String,
    /// Their object id.
    pub id: String,
    secret: Secret,
}

/// How someone proves who they are.
#[derive(Clone)]
pub(crate) enum Secret {
    User { upn: String, password: String },
    Application { client: String, secret: String },
}

/// What someone wants to buy.
#[derive(Debug, Clone)]
pub struct Purchase {
    /// How many.
    pub quantity: u32,
    /// Of what.
    pub sku: String,
    /// The Azure subscription it is bought with.
    pub subscription: String,
    /// `P1Y` or `P3Y`.
    pub term: String,
    /// `Upfront` or `Monthly`.
    pub billing_plan: String,
    /// Where.
    pub location: String,
    /// What it is called.
    pub name: String,
}

impl Purchase {
    /// So many of that, for a year, paid upfront, with Fjällräven's subscription.
    pub fn of(quantity: u32, sku: &str) -> Self {
        Self {
            quantity,
            sku: sku.to_owned(),
            subscription: PRODUKTION.to_owned(),
            term: "P1Y".to_owned(),
            billing_plan: "Upfront".to_owned(),
            location: "swedencentral".to_owned(),
            name: "prov".to_owned(),
        }
    }

    /// With another subscription.
    pub fn with(mut self, subscription: &str) -> Self {
        subscription.clone_into(&mut self.subscription);
        self
    }

    /// Under another name.
    pub fn called(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Paid month by month.
    pub fn monthly(mut self) -> Self {
        "Monthly".clone_into(&mut self.billing_plan);
        self
    }

    /// The body of the request, as the SDKs send it.
    pub fn body(&self) -> Value {
        json!({
            "sku": {"name": self.sku},
            "location": self.location,
            "properties": {
                "reservedResourceType": "VirtualMachines",
                "billingScopeId": format!("/subscriptions/{}", self.subscription),
                "term": self.term,
                "billingPlan": self.billing_plan,
                "quantity": self.quantity,
                "displayName": self.name,
                "appliedScopeType": "Shared",
                "appliedScopes": null,
                "renew": false,
                "reservedResourceProperties": {"instanceFlexibility": "On"},
            },
        })
    }
}

impl Persona {
    pub(crate) fn new(site: &Site, tenant: &str, id: &str, secret: Secret) -> Self {
        Self { site: site.clone(), tenant: tenant.to_owned(), id: id.to_owned(), secret }
    }

    /// The name to sign in with; empty for an application.
    pub fn upn(&self) -> &str {
        match &self.secret {
            Secret::User { upn, .. } => upn,
            Secret::Application { .. } => "",
        }
    }

    /// The password to sign in with; empty for an application.
    pub fn password(&self) -> &str {
        match &self.secret {
            Secret::User { password, .. } => password,
            Secret::Application { .. } => "",
        }
    }

    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    /// A token for an API; fetched once.
    pub async fn token(&self, audience: Audience) -> String {
        match &self.secret {
            Secret::User { upn, password } => self.site.user_token(&self.tenant, upn, password, audience).await,
            Secret::Application { client, secret } => {
                self.site.application_token(&self.tenant, client, secret, audience).await
            }
        }
    }

    /// Begins a request to whichever API the path is of.
    pub async fn ask(&self, method: Method, path: &str) -> Ask {
        let lower = path.to_lowercase();
        let partner_center =
            lower.starts_with("/v1/") || lower.starts_with("/webhooks/") || lower.starts_with("/audit");
        let audience = if partner_center { Audience::PartnerCenter } else { Audience::Arm };
        let token = self.token(audience).await;
        self.site.ask(method, path).bearer(&token)
    }

    /// GET.
    pub async fn reads(&self, path: &str) -> Answer {
        self.ask(Method::GET, path).await.send().await
    }

    /// PUT, POST or PATCH with a JSON body.
    pub async fn sends(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.ask(method, path).await.json(body).send().await
    }

    /// DELETE.
    pub async fn deletes(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path).await.send().await
    }

    /// Turns *Allow customer to purchase* on.
    pub async fn grants_self_serve(&self, customer: &str) -> Answer {
        let body = json!({
            "selfServeEntity": {"selfServeEntityType": "customer", "tenantID": customer},
            "grantor": {"grantorType": "billToPartner", "tenantID": self.tenant},
            "permissions": [{"resource": "AzureReservedInstances", "action": "Purchase"}],
            "attributes": {"objectType": "SelfServePolicy"},
        });
        self.sends(Method::POST, "/v1/SelfServePolicy", &body).await
    }

    /// Turns it off.
    pub async fn revokes_self_serve(&self, customer: &str) -> Answer {
        self.deletes(&format!("/v1/SelfServePolicy/{}_{customer}", self.tenant)).await
    }

    /// The policies of a customer.
    pub async fn reads_self_serve(&self, customer: &str) -> Answer {
        self.reads(&format!("/v1/SelfServePolicy?entity_id={customer}")).await
    }

    /// The order history of a customer.
    pub async fn reads_orders(&self, customer: &str) -> Answer {
        self.reads(&format!("/v1/customers/{customer}/orders")).await
    }

    /// The activity log.
    pub async fn reads_audit_records(&self) -> Answer {
        self.reads("/v1/auditrecords").await
    }

    /// Asks for the price; the answer names the order to buy.
    pub async fn asks_price(&self, purchase: &Purchase) -> Answer {
        self.sends(
            Method::POST,
            "/providers/Microsoft.Capacity/calculatePrice?api-version=2022-11-01",
            &purchase.body(),
        )
        .await
    }

    /// Buys what was quoted under an order id.
    pub async fn buys_quoted(&self, order: &str, purchase: &Purchase) -> Answer {
        self.sends(Method::PUT, &order_path(order), &purchase.body()).await
    }

    /// As [`Persona::asks_price`], of a server that may be gone.
    ///
    /// # Errors
    /// When no whole answer came.
    pub async fn tries_price(&self, purchase: &Purchase) -> Result<Answer, reqwest::Error> {
        self.ask(Method::POST, CALCULATE_PRICE).await.json(&purchase.body()).attempt().await
    }

    /// As [`Persona::buys_quoted`], of a server that may be gone.
    ///
    /// # Errors
    /// When no whole answer came.
    pub async fn tries_quoted(&self, order: &str, purchase: &Purchase) -> Result<Answer, reqwest::Error> {
        self.ask(Method::PUT, &order_path(order)).await.json(&purchase.body()).attempt().await
    }

    /// Asks for the price and buys at it. A refused quote is the answer, too.
    pub async fn purchases(&self, purchase: &Purchase) -> Answer {
        let quote = self.asks_price(purchase).await;
        if !quote.status.is_success() {
            return quote;
        }
        self.buys_quoted(&quoted_order(&quote), purchase).await
    }

    /// Buys so many of that, for a year, with Fjällräven's subscription.
    pub async fn buys(&self, quantity: u32, sku: &str) -> Answer {
        self.purchases(&Purchase::of(quantity, sku)).await
    }

    /// Gives someone a role on a scope.
    pub async fn assigns(&self, role: &str, principal: &str, scope: &str) -> Answer {
        let id = uuid::Uuid::new_v4();
        let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{id}?api-version=2022-04-01");
        let definition = format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{role}");
        let body =
            json!({"properties": {"roleDefinitionId": definition, "principalId": principal, "principalType": "User"}});
        self.sends(Method::PUT, &path, &body).await
    }
}

/// The order that a quote names.
///
/// # Panics
/// When the answer is no quote.
pub fn quoted_order(quote: &Answer) -> String {
    let order = &quote.json()["properties"]["reservationOrderId"];
    order.as_str().unwrap_or_else(|| panic!("no quote: {quote}")).to_owned()
}

/// The path of a reservation order, with the version the SDKs ask for.
pub fn order_path(order: &str) -> String {
    format!("/providers/Microsoft.Capacity/reservationOrders/{order}?api-version=2022-11-01")
}
