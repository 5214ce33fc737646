//! One site of a test: its configuration, its keys and what is published for it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::publication::{Publication, public_key};

/// Where a host that pages include from leads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reaches {
    Origin,
    /// A port where nobody listens.
    Nobody,
}

/// A site, built up and then put on a [`super::Stage`]. Its host is `<name>.test`.
#[derive(Clone, Debug)]
pub struct TestSite {
    /// The name, which is also the audience of its tokens and the prefix of its keys in KV.
    pub name: String,
    /// What visitors send as `Host`.
    pub host: String,
    pub(super) kv: BTreeMap<String, Vec<u8>>,
    /// Whether anything was ever published, so that its edge knows a publisher's key.
    publishes: bool,
    /// Ids of the keys of each ring, newest first.
    generations: Vec<String>,
    pub(super) settings: Map<String, Value>,
    pub(super) fragment_hosts: BTreeMap<String, Reaches>,
    /// Where its publications are recorded: a host and a port.
    pub(super) record: Option<String>,
    /// Where a native edge reads its KV, if not in its folder: a host and a port.
    pub(super) kv_at: Option<String>,
}

impl TestSite {
    /// A site without a ruleset.
    pub fn new(name: &str) -> TestSite {
        TestSite {
            name: name.to_string(),
            host: format!("{name}.test"),
            kv: BTreeMap::new(),
            publishes: false,
            generations: vec![Secrets::NEWEST.to_string(), Secrets::OLDER.to_string()],
            settings: Map::new(),
            fragment_hosts: BTreeMap::new(),
            record: None,
            kv_at: None,
        }
    }

    /// Publishes a ruleset.
    pub fn ruleset(self, ruleset: &Value) -> TestSite {
        let publication = Publication::of(&self.name, 1, &ruleset.to_string());
        self.published(&publication)
    }

    /// Puts a publication into KV.
    pub fn published(self, publication: &Publication) -> TestSite {
        self.kv(&publication.pack_key.clone(), &publication.pack)
            .kv(&publication.pointer_key.clone(), &publication.pointer)
    }

    /// Puts bytes under a key of KV.
    pub fn kv(mut self, key: &str, value: &[u8]) -> TestSite {
        self.publishes = true;
        self.kv.insert(key.to_string(), value.to_vec());
        self
    }

    /// A site whose edge knows a publisher's key, whatever stands in KV.
    pub fn expecting_publications(mut self) -> TestSite {
        self.publishes = true;
        self
    }

    /// A site whose publications are recorded there: a host and a port. An edge has one record for all of its sites.
    pub fn recorded_at(mut self, address: &str) -> TestSite {
        self.publishes = true;
        self.record = Some(address.to_string());
        self
    }

    /// A site whose native edge reads KV there: a host and a port. An edge has one KV for all of its sites.
    pub fn kv_at(mut self, address: &str) -> TestSite {
        self.publishes = true;
        self.kv_at = Some(address.to_string());
        self
    }

    /// Takes a key out of KV.
    pub fn without_kv(mut self, key: &str) -> TestSite {
        self.kv.remove(key);
        self
    }

    /// One field of the site's configuration.
    pub fn setting(mut self, name: &str, value: Value) -> TestSite {
        self.settings.insert(name.to_string(), value);
        self
    }

    /// A host that pages may include from; the test's origin serves it.
    pub fn fragment_host(mut self, host: &str) -> TestSite {
        self.fragment_hosts.insert(host.to_string(), Reaches::Origin);
        self
    }

    /// A host that pages may include from, where every connection is refused.
    pub fn refusing_host(mut self, host: &str) -> TestSite {
        self.fragment_hosts.insert(host.to_string(), Reaches::Nobody);
        self
    }

    /// Other keys in its rings, newest first; `kid@time` is one that signs from then on.
    pub fn generations(mut self, kids: &[&str]) -> TestSite {
        self.generations = kids.iter().map(|kid| kid.to_string()).collect();
        self
    }

    /// The keys of its tokens.
    pub fn secrets(&self) -> Secrets {
        Secrets { site: self.name.clone(), generations: self.generations.clone() }
    }

    /// The configuration, with what this kind of edge calls the origin and a closed port.
    pub(super) fn configuration(&self, origin: &str, nobody: &str) -> Value {
        let record = self.record.as_ref().map(|address| match origin {
            // By their names on the platforms that have names for whom they ask.
            "origin" => "record".to_string(),
            "ORIGIN" => "RECORD".to_string(),
            _ => format!("http://{address}"),
        });
        let mut site = json!({
            "site": self.name,
            "hosts": [self.host],
            "scheme": "http",
            "origin": origin,
            "pointer_keys": if self.publishes { vec![public_key()] } else { vec![] },
            // Generous, so that a loaded machine does not turn a right page into one with defaults.
            "pack_deadline_ms": 5000,
        });
        if !self.fragment_hosts.is_empty() {
            let reached = |(host, reaches): (&String, &Reaches)| {
                let target = if *reaches == Reaches::Origin { origin } else { nobody };
                (host.clone(), Value::from(target))
            };
            site["fragment_hosts"] = Value::Object(self.fragment_hosts.iter().map(reached).collect());
        }
        if let Some(record) = record {
            site["record"] = Value::from(record);
        }
        for (name, value) in &self.settings {
            site[name] = value.clone();
        }
        site
    }
}

/// The keys of a site's tokens, different for every site and kind.
#[derive(Clone, Debug)]
pub struct Secrets {
    site: String,
    generations: Vec<String>,
}

impl Secrets {
    /// The id of the newest key of each ring.
    pub const NEWEST: &'static str = "2026-11";
    /// The id of an older key that still verifies.
    pub const OLDER: &'static str = "2026-05";

    /// A key of the ring for a purpose, such as `profile`.
    pub fn secret(&self, ring: &str, kid: &str) -> Vec<u8> {
        Sha256::digest(format!("{} {ring} {kid}", self.site)).to_vec()
    }

    /// How the secrets of a ring could be written, each enough to recognize one.
    pub fn spellings(&self, ring: &str) -> Vec<String> {
        let spelled = |kid: &String| {
            let secret = self.secret(ring, kid.split('@').next().unwrap_or(kid));
            let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            let bytes: Vec<String> = secret.iter().take(8).map(u8::to_string).collect();
            let base64 = [URL_SAFE_NO_PAD.encode(&secret), STANDARD_NO_PAD.encode(&secret)];
            base64.into_iter().chain([hex.to_uppercase(), hex, bytes.join(", ")])
        };
        self.generations.iter().flat_map(spelled).collect()
    }

    /// The ring as its file or its secret holds it.
    pub fn keyring(&self, ring: &str) -> String {
        let key = |generation: &String| {
            let (kid, from) = generation.split_once('@').unwrap_or((generation, "0"));
            let from: u64 = from.parse().expect("a number of seconds");
            json!({ "kid": kid, "secret": URL_SAFE_NO_PAD.encode(self.secret(ring, kid)), "from": from })
        };
        json!({ "keys": self.generations.iter().map(key).collect::<Vec<_>>() }).to_string()
    }
}
