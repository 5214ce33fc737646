//! What a pack was made of, where no record tells.

use hemstitch::pack::PackHash;
use hemstitch::pointer::ruleset_key;

use crate::RulesetFile;
use crate::targets::{Mirror, StoreError};

/// The ruleset that lies beside a pack. Nothing signs it, so it is for people to look at, and for nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It compiles to that pack.
    Certain(String),
    /// It does not: somebody has changed it, or the pack is by another version of the compiler.
    Doubtful(String),
}

/// The ruleset that was kept beside a pack, from the first mirror that has a certain one, or else any.
pub fn kept_ruleset(site: &str, pack: &PackHash, mirrors: &[Mirror]) -> Result<Option<Kept>, StoreError> {
    let key = ruleset_key(site, pack);
    let mut doubtful = None;
    for mirror in mirrors {
        let Some(text) = mirror.store.get(&key)?.and_then(|text| String::from_utf8(text).ok()) else {
            continue;
        };
        let file = RulesetFile::of(text);
        if file.compile().is_ok_and(|compiled| PackHash::of(&compiled) == *pack) {
            return Ok(Some(Kept::Certain(file.text)));
        }
        doubtful.get_or_insert(Kept::Doubtful(file.text));
    }
    Ok(doubtful)
}
