//! Listening, with an error that says what to do.

use std::io;
use std::net::SocketAddr;

use anyhow::{Error, Result, anyhow};
use hemstitch_native::BindError;
use tokio::net::TcpListener;

/// Listens there. `option` is how another port is chosen.
pub async fn listen(address: SocketAddr, option: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| refused(address, error, option))
}

/// Why the native edge cannot start.
pub fn edge_refused(error: BindError, option: &str) -> Error {
    match error {
        BindError::Taken(address) => refused(address, io::ErrorKind::AddrInUse.into(), option),
        BindError::Listen { address, error } => refused(address, error, option),
        BindError::Serving(error) => Error::new(error),
    }
}

/// Why nothing can listen there.
pub fn refused(address: SocketAddr, error: io::Error, option: &str) -> Error {
    let port = address.port();
    match error.kind() {
        io::ErrorKind::AddrInUse => anyhow!(
            "port {port} is taken: another program listens on {address}\n  \
             hint: stop it, or choose another port with {option}; port 0 takes any that is free"
        ),
        io::ErrorKind::PermissionDenied => anyhow!(
            "port {port} may not be listened on by this user\n  hint: choose a port above 1023 with {option}"
        ),
        _ => Error::new(error).context(format!("listening on {address}")),
    }
}
