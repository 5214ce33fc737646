//! Starts the native edge.

use std::path::Path;
use std::process::Command;

use hemstitch::visit::KeyPurpose;
use serde_json::{Value, json};

use super::child::Child;
use super::edge::{NOBODY, write_whole};
use super::origin::TestOrigin;
use super::programs;
use super::site::TestSite;

pub(super) fn start(folder: &Path, origin: &TestOrigin, sites: &[TestSite]) -> (Child, String) {
    for site in sites {
        for (key, value) in &site.kv {
            write_whole(&folder.join("kv").join(key), value);
        }
        for ring in KeyPurpose::ALL.map(KeyPurpose::name) {
            let file = folder.join(format!("keys/{}.{ring}.json", site.name));
            write_whole(&file, site.secrets().keyring(ring).as_bytes());
        }
    }
    set_personalization(folder, "on");
    let configured = sites.iter().map(|site| site.configuration(&origin.url(), NOBODY));
    let kv = match sites.iter().find_map(|site| site.kv_at.as_deref()) {
        Some(address) => json!({ "origin": format!("http://{address}") }),
        None => json!(folder.join("kv")),
    };
    let configuration = json!({
        "listen": "127.0.0.1:0",
        "kv": kv,
        "keys": folder.join("keys"),
        "personalization": folder.join("personalization"),
        "cache_bytes": 64 << 20,
        "sites": configured.collect::<Vec<Value>>(),
    });
    let file = folder.join("edge.json");
    write_whole(&file, configuration.to_string().as_bytes());
    let mut command = Command::new(programs::hemstitch());
    command.arg("edge").arg("--config").arg(&file);
    let mut child = Child::start("the native edge", &mut command);
    let address = child.wait_for_line("listening on http://");
    (child, address)
}

pub(super) fn set_personalization(folder: &Path, setting: &str) {
    write_whole(&folder.join("personalization"), setting.as_bytes());
}
