//! What every action of the origin works with.

use std::sync::Arc;

use hemstitch::kill_switch::KillSwitch;
use hemstitch::pack::Pack;
use hemstitch::site::Site;
use hemstitch::visit::Draft;
use hemstitch_native::KeyRings;

use crate::folder::Folder;
use crate::fragments::Remote;
use crate::kv::Kv;
use crate::record::Record;
use crate::rules::Rules;
use crate::settings::Settings;
use crate::shelf::Shelf;

/// What an origin is set up with.
#[derive(Debug)]
pub struct Setup {
    /// Where the pages are.
    pub folder: Folder,
    /// What is said of them.
    pub settings: Settings,
    /// The site they are. Its `origin` is not used.
    pub site: Site,
    /// The secrets of the site; without them every visitor is a new one.
    pub keys: KeyRings,
    /// The rules in force.
    pub rules: Arc<Rules>,
    /// How much of them.
    pub kill: KillSwitch,
    /// What edges may read, if they read it here.
    pub kv: Option<Kv>,
    /// What was published, if it is recorded here.
    pub record: Option<Arc<Record>>,
}

/// A site's origin.
#[derive(Debug)]
pub struct Origin {
    pub(crate) folder: Folder,
    pub(crate) settings: Settings,
    pub(crate) site: Arc<Site>,
    pub(crate) keys: KeyRings,
    pub(crate) rules: Arc<Rules>,
    pub(crate) kill: KillSwitch,
    pub(crate) kv: Option<Kv>,
    pub(crate) record: Option<Arc<Record>>,
    pub(crate) shelf: Shelf,
    pub(crate) remote: Remote,
}

impl Origin {
    /// An origin with nothing in memory yet.
    pub fn new(setup: Setup) -> Origin {
        let Setup { folder, settings, site, keys, rules, kill, kv, record } = setup;
        let (shelf, remote) = (Shelf::default(), Remote::new());
        Origin { folder, settings, site: Arc::new(site), keys, rules, kill, kv, record, shelf, remote }
    }

    /// The draft that a visitor is shown, if it is at hand and what its hash says. Blocks on IO.
    pub(crate) fn draft(&self, draft: &Draft) -> Option<Arc<Pack>> {
        let pack = self.value(&draft.key)?;
        Pack::open_verified(pack, &draft.hash).ok().map(Arc::new)
    }

    /// The value under a key of KV. What is recorded comes first: a folder is a mirror of it. Blocks on IO.
    pub(crate) fn value(&self, key: &str) -> Option<Vec<u8>> {
        let record = self.record.as_ref();
        let recorded = record.and_then(|record| record.value(&self.site.name, key).ok().flatten());
        recorded.or_else(|| self.kv.as_ref().and_then(|kv| kv.value(key)))
    }
}
