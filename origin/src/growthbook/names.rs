//! Names that a ruleset may have, for those that GrowthBook has.

use std::collections::BTreeMap;

/// Longest name, in bytes.
const LONGEST: usize = 64;

/// Which name stands for which; no two things of one kind get the same.
#[derive(Debug, Default)]
pub struct Names(BTreeMap<(&'static str, String), String>);

impl Names {
    /// The name for something of a kind; the same one whenever it is asked for.
    pub fn of(&mut self, kind: &'static str, name: &str) -> String {
        if let Some(known) = self.0.get(&(kind, name.to_owned())) {
            return known.clone();
        }
        let usable = |character: char| character.is_ascii_alphanumeric() || "_.-".contains(character);
        let clean: String = name
            .chars()
            .map(|character| if usable(character) { character } else { '-' })
            .take(LONGEST)
            .collect();
        let clean = if clean.is_empty() { kind.to_owned() } else { clean };
        let taken = |candidate: &String| {
            let reserved = kind == "block" && ["default", "nothing"].contains(&candidate.as_str());
            reserved || self.0.iter().any(|((of, _), known)| *of == kind && known == candidate)
        };
        let numbered = (2..).map(|number: u64| {
            let end = format!("-{number}");
            let start: String = clean.chars().take(LONGEST - end.len()).collect();
            format!("{start}{end}")
        });
        let free = std::iter::once(clean.clone()).chain(numbered).find(|candidate| !taken(candidate));
        let free = free.unwrap_or(clean);
        self.0.insert((kind, name.to_owned()), free.clone());
        free
    }
}
