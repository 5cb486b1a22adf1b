//! The listener's certificate: the operator's own, or one from a local authority that lives in the data directory.

use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use time::{Duration, OffsetDateTime};

/// How long a certificate of the local authority lasts, in days. Clients refuse leaves that last longer than 397.
const LEAF_DAYS: i64 = 396;
/// How long the local authority itself lasts, in days.
const AUTHORITY_DAYS: i64 = 20 * 365;

/// Where the listener's certificate comes from.
#[derive(Debug, Clone)]
pub enum Certificate {
    /// The operator's: a chain, leaf first, and its private key, both PEM.
    Files {
        /// The chain.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// One of the local authority in this directory, which is made there if need be.
    Local {
        /// The data directory.
        data: PathBuf,
        /// The host that `--listen` names, added to `localhost`, `127.0.0.1` and `::1`.
        host: String,
    },
}

/// What the listener needs.
#[derive(Debug, Clone)]
pub struct Tls {
    /// For rustls; offers HTTP/2 and HTTP/1.1.
    pub config: Arc<ServerConfig>,
    /// What clients have to trust: the local authority's certificate, or the operator's chain.
    pub ca_certificate: PathBuf,
}

/// Why there is no certificate to listen with.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("cannot {deed} `{}`: {cause}", path.display())]
    File {
        /// `read` or `write`.
        deed: &'static str,
        /// Which.
        path: PathBuf,
        /// The system's word.
        cause: io::Error,
    },
    /// A file holds something else.
    #[error("`{}` does not hold {wanted} in PEM form", path.display())]
    Content {
        /// What was looked for.
        wanted: &'static str,
        /// Where.
        path: PathBuf,
    },
    /// The authority's key is gone, so nothing can be signed with the certificate that clients trust.
    #[error("`{}` is missing beside `ca.pem`: put it back, or remove `ca.pem` to get a new authority", .0.display())]
    KeyGone(PathBuf),
    /// `--listen` names something that no certificate can.
    #[error("`{0}` is not a host name that a certificate can carry")]
    Host(String),
    /// The certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// Key and certificate do not go together, or are of a kind that is not supported.
    #[error("cannot use the certificate and its key: {0}")]
    Use(#[from] rustls::Error),
}

/// Prepares the listener. A local certificate is made anew at every start, so it cannot run out unless a server runs on
/// for over a year, and its key never touches the disk. The authority that clients trust stays.
///
/// # Errors
/// [`TlsError`], naming the file or host to mend.
pub fn prepare(certificate: &Certificate) -> Result<Tls, TlsError> {
    match certificate {
        Certificate::Files { cert, key } => {
            let chain = CertificateDer::pem_file_iter(cert)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|e| pem_error(e, "a certificate", cert))?;
            if chain.is_empty() {
                return Err(TlsError::Content { wanted: "a certificate", path: cert.clone() });
            }
            let private = PrivateKeyDer::from_pem_file(key).map_err(|e| pem_error(e, "a private key", key))?;
            Ok(Tls { config: server_config(chain, private)?, ca_certificate: cert.clone() })
        }
        Certificate::Local { data, host } => {
            let authority = Authority::open(data)?;
            let (chain, private) = authority.leaf(host)?;
            Ok(Tls { config: server_config(chain, private)?, ca_certificate: data.join("ca.pem") })
        }
    }
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The local authority: `ca.pem` and `ca.key` in the data directory.
struct Authority {
    certificate: CertificateDer<'static>,
    issuer: rcgen::Issuer<'static, KeyPair>,
}

impl Authority {
    fn open(data: &Path) -> Result<Self, TlsError> {
        fs::create_dir_all(data).map_err(|cause| TlsError::File { deed: "write", path: data.to_owned(), cause })?;
        let (cert_path, key_path) = (data.join("ca.pem"), data.join("ca.key"));
        if !key_path.exists() {
            if cert_path.exists() {
                return Err(TlsError::KeyGone(key_path));
            }
            // The key goes first: a key without a certificate is mended below, the other way round nothing helps.
            write_private(&key_path, &KeyPair::generate()?.serialize_pem())?;
        }
        let bad_key = |_| TlsError::Content { wanted: "a private key", path: key_path.clone() };
        let key = KeyPair::from_pem(&read(&key_path)?).map_err(bad_key)?;
        if !cert_path.exists() {
            write_whole(&cert_path, &authority_params()?.self_signed(&key)?.pem(), 0o644)?;
        }
        let bad_cert = || TlsError::Content { wanted: "a certificate", path: cert_path.clone() };
        let certificate =
            CertificateDer::from_pem_file(&cert_path).map_err(|e| pem_error(e, "a certificate", &cert_path))?;
        let issuer = rcgen::Issuer::from_ca_cert_der(&certificate, key).map_err(|_| bad_cert())?;
        Ok(Self { certificate, issuer })
    }

    fn leaf(&self, host: &str) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = alt_names(host)?;
        // Clocks differ: a client a day behind must still take the certificate.
        params.not_before = OffsetDateTime::now_utc() - Duration::DAY;
        params.not_after = params.not_before + Duration::days(LEAF_DAYS);
        params.distinguished_name = Default::default();
        params.distinguished_name.push(DnType::CommonName, "Fullmakt");
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let leaf = params.signed_by(&key, &self.issuer)?;
        let private = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        Ok((vec![leaf.der().clone(), self.certificate.clone()], private))
    }
}

