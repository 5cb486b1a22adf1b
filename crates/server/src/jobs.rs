//! What the server does by itself, one server at a time, and the movable clock, which has all of it done when it is moved.
//!
//! What is due stands in the database: an instalment that is not posted, an order whose term is over. So nothing is lost
//! while no server runs, and nothing is done twice when two do. A piece that fails is tried again later and holds up no
//! other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fullmakt_domain::ids::CustomerId;
use fullmakt_store::due::{Due, Job};
use fullmakt_store::{Fault, Store};
use futures_util::{StreamExt, TryStreamExt};
use jiff::{Span, Timestamp};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::Clock;

/// How often a server looks whether something has fallen due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often lapsed quotes and carts are removed.
const SWEEP_EVERY_SECONDS: i64 = 3_600;
/// How long a server may work before it has to renew its lease, and after how long another takes over from one that died.
const LEASE_SECONDS: i64 = 30;
/// How long whoever moves the clock waits for another server to finish.
const LEASE_PATIENCE: Duration = Duration::from_secs(60);
/// How many pieces of each kind are looked at together.
const BATCH: i64 = 200;
/// How many customers' pieces are done at once: enough for a group of writes that share a commit, few enough to leave room
/// for requests.
const AT_ONCE: usize = 16;
/// How often a piece is tried at once before it is left for later.
const TRIES: u32 = 3;
/// How long a piece that failed waits for its next try, in seconds; twice as long after each failure.
const RETRY_SECONDS: i64 = 10;
/// The longest wait for a next try, in seconds.
const RETRY_SECONDS_MAX: i64 = 3_600;

/// The server's own work. Cheap to clone.
#[derive(Clone)]
pub struct Jobs(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Clock,
    holder: Uuid,
    state: Mutex<State>,
}

/// What only one task of this server at a time may look at: whoever holds it works.
#[derive(Default)]
struct State {
    failed: BTreeMap<Due, Failed>,
    swept_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct Failed {
    times: u32,
    /// By the real clock.
    again_at: Timestamp,
}

/// How much was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<Job, u64>);

impl Tally {
    /// How many pieces of a kind.
    pub fn of(&self, job: Job) -> u64 {
        self.0.get(&job).copied().unwrap_or(0)
    }

    fn add(&mut self, job: Job) {
        let count = self.0.entry(job).or_default();
        *count = count.saturating_add(1);
    }
}

/// The clock was not moved, or not all the way.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The server goes by the real time.
    #[error("the clock is the real one: start the server with `--clock movable` to move it")]
    Real,
    /// It only goes forward.
    #[error("the clock stands at {now} and only goes forward: `{to}` is before that")]
    Backward {
        /// Where it stands.
        now: Timestamp,
        /// Where it was to go.
        to: Timestamp,
    },
    /// Another server works and does not finish.
    #[error("another server is still at work on what is due: try again")]
    Busy,
    /// Some work could not be done; the clock stands where it was due.
    #[error("work that fell due at {at} failed and the clock stands still there: the log of the server says why")]
    Stuck {
        /// When it fell due.
        at: Timestamp,
    },
    /// Us.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Jobs {
    /// The work on a database, by a clock.
    pub fn new(store: Store, clock: Clock) -> Self {
        Self(Arc::new(Inner { store, clock, holder: Uuid::new_v4(), state: Mutex::default() }))
    }

    /// Moves the clock forward, through every instant at which something falls due on the way, and has that done. Returns
    /// when all is done that would have happened by then.
    ///
    /// # Errors
    /// [`MoveError`].
    pub async fn move_clock(&self, to: Timestamp) -> Result<Tally, MoveError> {
        // To its end also when the caller goes away: half a move is none that anybody asked for.
        let jobs = self.clone();
        let moved = tokio::spawn(async move {
            let inner = &jobs.0;
            let mut state = inner.state.lock().await;
            inner.follow().await?;
            let now = inner.clock.now();
            if !inner.clock.is_movable() {
                return Err(MoveError::Real);
            }
            if to < now {
                return Err(MoveError::Backward { now, to });
            }
            inner.wait_for_lease().await?;
            let moved = inner.travel(&mut state, to).await;
            inner.store.release_lease(inner.holder).await?;
            moved
        });
        moved.await.unwrap_or(Err(MoveError::Busy))
    }

