//! The edge: a listener, and the connections that it accepts.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::answer::answer;
use crate::config::Config;
use crate::connection::VisitorConnection;
use crate::descriptors;
use crate::journal;
use crate::serving::{Chores, Serving, ServingError};
use crate::switch::{Switch, SwitchFile};

/// How long requests may go on after the edge was told to stop.
const GRACE: Duration = Duration::from_secs(10);
/// Largest head of a request, in bytes.
const MOST_HEAD_BYTES: usize = 64 * 1024;
/// Most headers of a request.
const MOST_HEADERS: usize = 256;

/// An edge that listens.
pub struct Edge {
    listener: TcpListener,
    address: SocketAddr,
    serving: Arc<Serving>,
    chores: Chores,
    switch: SwitchFile,
    max_connections: usize,
    idle: Duration,
}

/// Why an edge cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program listens there.
    #[error("{0} is taken by another program")]
    Taken(SocketAddr),
    /// There is no listening there.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// The configuration cannot be served.
    #[error(transparent)]
    Serving(#[from] ServingError),
}

/// Whether connections go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Serving,
    /// Requests that have arrived are answered, and no more.
    Finishing,
    Over,
}

impl Edge {
    /// Reads keys and kill switch, and listens. Must be called within a tokio runtime.
    pub async fn bind(config: Config) -> Result<Edge, BindError> {
        let (switch_file, switch): (SwitchFile, Switch) =
            SwitchFile::open(config.personalization.clone()).await;
        let (serving, chores) = Serving::new(&config, switch)?;
        let listening = async {
            let listener = TcpListener::bind(config.listen).await?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        let (listener, address) = listening.await.map_err(|error: io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => BindError::Taken(config.listen),
            _ => BindError::Listen { address: config.listen, error },
        })?;
        Ok(Edge {
            listener,
            address,
            serving: Arc::new(serving),
            chores,
            switch: switch_file,
            max_connections: descriptors::connections(config.max_connections).min(Semaphore::MAX_PERMITS),
            idle: Duration::from_secs(config.idle_s),
        })
    }

    /// Where it listens: the port is a real one, even where 0 was configured.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` ends; requests that have arrived by then are answered, for ten seconds at most.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Edge { listener, serving, chores, switch, max_connections, idle, .. } = self;
        // They end with this function, whatever becomes of it.
        let mut background = JoinSet::new();
        chores.watches.into_iter().for_each(|watch| drop(background.spawn(watch.run())));
        chores.key_files.into_iter().for_each(|files| drop(background.spawn(files.run())));
        background.spawn(switch.run());

        let places = Arc::new(Semaphore::new(max_connections));
        let (stage, connections_stage) = watch::channel(Stage::Serving);
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = async {
                // Nobody closes the semaphore.
                let place = Arc::clone(&places).acquire_owned().await.ok()?;
                Some((place, listener.accept().await))
            };
            let (place, accepted) = tokio::select! {
                () = &mut shutdown => break,
                accepted = accepted => match accepted {
                    Some(accepted) => accepted,
                    None => break,
                },
            };
            match accepted {
                Ok((stream, peer)) => {
                    let connection =
                        converse(Arc::clone(&serving), stream, peer, idle, connections_stage.clone());
                    tokio::spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    journal::warn(&format!("accepting a connection: {error}"));
                    // Too many open files, most often: accepting at full speed would only say so more often.
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop(listener);
        stage.send_replace(Stage::Finishing);
        let all = u32::try_from(max_connections).unwrap_or(u32::MAX);
        let _ = timeout(GRACE, places.acquire_many(all)).await;
        stage.send_replace(Stage::Over);
    }
}

/// Serves one connection until either side ends it.
async fn converse(
    serving: Arc<Serving>,
    stream: TcpStream,
    peer: SocketAddr,
    idle: Duration,
    mut stage: watch::Receiver<Stage>,
) {
    // A connection that cannot be told so is only slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let serving = Arc::clone(&serving);
        async move { Ok::<_, Infallible>(answer(serving, peer.ip(), request).await) }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
        .max_header_size(MOST_HEAD_BYTES)
        .max_headers(MOST_HEADERS);
    // Whoever has sent all that they will send may still wait for the answer.
    builder.half_close(true);
    let connection = builder.serve_connection(VisitorConnection::new(stream), service).with_upgrades();
    let mut connection = pin!(connection);
    loop {
        tokio::select! {
            // How a connection ended is the visitor's business, and theirs to notice.
            _ = connection.as_mut() => return,
            changed = stage.changed() => match (changed, *stage.borrow()) {
                (Ok(()), Stage::Finishing) => connection.as_mut().graceful_shutdown(),
                (Ok(()), Stage::Serving) => {}
                (Ok(()), Stage::Over) | (Err(_), _) => return,
            },
        }
    }
}
