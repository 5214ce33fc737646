//! Path and query: without our own parameters, which neither a cache key nor an origin may see.

use crate::site::Site;

/// Path, and query without `hs_` parameters; the other parameters stay as they are, byte for byte and in order.
pub fn clean_target(path_and_query: &str) -> (String, Option<String>) {
    kept(path_and_query, |name| !is_own(name))
}

/// Path and query with nothing of ours; the very same bytes where there is nothing of ours.
pub(super) fn clean_path_and_query(path_and_query: &str) -> String {
    let query = path_and_query.split_once('?').map_or("", |(_, query)| query);
    let ours = |pair: &str| is_own(&form_decoded(pair.split('=').next().unwrap_or_default()));
    if query.split('&').any(ours) { joined(clean_target(path_and_query)) } else { path_and_query.to_owned() }
}

/// Path and query as far as they make another page of this site.
pub(super) fn key_path_and_query(path_and_query: &str, site: &Site) -> String {
    joined(kept(path_and_query, |name| !is_own(name) && site.keeps_parameter(name)))
}

/// Path and query with nothing of ours, as a reference that cannot leave the host: what begins with two slashes, or with
/// what browsers take for them (WHATWG URL Standard, "path or authority state"), would name another.
pub(crate) fn local_target(path_and_query: &str) -> String {
    let target = clean_path_and_query(path_and_query);
    let outside = |byte: char| matches!(byte, '/' | '\\') || byte.is_ascii_control() || byte == ' ';
    format!("/{}", target.trim_start_matches(outside))
}

/// The value of a parameter of ours, such as `hs_facts`. Values of ours are tokens, which need no decoding.
pub fn own_parameter<'r>(path_and_query: &'r str, name: &str) -> Option<&'r str> {
    let (_, query) = path_and_query.split_once('?')?;
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// RFC 3986, section 5.2.4. A dot that is percent-encoded is one too, as the WHATWG URL Standard has it.
pub(super) fn without_dots(path: &str) -> String {
    if path.starts_with('/') && !path.contains("/.") && !path.contains('%') {
        return path.to_owned();
    }
    let mut segments: Vec<&str> = Vec::new();
    let mut ends_in_dots = false;
    for segment in path.split('/').skip(1) {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        ends_in_dots = plain == "." || plain == "..";
        match plain.as_str() {
            "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    let slash = if ends_in_dots && !segments.is_empty() { "/" } else { "" };
    format!("/{}{slash}", segments.join("/"))
}

/// What follows the host in an `http` or `https` URL, as it was sent; it may be nothing (WHATWG URL Standard, "authority
/// state").
pub fn target_of(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let known = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    known.then(|| rest.get(end..)).flatten()
}

/// Whether a path and query are as the parser of the WHATWG URL Standard leaves them. `false` says nothing: of what it
/// leaves alone, only the usual is known here.
pub fn is_normal(path_and_query: &str) -> bool {
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~?&=%+,:;@!*()$".contains(&byte);
    // A segment that begins with a dot, perhaps in its encoding, may be a step up.
    let may_step = |pair: &[u8]| pair == b"/." || pair == b"/%";
    let bytes = path_and_query.as_bytes();
    path_and_query.starts_with('/')
        && bytes.iter().all(|byte| stays(*byte))
        && !bytes.windows(2).any(may_step)
}

/// Whether a path is below `/_hs/`, in any spelling that an origin might take for it.
pub(super) fn is_below_own(path_and_query: &str) -> bool {
    let path = path_and_query.split(['?', '#']).next().unwrap_or_default();
    let is_named = |three: &[u8]| three.eq_ignore_ascii_case(b"_hs");
    if !path.contains('%') && !path.as_bytes().windows(3).any(is_named) {
        return false;
    }
    // Some servers decode twice, end a name at a zero byte, or take `;…` of a segment for parameters.
    let decoded = (0..3).fold(path.to_owned(), |path, _| form_decoded(&path)).replace('\\', "/");
    let named: Vec<&str> =
        decoded.split('/').map(|segment| segment.split([';', '\0']).next().unwrap_or_default()).collect();
    let path = without_dots(&format!("/{}", named.join("/").trim_start_matches('/')));
    let first = path.split('/').find(|segment| !segment.is_empty());
    first.is_some_and(|segment| segment.eq_ignore_ascii_case("_hs"))
}

fn kept(path_and_query: &str, keep: impl Fn(&str) -> bool) -> (String, Option<String>) {
    let whole = path_and_query.split_once('#').map_or(path_and_query, |(before, _)| before);
    let Some((path, query)) = whole.split_once('?') else { return (whole.to_owned(), None) };
    let pairs: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            !pair.is_empty() && keep(&form_decoded(pair.split_once('=').map_or(pair, |(name, _)| name)))
        })
        .collect();
    (path.to_owned(), (!pairs.is_empty()).then(|| pairs.join("&")))
}

fn joined((path, query): (String, Option<String>)) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

/// An origin would decode the name, so it is ours in every spelling.
fn is_own(name: &str) -> bool {
    name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("hs_"))
}

