//! Whether a visitor chooses the host of a fragment.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::builder::Builder;
use super::super::dialect::{Dialect, Escape};
use super::super::element::{Attributes, Kind};
use super::super::expression;
use super::super::program::{Op, Program};
use super::super::read::{Event, What};

/// The variables of a document in which a URL may begin as a visitor wants it to.
pub(super) struct Hosts {
    sent: HashSet<String>,
}

/// What an assignment takes its value from.
struct Assigned {
    name: String,
    from: Vec<String>,
}

/// The variables that a program reads.
pub(super) fn variables_of(program: &Program) -> impl Iterator<Item = &str> {
    program.ops.iter().filter_map(|op| match op {
        Op::Var { name, .. } => Some(program.string(*name)),
        _ => None,
    })
}

impl Hosts {
    pub(super) fn of(document: &[u8], events: &[Event], dialect: &Arc<Dialect>) -> Hosts {
        let mut assigned = Vec::new();
        for (index, event) in events.iter().enumerate() {
            match &event.what {
                What::Leaf(Kind::Assign | Kind::Variable, attributes) => {
                    assigned.extend(assignment(
                        attributes,
                        attributes.get("value").unwrap_or_default(),
                        dialect,
                    ));
                }
                What::Open(Kind::Assign, attributes) => {
                    let end = events.get(index + 1).map_or(event.range.end, |next| next.range.start);
                    let text = document.get(event.range.end..end).unwrap_or_default();
                    assigned.extend(assignment(attributes, String::from_utf8_lossy(text).trim(), dialect));
                }
                What::Open(Kind::Foreach, attributes) => {
                    let name = attributes.get("item").unwrap_or("item").to_owned();
                    let from = begins(attributes.get("collection").unwrap_or_default(), dialect);
                    assigned.push(Assigned { name, from });
                }
                _ => {}
            }
        }
        let mut hosts = Hosts { sent: HashSet::new() };
        // What is assigned may be assigned further; each round finds one more at least, or is the last.
        loop {
            let more: Vec<String> = assigned
                .iter()
                .filter(|it| !hosts.sent.contains(&it.name) && it.from.iter().any(|name| hosts.is_sent(name)))
                .map(|it| it.name.clone())
                .collect();
            if more.is_empty() {
                return hosts;
            }
            hosts.sent.extend(more);
        }
    }

    fn is_sent(&self, name: &str) -> bool {
        let plain = name.strip_prefix("RAW_").unwrap_or(name);
        // The host was judged before the page was looked for.
        let visitor = plain.starts_with("HTTP_") && plain != "HTTP_HOST"
            || matches!(plain, "QUERY_STRING" | "REQUEST_PATH" | "ESI_ARGS");
        visitor || self.sent.contains(name)
    }

    /// Where in this URL a value that a visitor sends can say, or share in saying, which host it leads to.
    pub(super) fn visitor_in_host(&self, url: &str, dialect: &Arc<Dialect>) -> Option<usize> {
        let mut literal = String::new();
        let mut at = 0;
        while !closes_host(&literal, dialect) {
            let rest = url.get(at..)?;
            let dollar = rest.find('$')?;
            literal.push_str(&rest[..dollar]);
            at += dollar;
            if closes_host(&literal, dialect) {
                return None;
            }
            let mut builder = Builder::new(Arc::clone(dialect));
            match expression::operand(&mut builder, &url.as_bytes()[at..]) {
                Ok(length) => {
                    if variables_of(&builder.program).any(|name| self.is_sent(name)) {
                        return Some(at);
                    }
                    // It may be anything, but not a visitor's.
                    if literal.trim_start().is_empty() {
                        return None;
                    }
                    literal.push('x');
                    at += length;
                }
                Err(expression::Bad) => {
                    literal.push('$');
                    at += 1;
                }
            }
        }
        None
    }
}

fn assignment(attributes: &Attributes, value: &str, dialect: &Arc<Dialect>) -> Option<Assigned> {
    let name = attributes.get("name")?.split('{').next()?.trim().to_owned();
    Some(Assigned { name, from: begins(value, dialect) })
}

/// The variables that a value may begin with: none where what the author wrote in front of them has closed the host.
fn begins(value: &str, dialect: &Arc<Dialect>) -> Vec<String> {
    let mut builder = Builder::new(Arc::clone(dialect));
    if expression::whole(&mut builder, value).is_err() {
        expression::template(&mut builder, value, false);
    }
    let program = &builder.program;
    if let Some(Op::Str(first)) = program.ops.first()
        && !value.trim_start().starts_with('$')
        && closes_host(program.string(*first), dialect)
    {
        return Vec::new();
    }
    variables_of(program).map(str::to_owned).collect()
}

