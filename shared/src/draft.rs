//! The draft that an instance holds for previews. Whoever previews loads page after page, so the last one is kept; more
//! than one would let tokens fill an instance.

use std::sync::Arc;

use crate::pack::{Pack, PackError, PackHash};

/// Holder of the last draft of one site that was looked up.
#[derive(Debug, Default)]
pub struct Drafts(Option<Arc<Pack>>);

impl Drafts {
    /// The draft of that hash, if it is the one that is held.
    pub fn held(&self, hash: &PackHash) -> Option<Arc<Pack>> {
        self.0.clone().filter(|pack| pack.hash() == *hash)
    }

    /// The draft of that hash that was looked up. Errs for bytes that are not the ones that the hash names, or no pack.
    pub fn arrived(&mut self, hash: &PackHash, bytes: Vec<u8>) -> Result<Arc<Pack>, PackError> {
        let pack = Arc::new(Pack::open_verified(bytes, hash)?);
        self.0 = Some(Arc::clone(&pack));
        Ok(pack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::compile;
    use crate::ruleset::Ruleset;

    fn pack(slot: &str) -> (Vec<u8>, PackHash) {
        let json = format!(r#"{{"slots": {{"{slot}": {{"rules": []}}}}}}"#);
        let bytes = compile(&Ruleset::parse(&json).0.expect("a ruleset")).expect("a pack");
        let hash = PackHash::of(&bytes);
        (bytes, hash)
    }

    #[test]
    fn the_last_draft_is_held_and_only_under_its_own_hash() {
        let ((one, first), (two, second)) = (pack("one"), pack("two"));
        let mut drafts = Drafts::default();
        assert!(drafts.held(&first).is_none());
        assert!(drafts.arrived(&first, one.clone()).is_ok_and(|pack| pack.hash() == first));
        assert!(drafts.held(&first).is_some() && drafts.held(&second).is_none());
        assert_eq!(drafts.arrived(&second, one).err(), Some(PackError::OtherHash { expected: second }));
        assert!(drafts.arrived(&second, two).is_ok());
        assert!(drafts.held(&second).is_some() && drafts.held(&first).is_none());
    }
}