    /// Looks again and again whether something has fallen due, and does it. Never ends by itself.
    pub async fn keep_at_it(&self) {
        let mut every = tokio::time::interval(LOOK_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            if let Err(error) = self.look().await {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "due work could not be looked for");
            }
            if let Err(error) = self.0.store.count_rows_anew().await {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "the rows of tables could not be counted anew");
            }
        }
    }

    /// Does what has fallen due, unless another server is at it. Pieces that failed lately wait for their next try.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn look(&self) -> Result<Tally, Fault> {
        let inner = &self.0;
        let mut state = inner.state.lock().await;
        inner.follow().await?;
        let now = inner.clock.now();
        let waiting = inner.measure(now).await?;
        let sweep = state
            .swept_at
            .is_none_or(|at| at.saturating_add(Span::new().seconds(SWEEP_EVERY_SECONDS)).is_ok_and(|next| next <= now));
        if !waiting && !sweep || !inner.lease().await? {
            return Ok(Tally::default());
        }
        let done = inner.work(&mut state).await;
        if sweep && done.is_ok() {
            inner.store.sweep_lapsed(now).await?;
            state.swept_at = Some(now);
        }
        inner.store.release_lease(inner.holder).await?;
        inner.measure(inner.clock.now()).await?;
        done
    }
}

impl Inner {
    /// Another server on this database may have moved the clock.
    async fn follow(&self) -> Result<(), Fault> {
        if self.clock.is_movable()
            && let Some(at) = self.store.moved_clock().await?
        {
            self.clock.advance_to(at);
        }
        Ok(())
    }

    /// Tells the metrics what waits; whether anything does.
    async fn measure(&self, now: Timestamp) -> Result<bool, Fault> {
        let mut waiting = false;
        for backlog in self.store.backlog(now).await? {
            let name = backlog.job.name();
            let lag = backlog.oldest.map_or(0, |oldest| now.as_second().saturating_sub(oldest.as_second()).max(0));
            let number = |n: i64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
            metrics::gauge!("fullmakt_jobs_due", "job" => name).set(number(backlog.count));
            metrics::gauge!("fullmakt_jobs_lag_seconds", "job" => name).set(number(lag));
            waiting |= backlog.count > 0;
        }
        Ok(waiting)
    }

    async fn lease(&self) -> Result<bool, Fault> {
        let now = self.clock.real_now();
        let until = now.saturating_add(Span::new().seconds(LEASE_SECONDS)).unwrap_or(now);
        self.store.take_lease(self.holder, now, until).await
    }

