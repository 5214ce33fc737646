//! Drafts in a KV folder: packs that no pointer names, each under its hash, for a day.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use hemstitch::pack::PackHash;
use hemstitch::pointer::draft_key;

use crate::write_whole::write_whole;

/// How long a draft is kept after it was last written: a little longer than any token for it holds.
const KEPT: Duration = Duration::from_secs(25 * 60 * 60);

/// Puts a draft where edges find it, and removes those that no token names any more.
pub fn write_draft(kv: &Path, site: &str, pack: &[u8]) -> io::Result<PackHash> {
    let hash = PackHash::of(pack);
    let path = kv.join(draft_key(site, &hash));
    write_whole(&path, pack)?;
    if let Some(folder) = path.parent() {
        remove_old(folder, SystemTime::now())?;
    }
    Ok(hash)
}

fn remove_old(folder: &Path, now: SystemTime) -> io::Result<()> {
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
        let kv = tempfile::tempdir().expect("a folder");
        let (one, two) = (write_draft(kv.path(), "acme", b"one"), write_draft(kv.path(), "acme", b"two"));
        let (one, two) = (one.expect("written"), two.expect("written"));
        let folder = kv.path().join("acme/draft");
        fs::write(folder.join("notes"), "ours").expect("written");
        assert_eq!(fs::read(folder.join(one.to_string())).expect("it lies there"), b"one");
        remove_old(&folder, SystemTime::now() + Duration::from_secs(24 * 60 * 60)).expect("looked at");
        assert!(folder.join(two.to_string()).exists());
        remove_old(&folder, SystemTime::now() + KEPT + Duration::from_secs(60)).expect("removed");
        assert!(!folder.join(one.to_string()).exists() && !folder.join(two.to_string()).exists());
        assert!(folder.join("notes").exists(), "nothing else is removed");
    }
}
