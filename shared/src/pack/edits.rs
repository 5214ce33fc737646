//! Edits of a pack.

use super::format::Section;
use super::{Pack, SlotIndex, literals, url_pattern};
use crate::ruleset::EditAction;

/// A change to the elements of a page that a selector names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit<'p> {
    /// The edit's id in the ruleset.
    pub id: &'p str,
    /// A selector that lol_html can parse.
    pub selector: &'p str,
    /// What happens to the elements.
    pub action: EditAction,
    /// The attribute that is set; there is one exactly where the action sets one.
    pub attribute: Option<&'p str>,
    /// The rules that decide which block it shows.
    pub slot: SlotIndex,
}

/// By [`EditAction::code`].
pub(super) const ACTIONS: [EditAction; 8] = [
    EditAction::Replace,
    EditAction::Inner,
    EditAction::Before,
    EditAction::After,
    EditAction::Prepend,
    EditAction::Append,
    EditAction::Remove,
    EditAction::SetAttribute,
];

impl Pack {
    /// The edits whose URL pattern matches a path (without a query), in the order of the ruleset. Cost grows with the
    /// literals that the path begins with, with the edits found, and with the patterns that begin with `*`.
    pub fn edits_for(&self, path: &str) -> Vec<Edit<'_>> {
        let count = self.count(Section::Edits);
        let mut edits = literals::candidates(self, path);
        edits.retain(|entry| *entry < count);
        edits.sort_unstable();
        let applies = |edit: &u32| {
            let pattern = self.word(Section::Edits, *edit, 1).and_then(|url| self.text(url));
            pattern.is_some_and(|pattern| url_pattern::matches(pattern, path))
        };
        edits.into_iter().filter(applies).filter_map(|edit| self.edit(edit)).collect()
    }

    fn edit(&self, edit: u32) -> Option<Edit<'_>> {
        let word = |field| self.word(Section::Edits, edit, field);
        Some(Edit {
            id: self.text(word(0)?)?,
            selector: self.text(word(2)?)?,
            action: *ACTIONS.get(word(3)? as usize)?,
            attribute: self.optional_text(word(4)?),
            slot: self.edit_rules(edit)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::pack::url_pattern;
    use crate::pack::{Pack, compile};
    use crate::ruleset::Ruleset;

    fn pack(patterns: &[String]) -> Pack {
        let edit = |(at, url): (usize, &String)| serde_json::json!({"id": at.to_string(), "url": url, "selector": "a", "action": "remove"});
        let edits: Vec<serde_json::Value> = patterns.iter().enumerate().map(edit).collect();
        let (ruleset, diagnostics) = Ruleset::parse(&serde_json::json!({"edits": edits}).to_string());
        Pack::open(compile(&ruleset.unwrap_or_else(|| panic!("{diagnostics:?}"))).unwrap()).unwrap()
    }

    fn check(patterns: &[&str], path: &str, expect: &[&str]) {
        let patterns: Vec<String> = patterns.iter().map(|pattern| pattern.to_string()).collect();
        let pack = pack(&patterns);
        let found =
            pack.edits_for(path).into_iter().map(|edit| patterns[edit.id.parse::<usize>().unwrap()].clone());
        assert_eq!(found.collect::<Vec<_>>(), expect, "{path}");
    }

    #[test]
    fn edits_apply_by_path_in_the_order_of_the_ruleset() {
        let patterns = ["/a/b*", "*", "/a/b", "/a/*", "/a/b/c", "/", "*/c", "/a/b*"];
        check(&patterns, "/a/b", &["/a/b*", "*", "/a/b", "/a/*", "/a/b*"]);
        check(&patterns, "/a/b/c", &["/a/b*", "*", "/a/*", "/a/b/c", "*/c", "/a/b*"]);
        check(&patterns, "/", &["*", "/"]);
        check(&patterns, "", &["*"]);
        check(&patterns, "/a", &["*"]);
        check(&[], "/a", &[]);
    }

    proptest::proptest! {
        #[test]
        fn the_index_finds_what_a_scan_finds(
            patterns in proptest::collection::vec("/[ab*/]{0,6}|\\*[ab]?", 0..30), path in "/[ab/]{0,8}"
        ) {
            let pack = pack(&patterns);
            let found: Vec<usize> = pack.edits_for(&path).iter().map(|edit| edit.id.parse().unwrap()).collect();
            let scanned = (0..patterns.len()).filter(|at| url_pattern::matches(&patterns[*at], &path));
            proptest::prop_assert_eq!(found, scanned.collect::<Vec<_>>());
        }
    }
}