    async fn wait_for_lease(&self) -> Result<(), MoveError> {
        let wait = async {
            while !self.lease().await? {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Ok::<_, Fault>(())
        };
        tokio::time::timeout(LEASE_PATIENCE, wait).await.map_err(|_| MoveError::Busy)??;
        Ok(())
    }

    /// From one due instant to the next, until `to`.
    async fn travel(&self, state: &mut State, to: Timestamp) -> Result<Tally, MoveError> {
        let mut tally = Tally::default();
        loop {
            self.lease().await?;
            let due = self.store.due(to, BATCH).await?;
            let Some(first) = due.first().map(|due| due.at) else { break };
            self.advance(first).await?;
            let now = self.clock.now();
            let at_once: Vec<Due> = due.into_iter().take_while(|due| due.at == first).collect();
            for (due, is_done) in self.perform_all(at_once, now).await? {
                if !is_done {
                    return Err(MoveError::Stuck { at: first });
                }
                tally.add(due.job());
            }
        }
        self.advance(to).await?;
        self.store.sweep_lapsed(to).await?;
        state.swept_at = Some(to);
        state.failed.clear();
        Ok(tally)
    }

    async fn advance(&self, to: Timestamp) -> Result<(), Fault> {
        if to > self.clock.now() {
            self.store.keep_moved_clock(to).await?;
            self.clock.advance_to(to);
        }
        Ok(())
    }

    /// Everything that is due now and may be tried now.
    async fn work(&self, state: &mut State) -> Result<Tally, Fault> {
        let mut tally = Tally::default();
        loop {
            // A server that was held up longer than its lease does no harm: each piece is decided under its own lock.
            if !self.lease().await? {
                return Ok(tally);
            }
            let now = self.clock.now();
            let failed = i64::try_from(state.failed.len()).unwrap_or(i64::MAX);
            let due = self.store.due(now, BATCH.saturating_add(failed)).await?;
            let real_now = self.clock.real_now();
            let waits = |due: &Due| state.failed.get(due).is_some_and(|failed| failed.again_at > real_now);
            let todo: Vec<Due> = due.into_iter().filter(|due| !waits(due)).collect();
            if todo.is_empty() {
                return Ok(tally);
            }
            for (due, is_done) in self.perform_all(todo, now).await? {
                if is_done {
                    state.failed.remove(&due);
                    tally.add(due.job());
                } else {
                    let times = state.failed.get(&due).map_or(0, |failed| failed.times);
                    let wait = RETRY_SECONDS.saturating_mul(1_i64.checked_shl(times).unwrap_or(i64::MAX));
                    let wait = wait.clamp(RETRY_SECONDS, RETRY_SECONDS_MAX);
                    let again_at = real_now.saturating_add(Span::new().seconds(wait)).unwrap_or(real_now);
                    state.failed.insert(due, Failed { times: times.saturating_add(1), again_at });
                }
            }
        }
    }

    /// Does pieces, those of a customer one after the other, those of different customers at once.
    async fn perform_all(&self, due: Vec<Due>, now: Timestamp) -> Result<Vec<(Due, bool)>, Fault> {
        let mut of_customers: BTreeMap<CustomerId, Vec<Due>> = BTreeMap::new();
        for due in due {
            of_customers.entry(due.customer()).or_default().push(due);
        }
        let one_by_one = of_customers.into_values().map(|pieces| async move {
            let mut done = Vec::with_capacity(pieces.len());
            for due in pieces {
                let is_done = self.perform(&due, now).await?;
                done.push((due, is_done));
            }
            Ok::<_, Fault>(done)
        });
        let done: Vec<Vec<(Due, bool)>> =
            futures_util::stream::iter(one_by_one).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(done.into_iter().flatten().collect())
    }

    /// Does one piece, trying again at once where that may help; false when it failed, which the log and the metrics tell.
    async fn perform(&self, due: &Due, now: Timestamp) -> Result<bool, Fault> {
        let name = due.job().name();
        let mut tries = 1;
        let failure = loop {
            match self.store.perform(due, now).await {
                Ok(true) => {
                    metrics::counter!("fullmakt_jobs_done_total", "job" => name).increment(1);
                    return Ok(true);
                }
                // Another server was quicker, unless it is due still.
                Ok(false) if !self.store.due(due.at, i64::MAX).await?.contains(due) => return Ok(true),
                Ok(false) => break None,
                Err(fault) if fault.is_transient() && tries < TRIES => tries = tries.saturating_add(1),
                Err(fault) => break Some(fault),
            }
        };
        metrics::counter!("fullmakt_jobs_failed_total", "job" => name).increment(1);
        let error = failure.as_ref().map(|fault| -> &dyn std::error::Error { fault });
        tracing::error!(error, job = name, due = ?due, "work that fell due failed");
        Ok(false)
    }
}