/// Whether the host of a URL that begins like this is known.
fn closes_host(beginning: &str, dialect: &Dialect) -> bool {
    let text = beginning.trim_start().to_ascii_lowercase();
    let after = ["//", "http://", "https://"].iter().find_map(|opens| text.strip_prefix(opens));
    match after {
        Some(host) => host.contains(['/', '?', '#', '\\']),
        // `/` and another slash is a host; where values are escaped, it cannot come from one.
        None if text == "/" => dialect.escape == Escape::Context,
        None => !"http://".starts_with(&text) && !"https://".starts_with(&text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use crate::{Dialect, Mistake};

    /// Where `HS6013` is reported, as the text that stands there.
    fn unsafe_places<'a>(document: &'a str, dialect: &str) -> Vec<&'a str> {
        let dialect = Dialect::preset(dialect).expect("a preset");
        let found = check(document.as_bytes(), &dialect);
        let at = found.iter().filter(|it| it.mistake == Mistake::Unsafe).map(|it| it.at);
        at.map(|at| document[at..].split_inclusive([')', '"']).next().unwrap_or_default()).collect()
    }

    #[test]
    fn a_value_in_the_host_is_found_where_it_stands() {
        for (url, at) in [
            ("$(QUERY_STRING{u})", "$(QUERY_STRING{u})"),
            (" $(HTTP_COOKIE{u}|'/x')/y", "$(HTTP_COOKIE{u}|'/x')"),
            ("http://$(HTTP_X)/", "$(HTTP_X)"),
            ("https://www.$(GEO{country_code}).$lower($(HTTP_REFERER)).test/", "$lower($(HTTP_REFERER)"),
            ("//$(REQUEST_PATH)", "$(REQUEST_PATH)"),
            ("http:$(QUERY_STRING)", "$(QUERY_STRING)"),
        ] {
            for attribute in ["src", "alt"] {
                let document = format!("ä <esi:include {attribute}=\"{url}\" />");
                assert_eq!(unsafe_places(&document, "hemstitch"), [at], "{document}");
            }
        }
    }

    #[test]
    fn a_value_behind_the_host_is_none_of_its_business() {
        for url in [
            "/a/$(HTTP_COOKIE{x})",
            "/$(HTTP_COOKIE{x})",
            "page-$(QUERY_STRING{p}).html",
            "?q=$(QUERY_STRING{q})",
            "http://a.test/$(QUERY_STRING{q})",
            "https://$(HTTP_HOST)/$(QUERY_STRING{q})",
            "http://$(GEO{country_code}).test?$(QUERY_STRING)",
            "$(PROFILE{home})/x",
            "http://a.test/$x",
            "$",
        ] {
            let document = format!("<esi:include src=\"{url}\"/>");
            assert!(unsafe_places(&document, "hemstitch").is_empty(), "{document}");
        }
        let one_slash = "<esi:include src=\"/$(HTTP_COOKIE{x})\"/>";
        assert_eq!(unsafe_places(one_slash, "akamai"), ["$(HTTP_COOKIE{x})"]);
    }

    #[test]
    fn values_are_followed_through_assignments() {
        let include = "<esi:include src=\"$(b)\"/>";
        let bad = [
            "<esi:assign name=\"a\" value=\"$(HTTP_COOKIE{x})\"/><esi:assign name=\"b\" value=\"$(a) + '/x'\"/>",
            "<esi:assign name=\"b\">http://$(QUERY_STRING{h})/</esi:assign>",
            "<esi:foreach collection=\"$(QUERY_STRING{h})\" item=\"b\"></esi:foreach>",
        ];
        for assign in bad {
            assert_eq!(unsafe_places(&format!("{assign}{include}"), "hemstitch"), ["$(b)"], "{assign}");
        }
        let good = [
            "<esi:assign name=\"b\" value=\"'/x?' + $(HTTP_COOKIE{x})\"/>",
            "<esi:assign name=\"b\">http://a.test/$(QUERY_STRING{h})/</esi:assign>",
            "<esi:assign name=\"b\" value=\"'http://a.test'\"/>",
        ];
        for assign in good {
            assert!(unsafe_places(&format!("{assign}{include}"), "hemstitch").is_empty(), "{assign}");
        }
    }
}
