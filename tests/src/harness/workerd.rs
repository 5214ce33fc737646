//! Starts the Cloudflare edge under workerd, with KV and cache of ours behind it.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use hemstitch::visit::KeyPurpose;
use serde_json::{Map, Value};

use super::child::Child;
use super::cloud_services::CloudServices;
use super::edge::{NOBODY, write_whole};
use super::origin::TestOrigin;
use super::programs;
use super::site::TestSite;

/// What a Worker is made of; the first is its entry.
const MODULES: [&str; 6] = [
    "worker.js",
    "tasks.js",
    "platform.js",
    "worker_state.js",
    "hemstitch_cloudflare.js",
    "hemstitch_cloudflare_bg.wasm",
];

const PERSONALIZATION: &str = "HEMSTITCH_PERSONALIZATION";

/// workerd, which is started anew where the platform would start new isolates.
pub(super) struct Workerd {
    folder: PathBuf,
    pub(super) services: CloudServices,
    pub(super) child: Mutex<Child>,
    pub(super) address: SocketAddr,
}

impl Workerd {
    /// `settings` are variables and secrets in place of those that the sites come to, or `None` to leave one out.
    pub(super) fn start(
        folder: &Path,
        worker: &Path,
        origin: &TestOrigin,
        sites: &[TestSite],
        settings: &[(&str, Option<&str>)],
    ) -> Workerd {
        let services = CloudServices::start().expect("services on loopback");
        let (mut configured, mut keys) = (Map::new(), Map::new());
        for site in sites {
            site.kv.iter().for_each(|(key, value)| services.kv.put(key, value));
            configured.insert(site.host.clone(), site.configuration("ORIGIN", "NOBODY"));
            let ring = |name: &str| (name.to_string(), Value::from(site.secrets().keyring(name)));
            let rings = KeyPurpose::ALL.map(|purpose| ring(purpose.name())).into_iter().collect();
            keys.insert(site.name.clone(), Value::Object(rings));
        }
        let mut texts = BTreeMap::from([
            ("HEMSTITCH_SITES", Some(Value::Object(configured).to_string())),
            ("HEMSTITCH_KEYS", Some(Value::Object(keys).to_string())),
            (PERSONALIZATION, Some("on".to_string())),
        ]);
        texts.extend(settings.iter().map(|(name, text)| (*name, text.map(str::to_string))));
        texts.retain(|_, text| text.is_some());
        for (name, text) in &texts {
            write_whole(&folder.join(name), text.as_deref().unwrap_or_default().as_bytes());
        }
        for module in MODULES {
            // Beside the manifest, since it embeds nothing by an absolute path.
            fs::copy(worker.join(module), folder.join(module)).expect("a Worker that was built whole");
        }
        let nobody = NOBODY.trim_start_matches("http://");
        let record = sites.iter().find_map(|site| site.record.as_deref()).unwrap_or(nobody);
        let names: Vec<&str> = texts.into_keys().collect();
        let manifest = manifest_of(&origin.address().to_string(), record, &services, &names);
        write_whole(&folder.join("workerd.capnp"), manifest.as_bytes());
        let (child, address) = launch(folder, "127.0.0.1:0");
        let address = address.parse().expect("an address of loopback");
        Workerd { folder: folder.to_path_buf(), services, child: Mutex::new(child), address }
    }

    /// A variable of a Worker changes with a deployment, which starts new isolates.
    pub(super) fn set_personalization(&self, setting: &str) {
        let mut child = self.child.lock().expect("no holder of the lock panics");
        child.interrupt();
        child.wait_for_end();
        let address = self.address.to_string();
        write_whole(&self.folder.join(PERSONALIZATION), setting.as_bytes());
        *child = launch(&self.folder, &address).0;
    }
}

fn launch(folder: &Path, listen: &str) -> (Child, String) {
    let mut command = Command::new(programs::workerd());
    command.arg("serve").arg(folder.join("workerd.capnp")).args([
        "--control-fd=1",
        "--socket-addr",
        &format!("edge={listen}"),
    ]);
    let mut child = Child::start("workerd", &mut command);
    let line = child.wait_for_line("\"event\":\"listen\"");
    let port = line.split("\"port\":").nth(1).unwrap_or_default();
    let digits: String = port.chars().take_while(char::is_ascii_digit).collect();
    (child, format!("127.0.0.1:{digits}"))
}

fn manifest_of(origin: &str, record: &str, services: &CloudServices, texts: &[&str]) -> String {
    let module = |name: &&str| {
        let kind = if name.ends_with(".wasm") { "wasm" } else { "esModule" };
        format!("(name = \"{name}\", {kind} = embed \"{name}\")")
    };
    let modules: Vec<String> = MODULES.iter().map(module).collect();
    let text = |name: &&str| format!("(name = \"{name}\", text = embed \"{name}\"),");
    let texts: Vec<String> = texts.iter().map(text).collect();
    let nobody = NOBODY.trim_start_matches("http://");
    let (kv, cache) = (services.kv.address(), services.cache.address());
    format!(
        r#"using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "edge", worker = .edge),
    (name = "origin", external = (address = "{origin}", http = ())),
    (name = "nobody", external = (address = "{nobody}", http = ())),
    (name = "record", external = (address = "{record}", http = ())),
    (name = "kv", external = (address = "{kv}", http = ())),
    (name = "cache", external = (address = "{cache}", http = (style = proxy))),
  ],
  sockets = [(name = "edge", address = "127.0.0.1:0", http = (cfBlobHeader = "x-test-cf"), service = "edge")],
  # So that what memory is left can be compared: garbage goes when a test says so, and its pools stay small.
  v8Flags = ["--expose-gc", "--max-semi-space-size=1"],
);

const edge :Workerd.Worker = (
  modules = [{modules}],
  compatibilityDate = "2026-11-01",
  globalOutbound = "origin",
  cacheApiOutbound = "cache",
  bindings = [
    (name = "ORIGIN", service = "origin"),
    (name = "NOBODY", service = "nobody"),
    (name = "RECORD", service = "record"),
    (name = "HEMSTITCH_KV", kvNamespace = "kv"),
    {texts}
  ],
);
"#,
        modules = modules.join(", "),
        texts = texts.join("\n    "),
    )
}