/// A percent-encoded name or value, decoded (WHATWG URL Standard, application/x-www-form-urlencoded parsing).
pub(crate) fn form_decoded(name: &str) -> String {
    let bytes = name.as_bytes();
    let hex = |at: usize| bytes.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        match (byte, hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (b'+', ..) => {
                out.push(b' ');
                at += 1;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn our_parameters_are_taken_off_and_nothing_else_changes() {
        for (given, expect) in [
            ("/", "/"),
            ("/?", "/?"),
            ("/a?x=1&y=%20b&x=2", "/a?x=1&y=%20b&x=2"),
            ("/a?hs_facts=t", "/a"),
            ("/a?b=1&hs_facts=t&c", "/a?b=1&c"),
            ("/a?%68s_facts=t&h%73_x&HS_y=1", "/a"),
            ("/a?xhs_facts=t", "/a?xhs_facts=t"),
            ("/a?b=hs_c", "/a?b=hs_c"),
            ("/a?&&b=1&&", "/a?&&b=1&&"),
            ("/a?&&b=1&hs_x&", "/a?b=1"),
            ("/%68s_/a?b", "/%68s_/a?b"),
            ("/a?é=1", "/a?é=1"),
        ] {
            assert_eq!(clean_path_and_query(given), expect, "{given}");
        }
    }

    #[test]
    fn a_redirect_to_the_same_page_stays_on_its_host() {
        for (given, expect) in [
            ("/", "/"),
            ("/a//b?hs_preview=t&c=//d", "/a//b?c=//d"),
            ("//evil.test/a?hs_preview=t", "/evil.test/a"),
            ("/\\evil.test", "/evil.test"),
            ("/\t/evil.test", "/evil.test"),
            ("?hs_preview=t", "/"),
        ] {
            assert_eq!(local_target(given), expect, "{given}");
        }
    }

    #[test]
    fn our_path_is_known_in_every_spelling() {
        for path in [
            "/_hs/a",
            "/_hs",
            "//_hs/a",
            "/%5Fhs/a",
            "/x/../_hs/a",
            "/./_hs/a",
            "/_HS/a",
            "/%2e/_hs/a",
            "/\\_hs/a",
            "/_hs;a/b",
            "/x/..;/_hs/b",
            "/;/_hs/b",
            "/_hs%00/b",
            "/%255fhs/b",
        ] {
            assert!(is_below_own(path), "{path}");
        }
        for path in ["/", "/_hsx/a", "/a/_hs/b", "/a?b=/_hs/", "/_hs_/a"] {
            assert!(!is_below_own(path), "{path}");
        }
    }

    #[test]
    fn a_token_is_found_among_the_parameters() {
        assert_eq!(own_parameter("/a?x=1&hs_facts=a.b.c&y", "hs_facts"), Some("a.b.c"));
        assert_eq!(own_parameter("/a?x=1", "hs_facts"), None);
    }

    #[test]
    fn a_target_begins_where_the_host_ends() {
        for (url, target) in [
            ("http://a.test/b?c", Some("/b?c")),
            ("HTTPS://u:p@a.test:1", Some("")),
            ("http://a.test?x=/y", Some("?x=/y")),
            ("http://a.test#/y", Some("#/y")),
            ("http://a\\b/c", Some("\\b/c")),
            ("http:///b", Some("/b")),
            ("file://a.test//b", None),
            ("/a?u=http://b/c", None),
            ("*", None),
        ] {
            assert_eq!(target_of(url), target, "{url}");
        }
    }

    #[test]
    fn what_most_requests_ask_for_is_normal() {
        for target in ["/", "/a/b.html", "/a?b=%20&c=1,2&d", "//a", "/a%2Fb", "/?", "/@a/(b)"] {
            assert!(is_normal(target), "{target}");
        }
        for target in
            ["", "a", "*", "?a", "/.", "/a/../b", "/%2e%2E/b", "/a b", "/ä", "/a#b", "/\\a", "/?a='b'"]
        {
            assert!(!is_normal(target), "{target}");
        }
    }

    /// What is normal is what the parser makes of it.
    fn check_normal(target: &str) {
        if is_normal(target) {
            let parsed = url::Url::parse(&format!("http://a.test{target}")).expect("a URL");
            assert_eq!(&parsed[url::Position::BeforePath..], target);
        }
    }

    #[test]
    fn what_is_normal_is_left_alone_by_a_parser_of_urls() {
        for byte in 0..128 {
            let byte = char::from(byte);
            ["/{}", "/a{}", "/a/{}b", "/?{}", "/?a{}"]
                .iter()
                .for_each(|at| check_normal(&at.replace("{}", &byte.to_string())));
        }
        let mut targets = vec![String::from("/")];
        for _ in 0..5 {
            targets = targets
                .iter()
                .flat_map(|start| "/.%2eE?".chars().map(move |next| format!("{start}{next}")))
                .collect();
            targets.iter().for_each(|target| check_normal(target));
        }
    }

    proptest! {
        #[test]
        fn whatever_is_normal_is_left_alone(target in "/[a-f/.%2eE?&='+:;@!$()*,~ #-]{0,12}") {
            check_normal(&target);
        }

        #[test]
        fn no_query_brings_an_own_parameter_through(query in "[a-zA-Z0-9_%&=+hs]{0,40}") {
            let cleaned = clean_path_and_query(&format!("/p?{query}"));
            for pair in cleaned.split_once('?').map_or("", |(_, query)| query).split('&') {
                let name = form_decoded(pair.split('=').next().unwrap_or_default());
                prop_assert!(!is_own(&name));
            }
            prop_assert_eq!(clean_path_and_query(&cleaned), cleaned);
        }
    }
}
