//! Where fragments may come from, and how long they are kept.

use ::http::StatusCode;

use super::address::{HostKind, host_kind};
use super::freshness::{Storable, storable, why_personal};
use super::route::CacheKey;
use super::target::{is_below_own, without_dots};
use super::{Freshness, ResponseHead};
use crate::site::{Site, host_of};
use crate::time::UnixTime;

/// A fragment's URL, found to be one that may be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FragmentTarget {
    source: FragmentSource,
    scheme: &'static str,
    host: String,
    path_and_query: String,
}

/// Who is asked for a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FragmentSource {
    /// The site's own origin.
    Origin,
    /// What `fragment_hosts` names for the host: a backend, or a URL.
    Host(String),
}

impl FragmentTarget {
    /// Who is asked.
    pub fn source(&self) -> &FragmentSource {
        &self.source
    }

    /// For which host.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// For what.
    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// All of it.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.host, self.path_and_query)
    }

    /// What it is stored under. It is no key of a page, whatever its URL.
    pub fn cache_key(&self) -> CacheKey {
        CacheKey::new(&format!("fragment+{}", self.scheme), &self.host, &self.path_and_query)
    }
}

/// Why a fragment's URL is not fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FragmentRefusal {
    /// It has a scheme other than http and https.
    #[error("scheme is neither http nor https")]
    Scheme,
    /// Its host is neither the site's nor listed in `fragment_hosts`.
    #[error("host is not listed in fragment_hosts")]
    Host,
    /// It carries a user name or password.
    #[error("carries credentials")]
    Credentials,
    /// It has characters that no URL has, or that servers disagree on.
    #[error("has a backslash, a space or a control character")]
    Characters,
    /// Its host is an address in a notation that parsers read differently.
    #[error("host is an address in an unusual notation")]
    Address,
    /// It is below `/_hs/`.
    #[error("is below /_hs/")]
    Own,
}

/// Resolves a fragment's URL against the page's, `host` (a configured one) and `path` (RFC 3986, section 5), and
/// judges whether it may be fetched.
pub fn resolve_fragment(
    src: &str,
    host: &str,
    path: &str,
    site: &Site,
) -> Result<FragmentTarget, FragmentRefusal> {
    let src = src.trim_matches(|character: char| character.is_ascii_whitespace());
    if src.chars().any(|character| character.is_control() || character.is_whitespace() || character == '\\') {
        return Err(FragmentRefusal::Characters);
    }
    let src = src.split('#').next().unwrap_or_default();
    let (scheme, rest) = match split_scheme(src) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => ("http", rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => ("https", rest),
        Some(_) => return Err(FragmentRefusal::Scheme),
        None => (site.scheme.as_str(), src),
    };
    let target = match rest.strip_prefix("//") {
        Some(authority) => elsewhere(scheme, authority, site)?,
        // `http:path` has no authority: no two URL parsers agree on what that means.
        None if rest.len() != src.len() => return Err(FragmentRefusal::Host),
        // There is no page that it could be relative to.
        None if host.is_empty() => return Err(FragmentRefusal::Host),
        None => FragmentTarget {
            source: FragmentSource::Origin,
            scheme: site.scheme.as_str(),
            host: host.to_owned(),
            path_and_query: relative(rest, path),
        },
    };
    if target.source == FragmentSource::Origin && is_below_own(&target.path_and_query) {
        return Err(FragmentRefusal::Own);
    }
    Ok(FragmentTarget { path_and_query: ascii(&target.path_and_query), ..target })
}

fn elsewhere(scheme: &'static str, rest: &str, site: &Site) -> Result<FragmentTarget, FragmentRefusal> {
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if authority.contains('@') {
        return Err(FragmentRefusal::Credentials);
    }
    let authority = authority.to_ascii_lowercase();
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
    let authority = authority.strip_suffix('.').unwrap_or(authority);
    if host_kind(host_of(authority)) == HostKind::Ambiguous {
        return Err(FragmentRefusal::Address);
    }
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let (path, query) = split_query(&path);
    let path_and_query = join(&without_dots(path), query);
    let (source, host) = if let Some(origin) = site.fragment_hosts.get(authority) {
        (FragmentSource::Host(origin.clone()), authority)
    } else if host_of(authority) == authority && site.configured_host(authority).is_some() {
        (FragmentSource::Origin, authority)
    } else {
        return Err(FragmentRefusal::Host);
    };
    Ok(FragmentTarget { source, scheme, host: host.to_owned(), path_and_query })
}

/// RFC 3986, section 5.2, for references without scheme and authority.
fn relative(reference: &str, base: &str) -> String {
    let (path, query) = split_query(reference);
    let path = match path {
        "" if base.starts_with('/') => base.to_owned(),
        absolute if absolute.starts_with('/') => without_dots(absolute),
        below => {
            let directory = base.rfind('/').map_or("/", |slash| &base[..=slash]);
            without_dots(&format!("{directory}{below}"))
        }
    };
    join(&path, query)
}

