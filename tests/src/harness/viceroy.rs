//! Starts the Fastly edge under Viceroy.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use hemstitch::visit::KeyPurpose;
use serde_json::{Map, Value};

use super::child::Child;
use super::edge::{NOBODY, write_whole};
use super::origin::TestOrigin;
use super::programs;
use super::site::TestSite;

pub(super) fn start(folder: &Path, origin: &TestOrigin, sites: &[TestSite]) -> (Child, String) {
    let mut store = Map::new();
    store.insert("personalization".to_string(), Value::from("on"));
    for site in sites {
        let configuration = site.configuration("origin", "nobody").to_string();
        store.insert(format!("host.{}", site.host), Value::from(configuration));
    }
    write_whole(&folder.join("config.json"), Value::Object(store).to_string().as_bytes());

    let manifest = folder.join("fastly.toml");
    write_whole(&manifest, manifest_of(folder, &origin.url(), sites).as_bytes());
    let mut command = Command::new(programs::viceroy());
    command.arg("-v").arg("-C").arg(&manifest).args(["--addr", "127.0.0.1:0"]).arg(programs::fastly_wasm());
    let mut child = Child::start("Viceroy", &mut command);
    let address = child.wait_for_line("Listening on http://");
    (child, address)
}

pub(super) fn set_personalization(folder: &Path, setting: &str) {
    let file = folder.join("config.json");
    let text = fs::read_to_string(&file).expect("the config store is a file of ours");
    let mut store: Map<String, Value> = serde_json::from_str(&text).expect("the config store is JSON");
    store.insert("personalization".to_string(), Value::from(setting));
    write_whole(&file, Value::Object(store).to_string().as_bytes());
}

fn manifest_of(folder: &Path, origin: &str, sites: &[TestSite]) -> String {
    let mut kv = String::new();
    let mut secrets = String::new();
    for (index, site) in sites.iter().enumerate() {
        for (entry, (key, value)) in site.kv.iter().enumerate() {
            let file = folder.join(format!("kv-{index}-{entry}"));
            write_whole(&file, value);
            item(&mut kv, key, &file);
        }
        for ring in KeyPurpose::ALL.map(KeyPurpose::name) {
            let file = folder.join(format!("{}.{ring}.json", site.name));
            write_whole(&file, site.secrets().keyring(ring).as_bytes());
            item(&mut secrets, &format!("{}.{ring}", site.name), &file);
        }
    }
    let record = sites.iter().find_map(|site| site.record.as_deref());
    let record = record.map_or(NOBODY.to_string(), |address| format!("http://{address}"));
    let config = quoted(&folder.join("config.json"));
    format!(
        r#"manifest_version = 3
name = "e2e"
language = "rust"

[local_server]
[local_server.geolocation]
use_default_loopback = false
[local_server.backends.origin]
url = "{origin}"
[local_server.backends.nobody]
url = "{NOBODY}"
[local_server.backends.record]
url = "{record}"
[local_server.config_stores.hemstitch]
file = {config}
format = "json"
[local_server.kv_stores]
hemstitch = [{kv}]
[local_server.secret_stores]
hemstitch = [{secrets}]
"#
    )
}

fn item(list: &mut String, key: &str, file: &Path) {
    let key = Value::from(key);
    write!(list, "{{ key = {key}, file = {} }}, ", quoted(file)).expect("writing to memory does not fail");
}

fn quoted(path: &Path) -> Value {
    Value::from(path.to_str().expect("a path of UTF-8"))
}
