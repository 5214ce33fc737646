//! The demo's edge on Fastly's local runtime: a child process.

use std::fs;
use std::net::{SocketAddr, TcpListener};

use anyhow::{Context, Result};
use tokio::process::Command;

use super::fastly_stores::FastlyStores;
use super::running::Running;
use super::stage::Stage;
use super::viceroy;
use crate::address;

const READY: &str = "Listening on http://";

/// Starts Viceroy.
pub fn start(stage: &Stage, origin: SocketAddr, listen: SocketAddr) -> Result<Running> {
    // Viceroy's own word on a taken port is a panic.
    drop(TcpListener::bind(listen).map_err(|error| address::refused(listen, error, "`--port N`"))?);
    let (program, wasm) = (viceroy::program()?, viceroy::wasm()?);
    let manifest = stage.root().join("fastly.toml");
    let stores = FastlyStores::write(stage)?;
    fs::write(&manifest, stores.manifest(&format!("http://{origin}"))).context("writing fastly.toml")?;
    let mut command = Command::new(&program);
    command.arg("-v").arg("-C").arg(&manifest).args(["--addr", &listen.to_string()]).arg(&wasm);
    Running::start("Viceroy", &mut command, |line| line.split_once(READY)?.1.trim().parse().ok())
}
