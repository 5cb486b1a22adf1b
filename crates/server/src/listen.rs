//! A listening socket with a router behind it, that can be asked to stop.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use tokio::task::JoinHandle;

/// A server that accepts connections. Callers' addresses reach handlers as `ConnectInfo<SocketAddr>`.
pub struct Listening {
    /// Where, with the port that was picked.
    pub address: SocketAddr,
    handle: Handle<SocketAddr>,
    task: JoinHandle<io::Result<()>>,
}

impl Listening {
    /// Begins to accept connections on a socket that is already bound; over TLS where there is a configuration for it.
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
                let config = RustlsConfig::from_config(config);
                let server = axum_server::from_tcp_rustls(socket, config)?.handle(handle.clone());
                tokio::spawn(server.serve(service))
            }
            None => {
                let server = axum_server::from_tcp(socket)?.handle(handle.clone());
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
