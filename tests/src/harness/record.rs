//! An origin that records publications, and `hemstitch` told to publish there.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::child::Child;
use super::edge::write_whole;
use super::programs;
use super::publication::signing_key_json;
use super::site::TestSite;

/// A record, the KV folder that mirrors it, and a `hemstitch.toml` that names both.
pub struct RecordOrigin {
    folder: TempDir,
    address: String,
    _child: Child,
}

impl RecordOrigin {
    /// Starts it for a site, with the keys that the site's edges have.
    pub fn start(site: &TestSite) -> RecordOrigin {
        let folder = tempfile::tempdir().expect("a folder for the record");
        let path = |name: &str| folder.path().join(name);
        let configuration =
            site.clone().expecting_publications().configuration("http://127.0.0.1:1", "nobody");
        write_whole(&path("site.json"), configuration.to_string().as_bytes());
        write_whole(&path("pages/index.html"), b"<!doctype html>");
        for ring in ["profile", "operator", "edge", "preview"] {
            let file = path(&format!("keys/{}.{ring}.json", site.name));
            write_whole(&file, site.secrets().keyring(ring).as_bytes());
        }
        write_whole(&path("keys/signing.json"), signing_key_json().to_string().as_bytes());
        let mut command = Command::new(programs::hemstitch());
        command.arg("serve").arg(path("pages")).args(["--listen", "127.0.0.1:0", "--config"]);
        command.arg(path("site.json")).arg("--keys").arg(path("keys")).arg("--record").arg(path("record.db"));
        let mut child = Child::start("the record", &mut command);
        let address = child.wait_for_line("listening on http://");
        let name = &site.name;
        let toml = format!(
            "site = \"{name}\"\nsigning_key = \"keys/signing.json\"\noperator = \"ann\"\n\
             preview_key = \"keys/{name}.preview.json\"\n\
             [targets.origin]\nkind = \"origin\"\nurl = \"http://{address}\"\n\
             operator_key = \"keys/{name}.operator.json\"\n\
             [targets.mirror]\nkind = \"directory\"\npath = \"mirror\"\n"
        );
        write_whole(&path("hemstitch.toml"), toml.as_bytes());
        RecordOrigin { folder, address, _child: child }
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The KV folder that publications are mirrored to.
    pub fn mirror(&self) -> PathBuf {
        self.folder.path().join("mirror")
    }

    /// One more target.
    pub fn add_target(&self, toml: &str) {
        let file = self.folder.path().join("hemstitch.toml");
        let held = fs::read_to_string(&file).expect("a file of ours");
        write_whole(&file, (held + toml).as_bytes());
    }

    /// `hemstitch`, where the configuration is.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(programs::hemstitch());
        command.args(arguments).current_dir(self.folder.path());
        command
    }

    /// The same; what it prints, where it succeeds.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("hemstitch starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    /// Publishes a ruleset.
    pub fn publish(&self, ruleset: &Value) {
        self.publish_with(ruleset, &[]);
    }

    /// The same, with more arguments; what it prints.
    pub fn publish_with(&self, ruleset: &Value, arguments: &[&str]) -> String {
        write_whole(&self.folder.path().join("ruleset.json"), ruleset.to_string().as_bytes());
        self.run(&[&["publish", "ruleset.json"], arguments].concat())
    }

    /// Makes a preview of a ruleset; the link.
    pub fn preview(&self, ruleset: &Value, arguments: &[&str]) -> String {
        write_whole(&self.folder.path().join("draft.json"), ruleset.to_string().as_bytes());
        self.run(&[&["preview", "draft.json"], arguments].concat())
    }

    /// What the mirror holds, by key.
    pub fn mirrored(&self) -> Vec<(String, Vec<u8>)> {
        let mut held = Vec::new();
        let mut folders = vec![self.mirror()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("the mirror") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let key = path.strip_prefix(self.mirror()).expect("below the mirror");
                    let key = key.to_str().expect("a key").to_string();
                    held.push((key, fs::read(&path).expect("a value")));
                }
            }
        }
        // Packs before pointers.
        held.sort();
        held
    }
}
