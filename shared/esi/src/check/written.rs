//! The attributes of a tag where they stand in the document.

use std::ops::Range;

/// One attribute, as it is written.
pub(super) struct Written {
    pub(super) name: Range<usize>,
    /// Without its quotes; empty where there is none.
    pub(super) value: Range<usize>,
    /// Whether there is a value, and no quotes around it.
    pub(super) bare: bool,
}

/// The attributes of the tag at `tag`, split as the reader splits them.
pub(super) fn attributes(document: &[u8], tag: Range<usize>, backslash: bool) -> Vec<Written> {
    let text = document.get(tag.clone()).unwrap_or_default();
    let text = text.strip_suffix(b">").unwrap_or(text);
    let text = text.strip_suffix(b"/").unwrap_or(text);
    let mut at = text.iter().position(|byte| byte.is_ascii_whitespace()).unwrap_or(text.len());
    let mut found = Vec::new();
    loop {
        at = behind_space(text, at);
        let name = at..until(text, at, |byte| byte.is_ascii_whitespace() || byte == b'=');
        if name.end >= text.len() && name.is_empty() {
            return found;
        }
        at = behind_space(text, name.end);
        let mut value = name.end..name.end;
        let mut bare = false;
        if text.get(at) == Some(&b'=') {
            at = behind_space(text, at + 1);
            match text.get(at) {
                Some(quote @ (b'"' | b'\'')) => {
                    let ends = |end: &usize| {
                        text.get(*end) == Some(quote)
                            && !(backslash && text.get(*end - 1) == Some(&b'\\') && *end > at + 1)
                    };
                    let end = (at + 1..text.len()).find(ends).unwrap_or(text.len());
                    value = at + 1..end;
                    at = end + 1;
                }
                _ => {
                    value = at..until(text, at, |byte| byte.is_ascii_whitespace());
                    bare = !value.is_empty();
                    at = value.end;
                }
            }
        }
        if !name.is_empty() {
            let moved = |range: Range<usize>| range.start + tag.start..range.end + tag.start;
            found.push(Written { name: moved(name), value: moved(value), bare });
        }
    }
}

fn behind_space(text: &[u8], from: usize) -> usize {
    until(text, from, |byte| !byte.is_ascii_whitespace())
}

fn until(text: &[u8], from: usize, is_end: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| is_end(*byte)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::attributes;

    #[test]
    fn attributes_are_found_where_they_stand() {
        let tag = "x<esi:include src = \"/a b\" alt=/b\n x='1' y />";
        let shown: Vec<(&str, &str, bool)> = attributes(tag.as_bytes(), 1..tag.len(), false)
            .into_iter()
            .map(|it| (&tag[it.name], &tag[it.value], it.bare))
            .collect();
        assert_eq!(shown, [("src", "/a b", false), ("alt", "/b", true), ("x", "1", false), ("y", "", false)]);
        for odd in ["<esi:vars>", "<esi:include src=", "<esi:include src='", "<esi:include =", "<a", ""] {
            let found = attributes(odd.as_bytes(), 0..odd.len(), true);
            assert!(found.iter().all(|it| it.value.end <= odd.len()), "{odd}");
        }
    }
}
