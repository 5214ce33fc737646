//! An edge as a process.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::child::Child;
use super::cloud_services::Fault;
use super::origin::TestOrigin;
use super::site::TestSite;
use super::workerd::Workerd;
use super::{native, programs, viceroy};

/// A port of loopback that nobody listens on: below 1024, so that no test is ever given it.
pub(super) const NOBODY: &str = "http://127.0.0.1:1";

/// On what an edge runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EdgeKind {
    /// The binary `hemstitch`.
    Native,
    /// The wasm for Fastly Compute under Viceroy.
    Viceroy,
    /// The Worker for Cloudflare under workerd.
    Workerd,
}

/// All kinds.
pub const EVERY_KIND: [EdgeKind; 3] = [EdgeKind::Native, EdgeKind::Viceroy, EdgeKind::Workerd];

enum Process {
    Alone(Child),
    Workerd(Box<Workerd>),
}

/// A running edge. Stops when dropped.
pub struct Edge {
    /// On what it runs.
    pub kind: EdgeKind,
    address: SocketAddr,
    process: Process,
    folder: TempDir,
}

impl Edge {
    /// Writes the configuration of all sites, starts the process and waits until it listens.
    pub fn start(kind: EdgeKind, origin: &TestOrigin, sites: &[TestSite]) -> Edge {
        let folder = tempfile::tempdir().expect("a folder for the edge");
        let (child, address) = match kind {
            EdgeKind::Native => native::start(folder.path(), origin, sites),
            EdgeKind::Viceroy => viceroy::start(folder.path(), origin, sites),
            EdgeKind::Workerd => return Edge::workerd(&programs::cloudflare(), origin, sites, &[]),
        };
        let address =
            address.parse().unwrap_or_else(|error| panic!("{kind:?} listens on {address}: {error}"));
        Edge { kind, address, process: Process::Alone(child), folder }
    }

    /// Starts the Worker of a folder under workerd. `settings` are variables and secrets in place of those that the sites
    /// come to, or `None` to leave one out.
    pub fn workerd(
        worker: &Path,
        origin: &TestOrigin,
        sites: &[TestSite],
        settings: &[(&str, Option<&str>)],
    ) -> Edge {
        let folder = tempfile::tempdir().expect("a folder for the edge");
        let workerd = Box::new(Workerd::start(folder.path(), worker, origin, sites, settings));
        let (kind, address) = (EdgeKind::Workerd, workerd.address);
        Edge { kind, address, process: Process::Workerd(workerd), folder }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        match &self.process {
            Process::Alone(child) => child.id(),
            Process::Workerd(workerd) => workerd.child.lock().expect("no holder of the lock panics").id(),
        }
    }

    /// What it has written to its outputs.
    pub fn lines(&self) -> Vec<String> {
        match &self.process {
            Process::Alone(child) => child.lines(),
            Process::Workerd(workerd) => workerd.child.lock().expect("no holder of the lock panics").lines(),
        }
    }

    /// Sets the kill switch, while the edge runs: `on`, `off` or `off:rule,rule`.
    pub fn set_personalization(&self, setting: &str) {
        match &self.process {
            Process::Workerd(workerd) => workerd.set_personalization(setting),
            Process::Alone(_) if self.kind == EdgeKind::Native => {
                native::set_personalization(self.folder.path(), setting);
            }
            Process::Alone(_) => viceroy::set_personalization(self.folder.path(), setting),
        }
    }

    /// Breaks KV and cache of a Worker's platform, or mends them.
    pub fn set_faults(&self, kv: Fault, cache: Fault) {
        let Process::Workerd(workerd) = &self.process else { panic!("only a Worker's platform is ours") };
        workerd.services.kv.fail(kv);
        workerd.services.cache.fail(cache);
    }

    /// Writes a keyring of a native edge while it runs.
    pub fn put_keys(&self, site: &str, ring: &str, json: &str) {
        assert_eq!(self.kind, EdgeKind::Native, "elsewhere the platform keeps keys");
        write_whole(&self.folder.path().join(format!("keys/{site}.{ring}.json")), json.as_bytes());
    }

    /// Publishes while the edge runs. Viceroy's KV cannot be written from outside.
    pub fn put_kv(&self, key: &str, value: &[u8]) {
        match &self.process {
            Process::Workerd(workerd) => workerd.services.kv.put(key, value),
            Process::Alone(_) => {
                assert_eq!(self.kind, EdgeKind::Native, "Viceroy reads its KV once");
                write_whole(&self.folder.path().join("kv").join(key), value);
            }
        }
    }
}

/// Writes beside and renames, so that nobody reads half of it, and nobody else at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) {
    let parent = path.parent().expect("a file in a folder");
    fs::create_dir_all(parent).unwrap_or_else(|error| panic!("{}: {error}", parent.display()));
    let beside = path.with_extension("beside");
    fs::write(&beside, bytes).unwrap_or_else(|error| panic!("{}: {error}", beside.display()));
    let ours = fs::Permissions::from_mode(0o600);
    fs::set_permissions(&beside, ours).unwrap_or_else(|error| panic!("{}: {error}", beside.display()));
    fs::rename(&beside, path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
