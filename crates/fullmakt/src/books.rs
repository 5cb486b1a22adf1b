//! `fullmakt charges`, `statement` and `export`: what the ledger says, as files.

use std::io::Write;

use anyhow::{Context, bail};
use clap::Args;
use fullmakt_domain::billing::{ExportCustomer, Month, Period, ReadCharges, ReadStatement};
use fullmakt_domain::due::midnight;
use fullmakt_domain::ids::CustomerId;
use fullmakt_server::Clock;
use fullmakt_server::own::focus::{self, View};
use fullmakt_server::own::ledger;
use fullmakt_store::{Answer, ReadError, Store};
use jiff::civil::Date;

use crate::ask;
use crate::cli::PlaceArgs;
use crate::config::Environment;
use crate::serve;

/// Whose books, and who reads them.
#[derive(Debug, Args)]
struct Books {
    #[command(flatten)]
    place: PlaceArgs,
    /// The customer: its directory's id
    #[arg(long, value_name = "ID", value_parser = CustomerId::parse)]
    customer: CustomerId,
    /// In whose name: a Global administrator, Admin agent or Billing administrator of the partner, or its application
    #[arg(long, value_name = "USER")]
    user: String,
}

impl Books {
    async fn read<Q: Answer>(&self, environment: Environment, query: &Q) -> anyhow::Result<Q::Answer> {
        let store = serve::open(&self.place.resolve(environment)?).await?;
        let answer = self.ask(&store, query).await;
        store.close().await;
        answer
    }

    async fn ask<Q: Answer>(&self, store: &Store, query: &Q) -> anyhow::Result<Q::Answer> {
        if !store.is_ready().await? {
            bail!("the database has not this version's schema: run `fullmakt migrate`");
        }
        let actor = ask::actor(ask::principal(store, &self.user).await?);
        match store.read(&actor, query).await {
            Ok(answer) => Ok(answer),
            Err(ReadError::Denied(_)) => {
                bail!(
                    "`{}` may not read the books of customer `{}`, or there is no such customer",
                    self.user,
                    self.customer
                )
            }
            Err(ReadError::Fault(fault)) => Err(fault.into()),
        }
    }
}

/// Which days.
#[derive(Debug, Args)]
struct Days {
    /// The first day, in UTC [default: the first of this month]
    #[arg(long, value_name = "DAY")]
    from: Option<Date>,
    /// The first day that no longer counts [default: the first of the month after --from]
    #[arg(long, value_name = "DAY")]
    until: Option<Date>,
}

impl Days {
    fn period(&self) -> anyhow::Result<Period> {
        let from = self.from.unwrap_or_else(|| Month::of(Clock::real().now()).first_day());
        let until = self.until.unwrap_or_else(|| Month::of(midnight(from)).next().first_day());
        if until <= from {
            bail!("{until} is not after {from}, the first day");
        }
        Ok(Period { from: midnight(from), until: midnight(until) })
    }
}

/// What a customer was charged, in the columns of FOCUS 1.2, as CSV.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fullmakt charges --data ./data --user ada@nordmoln.example --customer 22222222-2222-4222-8222-222222222222
  fullmakt charges --data ./data --user ada@nordmoln.example --customer 22222222-2222-4222-8222-222222222222 \\
      --from 2026-11-01 --until 2026-12-01 --view partner > november.csv")]
pub struct Charges {
    #[command(flatten)]
    books: Books,
    #[command(flatten)]
    days: Days,
    /// Whose costs: `customer`, what it owes the partner; `partner`, what the partner owes its supplier
    #[arg(long, value_name = "WHOSE", default_value = "customer", value_parser = View::parse)]
    view: View,
}

impl Charges {
    /// Writes the charges.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn run(&self, environment: Environment, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
        let query = ReadCharges { customer: self.books.customer, period: self.days.period()? };
        let charges = self.books.read(environment, &query).await?;
        write(out, &focus::csv(&charges, self.view, Clock::real().now()))
    }
}

/// What a customer owes its partner, line by line, as CSV.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  fullmakt statement --data ./data --user ada@nordmoln.example --customer 22222222-2222-4222-8222-222222222222 \\
      --from 2026-11-01 > november.csv")]
pub struct Statement {
    #[command(flatten)]
    books: Books,
    #[command(flatten)]
    days: Days,
}

impl Statement {
    /// Writes the statement.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn run(&self, environment: Environment, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
        let query = ReadStatement { customer: self.books.customer, period: self.days.period()? };
        let statement = self.books.read(environment, &query).await?;
        write(out, &ledger::statement_csv(&statement))
    }
}

/// All that a customer's business left behind, as JSON Lines: orders, reservations, ledger, log.
///
/// The same history gives the same bytes.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  fullmakt export --data ./data --user ada@nordmoln.example --customer 22222222-2222-4222-8222-222222222222")]
pub struct Export {
    #[command(flatten)]
    books: Books,
}

impl Export {
    /// Writes the export.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn run(&self, environment: Environment, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
        let query = ExportCustomer { customer: self.books.customer };
        let export = self.books.read(environment, &query).await?;
        write(out, &ledger::export_lines(&export))
    }
}

fn write(out: &mut (dyn Write + Send), text: &str) -> anyhow::Result<()> {
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write the answer")
}
