//! The demo: origin and edge on an embedded site, with keys of their own.
//!
//! ```text
//! site_files ─► Stage (pages, keys, KV) ─► origin ─► edge: native, fastly under viceroy, or cloudflare under workerd
//! ```

mod cloudflare;
mod fastly;
mod fastly_stores;
mod kv_service;
mod native;
mod panel;
mod personas;
mod running;
mod site_files;
mod stage;
mod tools;
mod viceroy;
mod visitors;
mod workerd;

pub use fastly_stores::FastlyStores;
pub use stage::{SITE, Secrets, Stage};
pub use viceroy::BUILT;
pub use visitors::visitors;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use hemstitch_origin::{Origin, router};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::output;
use crate::stop::Stop;

/// On what the demo's edge runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Platform {
    /// In this process
    Native,
    /// As wasm for Fastly Compute, under its local runtime Viceroy
    Fastly,
    /// As a Worker for Cloudflare, under its runtime workerd
    Cloudflare,
}

impl Platform {
    /// What makes the pages, for people.
    fn edge(self) -> &'static str {
        match self {
            Platform::Native => "the native edge",
            Platform::Fastly => "Fastly Compute, under Viceroy",
            Platform::Cloudflare => "Cloudflare Workers, under workerd",
        }
    }
}

/// Runs until somebody stops it, and leaves nothing behind.
pub async fn run(platform: Platform, port: u16) -> Result<()> {
    let started = Instant::now();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    // Before there is anything that a signal could leave behind.
    let mut stop = Stop::listen()?;
    let folder = private_folder().context("a temporary folder")?;
    let shown = show(platform, address, &folder, &mut stop, started).await;
    shown.and(folder.close().context("removing the demo's folder"))
}

/// Shows it until somebody stops it. The child, if there is one, has ended when this returns.
async fn show(
    platform: Platform,
    address: SocketAddr,
    folder: &TempDir,
    stop: &mut Stop,
    started: Instant,
) -> Result<()> {
    let stage = Stage::set_up(folder.path(), &Secrets::fresh()?)?;
    let origin = start_origin(&stage, platform.edge()).await?;
    let mut edge = match platform {
        Platform::Native => {
            let edge = native::bind(&stage, origin, address).await?;
            announce(platform, edge.local_addr(), origin, &stage, started)?;
            edge.run(stop.requested()).await;
            return Ok(());
        }
        Platform::Fastly => fastly::start(&stage, origin, address)?,
        Platform::Cloudflare => cloudflare::start(&stage, origin, address).await?,
    };
    let lived = async {
        announce(platform, edge.listening().await?, origin, &stage, started)?;
        edge.ended().await
    };
    let lived = tokio::select! {
        biased;
        () = stop.requested() => Ok(()),
        ended = lived => ended,
    };
    lived.and(edge.stop().await)
}

/// A folder that is its owner's alone, and goes when it is dropped.
fn private_folder() -> io::Result<TempDir> {
    let mut folder = tempfile::Builder::new();
    folder.prefix("hemstitch-demo-");
    #[cfg(unix)]
    folder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    folder.tempdir()
}

/// The origin of the site, which also answers for the panel.
async fn start_origin(stage: &Stage, edge: &'static str) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("a port for the origin")?;
    let address = listener.local_addr()?;
    let routes = router(Arc::new(Origin::new(stage.origin()?))).merge(panel::routes(stage, edge)?);
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    Ok(address)
}

fn announce(
    platform: Platform,
    edge: SocketAddr,
    origin: SocketAddr,
    stage: &Stage,
    started: Instant,
) -> Result<()> {
    let edge_name = platform.edge();
    let ready = started.elapsed().as_millis();
    let site = format!("http://{edge}/");
    let visitors = visitors(&site, stage)?;
    let commands =
        visitors.three.map(|visitor| format!("{}:\n{}\n\n", visitor.who, visitor.command)).concat();
    let from_germany = visitors.from_germany;
    // In one piece, so that a reader who goes away after the first line has not missed the rest.
    output::address(format_args!(
        "\
The site Northgate, personalized by {edge_name}:

  {site}    in a browser, with a panel in which to become somebody else
  {site}?utm_campaign=autumn    as a campaign's visitors see it
  http://{origin}/    its origin, without an edge in front

{commands}The page as it is seen in Germany, for a browser:
{from_germany}

The edge is ready, {ready} ms after the start. Ctrl-C stops everything."
    ))?;
    Ok(())
}
