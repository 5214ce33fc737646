//! JavaScript's coercions, as far as GrowthBook's comparisons rest on them (ECMA-262, section 7.1).

use crate::esi::decimal;
use crate::facts::Fact;
use serde_json::Value;
use std::borrow::Cow;

/// `Boolean(value)`.
pub(crate) fn truth(fact: Fact) -> bool {
    match fact {
        Fact::Null => false,
        Fact::Bool(yes) => yes,
        Fact::Number(number) => number != 0.0 && !number.is_nan(),
        Fact::Text(text) => !text.is_empty(),
        Fact::Json(_) => true,
    }
}

/// `String(value)`.
pub(crate) fn text(fact: Fact<'_>) -> Cow<'_, str> {
    match fact {
        Fact::Null => "null".into(),
        Fact::Bool(yes) => if yes { "true" } else { "false" }.into(),
        Fact::Number(number) => number_text(number).into(),
        Fact::Text(text) => text.into(),
        Fact::Json(Value::Array(items)) => {
            let item_text = |item| match Fact::from_json(item) {
                Fact::Null => "".into(),
                fact => text(fact),
            };
            items.iter().map(item_text).collect::<Vec<_>>().join(",").into()
        }
        Fact::Json(_) => "[object Object]".into(),
    }
}

/// `Number(value)`.
pub(crate) fn number(fact: Fact) -> f64 {
    match fact {
        Fact::Null => 0.0,
        Fact::Bool(yes) => f64::from(u8::from(yes)),
        Fact::Number(number) => number,
        Fact::Text(text) => number_of_text(text),
        Fact::Json(_) => number_of_text(&text(fact)),
    }
}

/// A version as a text that compares as versions do, as GrowthBook's `paddedVersionString` writes it: numbers are
/// padded, and a version without a pre-release comes after those with one.
pub(crate) fn version(fact: Fact<'_>) -> String {
    let written = match fact {
        Fact::Number(number) => number_text(number),
        Fact::Text(text) if !text.is_empty() => text.to_owned(),
        _ => "0".to_owned(),
    };
    let written = written.strip_prefix('v').unwrap_or(&written);
    // The dot in the SDK's `/\+.*$/` is no end of a line.
    let last_line = written.rfind(['\n', '\r', '\u{2028}', '\u{2029}']).unwrap_or(0);
    let build = written.get(last_line..).and_then(|line| line.find('+'));
    let without_build = build.and_then(|build| written.get(..last_line + build)).unwrap_or(written);
    let mut parts: Vec<String> = without_build.split(['-', '.']).map(padded).collect();
    if parts.len() == 3 {
        parts.push("~".to_owned());
    }
    parts.join("-")
}

fn padded(part: &str) -> String {
    let number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if number { format!("{part:>5}") } else { part.to_owned() }
}

/// One text for values that are the same JSON: keys sorted, numbers as JavaScript writes them.
pub(crate) fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write_canonical(value, &mut out);
    out
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<(&String, &Value)> = Vec::with_capacity(members.len());
            // They mostly are in order; sorting them would be more code than all of this.
            for member in members {
                let at = sorted.partition_point(|(key, _)| *key < member.0);
                sorted.insert(at, member);
            }
            out.push('{');
            for (index, (key, value)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write_canonical(value, out);
            }
            out.push('}');
        }
        Value::Number(number) => out.push_str(&number_text(number.as_f64().unwrap_or(f64::NAN))),
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// `Number::toString` in base 10: both languages print the shortest digits, but differ in exponents.
fn number_text(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 {
        return "0".to_owned();
    }
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if (1e-6..1e21).contains(&size) {
        return number.to_string();
    }
    let text = format!("{number:e}");
    if text.contains("e-") { text } else { text.replace('e', "e+") }
}

fn number_of_text(text: &str) -> f64 {
    let blank =
        |character: char| character == '\u{feff}' || (character.is_whitespace() && character != '\u{85}');
    let text = text.trim_matches(blank);
    if text.is_empty() {
        return 0.0;
    }
    if let Some((radix, digits)) = radix_digits(text) {
        let sum = |sum: f64, digit: char| Some(sum * f64::from(radix) + f64::from(digit.to_digit(radix)?));
        let parsed = if digits.is_empty() { None } else { digits.chars().try_fold(0.0, sum) };
        return parsed.unwrap_or(f64::NAN);
    }
    match text {
        "Infinity" | "+Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        _ if text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) => {
            decimal::parse(text).unwrap_or(f64::NAN)
        }
        _ => f64::NAN,
    }
}

fn radix_digits(text: &str) -> Option<(u32, &str)> {
    let rest = text.strip_prefix('0')?;
    let radix = match rest.bytes().next()? {
        b'x' | b'X' => 16,
        b'o' | b'O' => 8,
        b'b' | b'B' => 2,
        _ => return None,
    };
    Some((radix, rest.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::{canonical, number, text};
    use crate::facts::Fact;
    use serde_json::{Value, json};

    #[test]
    fn texts_are_those_of_javascript() {
        for (value, expect) in [
            (json!(10.0), "10"),
            (json!(-0.0), "0"),
            (json!(0.1), "0.1"),
            (json!(1e21), "1e+21"),
            (json!(123456789012345680000f64), "123456789012345680000"),
            (json!(1.5e-7), "1.5e-7"),
            (json!(0.000001), "0.000001"),
            (json!(null), "null"),
            (json!([1, null, ["a", true]]), "1,,a,true"),
            (json!({"a": 1}), "[object Object]"),
        ] {
            assert_eq!(text(Fact::from_json(&value)), expect, "{value}");
        }
    }

    #[test]
    fn numbers_are_those_of_javascript() {
        for (value, expect) in [
            ("", 0.0),
            (" \u{feff}12\n", 12.0),
            ("1.", 1.0),
            (".5e1", 5.0),
            ("+3", 3.0),
            ("0x1F", 31.0),
            ("0b101", 5.0),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(number(Fact::Text(value)), expect, "{value:?}");
        }
        for value in ["inf", "nan", "infinity", "1_0", "0x", "0xg", "-0x1", "1 2", "e5", "."] {
            assert!(number(Fact::Text(value)).is_nan(), "{value:?}");
        }
        assert_eq!(number(Fact::Json(&json!(["7"]))), 7.0);
        assert!(number(Fact::Json(&json!({}))).is_nan());
    }

    #[test]
    fn canonical_text_does_not_depend_on_the_spelling() {
        let value: Value = serde_json::from_str(r#"{"b": 1.0, "a": [1e0, "é\u00e9\n"]}"#).unwrap();
        assert_eq!(canonical(&value), r#"{"a":[1,"éé\n"],"b":1}"#);
    }
}
