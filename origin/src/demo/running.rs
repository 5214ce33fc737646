//! An edge that is a child process.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// It compiles the wasm first, which a loaded machine is slow at.
const PATIENCE: Duration = Duration::from_secs(120);
/// How many of its last lines are shown when it fails.
const LAST_LINES: usize = 12;

/// A local runtime with the edge in it. Dropping kills it.
pub struct Running {
    name: &'static str,
    child: Child,
    lines: UnboundedReceiver<String>,
    address: fn(&str) -> Option<SocketAddr>,
}

impl Running {
    /// Starts it. `address` finds where it listens in the line that says so.
    pub fn start(
        name: &'static str,
        command: &mut Command,
        address: fn(&str) -> Option<SocketAddr>,
    ) -> Result<Running> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        // Ctrl-C in a terminal goes to a whole group of processes; ending this one is left to us.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().with_context(|| format!("starting {name}"))?;
        let (sender, lines) = unbounded_channel();
        collect(child.stdout.take(), sender.clone());
        collect(child.stderr.take(), sender);
        Ok(Running { name, child, lines, address })
    }

    /// Waits until it listens, and says where.
    pub async fn listening(&mut self) -> Result<SocketAddr> {
        let name = self.name;
        tokio::time::timeout(PATIENCE, self.said())
            .await
            .map_err(|_| anyhow!("{name} does not listen after {} s", PATIENCE.as_secs()))?
    }

    /// The address that it says it listens on; an error with its last words where it ends before that.
    async fn said(&mut self) -> Result<SocketAddr> {
        let mut last = VecDeque::new();
        while let Some(line) = self.lines.recv().await {
            if let Some(address) = (self.address)(&line) {
                return Ok(address);
            }
            last.push_back(line);
            if last.len() > LAST_LINES {
                last.pop_front();
            }
        }
        bail!("{} ended before it listened:\n{}", self.name, Vec::from(last).join("\n"))
    }

    /// Takes its lines until it ends by itself, which is a failure.
    pub async fn ended(&mut self) -> Result<()> {
        let mut last = String::new();
        while let Some(line) = self.lines.recv().await {
            last = line;
        }
        let status = self.child.wait().await?;
        bail!("{} ended ({status}): {last}", self.name)
    }

    /// Ends it, if it has not ended, and waits until it has.
    pub async fn stop(mut self) -> Result<()> {
        self.child.kill().await.with_context(|| format!("ending {}", self.name))
    }
}

fn collect(output: Option<impl AsyncRead + Send + Unpin + 'static>, lines: UnboundedSender<String>) {
    let Some(output) = output else { return };
    tokio::spawn(async move {
        let mut output = BufReader::new(output).lines();
        while let Ok(Some(line)) = output.next_line().await {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
}
