//! The guarded door: nothing reaches the data but an actor with a command or a query.

use std::future::Future;

use fullmakt_domain::activity::{Outcome, RecordDraft, RequestContext};
use fullmakt_domain::actor::Actor;
use fullmakt_domain::authz::{Command, Decision, Denied, Permit, Query, authorize};
use fullmakt_domain::ids::{CustomerId, PartnerId};
use fullmakt_domain::refusal::Refusal;
use futures_util::FutureExt;

use crate::db::{Announced, Ending, Seen, Store, Tx};
use crate::facts::{self, Located, Root};
use crate::row::Fault;
use crate::statement::Statement;
use crate::{activity, write};

/// How a command's state is loaded. The customer comes from the permit, not from the request.
pub trait Load: Command {
    /// Whether all that comes of it is rows that are added, so that it may be decided without the lock and written if nothing
    /// has happened since.
    #[doc(hidden)]
    const ONLY_ADDS: bool = false;

    /// What `load` is going to ask, as far as it is known beforehand: on PostgreSQL it is asked in one message.
    #[doc(hidden)]
    fn foresee(&self, _customer: CustomerId, _payer: PartnerId) -> Vec<Statement> {
        Vec::new()
    }

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

/// How often a command that was overtaken is decided anew.
const RETRIES: usize = 3;

impl Store {
    /// Answers a query, if the actor may ask it.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn read<Q: Answer>(&self, actor: &Actor, query: &Q) -> Result<Q::Answer, ReadError> {
        let mut reader = self.reader().await?;
        let tx = &mut reader.tx();
        tx.ask_together(|| facts::foresee(actor, &query.target())).await?;
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
        for _ in 0..RETRIES {
            if !matches!(&outcome, Err(ExecuteError::Fault(fault)) if fault.is_overtaken()) {
                break;
            }
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
        let mut announced = self.announce();
        let target = command.target();
        let adds_at_once = C::ONLY_ADDS && self.is_shared();
        if adds_at_once
            && let Some(guess) = self.places.guess(&target)
            && let Some(outcome) = self.run_at_once(actor, command, guess, request).await?
        {
            return outcome.map_err(ExecuteError::Refused);
        }
        // Whoever may not gets no further, and so cannot hold the lock.
        let admitted = if C::ONLY_ADDS && announced.is_some() {
            self.run_beside(actor, command, request, &mut announced).await?
        } else {
            self.admit(actor, command, request).await?
        };
        let located = match admitted {
            Admitted::ToTheLock(located) => located,
            Admitted::Decided(decided) => {
                return decided.map(|receipt| (false, receipt)).map_err(ExecuteError::Refused);
            }
            Admitted::Written(outcome) => return outcome.map_err(ExecuteError::Refused),
        };
        if adds_at_once {
            self.places.remember(&target, &located);
            if let Some(outcome) = self.run_at_once(actor, command, located.clone(), request).await? {
                return outcome.map_err(ExecuteError::Refused);
            }
        }
        let (actor, command, request) = (actor.clone(), command.clone(), *request);
        let announced = announced.or_else(|| self.announce());
        let outcome = self
            .write_announced(announced, move |tx| {
                async move {
                    let done = execute_locked(&actor, &command, &located, &request, tx).await?;
                    let ending = if leaves_record(&done) { Ending::Keep } else { Ending::Undo };
                    Ok::<_, ExecuteError>((ending, done.map(|(record, receipt)| (record.is_some(), receipt))))
                }
                .boxed()
            })
            .await?;
        outcome.map_err(ExecuteError::Refused)
    }

