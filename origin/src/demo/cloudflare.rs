//! The demo's edge on Cloudflare's runtime: a child process, and its KV, which is served from here.
//!
//! ```text
//! sites.json             HEMSTITCH_SITES: host → configuration of the site
//! keys/<site>.*.json     NORTHGATE_PROFILE, NORTHGATE_FACTS, NORTHGATE_EXPLAIN
//! workerd.capnp          these, the modules of the Worker, and where origin and KV are
//! ```
//! There is no Cache API: the isolate's memory is all the cache that one visitor at a time needs.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context, Result};
use serde_json::{Map, Value};
use tokio::process::Command;

use super::kv_service;
use super::running::Running;
use super::stage::{SITE, Stage};
use super::workerd::{self, MODULES};
use crate::address;

/// What the Worker calls the origin.
const BINDING: &str = "ORIGIN";

/// Starts workerd.
pub async fn start(stage: &Stage, origin: SocketAddr, listen: SocketAddr) -> Result<Running> {
    // workerd's own word on a taken port has no hint.
    drop(TcpListener::bind(listen).map_err(|error| address::refused(listen, error, "`--port N`"))?);
    let (program, worker) = (workerd::program()?, workerd::worker()?);
    for module in MODULES {
        // A manifest embeds only what lies beside it.
        fs::copy(worker.join(module), stage.root().join(module))
            .with_context(|| format!("copying {module}"))?;
    }
    let site = stage.site(BINDING);
    let hosts = site["hosts"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let sites: Map<String, Value> = hosts.map(|host| (host.to_owned(), site.clone())).collect();
    let written = fs::write(stage.root().join("sites.json"), Value::Object(sites).to_string());
    written.context("writing sites.json")?;
    let kv = kv_service::start(stage).await?;
    let manifest = stage.root().join("workerd.capnp");
    fs::write(&manifest, manifest_of(origin, kv)).context("writing workerd.capnp")?;
    let mut command = Command::new(&program);
    command.arg("serve").arg(&manifest);
    command.args(["--control-fd=1", "--socket-addr", &format!("edge={listen}")]);
    Running::start("workerd", &mut command, listening)
}

/// `{"event":"listen","socket":"edge","port":8787}`
fn listening(line: &str) -> Option<SocketAddr> {
    let event: Value = serde_json::from_str(line).ok()?;
    let port = u16::try_from(event["port"].as_u64()?).ok()?;
    (event["event"] == "listen").then_some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

fn manifest_of(origin: SocketAddr, kv: SocketAddr) -> String {
    let modules = MODULES.map(|name| {
        let kind = if name.ends_with(".wasm") { "wasm" } else { "esModule" };
        format!("(name = \"{name}\", {kind} = embed \"{name}\")")
    });
    let secrets = ["profile", "facts", "explain"].map(|ring| {
        let name = format!("{SITE}_{ring}").to_ascii_uppercase();
        format!("(name = \"{name}\", text = embed \"keys/{SITE}.{ring}.json\"),")
    });
    format!(
        r#"using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "edge", worker = .edge),
    (name = "origin", external = (address = "{origin}", http = ())),
    (name = "kv", external = (address = "{kv}", http = ())),
  ],
  sockets = [(name = "edge", address = "127.0.0.1:0", http = (), service = "edge")],
);

const edge :Workerd.Worker = (
  modules = [{modules}],
  compatibilityDate = "2026-04-01",
  globalOutbound = "origin",
  bindings = [
    (name = "{BINDING}", service = "origin"),
    (name = "HEMSTITCH_KV", kvNamespace = "kv"),
    (name = "HEMSTITCH_SITES", text = embed "sites.json"),
    {secrets}
  ],
);
"#,
        modules = modules.join(", "),
        secrets = secrets.join("\n    "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_says_where_it_listens_is_found_among_others() {
        let line = r#"{"event":"listen","socket":"edge","port":8787}"#;
        assert_eq!(listening(line), Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 8787))));
        for line in ["", "listen 8787", r#"{"event":"other","port":1}"#, r#"{"event":"listen","port":70000}"#]
        {
            assert_eq!(listening(line), None, "{line}");
        }
    }
}
