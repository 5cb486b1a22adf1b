//! The guarded door: nothing reaches the data but an actor with a command or a query.

use std::future::Future;

use fullmakt_domain::activity::{Outcome, RecordDraft, RequestContext};
use fullmakt_domain::actor::Actor;
use fullmakt_domain::authz::{Command, Decision, Denied, Permit, Query, authorize};
use fullmakt_domain::refusal::Refusal;
use futures_util::FutureExt;

use crate::db::{Ending, Store, Tx};
use crate::facts::{self, Located};
use crate::row::Fault;
use crate::{activity, write};

/// How a command's state is loaded. The customer comes from the permit, not from the request.
pub trait Load: Command {
    /// Reads what the decision looks at, under the lock.
    #[doc(hidden)]
    fn load(&self, permit: &Permit<Self>, tx: &mut Tx<'_>) -> impl Future<Output = Result<Self::State, Fault>> + Send;
}

/// How a query is answered.
pub trait Answer: Query + Sized {
    /// Reads the answer.
    #[doc(hidden)]
    fn answer(
        &self,
        permit: &Permit<Self>,
        tx: &mut Tx<'_>,
    ) -> impl Future<Output = Result<Self::Answer, Fault>> + Send;
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Who.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Us.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// Who.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Why not.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Us.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<ReadError> for ExecuteError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Denied(denied) => Self::Denied(denied),
            ReadError::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl Store {
    /// Answers a query, if the actor may ask it.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn read<Q: Answer>(&self, actor: &Actor, query: &Q) -> Result<Q::Answer, ReadError> {
        let mut reader = self.reader().await?;
        let tx = &mut reader.tx();
        let located = facts::locate(actor, &query.target(), tx).await?;
        let facts = facts::find(actor, &located, tx).await?;
        let permit = authorize(query, actor, facts)?;
        Ok(query.answer(&permit, tx).await?)
    }

    /// Executes a command, if the actor may: decided, written and recorded in one transaction under the lock of its
    /// customer or partner. A refusal is recorded too.
    ///
    /// # Errors
    /// [`ExecuteError`].
    pub async fn execute<C: Load>(
        &self,
        actor: &Actor,
        command: &C,
        request: &RequestContext,
    ) -> Result<C::Receipt, ExecuteError> {
        let mut outcome = self.run(actor, command, request).await;
        if matches!(&outcome, Err(ExecuteError::Fault(fault)) if fault.is_overtaken()) {
            outcome = self.run(actor, command, request).await;
        }
        count(C::OPERATION.name, &outcome);
        outcome.map(|(_, receipt)| receipt)
    }

    /// As [`Store::execute`]; also tells whether anything changed.
    async fn run<C: Load>(
        &self,
        actor: &Actor,
        command: &C,
        request: &RequestContext,
    ) -> Result<(bool, C::Receipt), ExecuteError> {
        // Whoever may not gets no further, and so cannot hold the lock.
        let located = match self.admit(actor, command, request).await? {
            Admitted::ToTheLock(located) => located,
            Admitted::Decided(decided) => {
                return decided.map(|receipt| (false, receipt)).map_err(ExecuteError::Refused);
            }
        };
        let (actor, command, request) = (actor.clone(), command.clone(), *request);
        let outcome = self
            .write(move |tx| {
                async move {
                    let done = execute_locked(&actor, &command, &located, &request, tx).await?;
                    Ok::<_, ExecuteError>(match done {
                        Ok((Some(_), receipt)) => (Ending::Keep, Ok((true, receipt))),
                        Ok((None, receipt)) => (Ending::Undo, Ok((false, receipt))),
                        Err(refusal) => (Ending::Keep, Err(refusal)),
                    })
                }
                .boxed()
            })
            .await?;
        outcome.map_err(ExecuteError::Refused)
    }

