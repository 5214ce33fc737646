//! URL patterns of edits: a path in which `*` stands for any run of characters, `/` among them.

/// What every path that matches begins with.
pub(super) fn literal(pattern: &str) -> &str {
    pattern.split('*').next().unwrap_or_default()
}

/// Whether a path matches. Greedy from the left, which for `*` alone is exact; cost is the length of the path for
/// each part of the pattern.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == path };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(path) = path.strip_prefix(first) else { return false };
    let Some(mut path) = path.strip_suffix(last) else { return false };
    for part in middle.split('*') {
        let Some(at) = path.find(part) else { return false };
        path = path.get(at + part.len()..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{literal, matches};

    #[test]
    fn a_star_is_any_run_of_characters() {
        for (pattern, path, expect) in [
            ("/a", "/a", true),
            ("/a", "/a/", false),
            ("*", "", true),
            ("*", "/x/y", true),
            ("/pricing*", "/pricing", true),
            ("/pricing*", "/pricing/de", true),
            ("/pricing*", "/price", false),
            ("/a*b", "/ab", true),
            ("/a*b", "/a/x/b", true),
            ("/a*b", "/a", false),
            ("/ab*b", "/ab", false),
            ("*.html", "/x.html", true),
            ("/*/x/*", "/a/x/", true),
            ("/*/x/*", "/x/", false),
            ("**", "/", true),
            ("/a**b*c", "/a-b-c", true),
            ("/*aab*b", "/aaab", false),
            ("/*aab*b", "/aaabb", true),
        ] {
            assert_eq!(matches(pattern, path), expect, "{pattern} {path}");
        }
        assert_eq!(literal("/pricing*x*"), "/pricing");
    }

    proptest::proptest! {
        #[test]
        fn a_match_begins_with_the_literal(pattern in "/[ab*]{0,8}", path in "/[ab]{0,12}") {
            fn slow(pattern: &[u8], path: &[u8]) -> bool {
                match (pattern, path) {
                    ([], []) => true,
                    ([b'*', rest @ ..], _) => (0..=path.len()).any(|at| slow(rest, &path[at..])),
                    ([one, rest @ ..], [other, path @ ..]) => one == other && slow(rest, path),
                    _ => false,
                }
            }
            let expect = slow(pattern.as_bytes(), path.as_bytes());
            proptest::prop_assert_eq!(matches(&pattern, &path), expect);
            proptest::prop_assert!(!expect || path.starts_with(literal(&pattern)));
        }
    }
}
