//! The same work on several threads.

use crate::error::Error;

/// Runs the work on as many threads and gives what each came to.
///
/// # Errors
/// [`Error`] when a thread fell over.
pub fn on_all<T: Send>(threads: usize, work: impl Fn() -> T + Sync) -> Result<Vec<T>, Error> {
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(&work)).collect();
        let mut outcomes = vec![work()];
        for other in others {
            outcomes.push(other.join().map_err(|_| Error::Engine("a thread fell over".into()))?);
        }
        Ok(outcomes)
    })
}
