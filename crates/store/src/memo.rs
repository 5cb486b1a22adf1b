//! What was read lately, and is so still because nothing was written since.
//!
//! Only for a SQLite file that this process alone serves: it makes every write, so a count of them tells exactly whether
//! something read before is still true. Decisions of writes never look here, they read under their lock.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fullmakt_domain::actor::Standing;
use fullmakt_domain::ids::{CustomerId, PartnerId, PrincipalId};
use fullmakt_domain::self_serve_policy::SelfServePolicy;

/// How many things are remembered; then all are forgotten.
const REMEMBERED: usize = 20_000;

/// What something remembered is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// Where someone stands towards a partner and, if named, a customer of it.
    Standing(PrincipalId, PartnerId, Option<CustomerId>),
    /// The permission of a customer from a partner.
    Policy(CustomerId, PartnerId),
}

/// Something remembered.
#[derive(Debug, Clone)]
pub(crate) enum Known {
    Standing(Standing),
    Policy(Option<SelfServePolicy>),
}

#[derive(Default)]
struct Inner {
    in_use: AtomicBool,
    writes: AtomicU64,
    known: Mutex<HashMap<Key, (u64, Known)>>,
}

/// The memory of one database. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Memo(Arc<Inner>);

/// A look at the memory by someone who only reads: what they read counts as of the writes there were when they began.
pub(crate) struct Look {
    memo: Memo,
    as_of: u64,
}

impl Memo {
    /// From now on things are remembered.
    pub(crate) fn begin(&self) {
        self.0.in_use.store(true, Ordering::Release);
    }

    /// Something was written; what was read before counts no longer. Called before anybody hears of the write.
    pub(crate) fn written(&self) {
        self.0.writes.fetch_add(1, Ordering::AcqRel);
    }

    /// For a reader that begins now.
    pub(crate) fn look(&self) -> Option<Look> {
        let in_use = self.0.in_use.load(Ordering::Acquire);
        in_use.then(|| Look { memo: self.clone(), as_of: self.0.writes.load(Ordering::Acquire) })
    }
}

impl Look {
    /// What is remembered and still true.
    pub(crate) fn recall(&self, key: Key) -> Option<Known> {
        let known = self.memo.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.memo.0.writes.load(Ordering::Acquire);
        known.get(&key).filter(|(as_of, _)| *as_of == now).map(|(_, known)| known.clone())
    }

    /// Remembers what this reader read.
    pub(crate) fn remember(&self, key: Key, value: Known) {
        let mut known = self.memo.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key, (self.as_of, value));
    }
}

#[cfg(test)]
mod tests {
    use fullmakt_domain::self_serve_policy::{
        GetSelfServePolicy, GrantSelfServePolicy, PolicyId, RevokeSelfServePolicy, SelfServeResource,
    };

    use super::*;
    use crate::db::{DatabaseUrl, Store};
    use crate::row::Fault;
    use crate::testing::{ADA, CUSTOMER, PARTNER, SAGA, WORLD, actor, request, run};

    #[tokio::test]
    async fn what_was_read_is_remembered_until_the_next_write() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&DatabaseUrl::Sqlite(directory.path().join("fullmakt.db"))).await.unwrap();
        store.migrate().await.unwrap();
        store.claim().unwrap();
        run(&store, WORLD).await;
        let (ada, saga) = (actor(ADA, PARTNER), actor(SAGA, PARTNER));
        let customer = CustomerId::parse(CUSTOMER).unwrap();
        let grantor = PartnerId::parse(PARTNER).unwrap();
        let query = GetSelfServePolicy { customer };
        for _ in 0..3 {
            assert_eq!(store.read(&ada, &query).await.unwrap(), None);
            let resources = vec![SelfServeResource::AzureReservedInstances];
            let grant = GrantSelfServePolicy { customer, grantor, resources, etag: customer.0 };
            let granted = store.execute(&ada, &grant, &request()).await.unwrap();
            for who in [&ada, &saga, &ada] {
                assert_eq!(store.read(who, &query).await.unwrap().as_ref(), Some(&granted));
            }
            let revoke = RevokeSelfServePolicy { id: PolicyId { grantor, customer } };
            store.execute(&ada, &revoke, &request()).await.unwrap();
        }
        // Who asks is remembered too, and forgotten with the next write.
        run(&store, "DELETE FROM partner_role").await;
        assert!(store.read(&saga, &query).await.is_err());
    }

    #[tokio::test]
    async fn a_file_belongs_to_one_server() {
        let directory = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(directory.path().join("fullmakt.db"));
        let (first, second) = (Store::open(&url).await.unwrap(), Store::open(&url).await.unwrap());
        first.claim().unwrap();
        assert!(matches!(second.claim(), Err(Fault::Shared { .. })));
        drop(first);
        second.claim().unwrap();
    }
}
