//! Sites, keys and the kill switch, out of the config store and the secret store, both called `hemstitch`.

use std::collections::HashMap;
use std::sync::Arc;

use fastly::{ConfigStore, SecretStore};
use hemstitch::draft::Drafts;
use hemstitch::keeper::Keeper;
use hemstitch::kill_switch::KillSwitch;
use hemstitch::pointer::PointerKeys;
use hemstitch::site::{Site, host_of};
use hemstitch::token::Keyring;
use hemstitch::visit::Keys;

const STORE: &str = "hemstitch";
/// How long a site's configuration and keys are taken to be what they were.
const CONFIGURATION_MS: u64 = 30_000;
/// The same for the kill switch, which has to work at once.
const KILL_SWITCH_MS: u64 = 1_000;
/// Most hosts that one instance holds; the next one makes it start over.
const MAX_HOSTS: usize = 256;

/// The configuration, as far as an instance has needed it.
#[derive(Default)]
pub struct Config {
    hosts: HashMap<String, Host>,
    sites: HashMap<String, SiteState>,
}

struct Host {
    site: Arc<Site>,
    text: String,
    read_ms: u64,
}

/// What an instance holds for a site.
pub struct SiteState {
    /// `None` where the secret of the profile cookie is missing or cannot be read.
    pub keys: Option<Keys>,
    pub keeper: Keeper,
    pub drafts: Drafts,
    pointer_keys: PointerKeys,
    keys_read_ms: u64,
    kill: KillSwitch,
    kill_read_ms: u64,
}

impl Config {
    /// The site of a `Host` header; `None` where no host of that name is configured.
    pub fn site(&mut self, host: &str, now_ms: u64) -> Option<(Arc<Site>, &mut SiteState)> {
        let host = host_of(host).to_ascii_lowercase();
        let held = self.hosts.get(&host);
        let site = match held.filter(|held| now_ms.saturating_sub(held.read_ms) < CONFIGURATION_MS) {
            Some(held) => Arc::clone(&held.site),
            None => {
                self.read(&host, now_ms);
                Arc::clone(&self.hosts.get(&host)?.site)
            }
        };
        let state = self.sites.entry(site.name.clone()).or_insert_with(|| SiteState::new(&site, now_ms));
        state.keep_up(&site, now_ms);
        Some((site, state))
    }

    /// Reads a host's site again. What cannot be read leaves what is held: an edge does not go dark by a slip.
    fn read(&mut self, host: &str, now_ms: u64) {
        let store = ConfigStore::try_open(STORE).ok();
        let Some(text) = store.and_then(|store| store.try_get(&format!("host.{host}")).ok().flatten()) else {
            return;
        };
        if let Some(held) = self.hosts.get_mut(host) {
            held.read_ms = now_ms;
            if held.text == text {
                return;
            }
        }
        match Site::parse(text.as_bytes()) {
            Err(error) => eprintln!("config store: host.{host}: {error}"),
            Ok(site) => {
                if self.hosts.len() >= MAX_HOSTS {
                    self.hosts.clear();
                    self.sites.clear();
                }
                self.hosts.insert(host.to_owned(), Host { site: Arc::new(site), text, read_ms: now_ms });
            }
        }
    }
}

impl SiteState {
    fn new(site: &Site, now_ms: u64) -> Self {
        SiteState {
            keys: keys(&site.name),
            keeper: Keeper::new(site.name.clone(), site.pointer_keys.clone()),
            drafts: Drafts::default(),
            pointer_keys: site.pointer_keys.clone(),
            keys_read_ms: now_ms,
            kill: kill_switch(&site.name).unwrap_or_default(),
            kill_read_ms: now_ms,
        }
    }

    /// What the operator has turned off.
    pub fn kill_switch(&self) -> KillSwitch {
        self.kill.clone()
    }

    fn keep_up(&mut self, site: &Site, now_ms: u64) {
        if self.pointer_keys != site.pointer_keys {
            *self = SiteState::new(site, now_ms);
        }
        if now_ms.saturating_sub(self.keys_read_ms) >= CONFIGURATION_MS {
            self.keys = keys(&site.name).or(self.keys.take());
            self.keys_read_ms = now_ms;
        }
        if now_ms.saturating_sub(self.kill_read_ms) >= KILL_SWITCH_MS {
            // What is off stays off while the setting cannot be read.
            self.kill = kill_switch(&site.name).unwrap_or(std::mem::take(&mut self.kill));
            self.kill_read_ms = now_ms;
        }
    }
}

fn keys(site: &str) -> Option<Keys> {
    let store = SecretStore::open(STORE).ok()?;
    // One secret instead of many: the platform lets a request read five.
    let bundle = store.try_get(&format!("{site}.keys")).ok().flatten();
    if let Some(bundle) = bundle.and_then(|bundle| bundle.try_plaintext().ok()) {
        let keys = Keys::parse_bundle(&bundle);
        return keys.inspect_err(|error| eprintln!("secret store: {site}.keys: {error}")).ok();
    }
    Keys::gather(|purpose| {
        let name = purpose.name();
        let secret = store.try_get(&format!("{site}.{name}")).ok().flatten()?;
        let read = Keyring::parse(&secret.try_plaintext().ok()?);
        read.inspect_err(|error| eprintln!("secret store: {site}.{name}: {error}")).ok()
    })
}

/// Two settings: `personalization` for all sites, `personalization.<site>` for one; one that is missing says `on`.
/// `None` where they cannot be read.
fn kill_switch(site: &str) -> Option<KillSwitch> {
    let store = ConfigStore::try_open(STORE).ok()?;
    let setting = |key: &str| {
        let text = store.try_get(key).ok()?;
        let Some(text) = text else { return Some(KillSwitch::On) };
        let read = KillSwitch::parse(&text);
        if read.is_none() {
            eprintln!("config store: {key}: {text:?} is no setting; write on, off, or off: and ids of rules");
        }
        read
    };
    Some(setting("personalization")?.and(setting(&format!("personalization.{site}"))?))
}
