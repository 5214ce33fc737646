//! Cases of the ESI conformance data that any edge can be asked, by HTTP alone.

use std::collections::BTreeMap;

use crate::esi_lines::Case;

/// One case, as an origin and a visitor meet it.
#[derive(Debug)]
pub struct Sample {
    /// What it is called.
    pub id: String,
    /// The preset that answers it.
    pub dialect: String,
    /// The host that the visitor asks.
    pub host: String,
    /// What they ask it for.
    pub target: String,
    /// With which headers.
    pub headers: Vec<(String, String)>,
    /// What the origin answers.
    pub document: Vec<u8>,
    /// The fragments that are asked for.
    pub fragments: Vec<SampleFragment>,
    /// What the core makes of it.
    pub expected: Vec<u8>,
}

/// A fragment of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleFragment {
    /// Whom it is asked of.
    pub host: String,
    /// For what.
    pub target: String,
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its content.
    pub body: Vec<u8>,
}

/// What depends on the connection, or on the second.
const OF_THE_MOMENT: [&str; 8] =
    ["REMOTE_ADDR", "HTTP_HEADER", "HTTP_HOST", "GEO{", "time(", "rand(", "https:", "strftime("];

/// The first `most` cases that say nothing about processors' own settings, and that agree on what each fragment is.
pub fn sample(lines: &str, most: usize) -> Vec<Sample> {
    let mut fragments: BTreeMap<String, SampleFragment> = BTreeMap::new();
    let mut taken = Vec::new();
    for line in lines.lines() {
        let Some(case) = serde_json::from_str::<Case>(line).ok().and_then(|case| case.sample()) else {
            continue;
        };
        let name = |fragment: &SampleFragment| format!("{}{}", fragment.host, fragment.target);
        let text = String::from_utf8_lossy(&case.document).into_owned();
        let known = |fragment: &&SampleFragment| {
            fragments.get(&name(fragment)).is_none_or(|known| known == *fragment)
        };
        if OF_THE_MOMENT.iter().any(|word| text.contains(word)) || !case.fragments.iter().all(|it| known(&it))
        {
            continue;
        }
        fragments.extend(case.fragments.iter().map(|fragment| (name(fragment), fragment.clone())));
        taken.push(case);
        if taken.len() == most {
            break;
        }
    }
    taken
}