    /// The unlocked look. Whoever may not hold the lock is decided about here, and nothing is written: only a refusal or a
    /// repeat of what was done already can come of it.
    async fn admit<C: Load>(
        &self,
        actor: &Actor,
        command: &C,
        request: &RequestContext,
    ) -> Result<Admitted<C::Receipt>, ExecuteError> {
        let mut reader = self.reader().await?;
        let tx = &mut reader.tx();
        let located = facts::locate(actor, &command.target(), tx).await?;
        let facts = facts::find(actor, &located, tx).await?;
        let permit = authorize(command, actor, facts)?;
        if command.may_lock(&permit) {
            return Ok(Admitted::ToTheLock(located));
        }
        let state = command.load(&permit, tx).await?;
        match command.decide(&permit, state, request.now) {
            Err(refusal) => Ok(Admitted::Decided(Err(refusal))),
            Ok(Decision { record: None, receipt, .. }) => Ok(Admitted::Decided(Ok(receipt))),
            // He has been let in between the two looks: he may wait for the lock like everyone else.
            Ok(_) => Ok(Admitted::ToTheLock(located)),
        }
    }
}

/// Counts a command and, where there is one, the kind of its refusal.
fn count<R>(operation: &'static str, outcome: &Result<(bool, R), ExecuteError>) {
    let word = match outcome {
        Ok((true, _)) => "succeeded",
        Ok((false, _)) => "unchanged",
        Err(ExecuteError::Denied(_)) => "denied",
        Err(ExecuteError::Refused(_)) => "refused",
        Err(ExecuteError::Fault(_)) => "failed",
    };
    metrics::counter!("fullmakt_commands_total", "operation" => operation, "outcome" => word).increment(1);
    if let Err(ExecuteError::Refused(refusal)) = outcome {
        // The name of the variant, without its values: those are chosen by callers.
        let kind: String = format!("{refusal:?}").chars().take_while(char::is_ascii_alphanumeric).collect();
        metrics::counter!("fullmakt_refusals_total", "operation" => operation, "kind" => kind).increment(1);
    }
}

/// What the unlocked look comes to.
enum Admitted<R> {
    /// He may wait for the lock of what the command is about.
    ToTheLock(Located),
    /// There is nothing to write.
    Decided(Result<R, Refusal>),
}

type Done<R> = Result<(Option<RecordDraft>, R), Refusal>;

async fn execute_locked<C: Load>(
    actor: &Actor,
    command: &C,
    located: &Located,
    request: &RequestContext,
    tx: &mut Tx<'_>,
) -> Result<Done<C::Receipt>, ExecuteError> {
    let root = located.root(actor).ok_or(Denied::Hidden)?;
    let sequence = write::lock(&root, tx).await?;
    let facts = facts::find(actor, located, tx).await?;
    let permit = authorize(command, actor, facts)?;
    let state = command.load(&permit, tx).await?;
    match command.decide(&permit, state, request.now) {
        Ok(Decision { receipt, changes, record }) => {
            for change in &changes {
                write::change(&permit, change, tx).await?;
            }
            if let Some(record) = &record {
                let entry = activity::Entry::new(&permit, C::OPERATION, &root, sequence, request);
                entry.write(Outcome::Succeeded, record, None, tx).await?;
            }
            Ok(Ok((record, receipt)))
        }
        Err(refusal) => {
            let draft = RecordDraft { subject: command.subject(), old: None, new: None, details: Vec::new() };
            let entry = activity::Entry::new(&permit, C::OPERATION, &root, sequence, request);
            entry.write(Outcome::Failed, &draft, Some(&refusal.to_string()), tx).await?;
            Ok(Err(refusal))
        }
    }
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::ids::{CustomerId, PartnerId};
    use fullmakt_domain::self_serve_policy::{GetSelfServePolicy, GrantSelfServePolicy, SelfServeResource};

    use super::*;
    use crate::testing::{ADA, CUSTOMER, PARTNER, SAGA, WORLD, actor, number, request, run, stores};

    #[tokio::test]
    async fn r02_r05_only_an_admin_agent_turns_it_on_and_each_attempt_leaves_one_record() {
        let partner = PartnerId::parse(PARTNER).unwrap();
        let customer = CustomerId::parse(CUSTOMER).unwrap();
        let request = request();
        let grant = GrantSelfServePolicy {
            customer,
            grantor: partner,
            resources: vec![SelfServeResource::AzureReservedInstances],
            etag: customer.0,
        };
        let (ada, saga) = (actor(ADA, PARTNER), actor(SAGA, PARTNER));
        let stranger = actor("00000000-0000-4000-8000-0000000000ff", PARTNER);
        for (store, _directory) in stores().await {
            run(&store, WORLD).await;
            let refused = store.execute(&saga, &grant, &request).await;
            assert!(matches!(refused, Err(ExecuteError::Denied(Denied::Forbidden { .. }))), "{refused:?}");
            let refused = store.execute(&stranger, &grant, &request).await;
            assert!(matches!(refused, Err(ExecuteError::Denied(Denied::Hidden))), "{refused:?}");
            assert_eq!(number(&store, "SELECT count(*) FROM activity_record").await, 0);

            let granted = store.execute(&ada, &grant, &request).await.unwrap();
            let query = GetSelfServePolicy { customer };
            assert_eq!(store.read(&saga, &query).await.unwrap(), Some(granted));

            let twice = store.execute(&ada, &grant, &request).await;
            assert!(matches!(twice, Err(ExecuteError::Refused(Refusal::PolicyExists { .. }))), "{twice:?}");
            assert_eq!(number(&store, "SELECT count(*) FROM activity_record").await, 2);
            assert_eq!(number(&store, "SELECT revision FROM customer").await, 2);
            assert_eq!(number(&store, "SELECT count(*) FROM activity_record WHERE outcome = 'failed'").await, 1);
        }
    }

    #[tokio::test]
    async fn writes_that_wait_together_are_each_whole_or_not_at_all() {
        for (store, _directory) in stores().await {
            run(&store, "CREATE TABLE tally (n BIGINT NOT NULL PRIMARY KEY)").await;
            let writes = (0..40_i64).map(|n| {
                let store = store.clone();
                async move {
                    store
                        .write(move |tx: &mut Tx<'_>| {
                            async move {
                                crate::db::on!(tx, conn => sqlx::query("INSERT INTO tally (n) VALUES ($1)")
                                    .bind(n).execute(conn).await.map(drop))?;
                                // Every third fails after its statement, every fourth changes its mind.
                                if n % 3 == 0 {
                                    return Err(Fault::NotCommitted("test".to_owned()));
                                }
                                Ok((if n % 4 == 0 { Ending::Undo } else { Ending::Keep }, n))
                            }
                            .boxed()
                        })
                        .await
                }
            });
            let done = futures_util::future::join_all(writes).await;
            let acknowledged: i64 = done.iter().flatten().filter(|n| **n % 4 != 0).sum();
            assert_eq!(number(&store, "SELECT CAST(sum(n) AS BIGINT) FROM tally").await, acknowledged);
        }
    }
}
