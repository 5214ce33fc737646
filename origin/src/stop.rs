//! When to stop.

/// Ready when somebody presses Ctrl-C, or asks the process to end in another way.
pub async fn requested() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let ended = async |kind| match signal(kind) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            () = ended(SignalKind::terminate()) => {}
            () = ended(SignalKind::hangup()) => {}
        }
    }
    #[cfg(not(unix))]
    let _pressed = tokio::signal::ctrl_c().await;
}
