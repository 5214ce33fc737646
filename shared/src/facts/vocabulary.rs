//! The vocabulary of facts: the one list of what a rule may see. Documents and the schema are made from it.

/// What values a fact has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// A list of texts.
    List,
    /// Whatever the origin put there.
    Any,
}

impl Kind {
    /// Every one of them.
    pub const ALL: [Kind; 5] = [Kind::Text, Kind::Number, Kind::Boolean, Kind::List, Kind::Any];

    /// Their names.
    pub const NAMES: [&str; 5] =
        [Kind::Text.name(), Kind::Number.name(), Kind::Boolean.name(), Kind::List.name(), Kind::Any.name()];

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// As it is called in a ruleset.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Number => "number",
            Kind::Boolean => "boolean",
            Kind::List => "list",
            Kind::Any => "any",
        }
    }
}

/// One fact, or a family of them.
#[derive(Debug)]
pub struct Entry {
    /// Its name. One that ends in `.*` is a family: any name may stand there.
    pub name: &'static str,
    /// What values it has.
    pub kind: Kind,
    /// In what it is measured, or which standard its values are of; empty where neither.
    pub unit: &'static str,
    /// What it means.
    pub about: &'static str,
    /// A value, as JSON.
    pub example: &'static str,
}

macro_rules! vocabulary {
    ($($name:literal $kind:ident $unit:literal $about:literal $example:literal;)*) => {
        /// Every fact, in the order in which people should read about them.
        pub const VOCABULARY: &[Entry] = &[$(Entry {
            name: $name, kind: Kind::$kind, unit: $unit, about: $about, example: $example,
        }),*];
        /// Their names.
        pub(crate) const NAMES: &[&str] = &[$($name),*];
    };
}

vocabulary! {
    "place.country" Text "ISO 3166-1 alpha-2" "Country of the visitor's address." "\"DE\"";
    "place.region" Text "ISO 3166-2, the part after the country" "Region of the visitor's address." "\"BY\"";
    "place.city" Text "" "English name of the city of the visitor's address." "\"Munich\"";
    "place.continent" Text "two letters" "Continent of the visitor's address." "\"EU\"";
    "place.postal_code" Text "" "Postal code of the visitor's address." "\"80331\"";
    "place.latitude" Number "degrees" "Latitude of the visitor's address." "48.14";
    "place.longitude" Number "degrees" "Longitude of the visitor's address." "11.58";
    "place.time_zone" Text "IANA" "Time zone of the visitor's address." "\"Europe/Berlin\"";
    "place.utc_offset" Number "seconds" "Offset of the visitor's clock from UTC." "3600";
    "network.address" Text "" "The visitor's address." "\"192.0.2.7\"";
    "network.asn" Number "" "Number of the autonomous system that the address belongs to." "64496";
    "network.organization" Text "" "Name of the autonomous system." "\"Example Net\"";
    "device.kind" Text "phone, tablet, desktop, tv or other" "What the visitor holds." "\"phone\"";
    "device.os" Text "" "Its operating system." "\"android\"";
    "device.browser" Text "" "The browser." "\"firefox\"";
    "device.bot" Boolean "" "Whether the visitor says to be a crawler." "false";
    "language.first" Text "BCP 47" "The language that the visitor likes best." "\"de-AT\"";
    "language.all" List "BCP 47" "The languages that the visitor reads, the best first." "[\"de-AT\", \"en\"]";
    "referrer.host" Text "" "Host of the page that the visitor comes from." "\"news.example\"";
    "referrer.url" Text "" "The page that the visitor comes from, as far as the browser tells." "\"https://news.example/\"";
    "referrer.kind" Text "search, social, internal, other or direct" "What kind of site that is." "\"search\"";
    "campaign.source" Text "" "The parameter utm_source." "\"newsletter\"";
    "campaign.medium" Text "" "The parameter utm_medium." "\"email\"";
    "campaign.name" Text "" "The parameter utm_campaign." "\"autumn\"";
    "campaign.term" Text "" "The parameter utm_term." "\"savings\"";
    "campaign.content" Text "" "The parameter utm_content." "\"button\"";
    "url.host" Text "" "The configured host of the page." "\"www.example.com\"";
    "url.path" Text "as in the request" "The path of the page." "\"/pricing\"";
    "url.query.*" Text "decoded" "The first value of a parameter of the query." "\"autumn\"";
    "time.now" Number "seconds since 1970-01-01T00:00:00Z" "The present instant." "1795737600";
    "time.local" Text "HH:MM:SS" "The time of the day where the visitor is, else UTC." "\"14:05:00\"";
    "time.weekday" Text "mon, tue, wed, thu, fri, sat or sun" "The day where the visitor is, else in UTC." "\"fri\"";
    "time.of_week" Number "seconds since Monday, 00:00" "The time of the week where the visitor is, else in UTC." "396300";
    "visitor.id" Text "" "The profile's id, new for whoever has none." "\"3q2-7w\"";
    "visitor.visits" Number "visits" "Visits so far, this one included." "3";
    "visitor.returning" Boolean "" "Whether there was a visit before this one." "true";
    "visitor.days_since_first" Number "days" "Whole days since the first visit." "12";
    "interest.*" Number "0 to 1" "Affinity to a topic." "0.75";
    "trait.*" Any "" "What the origin knows of the visitor." "\"gold\"";
    "consent.*" Boolean "" "Whether the visitor agreed to a purpose." "true";
}

