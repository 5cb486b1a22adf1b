//! A listening socket with a router behind it, that can be asked to stop.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use tokio::task::JoinHandle;

/// How long the head of a request may take to arrive, so that a slow caller cannot hold a connection for nothing.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// How often a silent HTTP/2 connection is asked whether anybody is there.
const PING_EVERY: Duration = Duration::from_secs(30);

fn be_brisk(builder: &mut Builder<TokioExecutor>) {
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING_EVERY);
}

/// A server that accepts connections. Callers' addresses reach handlers as `ConnectInfo<SocketAddr>`.
pub struct Listening {
    /// Where, with the port that was picked.
    pub address: SocketAddr,
    handle: Handle<SocketAddr>,
    task: JoinHandle<io::Result<()>>,
}

impl Listening {
    /// Begins to accept connections on a socket that is already bound; over TLS where there is a configuration for it.
    /// Answers leave at once: held back to fill a packet, they wait for the other side to acknowledge, some 40 ms.
    ///
    /// # Errors
    /// When the socket cannot be used.
    pub async fn start(socket: TcpListener, tls: Option<Arc<ServerConfig>>, router: Router) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let bound = socket.local_addr()?;
        let handle = Handle::new();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let task = match tls {
            Some(config) => {
                let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(config)).acceptor(NoDelayAcceptor::new());
                let mut server = axum_server::from_tcp(socket)?.acceptor(acceptor).handle(handle.clone());
                be_brisk(server.http_builder());
                tokio::spawn(server.serve(service))
            }
            None => {
                let mut server = axum_server::from_tcp(socket)?.acceptor(NoDelayAcceptor::new()).handle(handle.clone());
                be_brisk(server.http_builder());
                tokio::spawn(server.serve(service))
            }
        };
        let address = handle.listening().await.unwrap_or(bound);
        Ok(Self { address, handle, task })
    }

    /// Accepts no more connections, finishes what is in flight for at most `patience`, then drops the rest.
    ///
    /// # Errors
    /// What ended the server before, if anything did.
    pub async fn stop(self, patience: Duration) -> io::Result<()> {
        self.handle.graceful_shutdown(Some(patience));
        self.task.await.map_err(io::Error::other)?
    }
}
