//! The variables of the language.

use bytes::Bytes;

use super::dialect::{Dialect, LanguageMiss};
use super::facts::{Facts, Given};
use super::functions::percent_decoded;
use super::value::{Heap, Taint, Text, Value};

/// A value that the visitor chose and that is not in the page's cache key.
const SENT: Taint = Taint::PERSONAL.and(Taint::SENT).and(Taint::OUTSIDE);
/// A value that the visitor chose with the URL.
const ASKED: Taint = Taint::SENT.and(Taint::OUTSIDE);

/// Whether a variable of this name differs between visitors who ask for the same URL.
pub(super) fn is_personal(name: &str) -> bool {
    let name = name.strip_prefix("RAW_").unwrap_or(name);
    match name {
        "HTTP_HOST" => false,
        "REMOTE_ADDR" | "GEO" | "TRAFFIC_INFO" | "PROFILE" | "AUDIENCE" | "EXPERIMENT" => true,
        _ => name.starts_with("HTTP_"),
    }
}

/// Whether a variable of the language that has no keys may have a value that a visitor sent.
pub(super) fn may_be_sent(name: &str) -> bool {
    matches!(name, "REQUEST_PATH" | "QUERY_STRING" | "ESI_ARGS")
        || name.starts_with("HTTP_")
        || name.starts_with("RAW_")
}

/// The variable `name` of the request under `keys`; `None` where the language has none of that name.
pub(super) fn read(
    name: &str,
    keys: &[Bytes],
    facts: &Facts,
    dialect: &Dialect,
    heap: &mut Heap,
) -> Option<Value> {
    if dialect.esi_args
        && let Some(name) = name.strip_prefix("RAW_")
    {
        return read(name, keys, facts, dialect, heap).map(|value| match value {
            Value::Text(text) => Value::Text(Text { taint: text.taint.without(Taint::SENT), ..text }),
            other => other,
        });
    }
    let key = keys.first();
    let value = match name {
        "REQUEST_METHOD" => Value::text(facts.method.clone(), Taint::NONE),
        "REQUEST_PATH" => Value::text(facts.path.clone(), ASKED.and(Taint::URL)),
        "REMOTE_ADDR" => Value::text(facts.remote_addr.clone(), Taint::PERSONAL),
        "QUERY_STRING" => query(Parameters::Others, key, facts, dialect, heap),
        "ESI_ARGS" if dialect.esi_args => query(Parameters::Esi, key, facts, dialect, heap),
        // Cookies are read one by one, by their names.
        "HTTP_HEADER" => key
            .filter(|key| !key.eq_ignore_ascii_case(b"cookie"))
            .and_then(|key| facts.header(std::str::from_utf8(key).ok()?))
            .map_or(Value::None, sent),
        _ => match name.strip_prefix("HTTP_") {
            Some(header) => return Some(header_value(header, key, facts, dialect, heap)),
            None => return given(name, key, facts, heap, dialect),
        },
    };
    let rest = keys.get(1..).unwrap_or_default();
    Some(rest.iter().fold(value, |value, key| heap.element(&value, key)))
}

fn sent(text: String) -> Value {
    Value::text(text, SENT)
}

fn given(
    name: &str,
    key: Option<&Bytes>,
    facts: &Facts,
    heap: &mut Heap,
    dialect: &Dialect,
) -> Option<Value> {
    if let (Some(lookup), Some(key)) = (&facts.asked, key)
        && let Some(value) = std::str::from_utf8(key).ok().and_then(|key| lookup(name, key))
    {
        return Some(sent(value));
    }
    let taint = Taint::OUTSIDE.and(if is_personal(name) { Taint::PERSONAL } else { Taint::NONE });
    let known = facts.variables.iter().find(|(known, _)| known == name);
    Some(match (&known?.1, key) {
        (Given::Text(text), None) => Value::text(text.clone(), taint),
        (Given::Text(_), Some(_)) => Value::None,
        (Given::Dictionary(entries), Some(key)) => {
            let key = std::str::from_utf8(key).unwrap_or_default();
            let entry = entries.iter().find(|(name, _)| name == key);
            entry.map_or(Value::None, |(_, value)| Value::text(value.clone(), taint))
        }
        (Given::Dictionary(entries), None) if dialect.query_is_dictionary => {
            let entries = entries.iter().map(|(name, value)| {
                (Bytes::copy_from_slice(name.as_bytes()), Value::text(value.clone(), taint))
            });
            heap.new_dict(entries.collect(), None, &dialect.budgets).unwrap_or_default()
        }
        (Given::Dictionary(_), None) => Value::None,
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Parameters {
    /// Those that begin with `esi_`.
    Esi,
    Others,
}

fn query(which: Parameters, key: Option<&Bytes>, facts: &Facts, dialect: &Dialect, heap: &mut Heap) -> Value {
    let is_esi = |pair: &&str| pair.starts_with("esi_");
    let query = if dialect.esi_args {
        let kept: Vec<&str> =
            facts.query.split('&').filter(|pair| is_esi(pair) == (which == Parameters::Esi)).collect();
        kept.join("&")
    } else {
        facts.query.clone()
    };
    if query.is_empty() {
        return Value::None;
    }
    let prefix = if which == Parameters::Esi { "esi_" } else { "" };
    let decode = |text: &str| {
        if dialect.decode_query {
            percent_decoded(text.replace('+', " ").as_bytes())
        } else {
            text.as_bytes().to_vec()
        }
    };
    let pairs = || {
        query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name.strip_prefix(prefix).unwrap_or(name)), decode(value))
        })
    };
    let one = |mut values: Vec<Value>, heap: &mut Heap| match values.len() {
        0 => Value::None,
        1 => values.pop().unwrap_or_default(),
        _ if dialect.query_is_dictionary => heap.new_list(values, &dialect.budgets).unwrap_or_default(),
        _ => values.swap_remove(0),
    };
    if let Some(key) = key {
        let values =
            pairs().filter(|(name, _)| name == key).map(|(_, value)| Value::text(value, ASKED)).collect();
        return one(values, heap);
    }
    let raw = Text::new(query.clone(), ASKED.and(Taint::URL));
    if !dialect.query_is_dictionary {
        return Value::Text(raw);
    }
    let mut entries: Vec<(Bytes, Vec<Value>)> = Vec::new();
    for (name, value) in pairs().take(dialect.budgets.items) {
        let value = Value::text(value, ASKED);
        match entries.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => entries.push((name.into(), vec![value])),
        }
    }
    let entries = entries.into_iter().map(|(name, values)| (name, one(values, heap))).collect();
    heap.new_dict(entries, Some(raw.clone()), &dialect.budgets).unwrap_or(Value::Text(raw))
}