fn split_scheme(reference: &str) -> Option<(&str, &str)> {
    let (scheme, _) = reference.split_once(':')?;
    let valid = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    valid.then(|| (scheme, &reference[scheme.len() + 1..]))
}

fn split_query(reference: &str) -> (&str, Option<&str>) {
    reference.split_once('?').map_or((reference, None), |(path, query)| (path, Some(query)))
}

fn join(path: &str, query: Option<&str>) -> String {
    query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
}

/// What a browser would send: bytes outside ASCII percent-encoded (WHATWG URL Standard, path and query state).
fn ascii(path_and_query: &str) -> String {
    if path_and_query.is_ascii() {
        return path_and_query.to_owned();
    }
    let mut out = String::with_capacity(path_and_query.len());
    for byte in path_and_query.bytes() {
        if byte.is_ascii() {
            out.push(byte.into());
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Whether a fragment with this status is one.
pub fn is_good_fragment(status: StatusCode) -> bool {
    status.is_success() && status != StatusCode::PARTIAL_CONTENT
}

/// How long a fragment may be kept; `None`: not at all. A time given with the block outranks the fragment's headers,
/// but nothing outranks `private`, `no-store`, `Set-Cookie` and `Vary`.
pub fn fragment_freshness(head: &ResponseHead, ttl_s: Option<u32>, now: UnixTime) -> Option<Freshness> {
    let Some(ttl_s) = ttl_s else {
        return match storable(head, now) {
            Storable::For(freshness) => Some(freshness),
            Storable::No(_) => None,
        };
    };
    let fresh =
        Freshness { age_s: 0, fresh_s: ttl_s.into(), stale_while_revalidate_s: 0, stale_if_error_s: 0 };
    (why_personal(head).is_none() && ttl_s > 0).then_some(fresh)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        let json = br#"{"site": "acme", "hosts": ["acme.test", "www.acme.test"], "origin": "o",
            "fragment_hosts": {"widgets.test": "widgets", "ported.test:8080": "ported"}}"#;
        Site::parse(json).expect("a valid site")
    }

    fn resolved(src: &str) -> Result<String, FragmentRefusal> {
        let target = resolve_fragment(src, "acme.test", "/blog/post", &site())?;
        let source = match target.source() {
            FragmentSource::Origin => "origin",
            FragmentSource::Host(backend) => backend,
        };
        Ok(format!("{source} {}{}", target.host(), target.path_and_query()))
    }

    #[test]
    fn a_fragment_is_resolved_against_its_page() {
        for (src, expect) in [
            ("/a?b=1&c", "origin acme.test/a?b=1&c"),
            ("a", "origin acme.test/blog/a"),
            ("./a/./b", "origin acme.test/blog/a/b"),
            ("../../../a", "origin acme.test/a"),
            ("?q=1", "origin acme.test/blog/post?q=1"),
            ("", "origin acme.test/blog/post"),
            (" /a#x ", "origin acme.test/a"),
            ("//www.acme.test/a", "origin www.acme.test/a"),
            ("https://ACME.test:443", "origin acme.test/"),
            ("http://widgets.test/x/../y?z", "widgets widgets.test/y?z"),
            ("https://ported.test:8080/a", "ported ported.test:8080/a"),
            ("/a/%2e%2E/b", "origin acme.test/b"),
            ("/a:b", "origin acme.test/a:b"),
        ] {
            assert_eq!(resolved(src).as_deref(), Ok(expect), "{src}");
        }
    }

    #[test]
    fn a_page_without_a_path_is_the_root() {
        for src in ["", "?", "a/.."] {
            let target = resolve_fragment(src, "acme.test", "", &site()).expect("it may be fetched");
            assert!(target.path_and_query().starts_with('/'), "{src}");
        }
    }

    #[test]
    fn a_fragment_from_anywhere_else_is_refused() {
        use FragmentRefusal::*;
        for (src, expect) in [
            ("https://evil.test/", Host),
            ("//evil.test", Host),
            ("http://acme.test:8080/", Host),
            ("https://ported.test/", Host),
            ("https://widgets.test.evil.test/", Host),
            ("http:/a", Host),
            ("http://127.0.0.1/", Host),
            ("http://[::1]/", Host),
            ("https://user@acme.test/", Credentials),
            ("https://acme.test@evil.test/", Credentials),
            ("/\\evil.test/", Characters),
            ("https://acme.test\\@evil.test/", Characters),
            ("/a\r\nx: y", Characters),
            ("/a b", Characters),
            ("javascript:alert(1)", Scheme),
            ("file:///etc/passwd", Scheme),
            ("data:text/html,x", Scheme),
            ("/_hs/anything", Own),
            ("/x/../_hs/a", Own),
            ("/%5Fhs/a", Own),
            ("//acme.test//_hs/a", Own),
        ] {
            assert_eq!(resolved(src), Err(expect), "{src}");
        }
    }

    /// The policy of Apache Traffic Server, which has an allow list of expressions and a ban on private addresses.
    #[test]
    fn the_vectors_of_a_peer_are_judged_alike() {
        let folder = std::env::var("HEMSTITCH_DATA").unwrap_or_else(|_| "../../shared".to_owned());
        let path = format!("{folder}/conformance/esi-url-policy.jsonl");
        let Ok(vectors) = std::fs::read_to_string(&path) else {
            println!("skipped: there is no {path}");
            return;
        };
        let site = |listed: &[&str]| {
            let hosts: Vec<String> = listed.iter().map(|host| format!("\"{host}\": \"backend\"")).collect();
            let hosts = hosts.join(",");
            let json = format!(
                r#"{{"site": "a", "hosts": ["a.test"], "origin": "o", "fragment_hosts": {{{hosts}}}}}"#
            );
            Site::parse(json.as_bytes()).expect("a valid site")
        };
        let public = [
            "example.com",
            "api.example.com",
            "1example.com",
            "8.8.8.8",
            "[64:ff9b::808:808]",
            "[2001:4860:4860::8888]",
        ];
        let private = ["10.0.0.5", "localhost", "127.0.0.1"];
        let mut judged = 0;
        for line in vectors.lines() {
            let vector: serde_json::Value = serde_json::from_str(line).expect("a vector is JSON");
            let (url, allowed) = match (vector["url"].as_str(), vector["host"].as_str()) {
                (Some(url), _) => (url.to_owned(), vector["verdict"] == "ok"),
                (None, host) => {
                    let host = host.expect("a vector has a URL or a host");
                    assert_eq!(host_kind(host) == HostKind::Public, vector["private"] == false, "{host}");
                    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
                    (format!("https://{host}/"), vector["private"] == false)
                }
            };
            let allowed_anywhere =
                vector["host_allow_regex"].is_null() && vector["allow_private_hosts"] == true;
            let listed = if allowed_anywhere { &private[..] } else { &public[..] };
            let target = resolve_fragment(&url, "", "/", &site(listed));
            assert_eq!(target.is_ok(), allowed, "{line} {target:?}");
            judged += 1;
        }
        assert_eq!(judged, 66);
    }

    proptest::proptest! {
        #[test]
        fn any_url_on_any_page_leads_nowhere_else(
            url in "([/?#:@.\\\\%]|//|\\.\\./|_hs/|https:|acme\\.test|evil\\.test|\\PC){0,8}",
            page in "/(\\.\\.|%2e|\\PC){0,6}",
        ) {
            if let Ok(target) = resolve_fragment(&url, "acme.test", &page, &site()) {
                let path = target.path_and_query();
                proptest::prop_assert!(path.starts_with('/') && path.is_ascii(), "{}", path);
                proptest::prop_assert!(!path.starts_with("/_hs/") && target.host() != "evil.test");
            }
        }
    }

    #[test]
    fn a_key_of_a_fragment_is_no_key_of_a_page() {
        let target = resolve_fragment("/a", "acme.test", "/", &site()).expect("it may be fetched");
        assert_eq!(target.cache_key().as_str(), "fragment+https://acme.test/a");
    }

    #[test]
    fn a_time_given_with_the_block_outranks_the_headers_but_not_what_is_private() {
        let fresh = |headers: &[(&str, &str)], ttl_s| {
            let mut map = ::http::HeaderMap::new();
            for (name, value) in headers {
                let name = ::http::HeaderName::try_from(*name).expect("a header name");
                map.append(name, ::http::HeaderValue::try_from(*value).expect("a header value"));
            }
            let head = ResponseHead { status: StatusCode::OK, headers: map };
            fragment_freshness(&head, ttl_s, UnixTime(0)).map(|freshness| freshness.fresh_s)
        };
        assert_eq!(fresh(&[("cache-control", "max-age=5")], None), Some(5));
        assert_eq!(fresh(&[("cache-control", "max-age=5")], Some(60)), Some(60));
        assert_eq!(fresh(&[], Some(60)), Some(60));
        assert_eq!(fresh(&[], None), None);
        assert_eq!(fresh(&[], Some(0)), None);
        assert_eq!(fresh(&[("cache-control", "private")], Some(60)), None);
        assert_eq!(fresh(&[("set-cookie", "a=b")], Some(60)), None);
        assert_eq!(fresh(&[("vary", "cookie")], Some(60)), None);
        assert_eq!(fresh(&[("vary", "Accept-Encoding")], Some(60)), Some(60));
        assert_eq!(fresh(&[("cdn-cache-control", "no-store")], Some(60)), None);
        assert_eq!(fresh(&[("cache-control", "no-cache")], Some(60)), Some(60));
    }
}
