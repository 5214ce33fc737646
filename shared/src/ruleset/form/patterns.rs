//! Forms of text as patterns that editors and validators know (ECMA-262).

use super::Written;

/// What no text of a ruleset that names something has in it.
macro_rules! control {
    () => {
        r"\x00-\x1f\x7f-\x9f"
    };
}

impl Written {
    /// The pattern that a text of this form matches from its beginning to its end.
    pub(super) fn pattern(self) -> &'static str {
        match self {
            Written::Id => "^[A-Za-z0-9_.-]{1,64}$",
            Written::Name => concat!("^[^", control!(), "]{1,128}$"),
            Written::BlockName => concat!("^(?!(?:default|nothing)$)[^", control!(), "]{1,128}$"),
            Written::DeclaredFact => {
                concat!(
                    r"^(?!(?:place|network|device|language|referrer|campaign|url|time|visitor|consent)(?:\.|$))",
                    r"(?!(?:interest|trait)\.\*$)[!-#%-~]{1,128}$"
                )
            }
            Written::UrlPattern => concat!("^[/*][^?# ", control!(), "]{0,2047}$"),
            Written::FragmentUrl => concat!(
                r"^(?:/(?:[^/ \\#",
                control!(),
                r"][^ \\#",
                control!(),
                r"]*)?|https://[^/?@ \\#",
                control!(),
                r"][^ \\#",
                control!(),
                "]*)$"
            ),
            Written::Target => {
                r"^(?:/(?:[!#-.0-;=?-\[\]-z|~][!#-;=?-\[\]-z|~]*)?|https://[!#-;=?-\[\]-z|~]+)$"
            }
            Written::Selector => r"^[\s\S]{1,1024}$",
            Written::Attribute => "^(?![Oo][Nn])[A-Za-z][A-Za-z0-9_:.-]{0,63}$",
            Written::Host => "^[A-Za-z0-9.:-]+$",
            Written::Instant => {
                r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})$"
            }
            Written::TimeOfDay => "^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?|24:00(?::00)?)$",
        }
    }

    /// What people call it.
    pub(super) fn spoken(self) -> &'static str {
        match self {
            Written::Id => "id",
            Written::Name => "name",
            Written::BlockName => "name of a block",
            Written::DeclaredFact => "name of a fact",
            Written::UrlPattern => "URL pattern",
            Written::FragmentUrl => "path or https URL",
            Written::Target => "path or https URL",
            Written::Selector => "CSS selector",
            Written::Attribute => "name of an attribute",
            Written::Host => "host",
            Written::Instant => "instant",
            Written::TimeOfDay => "time of the day",
        }
    }

    /// The format that JSON Schema has for it.
    pub(super) fn format(self) -> Option<&'static str> {
        (self == Written::Instant).then_some("date-time")
    }
}
