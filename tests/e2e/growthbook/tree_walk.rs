//! Conditions read as they stand, value by value: what the compiled form of them has to say, too.

use std::cmp::Ordering;

use serde_json::{Map, Value};

const NULL: &Value = &Value::Null;

pub struct Walk<'g> {
    pub groups: &'g Value,
}

impl Walk<'_> {
    pub fn holds(&self, condition: &Value, attributes: &Value) -> bool {
        let members = condition.as_object().expect("a condition is an object");
        let any = |list: &Value| {
            let list = list.as_array().expect("a list of conditions");
            list.is_empty() || list.iter().any(|one| self.holds(one, attributes))
        };
        members.iter().all(|(key, value)| match key.as_str() {
            "$or" => any(value),
            "$nor" => !any(value),
            "$and" => value.as_array().expect("a list").iter().all(|one| self.holds(one, attributes)),
            "$not" => !self.holds(value, attributes),
            path => self.fits(value, at(attributes, path).as_ref().unwrap_or(NULL), false),
        })
    }

    fn fits(&self, expected: &Value, actual: &Value, folded: bool) -> bool {
        match expected {
            Value::Null => actual.is_null(),
            Value::Bool(yes) => !actual.is_null() && truth(actual) == *yes,
            Value::Number(_) => number(actual) == number(expected),
            Value::String(expected) if folded => text(actual).to_lowercase() == expected.to_lowercase(),
            Value::String(expected) => text(actual) == *expected,
            Value::Object(members) if is_operators(members) => {
                members.iter().all(|(operator, argument)| self.operator(operator, argument, actual))
            }
            json => same(json, actual),
        }
    }

    fn operator(&self, operator: &str, expected: &Value, actual: &Value) -> bool {
        let versions = || units(&version(actual)).cmp(&units(&version(expected)));
        let order = || compare(actual, expected);
        let list = expected.as_array();
        let items = actual.as_array();
        match operator {
            "$veq" => versions().is_eq(),
            "$vne" => versions().is_ne(),
            "$vlt" => versions().is_lt(),
            "$vlte" => versions().is_le(),
            "$vgt" => versions().is_gt(),
            "$vgte" => versions().is_ge(),
            "$eq" => identical(actual, expected),
            "$ne" => !identical(actual, expected),
            "$lt" => order() == Some(Ordering::Less),
            "$lte" => order().is_some_and(Ordering::is_le),
            "$gt" => order() == Some(Ordering::Greater),
            "$gte" => order().is_some_and(Ordering::is_ge),
            "$exists" => truth(expected) != actual.is_null(),
            "$in" => list.is_some_and(|list| among(actual, list, false)),
            "$nin" => list.is_some_and(|list| !among(actual, list, false)),
            "$ini" => list.is_some_and(|list| among(actual, list, true)),
            "$nini" => list.is_some_and(|list| !among(actual, list, true)),
            "$inGroup" => self.group(expected).is_some_and(|list| among(actual, &list, false)),
            "$notInGroup" => self.group(expected).is_some_and(|list| !among(actual, &list, false)),
            "$not" => !self.fits(expected, actual, false),
            "$size" => items.is_some_and(|items| self.fits(expected, &items.len().into(), false)),
            "$elemMatch" => items
                .is_some_and(|items| items.iter().any(|item| !item.is_null() && self.item(expected, item))),
            "$all" | "$alli" => items.zip(list).is_some_and(|(items, list)| {
                let folded = operator == "$alli";
                list.iter().all(|one| items.iter().any(|item| self.fits(one, item, folded)))
            }),
            "$type" => type_of(actual) == expected,
            _ => false,
        }
    }

    fn item(&self, expected: &Value, item: &Value) -> bool {
        match expected.as_object() {
            Some(members) if is_operators(members) => self.fits(expected, item, false),
            _ => self.holds(expected, item),
        }
    }

    fn group(&self, name: &Value) -> Option<Vec<Value>> {
        match &self.groups[name.as_str()?] {
            Value::Null => Some(Vec::new()),
            Value::Array(values) => Some(values.clone()),
            entry if entry["type"] == "list" => entry["values"].as_array().cloned(),
            _ => None,
        }
    }
}

