//! An edge as a process.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::child::Child;
use super::origin::TestOrigin;
use super::site::TestSite;
use super::{native, viceroy};

/// A port of loopback that nobody listens on: below 1024, so that no test is ever given it.
pub(super) const NOBODY: &str = "http://127.0.0.1:1";

/// On what an edge runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EdgeKind {
    /// The binary `hemstitch`.
    Native,
    /// The wasm for Fastly Compute under Viceroy.
    Viceroy,
}

/// Both kinds.
pub const EVERY_KIND: [EdgeKind; 2] = [EdgeKind::Native, EdgeKind::Viceroy];

/// A running edge. Stops when dropped.
pub struct Edge {
    /// On what it runs.
    pub kind: EdgeKind,
    address: SocketAddr,
    child: Child,
    folder: TempDir,
}

impl Edge {
    /// Writes the configuration of all sites, starts the process and waits until it listens.
    pub fn start(kind: EdgeKind, origin: &TestOrigin, sites: &[TestSite]) -> Edge {
        let folder = tempfile::tempdir().expect("a folder for the edge");
        let (child, address) = match kind {
            EdgeKind::Native => native::start(folder.path(), origin, sites),
            EdgeKind::Viceroy => viceroy::start(folder.path(), origin, sites),
        };
        let address =
            address.parse().unwrap_or_else(|error| panic!("{kind:?} listens on {address}: {error}"));
        Edge { kind, address, child, folder }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has written to its outputs.
    pub fn lines(&self) -> Vec<String> {
        self.child.lines()
    }

    /// Sets the kill switch, while the edge runs: `on`, `off` or `off:rule,rule`.
    pub fn set_personalization(&self, setting: &str) {
        match self.kind {
            EdgeKind::Native => native::set_personalization(self.folder.path(), setting),
            EdgeKind::Viceroy => viceroy::set_personalization(self.folder.path(), setting),
        }
    }

    /// Publishes while the edge runs. Only the native edge's KV can be written from outside.
    pub fn put_kv(&self, key: &str, value: &[u8]) {
        assert_eq!(self.kind, EdgeKind::Native, "Viceroy reads its KV once");
        write_whole(&self.folder.path().join("kv").join(key), value);
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
