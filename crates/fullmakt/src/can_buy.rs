//! `fullmakt can-buy`: may this person buy this, and if not, why not (G04).

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use fullmakt_domain::catalog::{BillingPlan, Quantity, Region, ReservedResourceType, SkuName, Term};
use fullmakt_domain::ids::{CustomerId, SubscriptionId};
use fullmakt_domain::obstacle::{CanBuy as Question, Item, Verdict, Who};
use fullmakt_domain::reservation::AppliedScope;
use fullmakt_server::Clock;
use fullmakt_store::Store;
use fullmakt_store::authn::{self, TenantKind};
use serde_json::{Value, json};

use crate::ask;
use crate::cli::PlaceArgs;
use crate::config::Environment;
use crate::serve;

/// May this user buy this, and if not, what is missing?
///
/// Asks the same decision as the purchase itself and changes nothing. Everything that stands in the way is said at once,
/// each with its remedy.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fullmakt can-buy --data ./data --user olle@exempel.example
      Anything at all, on any subscription?
  fullmakt can-buy --data ./data --user olle@exempel.example --sku Standard_D2s_v5 --region swedencentral --term P1Y
  fullmakt can-buy --data ./data --user olle@exempel.example --json | jq .allowed

Exit status: 0 answered, yes or no; 1 it could not be answered.")]
pub struct CanBuy {
    #[command(flatten)]
    place: PlaceArgs,
    /// Who wants to buy: a user's name, or the object id or client id of an application
    #[arg(long, value_name = "USER")]
    user: String,
    /// With which Azure subscription [default: the one that fits best]
    #[arg(long, value_name = "ID", value_parser = SubscriptionId::parse)]
    subscription: Option<SubscriptionId>,
    /// What: a SKU such as Standard_D2s_v5 [default: anything]
    #[arg(long, value_parser = SkuName::parse, requires = "region")]
    sku: Option<SkuName>,
    /// In which region, such as swedencentral
    #[arg(long, value_parser = Region::parse, requires = "sku")]
    region: Option<Region>,
    /// P1Y, P3Y or P5Y
    #[arg(long, value_parser = Term::parse, default_value = "P1Y")]
    term: Term,
    /// Upfront or Monthly
    #[arg(long, value_parser = BillingPlan::parse, default_value = "Upfront")]
    billing_plan: BillingPlan,
    /// How many
    #[arg(long, value_parser = quantity, default_value = "1")]
    quantity: Quantity,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

fn quantity(text: &str) -> Result<Quantity, String> {
    let number: i64 = text.parse().map_err(|_| "a quantity is a whole number".to_owned())?;
    Quantity::new(number).map_err(|error| error.to_string())
}

impl CanBuy {
    /// Asks, and says what the answer is.
    ///
    /// # Errors
    /// When there is no such user or subscription, or the database cannot be used.
    pub async fn run(&self, environment: Environment, out: &mut (dyn Write + Send)) -> anyhow::Result<ExitCode> {
        let store = serve::open(&self.place.resolve(environment)?).await?;
        if !store.is_ready().await? {
            bail!("the database has not this version's schema: run `fullmakt migrate`");
        }
        let verdict = self.ask(&store).await;
        store.close().await;
        let verdict = verdict?;
        let text = if self.json { format!("{}\n", as_json(&verdict)) } else { as_text(&verdict) };
        out.write_all(text.as_bytes()).context("cannot write the answer")?;
        Ok(ExitCode::SUCCESS)
    }

    async fn ask(&self, store: &Store) -> anyhow::Result<Verdict> {
        let buyer = ask::principal(store, &self.user).await?;
        let home = authn::tenant(store, &buyer.home.to_string()).await?;
        if home.is_none_or(|home| home.kind != TenantKind::Customer) {
            bail!("`{}` belongs to no customer", self.user);
        }
        let item = self.sku.clone().zip(self.region.clone()).map(|(sku, region)| Item {
            resource_type: ReservedResourceType::VirtualMachines,
            sku,
            region,
            term: self.term,
            plan: self.billing_plan,
            quantity: self.quantity,
        });
        let question = Question {
            customer: CustomerId(buyer.home.0),
            buyer: Who::Id(buyer.id),
            subscription: self.subscription,
            item,
            scope: AppliedScope::Shared,
            now: Clock::real().now(),
        };
        // Whoever may read the database may ask in the buyer's name.
        let actor = ask::actor(buyer);
        match store.read(&actor, &question).await {
            Ok(Some(verdict)) => Ok(verdict),
            Ok(None) => match self.subscription {
                Some(id) => bail!("the customer of `{}` has no subscription `{id}`", self.user),
                None => bail!("no partner has bought a subscription for the customer of `{}`", self.user),
            },
            Err(error) => Err(error.into()),
        }
    }
}

fn as_text(verdict: &Verdict) -> String {
    let subscription = verdict.subscription.map(|id| format!(" with subscription {id}")).unwrap_or_default();
    let mut text = if verdict.obstacles.is_empty() {
        format!("yes: {} may buy{subscription}\n", verdict.buyer)
    } else {
        format!("no: {} may not buy{subscription}\n", verdict.buyer)
    };
    for obstacle in &verdict.obstacles {
        text.push_str(&format!("- {obstacle}\n  remedy: {}\n", obstacle.remedy()));
    }
    if let Some((price, list)) = &verdict.price {
        let currency = price.currency;
        text.push_str(&format!(
            "one instance costs {} {currency} for the term; list price {}\n",
            price.decimal(),
            list.decimal()
        ));
    }
    text
}

fn as_json(verdict: &Verdict) -> Value {
    let obstacles: Vec<Value> = verdict
        .obstacles
        .iter()
        .map(|o| json!({ "code": o.code(), "message": o.to_string(), "remedy": o.remedy() }))
        .collect();
    json!({
        "allowed": verdict.obstacles.is_empty(),
        "buyer": verdict.buyer,
        "subscriptionId": verdict.subscription.map(|id| id.to_string()),
        "missing": obstacles,
        "price": verdict.price.as_ref().map(|(price, list)| json!({
            "currency": price.currency.code(),
            "unitPrice": price.decimal().to_string(),
            "listPrice": list.decimal().to_string(),
        })),
    })
}
