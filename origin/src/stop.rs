//! When to stop.

use anyhow::{Context, Result};

/// Hears Ctrl-C, and every other way in which a process is asked to end: `SIGTERM`, `SIGHUP`. From its beginning on, none
/// of them ends the process by itself, and none is missed.
#[cfg(unix)]
pub struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stop {
    /// Listens from now on. Must be called within a tokio runtime.
    pub fn listen() -> Result<Stop> {
        use tokio::signal::unix::{SignalKind, signal};
        let hear = |kind| signal(kind).context("listening for signals");
        Ok(Stop {
            interrupt: hear(SignalKind::interrupt())?,
            terminate: hear(SignalKind::terminate())?,
            hangup: hear(SignalKind::hangup())?,
        })
    }

    /// Ready once somebody has asked, also where that was before the call.
    pub async fn requested(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

/// Hears Ctrl-C. From its beginning on, that does not end the process by itself, and is not missed.
#[cfg(windows)]
pub struct Stop(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Stop {
    /// Listens from now on. Must be called within a tokio runtime.
    pub fn listen() -> Result<Stop> {
        Ok(Stop(tokio::signal::windows::ctrl_c().context("listening for Ctrl-C")?))
    }

    /// Ready once somebody has asked, also where that was before the call.
    pub async fn requested(&mut self) {
        let _pressed = self.0.recv().await;
    }
}