fn authority_params() -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::default();
    params.not_before = OffsetDateTime::now_utc() - Duration::DAY;
    params.not_after = params.not_before + Duration::days(AUTHORITY_DAYS);
    params.distinguished_name = Default::default();
    params.distinguished_name.push(DnType::CommonName, "Fullmakt local authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn alt_names(host: &str) -> Result<Vec<SanType>, TlsError> {
    let mut addresses = vec![IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
    let mut names = vec!["localhost".to_owned()];
    let host = host.trim().trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpAddr>() {
        Ok(address) if address.is_unspecified() || addresses.contains(&address) => {}
        Ok(address) => addresses.push(address),
        Err(_) if host.is_empty() || host.eq_ignore_ascii_case("localhost") => {}
        Err(_) => names.push(host.to_ascii_lowercase()),
    }
    let named = names.into_iter().map(|name| {
        let sound = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        let dns = name.clone().try_into().map_err(|_| TlsError::Host(name.clone()))?;
        if sound { Ok(SanType::DnsName(dns)) } else { Err(TlsError::Host(name)) }
    });
    named.chain(addresses.into_iter().map(|address| Ok(SanType::IpAddress(address)))).collect()
}

fn pem_error(error: rustls::pki_types::pem::Error, wanted: &'static str, path: &Path) -> TlsError {
    match error {
        rustls::pki_types::pem::Error::Io(cause) => TlsError::File { deed: "read", path: path.to_owned(), cause },
        _ => TlsError::Content { wanted, path: path.to_owned() },
    }
}

fn read(path: &Path) -> Result<String, TlsError> {
    fs::read_to_string(path).map_err(|cause| TlsError::File { deed: "read", path: path.to_owned(), cause })
}

/// Writes a file that only its owner may read.
///
/// # Errors
/// [`TlsError::File`] when the disk or the directory does not allow it.
pub fn write_private(path: &Path, text: &str) -> Result<(), TlsError> {
    write_whole(path, text, 0o600)
}

/// Writes beside the target and renames, so that a crash leaves the whole file or none.
fn write_whole(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let failed = |cause| TlsError::File { deed: "write", path: path.to_owned(), cause };
    let beside = path.with_extension(format!("tmp{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(&beside).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&beside, path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};

    use super::*;

    fn local(data: &Path, host: &str) -> Result<Tls, TlsError> {
        prepare(&Certificate::Local { data: data.to_owned(), host: host.to_owned() })
    }

    /// Shakes hands in memory as a client that trusts `tls.ca_certificate` alone.
    fn handshake(tls: &Tls, name: &str) -> Result<(), rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&tls.ca_certificate).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut client = ClientConnection::new(Arc::new(config), ServerName::try_from(name.to_owned()).unwrap())?;
        let mut server = ServerConnection::new(Arc::clone(&tls.config))?;
        while client.is_handshaking() || server.is_handshaking() {
            let mut wire = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut wire).unwrap();
            }
            server.read_tls(&mut wire.as_slice()).unwrap();
            server.process_new_packets()?;
            let mut wire = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut wire).unwrap();
            }
            let mut bytes = wire.as_slice().take(u64::MAX);
            while client.wants_read() && client.read_tls(&mut bytes).unwrap() > 0 {
                client.process_new_packets()?;
            }
        }
        Ok(())
    }

    #[test]
    fn the_local_authority_vouches_for_the_listening_host_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let tls = local(dir.path(), "fullmakt.nordmoln.example").unwrap();
        for name in ["localhost", "127.0.0.1", "::1", "fullmakt.nordmoln.example"] {
            handshake(&tls, name).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
        assert!(handshake(&tls, "other.example").is_err());
        let listening_everywhere = local(dir.path(), "0.0.0.0").unwrap();
        assert!(handshake(&listening_everywhere, "127.0.0.1").is_ok());
    }

    #[test]
    fn a_restart_keeps_the_authority_and_guards_its_key() {
        let dir = tempfile::tempdir().unwrap();
        let first = local(dir.path(), "127.0.0.1").unwrap();
        let before = fs::read(&first.ca_certificate).unwrap();
        let second = local(dir.path(), "127.0.0.1").unwrap();
        assert_eq!(fs::read(&second.ca_certificate).unwrap(), before);
        handshake(&second, "localhost").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(dir.path().join("ca.key")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn mistakes_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let told = |result: Result<Tls, TlsError>| result.map(drop).unwrap_err().to_string();
        assert_eq!(
            told(local(dir.path(), "not a host")),
            "`not a host` is not a host name that a certificate can carry"
        );
        let files = |cert: &str, key: &str| {
            prepare(&Certificate::Files { cert: dir.path().join(cert), key: dir.path().join(key) })
        };
        assert!(told(files("absent.pem", "ca.key")).starts_with("cannot read `"));
        assert!(told(files("ca.pem", "ca.pem")).ends_with("does not hold a private key in PEM form"));
        assert!(files("ca.pem", "ca.key").is_ok());
        fs::remove_file(dir.path().join("ca.key")).unwrap();
        assert!(told(local(dir.path(), "localhost")).contains("ca.key` is missing beside `ca.pem`"));
    }
}
