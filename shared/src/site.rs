//! The configuration of a site: what an edge has to know before any ruleset.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::esi::{Dialect, DialectError};
use crate::page::compiled_digest;
use crate::pointer::PointerKeys;

/// One site, as its operator configured it. Invariant: every host is lower case and without a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Audience of the site's tokens and prefix of its keys in KV.
    pub name: String,
    /// `http` or `https`: what visitors use, whatever the last hop is.
    pub scheme: Scheme,
    /// Where pages come from: a backend's name on Fastly, a URL elsewhere.
    pub origin: String,
    /// Who records the site's publications, and is asked for what KV lacks: a backend's name on Fastly, a URL elsewhere.
    pub record: Option<String>,
    /// Keys that sign the site's pointers.
    pub pointer_keys: PointerKeys,
    /// Where fragments may come from, besides the site itself: host, perhaps with a port, and its origin.
    pub fragment_hosts: BTreeMap<String, String>,
    /// What the ESI of the site's pages and fragments means, and what it may cost.
    pub esi: Arc<Dialect>,
    /// Paths under which ESI is processed even where the origin does not ask for it.
    pub esi_prefixes: Vec<String>,
    /// Whether the edge writes the profile cookie.
    pub profile: ProfileUse,
    /// How long headers wait for a pack, in milliseconds.
    pub pack_deadline_ms: u64,
    /// Largest page that is compiled, in bytes.
    pub max_page_bytes: usize,
    /// How long it is remembered that a URL is no shared page, in seconds.
    pub marker_ttl_s: u32,
    /// What a page without edits is compiled for.
    pub(crate) unedited: [u8; 16],
    hosts: Vec<String>,
    session_cookies: Vec<String>,
    query_allow: Option<Vec<String>>,
}

/// What visitors reach a site by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Without encryption: on a laptop.
    Http,
    /// With encryption.
    #[default]
    Https,
}

impl Scheme {
    /// As in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }
}

/// What the edge does with the profile cookie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProfileUse {
    /// Reads it alone.
    Read,
    /// Reads it, lets it learn and writes it.
    #[default]
    Write,
}

/// Why a text is no configuration of a site.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// It is no JSON, or a field is missing, unknown or of the wrong type.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// `site` is not 1 to 64 of `a-z 0-9 -`.
    #[error("`site` is {0:?}; write 1 to 64 of a-z, 0-9 and -")]
    Name(String),
    /// `hosts` is empty or holds something else than a host name.
    #[error("`hosts` holds {0:?}; write host names without scheme, port or path, at least one")]
    Host(String),
    /// `esi` is no dialect.
    #[error(transparent)]
    Dialect(#[from] DialectError),
    /// An entry of `esi_prefixes` does not start with a slash.
    #[error("`esi_prefixes` holds {0:?}; write a path that starts with /")]
    EsiPrefix(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    site: String,
    hosts: Vec<String>,
    origin: String,
    #[serde(default)]
    scheme: Scheme,
    record: Option<String>,
    #[serde(default)]
    pointer_keys: PointerKeys,
    #[serde(default)]
    session_cookies: Vec<String>,
    query_allow: Option<Vec<String>>,
    #[serde(default)]
    esi: serde_json::Value,
    #[serde(default)]
    esi_prefixes: Vec<String>,
    #[serde(default)]
    fragment_hosts: BTreeMap<String, String>,
    #[serde(default)]
    profile: ProfileUse,
    #[serde(default = "default_deadline")]
    pack_deadline_ms: u64,
    #[serde(default = "default_page_bytes")]
    max_page_bytes: usize,
    #[serde(default = "default_marker_ttl")]
    marker_ttl_s: u32,
}

fn default_deadline() -> u64 {
    100
}

fn default_page_bytes() -> usize {
    8 * 1024 * 1024
}

fn default_marker_ttl() -> u32 {
    120
}

impl Site {
    /// Reads a site's JSON. Unknown fields are errors, since they are misspelled ones.
    pub fn parse(json: &[u8]) -> Result<Site, SiteError> {
        let written: Written = serde_json::from_slice(json)?;
        let named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=64).contains(&written.site.len()) || !written.site.bytes().all(named) {
            return Err(SiteError::Name(written.site));
        }
        if written.hosts.is_empty() {
            return Err(SiteError::Host(String::new()));
        }
        let hosts = written.hosts.into_iter().map(host_name).collect::<Result<_, _>>()?;
        if let Some(bad) = written.esi_prefixes.iter().find(|prefix| !prefix.starts_with('/')) {
            return Err(SiteError::EsiPrefix(bad.clone()));
        }
        let esi = Dialect::read(&written.esi)?;
        let mut fragment_hosts = BTreeMap::new();
        for (host, origin) in written.fragment_hosts {
            fragment_hosts.insert(host.to_ascii_lowercase(), origin);
        }
        Ok(Site {
            name: written.site,
            scheme: written.scheme,
            origin: written.origin,
            record: written.record,
            pointer_keys: written.pointer_keys,
            fragment_hosts,
            unedited: compiled_digest(&[], &esi),
            esi: Arc::new(esi),
            esi_prefixes: written.esi_prefixes,
            profile: written.profile,
            pack_deadline_ms: written.pack_deadline_ms,
            max_page_bytes: written.max_page_bytes.min(u32::MAX as usize / 2),
            marker_ttl_s: written.marker_ttl_s,
            hosts,
            session_cookies: written.session_cookies,
            query_allow: written.query_allow,
        })
    }

    /// The hosts that the site answers for.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// The configured host that a `Host` header means, whatever its case, port or final dot; `None` for a foreign one.
    pub fn configured_host(&self, header: &str) -> Option<&str> {
        let name = host_of(header);
        self.hosts.iter().find(|host| host.eq_ignore_ascii_case(name)).map(String::as_str)
    }

    /// Whether a cookie of this name means that its page is one visitor's.
    pub fn is_session_cookie(&self, name: &[u8]) -> bool {
        self.session_cookies.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix.as_bytes()),
            None => name == pattern.as_bytes(),
        })
    }

    /// Whether a query parameter of this (decoded) name makes another page.
    pub fn keeps_parameter(&self, name: &str) -> bool {
        self.query_allow.as_ref().is_none_or(|allow| allow.iter().any(|allowed| allowed == name))
    }
}