    /// A command that foresees what it asks is tried without waiting for the lock first: asked in one message, decided,
    /// written in another one that takes the lock and holds only if nothing has happened since. `None` where that is not
    /// so, or where its target is elsewhere: then it takes its turn.
    async fn run_at_once<C: Load>(
        &self,
        actor: &Actor,
        command: &C,
        place: Located,
        request: &RequestContext,
    ) -> Result<Option<Outcomes<C::Receipt>>, ExecuteError> {
        let mut questions = place.foresee(actor, command);
        let Some(root) = place.root(actor).filter(|_| !questions.is_empty()) else { return Ok(None) };
        questions.extend(facts::asked_place(&command.target()));
        questions.push(write::asked_revision(&root).question());
        let (actor, command, request) = (actor.clone(), command.clone(), *request);
        let done = self
            .write_at_once(&mut None, move |tx| {
                async move {
                    tx.ask_together(|| questions).await?;
                    let located = facts::locate(&actor, &command.target(), tx).await?;
                    if located != place {
                        return Err(Fault::NotAtOnce.into());
                    }
                    let permit = authorize(&command, &actor, facts::find(&actor, &located, tx).await?)?;
                    if !command.may_lock(&permit) {
                        return Err(Fault::NotAtOnce.into());
                    }
                    let seen = write::asked_revision(&root).fetch_optional(tx).await?.ok_or(Denied::Hidden)?;
                    let sequence = seen.saturating_add(1);
                    let done = decide(&permit, &command, &root, sequence, &request, tx).await?;
                    let change = leaves_record(&done).then_some(Seen { root, revision: seen });
                    Ok::<_, ExecuteError>((change, done.map(|(record, receipt)| (record.is_some(), receipt))))
                }
                .boxed()
            })
            .await;
        match done {
            Ok(outcome) => Ok(Some(outcome)),
            Err(ExecuteError::Fault(fault)) if matches!(fault, Fault::NotAtOnce) || fault.is_overtaken() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The unlocked look of a command that only adds, and its decision with it where the writer is a thread of this process: that
    /// has nothing left to do then but to add the rows, if nothing has happened since.
    async fn run_beside<C: Load>(
        &self,
        actor: &Actor,
        command: &C,
        request: &RequestContext,
        announced: &mut Option<Announced>,
    ) -> Result<Admitted<C::Receipt>, ExecuteError> {
        let done = {
            let (actor, command, request) = (actor.clone(), command.clone(), *request);
            self.write_at_once(announced, move |tx| {
                async move {
                    let located = facts::locate(&actor, &command.target(), tx).await?;
                    let facts = facts::find(&actor, &located, tx).await?;
                    let permit = authorize(&command, &actor, facts)?;
                    if !command.may_lock(&permit) {
                        return Ok((None, unlocked(&command, &permit, located, &request, tx).await?));
                    }
                    let root = located.root(&actor).ok_or(Denied::Hidden)?;
                    let seen = write::asked_revision(&root).fetch_optional(tx).await?.ok_or(Denied::Hidden)?;
                    let sequence = seen.saturating_add(1);
                    let done = decide(&permit, &command, &root, sequence, &request, tx).await?;
                    let change = leaves_record(&done).then_some(Seen { root, revision: seen });
                    let outcome = done.map(|(record, receipt)| (record.is_some(), receipt));
                    Ok::<_, ExecuteError>((change, Admitted::Written(outcome)))
                }
                .boxed()
            })
            .await
        };
        match done {
            Err(ExecuteError::Fault(fault)) if matches!(fault, Fault::NotAtOnce) || fault.is_overtaken() => {
                self.admit(actor, command, request).await
            }
            done => done,
        }
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
        tx.ask_together(|| facts::foresee(actor, &command.target())).await?;
        let located = facts::locate(actor, &command.target(), tx).await?;
        let facts = facts::find(actor, &located, tx).await?;
        let permit = authorize(command, actor, facts)?;
        if command.may_lock(&permit) {
            return Ok(Admitted::ToTheLock(located));
        }
        unlocked(command, &permit, located, request, tx).await
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

/// Decides about somebody who may not hold the lock.
async fn unlocked<C: Load>(
    command: &C,
    permit: &Permit<C>,
    located: Located,
    request: &RequestContext,
    tx: &mut Tx<'_>,
) -> Result<Admitted<C::Receipt>, ExecuteError> {
    let state = command.load(permit, tx).await?;
    match command.decide(permit, state, request.now) {
        Err(refusal) => Ok(Admitted::Decided(Err(refusal))),
        Ok(Decision { record: None, receipt, .. }) => Ok(Admitted::Decided(Ok(receipt))),
        // He has been let in between the two looks: he may wait for the lock like everyone else.
        Ok(_) => Ok(Admitted::ToTheLock(located)),
    }
}

/// What the unlocked look comes to.
enum Admitted<R> {
    /// He may wait for the lock of what the command is about.
    ToTheLock(Located),
    /// There is nothing to write.
    Decided(Result<R, Refusal>),
    /// It was decided, and written.
    Written(Outcomes<R>),
}

type Done<R> = Result<(Option<RecordDraft>, R), Refusal>;

/// A receipt, and whether anything changed.
type Outcomes<R> = Result<(bool, R), Refusal>;

/// A refusal is recorded too.
fn leaves_record<R>(done: &Done<R>) -> bool {
    matches!(done, Ok((Some(_), _)) | Err(_))
}

async fn execute_locked<C: Load>(
    actor: &Actor,
    command: &C,
    located: &Located,
    request: &RequestContext,
    tx: &mut Tx<'_>,
) -> Result<Done<C::Receipt>, ExecuteError> {
    let root = located.root(actor).ok_or(Denied::Hidden)?;
    if tx.writes_alone() {
        // The lock is held already: the row is changed last, and not at all where there is nothing to write.
        let seen = write::asked_revision(&root).fetch_optional(tx).await?.ok_or(Denied::Hidden)?;
        let permit = authorize(command, actor, facts::find(actor, located, tx).await?)?;
        let done = decide(&permit, command, &root, seen.saturating_add(1), request, tx).await?;
        if leaves_record(&done) && tx.count_changed(&write::advance(&root, seen)).await? == 0 {
            return Err(Fault::Overtaken.into());
        }
        return Ok(done);
    }
    let sequence = write::lock(&root, tx).await?;
    tx.ask_together(|| located.foresee(actor, command)).await?;
    let permit = authorize(command, actor, facts::find(actor, located, tx).await?)?;
    decide(&permit, command, &root, sequence, request, tx).await
}

/// State, decision, and what comes of it.
async fn decide<C: Load>(
    permit: &Permit<C>,
    command: &C,
    root: &Root,
    sequence: i64,
    request: &RequestContext,
    tx: &mut Tx<'_>,
) -> Result<Done<C::Receipt>, ExecuteError> {
    let state = command.load(permit, tx).await?;
    match command.decide(permit, state, request.now) {
        Ok(Decision { receipt, changes, record }) => {
            for change in &changes {
                write::change(permit, change, tx).await?;
            }
            if let Some(record) = &record {
                let entry = activity::Entry::new(permit, C::OPERATION, root, sequence, request);
                entry.write(Outcome::Succeeded, record, None, tx).await?;
            }
            Ok(Ok((record, receipt)))
        }
        Err(refusal) => {
            let draft = RecordDraft { subject: command.subject(), old: None, new: None, details: Vec::new() };
            let entry = activity::Entry::new(permit, C::OPERATION, root, sequence, request);
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
    use crate::statement::query;
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
                                query("INSERT INTO tally (n) VALUES ($1)").bind(n).execute(tx).await?;
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

    #[tokio::test]
    async fn r18_additions_that_go_together_are_each_made_whole_or_not_at_all() {
        const COUNT: i64 = 40;
        const CUSTOMERS: &str = "INSERT INTO tenant (tenant_id, kind, name, domain)
            WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 49)
            SELECT '00000000-0000-4000-8000-0000000000' || i, 'customer', 'n', 'n' || i || '.example' FROM n;
            INSERT INTO customer (customer_id, country, language, created_at, commerce_id)
            SELECT tenant_id, 'SE', 'sv', 0, domain FROM tenant;
            INSERT INTO tally (n) VALUES (13)";
        for (store, _directory) in stores().await {
            run(&store, "CREATE TABLE tally (n BIGINT NOT NULL PRIMARY KEY)").await;
            run(&store, CUSTOMERS).await;
            let writes = (0..COUNT).map(|n| {
                let store = store.clone();
                async move {
                    let id = format!("00000000-0000-4000-8000-0000000000{}", n + 10);
                    let root = Root::Customer(CustomerId::parse(&id).unwrap());
                    // Every fifth rests on a revision that never was, and one takes a number that is taken.
                    let revision = if n % 5 == 0 { 7 } else { 0 };
                    let mut announced = store.announce();
                    // On SQLite those that are in one group with a write that fails are undone, and told so.
                    let write = store.write_at_once(&mut announced, move |tx| {
                        async move {
                            query("INSERT INTO tally (n) VALUES ($1)").bind(n).execute(tx).await?;
                            Ok::<_, Fault>((Some(Seen { root, revision }), ()))
                        }
                        .boxed()
                    });
                    write.await
                }
            });
            let done = futures_util::future::join_all(writes).await;
            for (n, done) in (0..COUNT).zip(&done) {
                let can_be = n % 5 != 0 && n != 13;
                assert!(can_be || done.as_ref().is_err_and(Fault::is_overtaken), "{n}: {done:?}");
                assert!(done.is_ok() == can_be || !store.is_shared(), "{n}: {done:?}");
            }
            let made = i64::try_from(done.iter().filter(|done| done.is_ok()).count()).unwrap();
            assert_eq!(number(&store, "SELECT count(*) FROM tally").await, made + 1);
            assert_eq!(number(&store, "SELECT CAST(sum(revision) AS BIGINT) FROM customer").await, made);
        }
    }

    #[tokio::test]
    async fn announced_writes_are_sent_again_when_another_one_undoes_them() {
        for (store, _directory) in stores().await {
            run(&store, "CREATE TABLE tally (n BIGINT NOT NULL PRIMARY KEY)").await;
            let writes = (0..40_i64).map(|n| {
                let store = store.clone();
                async move {
                    loop {
                        let done = store
                            .write_announced(store.announce(), move |tx: &mut Tx<'_>| {
                                async move {
                                    query("INSERT INTO tally (n) VALUES ($1)").bind(n).execute(tx).await?;
                                    if n % 5 == 0 {
                                        return Err(Fault::NotCommitted("test".to_owned()));
                                    }
                                    Ok((Ending::Keep, n))
                                }
                                .boxed()
                            })
                            .await;
                        match done {
                            Err(Fault::Overtaken) => {}
                            done => return done,
                        }
                    }
                }
            });
            let done = futures_util::future::join_all(writes).await;
            for (n, done) in (0..40_i64).zip(&done) {
                assert_eq!(done.as_ref().ok().copied(), (n % 5 != 0).then_some(n));
            }
            assert_eq!(number(&store, "SELECT count(*) FROM tally").await, 32);
        }
    }

    #[tokio::test]
    async fn r18_what_was_decided_beside_the_writer_is_not_written_when_something_happened_since() {
        const ROW: &str = "INSERT INTO tally (n) VALUES ($1)";
        for (store, _directory) in stores().await {
            run(&store, WORLD).await;
            run(&store, "CREATE TABLE tally (n BIGINT NOT NULL PRIMARY KEY)").await;
            let root = Root::Customer(CustomerId::parse(CUSTOMER).unwrap());
            for (n, others_write) in [(1, false), (2, true)] {
                let (other, before) = (store.clone(), number(&store, "SELECT revision FROM customer").await);
                let done = store
                    .write_at_once(&mut store.announce(), move |tx| {
                        async move {
                            let revision = write::asked_revision(&root).fetch_one(tx).await?;
                            if others_write {
                                run(&other, "UPDATE customer SET revision = revision + 1").await;
                                // On SQLite as of the moment of the first look, on PostgreSQL each statement as of its own.
                                let again: i64 = write::asked_revision(&root).fetch_one(tx).await?;
                                assert_eq!(again == revision, !other.is_shared());
                            }
                            query(ROW).bind(n).execute(tx).await?;
                            Ok::<_, Fault>((Some(Seen { root, revision }), ()))
                        }
                        .boxed()
                    })
                    .await;
                assert_eq!(done.is_ok(), !others_write, "{done:?}");
                assert_eq!(done.is_err_and(|fault| fault.is_overtaken()), others_write);
                assert_eq!(number(&store, "SELECT revision FROM customer").await, before + 1);
                assert_eq!(number(&store, "SELECT count(*) FROM tally").await, 1);
            }
        }
    }
}
