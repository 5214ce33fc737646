//! How the JSON inside a token is read: objects only, and no name twice where the name means something.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The object that `text` is, nothing before or after it.
///
/// The error says nothing: serde's own would quote what the token holds. The brace is looked for because serde reads
/// a struct from an array too, by position.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    let is_object = text.trim_ascii_start().starts_with('{');
    is_object.then(|| serde_json::from_slice(text.as_bytes()).ok()).flatten()
}

/// A JSON string, borrowed from the token unless it has escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Text<'a> {
    pub(super) fn borrowed(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }

    pub(super) fn owned(text: &str) -> Self {
        Self(Cow::Owned(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// All members of an object, each name once.
pub(super) struct UniqueMembers(pub(super) Map<String, Value>);

impl<'de> Deserialize<'de> for UniqueMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = UniqueMembers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = access.next_entry()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a name stands twice"));
                    }
                }
                Ok(UniqueMembers(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_with_unique_names_is_read() {
        let cases = [
            ("{}", true),
            (" \r\n{\"a\":1,\"b\":[{}]} ", true),
            ("", false),
            ("[]", false),
            ("[[\"a\",1]]", false),
            ("null", false),
            ("{\"a\":1,\"a\":1}", false),
            ("{\"a\":1,\"\\u0061\":2}", false),
            ("{\"a\":1}{}", false),
            ("{\"a\":1", false),
            ("\u{feff}{}", false),
        ];
        for (text, read) in cases {
            assert_eq!(object::<UniqueMembers>(text).is_some(), read, "{text:?}");
        }
    }

    #[test]
    fn a_string_without_escapes_is_not_copied() {
        #[derive(Deserialize)]
        struct Named<'a> {
            #[serde(borrow)]
            name: Option<Text<'a>>,
        }
        for (text, borrowed) in [(r#"{"name":"ann"}"#, true), (r#"{"name":"\u0061nn"}"#, false)] {
            let name = object::<Named<'_>>(text).and_then(|named| named.name).expect("a name");
            assert_eq!(name.as_str(), "ann");
            assert_eq!(matches!(name.0, Cow::Borrowed(_)), borrowed, "{text}");
        }
    }
}
