//! The demo's edge on Fastly's local runtime: a child process.

use std::collections::VecDeque;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::fastly_stores::FastlyStores;
use super::stage::Stage;
use super::viceroy;
use crate::address;

/// It compiles the wasm first, which a loaded machine is slow at.
const PATIENCE: Duration = Duration::from_secs(120);
const READY: &str = "Listening on http://";
/// How many of its last lines are shown when it fails.
const LAST_LINES: usize = 12;

/// Viceroy with the edge in it. Dropping kills it.
pub struct Running {
    child: Child,
    lines: UnboundedReceiver<String>,
}

/// Starts Viceroy.
pub fn start(stage: &Stage, origin: SocketAddr, listen: SocketAddr) -> Result<Running> {
    // Viceroy's own word on a taken port is a panic.
    drop(TcpListener::bind(listen).map_err(|error| address::refused(listen, error, "`--port N`"))?);
    let (program, wasm) = (viceroy::program()?, viceroy::wasm()?);
    let manifest = stage.root().join("fastly.toml");
    let stores = FastlyStores::write(stage)?;
    fs::write(&manifest, stores.manifest(&format!("http://{origin}"))).context("writing fastly.toml")?;
    let mut command = Command::new(&program);
    command
        .arg("-v")
        .arg("-C")
        .arg(&manifest)
        .args(["--addr", &listen.to_string()])
        .arg(&wasm)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // Ctrl-C in a terminal goes to a whole group of processes; ending this one is left to us.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().with_context(|| format!("starting {}", program.display()))?;
    let (sender, lines) = unbounded_channel();
    collect(child.stdout.take(), sender.clone());
    collect(child.stderr.take(), sender);
    Ok(Running { child, lines })
}

/// The address that it says it listens on; an error with its last words where it ends before that.
async fn address_of(lines: &mut UnboundedReceiver<String>) -> Result<SocketAddr> {
    let mut last = VecDeque::new();
    while let Some(line) = lines.recv().await {
        if let Some((_, address)) = line.split_once(READY) {
            return address.trim().parse().with_context(|| format!("Viceroy listens on {address}"));
        }
        last.push_back(line);
        if last.len() > LAST_LINES {
            last.pop_front();
        }
    }
    bail!("Viceroy ended before it listened:\n{}", Vec::from(last).join("\n"))
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

impl Running {
    /// Waits until it listens, and says where.
    pub async fn listening(&mut self) -> Result<SocketAddr> {
        tokio::time::timeout(PATIENCE, address_of(&mut self.lines))
            .await
            .map_err(|_| anyhow!("Viceroy does not listen after {} s", PATIENCE.as_secs()))?
    }

    /// Takes its lines until it ends by itself, which is a failure.
    pub async fn ended(&mut self) -> Result<()> {
        let mut last = String::new();
        while let Some(line) = self.lines.recv().await {
            last = line;
        }
        let status = self.child.wait().await?;
        bail!("Viceroy ended ({status}): {last}")
    }

    /// Ends it, if it has not ended, and waits until it has.
    pub async fn stop(mut self) -> Result<()> {
        self.child.kill().await.context("ending Viceroy")
    }
}
