//! The configuration of the edge: one JSON file.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hemstitch::site::{Site, SiteError};
use http::HeaderName;
use serde::Deserialize;
use serde_json::Value;

use crate::origin::{Upstream, UpstreamError};

/// What the edge has to know to start. As JSON:
///
/// | field | meaning |
/// |---|---|
/// | `listen` | address and port, such as `127.0.0.1:8080`; port 0 is any free one |
/// | `kv` | where publications are: a folder of files that are named by their keys, or `{"origin": "http://…"}`, which is asked for `/_hs/kv/{key}` |
/// | `keys` | folder of `{site}.profile.json`, and of `facts`, `explain`, `preview`, `operator` and `edge` likewise; they are read again when they change |
/// | `sites` | list of sites, as [`Site::parse`] reads them; `origin`, `record` and the values of `fragment_hosts` are URLs here |
/// | `personalization` | file with the kill switch; it is read again every second, and while it cannot be, its last setting stands |
/// | `cache_bytes` | most bytes of pages and fragments in memory; 256 MB unless given |
/// | `place_header` | header in which a load balancer that can be trusted states the visitor's country |
/// | `max_connections` | most connections of visitors at a time; 8,192 unless given, and fewer where this process may not open twice as many files |
/// | `idle_s` | how long a connection of a visitor may be silent between requests; 75 unless given, since load balancers keep theirs for 60 |
/// | `max_upload_bytes` | largest body of a request; 100 MB unless given |
/// | `log` | whether every request is noted on standard error, as a line of JSON |
///
/// Paths are relative to the file they stand in.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where publications are.
    pub kv: Kv,
    /// Folder of the keyrings; without it every visitor is a new one, and no cookie is written.
    pub keys: Option<PathBuf>,
    /// File with the kill switch.
    pub personalization: Option<PathBuf>,
    /// Most bytes in the cache.
    pub cache_bytes: usize,
    /// The sites.
    pub sites: Vec<Site>,
    /// Header with the visitor's country.
    pub place_header: Option<HeaderName>,
    /// Most connections of visitors at a time.
    pub max_connections: usize,
    /// How long a connection may be silent between requests, in seconds.
    pub idle_s: u64,
    /// Largest body of a request, in bytes.
    pub max_upload_bytes: u64,
    /// Whether every request is noted.
    pub log: bool,
}

/// Where publications are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kv {
    /// In files of this folder.
    Folder(PathBuf),
    /// At an origin.
    Origin(Upstream),
}

/// Why a text is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {error}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// It is no JSON, or a field is missing, unknown or of the wrong type.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// `listen` is no address with a port.
    #[error("`listen` is {0:?}; write an address and a port, such as \"127.0.0.1:8080\"")]
    Listen(String),
    /// `kv` is neither a folder nor an origin.
    #[error(
        "`kv` is {0}; write a folder, such as \"/var/lib/hemstitch/kv\", or {{\"origin\": \"http://10.0.0.5:8080\"}}"
    )]
    Kv(Value),
    /// `sites` is empty.
    #[error("`sites` is empty; write at least one site")]
    NoSites,
    /// A site cannot be read.
    #[error("`sites[{index}]`: {error}")]
    Site {
        /// Which of the list, from 0.
        index: usize,
        /// Why not.
        error: SiteError,
    },
    /// Two sites have one name, or one host.
    #[error("{0:?} belongs to two sites; write it in one of them")]
    Twice(String),
    /// A URL is none that this edge can ask.
    #[error("{place}: {error}")]
    Upstream {
        /// Where it stands.
        place: String,
        /// Why not.
        error: UpstreamError,
    },
    /// `place_header` is no name of a header.
    #[error("`place_header` is {0:?}; write the name of a header, such as \"x-country\"")]
    PlaceHeader(String),
    /// A number is 0.
    #[error("`{0}` is 0; write at least 1")]
    Zero(&'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    listen: String,
    kv: Value,
    keys: Option<PathBuf>,
    personalization: Option<PathBuf>,
    #[serde(default = "default_cache_bytes")]
    cache_bytes: usize,
    sites: Vec<Value>,
    place_header: Option<String>,
    #[serde(default = "default_connections")]
    max_connections: usize,
    #[serde(default = "default_idle")]
    idle_s: u64,
    #[serde(default = "default_upload_bytes")]
    max_upload_bytes: u64,
    #[serde(default)]
    log: bool,
}

fn default_cache_bytes() -> usize {
    256 * 1024 * 1024
}

fn default_connections() -> usize {
    8_192
}

fn default_idle() -> u64 {
    75
}

fn default_upload_bytes() -> u64 {
    100 * 1024 * 1024
}

impl Config {
    /// Reads a configuration file.
    pub fn read(path: &Path) -> Result<Config, ConfigError> {
        let unreadable = |error| ConfigError::Unreadable { path: path.to_owned(), error };
        let mut config = Config::parse(&fs::read(path).map_err(unreadable)?)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let place = |written: &mut PathBuf| *written = folder.join(&*written);
        config.keys.iter_mut().chain(&mut config.personalization).for_each(place);
        if let Kv::Folder(path) = &mut config.kv {
            place(path);
        }
        Ok(config)
    }