fn header_value(
    header: &str,
    key: Option<&Bytes>,
    facts: &Facts,
    dialect: &Dialect,
    heap: &mut Heap,
) -> Value {
    let Some(value) = facts.header(header) else {
        return match (header, key, dialect.language_miss) {
            ("ACCEPT_LANGUAGE", Some(_), LanguageMiss::False) => Value::Bool(false),
            _ => Value::None,
        };
    };
    let key = key.map(|key| String::from_utf8_lossy(key));
    match (header, key.as_deref()) {
        ("HOST", None) => Value::text(value, Taint::NONE),
        ("COOKIE", None) if dialect.query_is_dictionary => {
            let entries = cookies(&value).map(|(name, value)| {
                (Bytes::copy_from_slice(name.as_bytes()), Value::text(value.to_owned(), SENT))
            });
            let entries = entries.take(dialect.budgets.items).collect();
            let raw = Text::new(value.clone(), SENT);
            heap.new_dict(entries, Some(raw), &dialect.budgets).unwrap_or_else(|_| sent(value.clone()))
        }
        (_, None) => sent(value),
        ("COOKIE", Some(key)) => {
            cookie(&value, key, dialect).map_or(Value::None, |value| sent(value.to_owned()))
        }
        ("ACCEPT_LANGUAGE", Some(key)) => {
            let accepted = items(&value).any(|language| language.eq_ignore_ascii_case(key))
                || (dialect.loose_keys && value.contains(key));
            match (accepted, dialect.language_miss) {
                (true, _) => Value::Bool(true),
                (false, LanguageMiss::False) => Value::Bool(false),
                (false, LanguageMiss::Empty) => Value::None,
            }
        }
        ("USER_AGENT", Some(key)) => {
            user_agent(&value, key).map_or(Value::None, |text| Value::text(text, SENT))
        }
        (_, Some(_)) if dialect.loose_keys => sent(value),
        (_, Some(key)) => {
            items(&value).find(|item| *item == key).map_or(Value::None, |item| sent(item.to_owned()))
        }
    }
}

/// The elements of a list header, without their parameters.
fn items(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(',')
        .map(|item| item.split(';').next().unwrap_or_default().trim())
        .filter(|item| !item.is_empty())
}

fn cookies(header: &str) -> impl Iterator<Item = (&str, &str)> {
    header.split(';').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.trim(), value.trim()))
}

fn cookie<'h>(header: &'h str, key: &str, dialect: &Dialect) -> Option<&'h str> {
    let find = |name: &str| cookies(header).find(|(known, _)| *known == name).map(|(_, value)| value);
    match key.split_once(';') {
        Some((name, part)) if dialect.subcookies => {
            let mut parts = find(name)?.split('&').filter_map(|pair| pair.split_once('='));
            parts.find(|(known, _)| *known == part).map(|(_, value)| value)
        }
        _ => find(key),
    }
}

/// ESI Language Specification 1.0, section 4.1: the browser is MOZILLA, MSIE or OTHER, the system WIN, MAC, UNIX or OTHER.
fn user_agent(value: &str, key: &str) -> Option<String> {
    let has = |part: &str| value.contains(part);
    let text = match key {
        "browser" if has("MSIE") || has("Trident/") => "MSIE",
        "browser" if has("Mozilla/") => "MOZILLA",
        "os" if has("Windows") || has("Win32") || has("Win64") => "WIN",
        "os" if has("Mac") => "MAC",
        "os" if has("Linux") || has("X11") || has("Unix") || has("BSD") => "UNIX",
        "browser" | "os" => "OTHER",
        "version" => {
            let version = value.split_once("Mozilla/")?.1;
            let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
            return Some(version[..end].to_owned());
        }
        _ => return None,
    };
    Some(text.to_owned())
}
