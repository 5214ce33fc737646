//! wrangler, Cloudflare's command line, kept from asking anybody anything.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use hemstitch::visit::KeyPurpose;
use serde_json::json;
use tempfile::TempDir;

use super::child::Child;
use super::edge::write_whole;
use super::origin::TestOrigin;
use super::programs;
use super::site::TestSite;

/// The Worker of the workspace's `wrangler.toml`, with a state of its own.
pub struct Wrangler {
    /// What it keeps: configuration, logs, the local KV.
    state: TempDir,
}

impl Wrangler {
    /// Nothing has been published.
    pub fn with_empty_kv() -> Wrangler {
        Wrangler { state: tempfile::tempdir().expect("a folder for wrangler") }
    }

    /// `wrangler`, run in the workspace with its `wrangler.toml`.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let home = self.state.path().join("home");
        let mut command = Command::new(programs::wrangler());
        command.current_dir(programs::workspace()).args(arguments);
        command.env("HOME", &home).env("XDG_CONFIG_HOME", home.join(".config"));
        command
            .env("WRANGLER_LOG_PATH", home.join("logs"))
            .env("WRANGLER_REGISTRY_PATH", home.join("registry"));
        command.env("WRANGLER_CACHE_DIR", home.join("cache")).env("CI", "1").env("NO_COLOR", "1");
        // With the banner goes the question for a newer version.
        command.env("WRANGLER_HIDE_BANNER", "true").env("CLOUDFLARE_CF_FETCH_ENABLED", "false");
        command.env("WRANGLER_SEND_METRICS", "false").env("WRANGLER_SEND_ERROR_REPORTS", "false");
        command
    }

    /// What a command that succeeds writes.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("wrangler starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let written = text(&output.stdout) + &text(&output.stderr);
        assert!(output.status.success(), "wrangler {arguments:?}: {written}");
        written
    }

    /// Puts what a site published into the local KV.
    pub fn publish(&self, site: &TestSite) {
        for (number, (key, value)) in site.kv.iter().enumerate() {
            let file = self.state.path().join(format!("value-{number}"));
            write_whole(&file, value);
            let (file, kv) = (text(&file), text(&self.kv()));
            let put = ["kv", "key", "put", key, "--path", &file, "--binding", "HEMSTITCH_KV", "--local"];
            self.run(&[put.as_slice(), &["--persist-to", &kv]].concat());
        }
    }

    /// Runs a manual's shell commands in a folder. Their `hemstitch` is ours, and their `wrangler` this one, with a local KV
    /// of its own.
    pub fn follow(&self, manual: &str, folder: &Path, environment: &[(&str, String)]) {
        let bin = self.state.path().join("bin");
        let like = self.command(&[]);
        let exports = like
            .get_envs()
            .filter_map(|(name, value)| Some(format!("export {}='{}'\n", name.to_str()?, value?.to_str()?)));
        let (kv, workspace) = (text(&self.kv()), text(&programs::workspace()));
        let wrangler = format!(
            "#!/bin/sh\n{}exec '{}' --config '{workspace}/wrangler.toml' --persist-to '{kv}' \"$@\"\n",
            exports.collect::<String>(),
            text(&programs::wrangler()),
        );
        let hemstitch = format!("#!/bin/sh\nexec '{}' \"$@\"\n", text(&programs::hemstitch()));
        for (name, script) in [("wrangler", wrangler), ("hemstitch", hemstitch)] {
            write_whole(&bin.join(name), script.as_bytes());
            let ours = fs::Permissions::from_mode(0o700);
            fs::set_permissions(bin.join(name), ours).expect("a file of ours");
        }
        let path = format!("{}:{}", text(&bin), env::var("PATH").unwrap_or_default());
        let mut shell = Command::new("sh");
        shell.args(["-euc", manual]).current_dir(folder).env("PATH", path);
        let output = shell.envs(environment.iter().map(|(name, value)| (name, value))).output();
        let output = output.expect("a shell");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The local KV as a target of `hemstitch publish`, and the environment that keeps wrangler to itself.
    pub fn target(&self) -> (String, Vec<(String, String)>) {
        let (program, workspace) = (text(&programs::wrangler()), text(&programs::workspace()));
        let toml = format!(
            "[targets.local]\nkind = \"wrangler\"\nprogram = \"{program}\"\nbinding = \"HEMSTITCH_KV\"\n\
             config = \"{workspace}/wrangler.toml\"\npersist_to = \"{}\"\n",
            text(&self.kv())
        );
        let like = self.command(&[]);
        let variables = like.get_envs();
        let variables =
            variables.filter_map(|(name, value)| Some((name.to_str()?.into(), value?.to_str()?.into())));
        (toml, variables.collect())
    }

    /// What the local KV has under a key.
    pub fn kept(&self, key: &str) -> Vec<u8> {
        let kv = text(&self.kv());
        let get = ["kv", "key", "get", key, "--binding", "HEMSTITCH_KV", "--local", "--persist-to", &kv];
        let output = self.command(&get).output().expect("wrangler starts");
        assert!(output.status.success(), "{key}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// `wrangler dev`, with this site and its origin, and where it listens.
    pub fn dev(&self, origin: &TestOrigin, site: &TestSite) -> (Child, String) {
        let nobody = super::edge::NOBODY;
        let sites = json!({ &site.host: site.configuration(&origin.url(), nobody) }).to_string();
        let capitals = site.name.to_uppercase();
        let secret =
            |ring: &str| format!("{capitals}_{}='{}'\n", ring.to_uppercase(), site.secrets().keyring(ring));
        let secrets = KeyPurpose::ALL.map(KeyPurpose::name).map(secret).concat();
        let file = self.state.path().join("secrets.env");
        write_whole(&file, secrets.as_bytes());
        let (file, kv) = (text(&file), text(&self.kv()));
        let var = format!("HEMSTITCH_SITES:{sites}");
        let dev = ["dev", "--local", "--persist-to", &kv, "--env-file", &file, "--var", &var];
        let ports = ["--ip", "127.0.0.1", "--port", "0", "--inspector-port", "0"];
        let quiet = ["--show-interactive-dev-session=false"];
        let command = self.command(&[dev.as_slice(), &ports, &quiet].concat());
        let mut child = Child::start_family("wrangler dev", &command);
        let address = child.wait_for_line("Ready on http://");
        (child, address)
    }

    fn kv(&self) -> PathBuf {
        let kv = self.state.path().join("kv");
        fs::create_dir_all(&kv).expect("a folder for the local KV");
        kv
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path of UTF-8").to_string()
}
