//! The origin as a server.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::origin::Origin;
use crate::router::router;

/// How long answers that are on their way may take once the server is to stop.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Serves until `stop` is ready; then takes no more connections, and ends when the last answer is out or the time is up.
pub async fn serve(
    listener: TcpListener,
    origin: Arc<Origin>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stopping, mut stopped) = watch::channel(false);
    let service = router(origin).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        stop.await;
        stopping.send_replace(true);
    });
    let deadline = async {
        let _is_stopping = stopped.wait_for(|stopped| *stopped).await.is_ok();
        tokio::time::sleep(LAST_WORDS).await;
    };
    tokio::select! {
        ended = server => ended,
        () = deadline => Ok(()),
    }
}