fn is_operators(members: &Map<String, Value>) -> bool {
    !members.is_empty() && members.keys().all(|key| key.starts_with('$'))
}

fn at(value: &Value, path: &str) -> Option<Value> {
    path.split('.').try_fold(value.clone(), |value, key| match &value {
        Value::Object(members) => members.get(key).cloned(),
        Value::Array(items) if key == "length" => Some(items.len().into()),
        Value::Array(items) => {
            (0..items.len()).find(|index| index.to_string() == key).map(|index| items[index].clone())
        }
        _ => None,
    })
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(yes) => *yes,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Null => 0.0,
        Value::Bool(yes) => f64::from(u8::from(*yes)),
        Value::Number(number) => number.as_f64().expect("a number of JSON"),
        value => number_of(text(value).trim_matches(is_blank)),
    }
}

fn is_blank(character: char) -> bool {
    character == '\u{feff}' || character != '\u{85}' && character.is_whitespace()
}

fn number_of(text: &str) -> f64 {
    let radix = [("0x", 16), ("0o", 8), ("0b", 2)]
        .into_iter()
        .find(|(prefix, _)| text.to_ascii_lowercase().starts_with(prefix));
    match (text, radix) {
        ("", _) => 0.0,
        ("Infinity" | "+Infinity", _) => f64::INFINITY,
        ("-Infinity", _) => f64::NEG_INFINITY,
        (text, Some((_, radix))) => {
            i64::from_str_radix(&text[2..], radix).map_or(f64::NAN, |number| number as f64)
        }
        (text, None) if text.bytes().all(|byte| b"0123456789+-.eE".contains(&byte)) => {
            text.parse().unwrap_or(f64::NAN)
        }
        _ => f64::NAN,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(yes) => yes.to_string(),
        Value::Number(_) => digits(number(value)),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let item = |item: &Value| if item.is_null() { String::new() } else { text(item) };
            items.iter().map(item).collect::<Vec<_>>().join(",")
        }
        Value::Object(_) => "[object Object]".to_owned(),
    }
}

fn digits(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        1e-6..1e21 => number.to_string(),
        size if size < 1.0 => format!("{number:e}"),
        _ => format!("{number:e}").replace('e', "e+"),
    }
}

fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(_), Value::Number(_)) => number(one) == number(other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let found =
                |(key, value): (&String, &Value)| other.get(key).is_some_and(|other| same(value, other));
            one.len() == other.len() && one.iter().all(found)
        }
        (one, other) => one == other,
    }
}

fn identical(one: &Value, other: &Value) -> bool {
    !one.is_array() && !one.is_object() && same(one, other)
}

fn among(actual: &Value, list: &[Value], folded: bool) -> bool {
    let fold = |value: &Value| match value {
        Value::String(text) if folded => text.to_lowercase().into(),
        value => value.clone(),
    };
    let found = |actual: &Value| list.iter().any(|one| identical(&fold(actual), &fold(one)));
    actual.as_array().map_or_else(|| found(actual), |items| items.iter().any(found))
}

fn compare(actual: &Value, expected: &Value) -> Option<Ordering> {
    let is_text = |value: &Value| value.is_string() || value.is_array() || value.is_object();
    if is_text(actual) && is_text(expected) {
        return Some(units(&text(actual)).cmp(&units(&text(expected))));
    }
    number(actual).partial_cmp(&number(expected))
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn version(value: &Value) -> String {
    let written = match value {
        Value::Number(_) => text(value),
        Value::String(text) if !text.is_empty() => text.clone(),
        _ => "0".to_owned(),
    };
    let written = written.strip_prefix('v').unwrap_or(&written);
    let last_line = written.rfind(['\n', '\r', '\u{2028}', '\u{2029}']).map_or(0, |at| at + 1);
    let end = written[last_line..].find('+').map_or(written.len(), |at| last_line + at);
    let mut parts: Vec<String> = written[..end]
        .split(['-', '.'])
        .map(|part| {
            if part.is_empty() || part.contains(|c: char| !c.is_ascii_digit()) {
                part.to_owned()
            } else {
                format!("{part:>5}")
            }
        })
        .collect();
    if parts.len() == 3 {
        parts.push("~".to_owned());
    }
    parts.join("-")
}