    /// Reads a configuration. Unknown fields are errors, since they are misspelled ones.
    pub fn parse(json: &[u8]) -> Result<Config, ConfigError> {
        let written: Written = serde_json::from_slice(json)?;
        let listen = written.listen.parse().map_err(|_| ConfigError::Listen(written.listen))?;
        let named = |name: String| name.parse().map_err(|_| ConfigError::PlaceHeader(name));
        let place_header = written.place_header.map(named).transpose()?;
        if written.max_connections == 0 {
            return Err(ConfigError::Zero("max_connections"));
        }
        if written.idle_s == 0 {
            return Err(ConfigError::Zero("idle_s"));
        }
        Ok(Config {
            listen,
            kv: Kv::read(written.kv)?,
            keys: written.keys,
            personalization: written.personalization,
            cache_bytes: written.cache_bytes,
            sites: sites(&written.sites)?,
            place_header,
            max_connections: written.max_connections,
            idle_s: written.idle_s,
            max_upload_bytes: written.max_upload_bytes,
            log: written.log,
        })
    }
}

impl Kv {
    fn read(written: Value) -> Result<Kv, ConfigError> {
        if let Value::String(folder) = &written {
            return Ok(Kv::Folder(folder.into()));
        }
        let alone = written.as_object().filter(|fields| fields.len() == 1);
        let Some(origin) = alone.and_then(|fields| fields.get("origin")).and_then(Value::as_str) else {
            return Err(ConfigError::Kv(written));
        };
        let origin = Upstream::parse(origin);
        origin.map(Kv::Origin).map_err(|error| ConfigError::Upstream { place: "`kv.origin`".into(), error })
    }
}

fn sites(written: &[Value]) -> Result<Vec<Site>, ConfigError> {
    let mut sites = Vec::with_capacity(written.len());
    let mut taken: Vec<String> = Vec::new();
    for (index, written) in written.iter().enumerate() {
        let site = Site::parse(written.to_string().as_bytes())
            .map_err(|error| ConfigError::Site { index, error })?;
        let urls = site.fragment_hosts.iter().map(|(host, url)| (format!("fragment_hosts[{host:?}]"), url));
        let record = site.record.iter().map(|url| ("record".to_owned(), url));
        for (field, url) in urls.chain([("origin".to_owned(), &site.origin)]).chain(record) {
            let place = || format!("`{field}` of site {:?}", site.name);
            Upstream::parse(url).map_err(|error| ConfigError::Upstream { place: place(), error })?;
        }
        for name in site.hosts().iter().chain([&format!("site {}", site.name)]) {
            if taken.contains(name) {
                return Err(ConfigError::Twice(name.clone()));
            }
            taken.push(name.clone());
        }
        sites.push(site);
    }
    if sites.is_empty() { Err(ConfigError::NoSites) } else { Ok(sites) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn whole() -> Value {
        json!({
            "listen": "127.0.0.1:0", "kv": "kv", "keys": "keys",
            "sites": [{ "site": "acme", "hosts": ["acme.test"], "origin": "http://10.0.0.5:8080" }],
        })
    }

    #[test]
    fn what_is_not_given_has_its_usual_value() {
        let config = Config::parse(whole().to_string().as_bytes()).expect("a configuration");
        assert_eq!(config.kv, Kv::Folder("kv".into()));
        assert_eq!((config.cache_bytes, config.max_connections, config.log), (256 << 20, 8_192, false));
    }

    #[test]
    fn a_mistake_is_named_with_what_to_write_instead() {
        let site = |origin: &str| json!([{ "site": "acme", "hosts": ["acme.test"], "origin": origin }]);
        for (field, value, says) in [
            ("listen", json!("8080"), "write an address and a port"),
            ("kv", json!(7), "write a folder"),
            ("kv", json!({ "orgin": "http://a" }), "write a folder"),
            ("kv", json!({ "origin": "ftp://a" }), "`kv.origin`: "),
            ("lisen", json!("x"), "unknown field `lisen`, expected one of `listen`"),
            ("sites", json!([]), "at least one site"),
            ("sites", json!([{ "site": "acme" }]), "`sites[0]`: missing field"),
            ("sites", site("https://a.test"), "http://"),
            ("sites", site("a.test"), "`origin` of site \"acme\": "),
            ("place_header", json!("x y"), "name of a header"),
            ("max_connections", json!(0), "at least 1"),
            ("cache_bytes", json!("1G"), "cache_bytes"),
        ] {
            let mut config = whole();
            config[field] = value.clone();
            let error = Config::parse(config.to_string().as_bytes()).expect_err("a mistake").to_string();
            // serde names the type, not the field.
            assert!(error.contains(says) || error.contains("expected usize"), "{field}: {value}: {error}");
        }
    }

    #[test]
    fn a_host_belongs_to_one_site() {
        let mut config = whole();
        let mut second = config["sites"][0].clone();
        second["site"] = json!("other");
        config["sites"] = json!([config["sites"][0], second]);
        let error = Config::parse(config.to_string().as_bytes()).expect_err("a mistake").to_string();
        assert!(error.contains("\"acme.test\" belongs to two sites"), "{error}");
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let folder = std::env::temp_dir().join(format!("hemstitch-config-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("edge.json");
        fs::write(&file, whole().to_string()).expect("a file");
        let config = Config::read(&file).expect("a configuration");
        assert_eq!((config.kv, config.keys), (Kv::Folder(folder.join("kv")), Some(folder.join("keys"))));
        fs::remove_dir_all(&folder).expect("removed");
    }
}
