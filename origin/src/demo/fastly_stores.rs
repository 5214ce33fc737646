//! The demo's site as the local stores of Fastly's runtime, and the manifest that names them.
//!
//! ```text
//! site.json     the configuration of the site, as `hemstitch serve --config` reads it
//! config.json   config store: host.<host> → configuration of the site
//! kv.json       KV store: the pointer and its pack, each in a file of the KV folder
//! secrets.json  secret store: <site>.profile, .facts, .explain → keyring
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use hemstitch::pointer::{pack_key, pointer_key};
use serde_json::{Map, Value, json};

use super::stage::{SITE, Stage, write_key};

/// What the edge for Fastly calls the origin.
const BACKEND: &str = "origin";

/// The files of the stores.
pub struct FastlyStores {
    config: PathBuf,
    kv: PathBuf,
    secrets: PathBuf,
}

impl FastlyStores {
    /// Writes the stores into the folder of the stage.
    pub fn write(stage: &Stage) -> Result<FastlyStores> {
        let file = |name: &str| stage.root().join(name);
        let stores =
            FastlyStores { config: file("config.json"), kv: file("kv.json"), secrets: file("secrets.json") };
        let site = stage.site(BACKEND);
        let hosts = site["hosts"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut config: Map<String, Value> =
            hosts.map(|host| (format!("host.{host}"), site.to_string().into())).collect();
        config.insert("personalization".to_owned(), "on".into());
        let keys = [pointer_key(SITE), pack_key(SITE, &stage.published)];
        let kv: Map<String, Value> = keys
            .into_iter()
            .map(|key| {
                let file = stage.kv().join(&key);
                (key, json!({ "file": file }))
            })
            .collect();
        let secrets = json!({
            format!("{SITE}.profile"): stage.keyring_text("profile")?,
            format!("{SITE}.facts"): stage.keyring_text("facts")?,
            format!("{SITE}.explain"): stage.keyring_text("explain")?,
        });
        write(&file("site.json"), &site)?;
        write(&stores.config, &Value::Object(config))?;
        write(&stores.kv, &Value::Object(kv))?;
        write_key(&stores.secrets, &secrets.to_string())?;
        Ok(stores)
    }

    /// A manifest for these stores and this origin.
    pub fn manifest(&self, origin: &str) -> String {
        let path = |path: &Path| Value::from(path.display().to_string());
        let (config, kv, secrets) = (path(&self.config), path(&self.kv), path(&self.secrets));
        format!(
            r#"manifest_version = 3
name = "hemstitch-demo"
language = "rust"

[local_server.geolocation]
use_default_loopback = false

[local_server.backends.{BACKEND}]
url = "{origin}"

[local_server.config_stores.hemstitch]
file = {config}
format = "json"

[local_server.kv_stores]
hemstitch = {{ file = {kv}, format = "json" }}

[local_server.secret_stores]
hemstitch = {{ file = {secrets}, format = "json" }}
"#
        )
    }
}

fn write(path: &Path, value: &Value) -> Result<()> {
    fs::write(path, format!("{value:#}\n")).with_context(|| format!("writing {}", path.display()))
}
