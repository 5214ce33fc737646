//! Drafts in a KV folder: packs that no pointer names, each under its hash, for a day. Other KVs forget by themselves.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use hemstitch::pack::PackHash;

/// How long a draft is kept after it was last written, in seconds: a little longer than any token for it holds.
pub const DRAFT_S: u64 = 25 * 60 * 60;
const KEPT: Duration = Duration::from_secs(DRAFT_S);

/// Removes the drafts from a folder that no token names any more.
pub fn remove_old(folder: &Path, now: SystemTime) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_draft = name.to_str().is_some_and(|name| PackHash::from_hex(name).is_some());
        let age = entry.metadata()?.modified().ok().and_then(|written| now.duration_since(written).ok());
        if is_draft && age.is_some_and(|age| age > KEPT) {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_lies_under_its_hash_until_no_token_can_name_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let (one, two) = (folder.join(PackHash::of(b"one").to_string()), folder.join("notes"));
        for file in [&one, &two] {
            fs::write(file, "ours").expect("written");
        }
        remove_old(folder, SystemTime::now() + Duration::from_secs(24 * 60 * 60)).expect("looked at");
        assert!(one.exists());
        remove_old(folder, SystemTime::now() + KEPT + Duration::from_secs(60)).expect("removed");
        assert!(!one.exists() && two.exists(), "nothing else is removed");
    }
}
