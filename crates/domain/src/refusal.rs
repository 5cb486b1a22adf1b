//! Why a permitted request is turned down.

use crate::ids::PartnerId;
use crate::self_serve_policy::PolicyId;

/// Why a permitted request is turned down. Of several that apply, a decision reports the first it meets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A policy names its own partner as the one that pays.
    #[error("the grantor `{grantor}` is not your own partner")]
    ForeignGrantor {
        /// Who was named.
        grantor: PartnerId,
    },
    /// A policy without permissions would mean nothing.
    #[error("a self-serve policy must permit at least one purchase")]
    PolicyWithoutPermission,
    /// The permission is on already.
    #[error("a self-serve policy `{id}` already exists; replace it or delete it first")]
    PolicyExists {
        /// Which.
        id: PolicyId,
    },
    /// There is no such permission.
    #[error("there is no self-serve policy `{id}`")]
    PolicyNotFound {
        /// Which.
        id: PolicyId,
    },
    /// Someone else changed it in the meantime.
    #[error("the resource was changed since it was read; read it again and repeat the change")]
    StaleEtag,
}
