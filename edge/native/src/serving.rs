//! What all requests share: the sites, the cache, the origins.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hemstitch::http::{FragmentSource, FragmentTarget};
use hemstitch::site::{Site, host_of};
use http::HeaderName;

use crate::cache::Cache;
use crate::clock::unix_now;
use crate::config::{Config, Kv};
use crate::drafts::DraftStore;
use crate::fills::Fills;
use crate::journal;
use crate::keys::{KeyFiles, KeyRings, KeysError};
use crate::origin::{OriginError, Origins, Upstream, UpstreamError};
use crate::store::{self, Packs, Watch};
use crate::switch::Switch;

/// What all requests share.
pub struct Serving {
    /// Pages, fragments and markers.
    pub cache: Cache,
    /// Who is fetching what.
    pub fills: Arc<Fills>,
    /// Connections to origins.
    pub origins: Arc<Origins>,
    /// The kill switch.
    pub switch: Switch,
    /// Header with the visitor's country.
    pub place_header: Option<HeaderName>,
    /// Largest body of a request, in bytes.
    pub max_upload_bytes: u64,
    /// Whether every request is noted.
    pub log: bool,
    hosts: HashMap<String, Arc<ServedSite>>,
}

/// What is looked after in the background.
pub struct Chores {
    /// The packs of each site.
    pub watches: Vec<Watch>,
    /// The keys of each site.
    pub key_files: Vec<KeyFiles>,
}

/// A site with what serves it.
pub struct ServedSite {
    /// Its configuration.
    pub site: Arc<Site>,
    /// Its secrets.
    pub keys: KeyRings,
    /// Its rules.
    pub packs: Packs,
    /// Rules that are not published, for who may see them.
    pub drafts: DraftStore,
    /// Where its pages come from.
    pub origin: Upstream,
    fragment_hosts: HashMap<String, Upstream>,
    complained: AtomicU64,
}

/// Why a configuration cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServingError {
    /// Keys cannot be read.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A URL is none that this edge can ask.
    #[error("site {site:?}: {error}")]
    Upstream {
        /// The site.
        site: String,
        /// Why not.
        error: UpstreamError,
    },
}

impl Serving {
    /// Gets everything ready, and what has to be looked after in the background.
    pub fn new(config: &Config, switch: Switch) -> Result<(Serving, Chores), ServingError> {
        if let Kv::Folder(folder) = &config.kv
            && !folder.is_dir()
        {
            let warning = "is no folder, so nothing is personalized until it is one with publications in it";
            journal::warn(&format!("kv {}: {warning}", folder.display()));
        }
        let origins = Arc::new(Origins::default());
        let (mut hosts, mut watches, mut key_files) = (HashMap::new(), Vec::new(), Vec::new());
        for site in &config.sites {
            let site = Arc::new(site.clone());
            let (files, keys) = KeyFiles::open(config.keys.as_deref(), &site.name)?;
            key_files.push(files);
            let record = site.record.as_deref().map(|url| upstream(&site, url)).transpose()?;
            let sources = store::sources(config.kv.clone(), record);
            let (watch, packs) =
                Watch::new(Arc::clone(&site), sources.clone(), keys.clone(), Arc::clone(&origins));
            watches.push(watch);
            let drafts = DraftStore::new(Arc::clone(&site), sources, Arc::clone(&origins));
            let served = Arc::new(ServedSite::new(site, keys, packs, drafts)?);
            for host in served.site.hosts() {
                hosts.insert(host.clone(), Arc::clone(&served));
            }
        }
        let serving = Serving {
            cache: Cache::new(config.cache_bytes),
            fills: Arc::default(),
            origins,
            switch,
            place_header: config.place_header.clone(),
            max_upload_bytes: config.max_upload_bytes,
            log: config.log,
            hosts,
        };
        Ok((serving, Chores { watches, key_files }))
    }

    /// The site that a `Host` header names.
    pub fn site(&self, host: &str) -> Option<&Arc<ServedSite>> {
        self.hosts.get(&host_of(host).to_ascii_lowercase())
    }
}

impl ServedSite {
    fn new(
        site: Arc<Site>,
        keys: KeyRings,
        packs: Packs,
        drafts: DraftStore,
    ) -> Result<ServedSite, ServingError> {
        let origin = upstream(&site, &site.origin)?;
        let hosts = site.fragment_hosts.values().map(|url| Ok((url.clone(), upstream(&site, url)?)));
        let fragment_hosts = hosts.collect::<Result<_, ServingError>>()?;
        Ok(ServedSite { keys, packs, drafts, origin, fragment_hosts, site, complained: AtomicU64::new(0) })
    }

    /// Tells the operator that the origin does not answer, once a second at most.
    pub fn complain(&self, error: &OriginError) {
        let now = unix_now().0;
        if self.complained.swap(now, Ordering::Relaxed) != now {
            journal::warn(&format!("site {}: origin {}: {error}", self.site.name, self.origin));
        }
    }

    /// Who is asked for a fragment.
    pub fn fragment_upstream(&self, target: &FragmentTarget) -> Option<&Upstream> {
        match target.source() {
            FragmentSource::Origin => Some(&self.origin),
            FragmentSource::Host(url) => self.fragment_hosts.get(url),
        }
    }
}

fn upstream(site: &Site, url: &str) -> Result<Upstream, ServingError> {
    Upstream::parse(url).map_err(|error| ServingError::Upstream { site: site.name.clone(), error })
}