/// The name in a `Host` header, without port and final dot.
pub fn host_of(header: &str) -> &str {
    let name = match header.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or(header, |(address, _)| &header[..address.len() + 2]),
        None => header.split_once(':').map_or(header, |(name, _)| name),
    };
    name.strip_suffix('.').unwrap_or(name)
}

fn host_name(written: String) -> Result<String, SiteError> {
    let host = written.to_ascii_lowercase();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let valid = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(allowed) && !host.ends_with('.'),
    };
    if valid { Ok(host) } else { Err(SiteError::Host(written)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        let json = br#"{"site": "acme", "hosts": ["WWW.acme.test", "[::1]"], "origin": "o",
            "session_cookies": ["PHPSESSID", "wp_*"], "query_allow": ["page"]}"#;
        Site::parse(json).expect("a valid site")
    }

    #[test]
    fn a_host_header_names_a_configured_host_or_none() {
        for (header, expect) in [
            ("www.acme.test", Some("www.acme.test")),
            ("WWW.ACME.test:8080", Some("www.acme.test")),
            ("www.acme.test.", Some("www.acme.test")),
            ("[::1]:80", Some("[::1]")),
            ("acme.test", None),
            ("www.acme.test.evil.test", None),
            ("user@www.acme.test", None),
            ("", None),
            ("[", None),
        ] {
            assert_eq!(site().configured_host(header), expect, "{header}");
        }
    }

    #[test]
    fn session_cookies_are_named_or_matched_by_prefix() {
        for (name, expect) in [("PHPSESSID", true), ("PHPSESSID2", false), ("wp_x", true), ("xwp_", false)] {
            assert_eq!(site().is_session_cookie(name.as_bytes()), expect, "{name}");
        }
    }

    #[test]
    fn a_misspelled_configuration_says_what_to_write() {
        for (json, says) in [
            (r#"{"site": "a", "hosts": ["h"], "origin": "o", "host": 1}"#, "unknown field `host`"),
            (r#"{"site": "A", "hosts": ["h"], "origin": "o"}"#, "write 1 to 64 of a-z"),
            (r#"{"site": "a", "hosts": [], "origin": "o"}"#, "at least one"),
            (r#"{"site": "a", "hosts": ["http://h"], "origin": "o"}"#, "without scheme"),
            (
                r#"{"site": "a", "hosts": ["h"], "origin": "o", "pointer_keys": [{"kid": "k", "ed25519": "AA"}]}"#,
                "not an Ed25519 public key",
            ),
            (r#"{"site": "a", "hosts": ["h"], "origin": "o", "esi_prefixes": ["blog"]}"#, "starts with /"),
            (r#"{"site": "a", "hosts": ["h"]}"#, "missing field `origin`"),
        ] {
            let error = Site::parse(json.as_bytes()).expect_err("it is refused").to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
