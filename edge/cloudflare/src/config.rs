//! Sites, keys and the kill switch, out of the Worker's variables and secrets.
//!
//! | name | kind | value |
//! |---|---|---|
//! | `HEMSTITCH_SITES` | variable | a JSON map from host to site |
//! | `HEMSTITCH_PERSONALIZATION`, and the same with `_<SITE>` | variable | `on`, `off` or `off:rule,rule` |
//! | `<SITE>_PROFILE`, `_FACTS`, `_EXPLAIN`, `_PREVIEW`, `_OPERATOR`, `_EDGE` | secret | a keyring |
//! | `<SITE>_KEYS` | secret | all keyrings of a site: a JSON map from purpose to keyring, in place of those |
//! | `HEMSTITCH_KEYS` | secret | a JSON map from site to `{"profile": keyring, "facts": …}`, in place of those |
//!
//! All of it is read once. To change a variable or a secret is to deploy, and a deployment starts new isolates: so the
//! kill switch is turned by a deployment, in seconds, and needs no KV.
//!
//! `<SITE>` is the site's name in capitals, with `_` for `-`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use hemstitch::draft::Drafts;
use hemstitch::keeper::Keeper;
use hemstitch::kill_switch::KillSwitch;
use hemstitch::site::{Site, host_of};
use hemstitch::token::Keyring;
use hemstitch::visit::Keys;
use serde_json::{Map, Value};
use worker::{Env, console_error};

use crate::setting::setting;

/// The configuration of all sites.
pub struct Config(HashMap<String, Rc<ServedSite>>);

/// A site with what serves it.
pub struct ServedSite {
    /// Its configuration.
    pub site: Arc<Site>,
    /// `None` where the secret of the profile cookie is missing or cannot be read.
    pub keys: Option<Keys>,
    /// What the operator has turned off.
    pub kill: KillSwitch,
    /// Its rules.
    pub keeper: RefCell<Keeper>,
    /// The pointer that the data centre was told of.
    pub told: RefCell<Vec<u8>>,
    /// Rules that are not published, for who may see them.
    pub drafts: RefCell<Drafts>,
}

impl Config {
    /// Reads it all. What cannot be read is said, and left out.
    pub fn read(env: &Env) -> Config {
        let sites: Map<String, Value> = json(env, "HEMSTITCH_SITES").unwrap_or_default();
        let keys: Map<String, Value> = json(env, "HEMSTITCH_KEYS").unwrap_or_default();
        let mut by_name: HashMap<String, Rc<ServedSite>> = HashMap::new();
        let mut hosts = HashMap::new();
        for (host, written) in sites {
            match Site::parse(text_of(&written).as_bytes()) {
                Err(error) => console_error!("HEMSTITCH_SITES: {host}: {error}"),
                Ok(site) => {
                    let held = by_name.get(&site.name).filter(|held| *held.site == site).cloned();
                    let served = held.unwrap_or_else(|| Rc::new(ServedSite::new(site, env, &keys)));
                    by_name.insert(served.site.name.clone(), Rc::clone(&served));
                    hosts.insert(host.to_ascii_lowercase(), served);
                }
            }
        }
        Config(hosts)
    }

    /// The site of a `Host` header.
    pub fn site(&self, host: &str) -> Option<Rc<ServedSite>> {
        self.0.get(&host_of(host).to_ascii_lowercase()).cloned()
    }
}

impl ServedSite {
    fn new(site: Site, env: &Env, keys: &Map<String, Value>) -> ServedSite {
        let capitals = site.name.to_ascii_uppercase().replace('-', "_");
        let bundle = json(env, &format!("{capitals}_KEYS"));
        let keys = Keys::gather(|purpose| {
            let ring = purpose.name();
            let of_site = bundle.as_ref().or(keys.get(&site.name).and_then(Value::as_object));
            let of_site = of_site.and_then(|rings| rings.get(ring)).map(text_of);
            let name = format!("{capitals}_{}", ring.to_ascii_uppercase());
            let read = Keyring::parse(of_site.or_else(|| setting(env, &name))?.as_bytes());
            read.inspect_err(|error| console_error!("{name}: {error}")).ok()
        });
        let keeper = Keeper::new(site.name.clone(), site.pointer_keys.clone());
        let kill = kill_switch(env, &capitals);
        ServedSite {
            site: Arc::new(site),
            keys,
            kill,
            keeper: RefCell::new(keeper),
            told: RefCell::default(),
            drafts: RefCell::default(),
        }
    }
}

/// Two settings: one for all sites, one for this.
fn kill_switch(env: &Env, capitals: &str) -> KillSwitch {
    // Variables are read once, so there is no setting from before that could stand in for one that is none.
    let switch =
        |name: &str| setting(env, name).and_then(|setting| KillSwitch::parse(&setting)).unwrap_or_default();
    switch("HEMSTITCH_PERSONALIZATION").and(switch(&format!("HEMSTITCH_PERSONALIZATION_{capitals}")))
}

fn json(env: &Env, name: &str) -> Option<Map<String, Value>> {
    let read = serde_json::from_slice(setting(env, name)?.as_bytes());
    // The error itself could quote what stands there, which may be a secret.
    let place = |error: &serde_json::Error| (error.line(), error.column());
    read.inspect_err(|error| console_error!("{name}: no JSON object (line, column: {:?})", place(error))).ok()
}

/// JSON within JSON may be written as such, or as a text.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