/// The fact of this name, or its family.
pub(crate) fn entry(name: &str) -> Option<&'static Entry> {
    VOCABULARY.iter().find(|entry| match entry.name.strip_suffix('*') {
        Some(family) => name.len() > family.len() && name.starts_with(family),
        None => name == entry.name,
    })
}

/// Whether a fact of this name exists, or could: families have members, and what is JSON has insides.
pub(crate) fn is_known(name: &str) -> bool {
    entry(name).is_some()
}

/// What the names of our facts begin with; a site declares none that does.
pub(crate) const OURS: [&str; 10] =
    ["place", "network", "device", "language", "referrer", "campaign", "url", "time", "visitor", "consent"];

/// Whether a site may declare a fact of this name: one that is no member of ours but of an open family.
pub(crate) fn may_be_declared(name: &str) -> bool {
    let first = name.split('.').next().unwrap_or_default();
    let characters = |byte: u8| byte.is_ascii_graphic() && byte != b'$';
    !name.is_empty() && name.len() <= 128 && name.bytes().all(characters) && !OURS.contains(&first)
}

#[cfg(test)]
mod tests {
    use super::{NAMES, VOCABULARY, is_known, may_be_declared};

    #[test]
    fn every_example_is_json_of_its_kind() {
        for entry in VOCABULARY {
            let example: serde_json::Value = serde_json::from_str(entry.example).unwrap();
            let fits = match entry.kind {
                super::Kind::Text => example.is_string(),
                super::Kind::Number => example.is_number(),
                super::Kind::Boolean => example.is_boolean(),
                super::Kind::List => example.is_array(),
                super::Kind::Any => true,
            };
            assert!(fits && !entry.about.is_empty(), "{}", entry.name);
        }
        assert!(NAMES.iter().all(|name| !may_be_declared(name) || name.ends_with(".*")));
    }

    #[test]
    fn families_have_members_and_names_are_whole() {
        for (name, known, free) in [
            ("place.country", true, false),
            ("place.contry", false, false),
            ("interest.finance", true, true),
            ("interest.", false, true),
            ("trait.plan", true, true),
            ("trait.account.tier", true, true),
            ("url.query.utm_source", true, false),
            ("plan", false, true),
            ("", false, false),
            ("a b", false, false),
        ] {
            assert_eq!((is_known(name), may_be_declared(name)), (known, free), "{name}");
        }
    }
}
