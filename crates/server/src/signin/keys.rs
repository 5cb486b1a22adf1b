//! The signing keys: private ones in files of the data directory, public ones in the database, so that several servers on
//! one database take each other's tokens.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use fullmakt_store::Store;
use fullmakt_store::authn::{self, SigningKeyRow};
use jiff::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde::Serialize;
use serde_json::{Value, json};

use super::verify::TokenCache;
use crate::tls::write_private;

/// How long tokens of a retired key are still taken, in seconds: longer than any token lives.
const RETIRED_GRACE_S: i64 = 24 * 3600;
/// How often the database is asked for keys of other servers at most.
const RELOAD_FLOOR: Duration = Duration::from_secs(5);

/// Why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The data directory.
    #[error("cannot read the signing keys in `{}`: {cause}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// The system's word.
        cause: std::io::Error,
    },
    /// A key cannot be written.
    #[error(transparent)]
    Write(#[from] crate::tls::TlsError),
    /// A file holds something else.
    #[error("`{}` does not hold an RSA private key in PEM form", .0.display())]
    Content(PathBuf),
    /// A key cannot be made.
    #[error("cannot make a signing key: {0}")]
    Make(#[from] rcgen::Error),
    /// The database.
    #[error("cannot register the signing keys: {0}")]
    Store(#[from] fullmakt_store::Fault),
}

/// Signs tokens, knows the public keys of all servers on this database, and remembers tokens it has verified.
pub struct Issuer {
    directory: PathBuf,
    /// The newest is last and signs.
    own: RwLock<Vec<Arc<SigningKey>>>,
    public: RwLock<Arc<PublicKeys>>,
    loaded: Mutex<Option<Instant>>,
    pub(super) cache: TokenCache,
}

struct SigningKey {
    kid: String,
    encoding: EncodingKey,
    jwk: Jwk,
}

type PublicKeys = HashMap<String, PublicKey>;

#[derive(Clone)]
struct PublicKey {
    jwk: Jwk,
    decoding: DecodingKey,
    retired_at: Option<Timestamp>,
}

impl PublicKey {
    fn is_good(&self, now: Timestamp) -> bool {
        self.retired_at.is_none_or(|at| now.as_second() < at.as_second().saturating_add(RETIRED_GRACE_S))
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl Issuer {
    /// Opens the keys under `data`, makes the first one if there is none, and registers the public halves.
    ///
    /// # Errors
    /// [`KeyError`], naming the file to mend.
    pub async fn open(data: &Path, store: &Store) -> Result<Self, KeyError> {
        let directory = data.join("keys");
        let issuer = Self::load(directory)?;
        let now = Timestamp::now();
        let own: Vec<_> = issuer.own();
        for key in own {
            authn::register_key(store, &key.kid, &jwk_text(&key.jwk), now).await?;
        }
        issuer.reload(store).await?;
        Ok(issuer)
    }

    fn load(directory: PathBuf) -> Result<Self, KeyError> {
        // The first token must not find the library without a provider; a second installation is harmless.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let failed = |cause| KeyError::Directory { path: directory.clone(), cause };
        fs::create_dir_all(&directory).map_err(failed)?;
        let mut own = read_all(&directory)?;
        if own.is_empty() {
            own.push(read(&make(&directory, Timestamp::now())?)?);
        }
        let public = own.iter().filter_map(|key| Some((key.kid.clone(), public_key(key.jwk.clone(), None)?))).collect();
        Ok(Self {
            directory,
            own: RwLock::new(own),
            public: RwLock::new(Arc::new(public)),
            loaded: Mutex::new(None),
            cache: TokenCache::default(),
        })
    }

    /// Makes a new key, which signs from now on. Tokens of this server's older keys are taken for another day.
    ///
    /// # Errors
    /// [`KeyError`]; the older key then goes on signing.
    pub async fn rotate(&self, store: &Store) -> Result<String, KeyError> {
        let now = Timestamp::now();
        let directory = self.directory.clone();
        let file = tokio::task::spawn_blocking(move || make(&directory, now))
            .await
            .map_err(|e| KeyError::Directory { path: self.directory.clone(), cause: std::io::Error::other(e) })??;
        let key = read(&file)?;
        authn::register_key(store, &key.kid, &jwk_text(&key.jwk), now).await?;
        let kid = key.kid.clone();
        for older in self.own() {
            authn::retire_key(store, &older.kid, now).await?;
        }
        self.own.write().unwrap_or_else(PoisonError::into_inner).push(key);
        self.reload(store).await?;
        Ok(kid)
    }

    /// Signs claims with the newest key.
    ///
    /// # Errors
    /// The library's, when the claims are not an object or the key is broken.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, jsonwebtoken::errors::Error> {
        let own = self.own();
        let Some(key) = own.last() else {
            return Err(jsonwebtoken::errors::ErrorKind::InvalidRsaKey("no signing key".to_owned()).into());
        };
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(key.kid.clone());
        jsonwebtoken::encode(&header, claims, &key.encoding)
    }

    /// The public key of an id, asking the database for keys of other servers when it is not known yet.
    pub(super) async fn decoding_key(&self, store: &Store, kid: &str, now: Timestamp) -> Option<DecodingKey> {
        if let Some(key) = self.public().get(kid) {
            return key.is_good(now).then(|| key.decoding.clone());
        }
        self.reload_now_and_then(store).await;
        self.public().get(kid).filter(|key| key.is_good(now)).map(|key| key.decoding.clone())
    }

    /// The JSON Web Key Set: every key whose tokens are taken.
    pub async fn jwks(&self, store: &Store, now: Timestamp) -> Value {
        self.reload_now_and_then(store).await;
        let public = self.public();
        let mut keys: Vec<&PublicKey> = public.values().filter(|key| key.is_good(now)).collect();
        keys.sort_by(|a, b| a.jwk.common.key_id.cmp(&b.jwk.common.key_id));
        json!({ "keys": keys.iter().map(|key| &key.jwk).collect::<Vec<_>>() })
    }

    /// Takes note of keys that others made: of other servers in the database, and of newer ones in the directory.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn refresh(&self, store: &Store) -> Result<(), KeyError> {
        let directory = self.directory.clone();
        let found = tokio::task::spawn_blocking(move || read_all(&directory))
            .await
            .map_err(|e| KeyError::Directory { path: self.directory.clone(), cause: std::io::Error::other(e) })??;
        if !found.is_empty() {
            *self.own.write().unwrap_or_else(PoisonError::into_inner) = found;
        }
        self.reload(store).await
    }

    async fn reload_now_and_then(&self, store: &Store) {
        {
            let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
            if loaded.is_some_and(|at| at.elapsed() < RELOAD_FLOOR) {
                return;
            }
            *loaded = Some(Instant::now());
        }
        if let Err(error) = self.reload(store).await {
            tracing::warn!(%error, "cannot read the signing keys of other servers");
        }
    }

    async fn reload(&self, store: &Store) -> Result<(), KeyError> {
        let mut public = PublicKeys::new();
        for SigningKeyRow { kid, jwk, retired_at } in authn::signing_keys(store).await? {
            match serde_json::from_str(&jwk).ok().and_then(|jwk| public_key(jwk, retired_at)) {
                Some(key) => drop(public.insert(kid, key)),
                None => tracing::warn!(kid, "a registered signing key is not readable and left out"),
            }
        }
        *self.public.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(public);
        *self.loaded.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        Ok(())
    }

    fn own(&self) -> Vec<Arc<SigningKey>> {
        self.own.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn public(&self) -> Arc<PublicKeys> {
        Arc::clone(&self.public.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// All keys of the directory, the newest last.
fn read_all(directory: &Path) -> Result<Vec<Arc<SigningKey>>, KeyError> {
    let mut files: Vec<PathBuf> = fs::read_dir(directory)
        .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect())
        .map_err(|cause| KeyError::Directory { path: directory.to_owned(), cause })?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "pem"));
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

/// File names begin with the time of making, so that the newest sorts last.
fn make(directory: &Path, now: Timestamp) -> Result<PathBuf, KeyError> {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
    let file = directory.join(format!("signing-{:020}.pem", now.as_microsecond().max(0)));
    write_private(&file, &key.serialize_pem())?;
    Ok(file)
}

fn read(file: &Path) -> Result<Arc<SigningKey>, KeyError> {
    let content = || KeyError::Content(file.to_owned());
    let pem = fs::read(file).map_err(|cause| KeyError::Directory { path: file.to_owned(), cause })?;
    let encoding = EncodingKey::from_rsa_pem(&pem).map_err(|_| content())?;
    let mut jwk = Jwk::from_encoding_key(&encoding, Algorithm::RS256).map_err(|_| content())?;
    let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| content())?;
    jwk.common.key_id = Some(kid.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(Arc::new(SigningKey { kid, encoding, jwk }))
}

fn public_key(jwk: Jwk, retired_at: Option<Timestamp>) -> Option<PublicKey> {
    // Only RSA keys sign here: a key of another kind in the table would let its holder choose the algorithm.
    if !matches!(jwk.algorithm, AlgorithmParameters::RSA(_)) {
        return None;
    }
    let decoding = DecodingKey::from_jwk(&jwk).ok()?;
    Some(PublicKey { jwk, decoding, retired_at })
}

fn jwk_text(jwk: &Jwk) -> String {
    serde_json::to_string(jwk).expect("a key is plain text and numbers")
}
