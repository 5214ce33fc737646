//! A dialect as a site's configuration writes it: the name of a preset, or an object of settings, over a preset or ours. Read
//! from tables, since what a derive writes for them weighs more in an edge than the language's parser.

use serde_json::Value;

use super::dialect::{Budgets, Dialect};

/// A configuration of ESI that says what there is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialectError {
    /// There is no such preset.
    #[error("`esi` names the preset {0:?}; write one of {presets}", presets = Dialect::PRESETS.join(", "))]
    Preset(String),
    /// There is no such setting, or it cannot have this value.
    #[error("`esi` sets {0:?}, which is no setting or has another kind of value")]
    Setting(String),
    /// It is neither a name nor an object.
    #[error("`esi` is neither the name of a preset nor an object of settings")]
    Form,
}

impl Dialect {
    /// Reads what a configuration says; ours where it says nothing.
    pub fn read(written: &Value) -> Result<Dialect, DialectError> {
        let preset = |name: &str| Dialect::preset(name).ok_or_else(|| DialectError::Preset(name.to_owned()));
        match written {
            Value::Null => Ok(Dialect::default()),
            Value::String(name) => preset(name),
            Value::Object(settings) => {
                let mut dialect = match settings.get("preset") {
                    None => Dialect::default(),
                    Some(Value::String(name)) => preset(name)?,
                    Some(_) => return Err(DialectError::Setting("preset".to_owned())),
                };
                for (name, value) in settings.iter().filter(|(name, _)| *name != "preset") {
                    dialect.set(name, value).ok_or_else(|| DialectError::Setting(name.clone()))?;
                }
                Ok(dialect)
            }
            _ => Err(DialectError::Form),
        }
    }

    /// Bytes that are others for every other dialect.
    pub fn fingerprint(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        bytes
    }
}

/// What a setting can be.
trait Setting: Sized {
    /// This one, but where the value says another; `None` where it cannot be.
    fn changed(self, value: &Value) -> Option<Self>;

    fn write(&self, bytes: &mut Vec<u8>);
}

impl Setting for bool {
    fn changed(self, value: &Value) -> Option<bool> {
        value.as_bool()
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(*self));
    }
}

impl Setting for u32 {
    fn changed(self, value: &Value) -> Option<u32> {
        value.as_u64()?.try_into().ok()
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_le_bytes());
    }
}

impl Setting for usize {
    fn changed(self, value: &Value) -> Option<usize> {
        value.as_u64()?.try_into().ok()
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&(*self as u64).to_le_bytes());
    }
}

impl Setting for String {
    fn changed(self, value: &Value) -> Option<String> {
        value.as_str().map(str::to_owned)
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        self.len().write(bytes);
        bytes.extend_from_slice(self.as_bytes());
    }
}

impl Setting for Option<String> {
    fn changed(self, value: &Value) -> Option<Option<String>> {
        if value.is_null() { Some(None) } else { value.as_str().map(|text| Some(text.to_owned())) }
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        self.is_some().write(bytes);
        self.as_deref().unwrap_or_default().to_owned().write(bytes);
    }
}

impl Setting for Budgets {
    fn changed(mut self, value: &Value) -> Option<Budgets> {
        for (name, value) in value.as_object()? {
            self.set(name, value)?;
        }
        Some(self)
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        Budgets::write(self, bytes);
    }
}

/// Declares enums whose values have names in a configuration.
macro_rules! choices {
    ($($(#[$about:meta])* pub enum $Choice:ident { $($(#[$what:meta])* $Value:ident = $name:literal,)* })*) => { $(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $Choice { $($(#[$what])* $Value,)* }

        impl super::settings::Choice for $Choice {
            const ALL: &[($Choice, &str)] = &[$(($Choice::$Value, $name),)*];
        }
    )* };
}
pub(super) use choices;

/// One of a few, by name.
pub(super) trait Choice: Copy + PartialEq + 'static {
    const ALL: &[(Self, &str)];
}

impl<C: Choice> Setting for C {
    fn changed(self, value: &Value) -> Option<C> {
        let name = value.as_str()?;
        C::ALL.iter().find(|(_, known)| *known == name).map(|(choice, _)| *choice)
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(C::ALL.iter().position(|(choice, _)| choice == self).unwrap_or_default() as u8);
    }
}

macro_rules! settings {
    ($Settings:ident: $($name:ident)*) => {
        impl $Settings {
            #[cfg(test)]
            pub(super) const SETTINGS: &[&str] = &[$(stringify!($name)),*];

            fn set(&mut self, name: &str, value: &Value) -> Option<()> {
                match name {
                    $(stringify!($name) => self.$name = self.$name.clone().changed(value)?,)*
                    _ => return None,
                }
                Some(())
            }

            fn write(&self, bytes: &mut Vec<u8>) {
                let $Settings { $($name),* } = self;
                $(Setting::write($name, bytes);)*
            }
        }
    };
}

settings!(Dialect: prefix declared_prefixes unknown_elements strict_structure nested_comments skip_comments xml_check only_html unclosed_include stray_text variables_in_text functions_in_text backslash_in_text broken_variables backslash_in_attributes inline interpolated_strings string_escapes barewords truth empty_operand mixed_operands default_for_empty escape decode_query query_is_dictionary esi_args subcookies language_miss loose_keys substr_length compounds good_status include_failure failure_marker fragments edge_control inherit_dca inherit_variables https_includes caching fragment_dates fragment_cookies fragment_redirects fragment_functions expression_failure budgets);
settings!(Budgets: depth requests bytes steps items nodes value_bytes calls wait_ms page_ms hold_ms);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::dialect::{Escape, GoodStatus};
    use super::*;

    #[test]
    fn a_dialect_is_a_preset_or_settings_over_one() {
        assert_eq!(Dialect::read(&Value::Null), Ok(Dialect::default()));
        assert_eq!(Dialect::read(&json!("akamai")).ok(), Dialect::preset("akamai"));
        let written = json!({
            "preset": "w3c", "escape": "angles", "good_status": "below-400", "prefix": null, "esi_args": true,
            "failure_marker": "?", "budgets": {"depth": 2, "bytes": 99},
        });
        let preset = Dialect::preset("w3c").unwrap();
        let expected = Dialect {
            escape: Escape::Angles,
            good_status: GoodStatus::Below400,
            prefix: None,
            esi_args: true,
            failure_marker: "?".to_owned(),
            budgets: Budgets { depth: 2, bytes: 99, ..preset.budgets },
            ..preset
        };
        assert_eq!(Dialect::read(&written), Ok(expected));
    }

    #[test]
    fn what_is_no_setting_is_named() {
        for (written, error) in [
            (json!("klingon"), DialectError::Preset("klingon".to_owned())),
            (json!({"preset": "klingon"}), DialectError::Preset("klingon".to_owned())),
            (json!({"escpae": "angles"}), DialectError::Setting("escpae".to_owned())),
            (json!({"escape": "some"}), DialectError::Setting("escape".to_owned())),
            (json!({"budgets": {"depth": -1}}), DialectError::Setting("budgets".to_owned())),
            (json!(7), DialectError::Form),
        ] {
            assert_eq!(Dialect::read(&written), Err(error), "{written}");
        }
    }

    #[test]
    fn every_preset_has_a_fingerprint_of_its_own() {
        let prints = Dialect::PRESETS.map(|name| Dialect::preset(name).unwrap().fingerprint());
        for (at, print) in prints.iter().enumerate() {
            assert!(!prints[..at].contains(print), "{}", Dialect::PRESETS[at]);
        }
    }
}
