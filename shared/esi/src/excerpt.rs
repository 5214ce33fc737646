//! A part of a fragment, as esigate names it: `<esi:include … fragment="name"/>` takes what stands in
//! `<esi:fragment name="name">`, and `<esi:replace fragment="part">` inside the include replaces a part of that.

use memchr::memmem;

/// Takes `name` out of `body`; `None` where there is none. Marks of parts inside are gone, and those that `replaced`
/// names have its text instead.
pub(super) fn excerpt(body: &[u8], name: &str, replaced: &[(String, String)]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    // The names of the parts that are open, and whether their content is dropped.
    let mut open: Vec<(String, bool)> = Vec::new();
    let (mut at, mut found) = (0, false);
    while let Some(next) = memmem::find(&body[at..], b"esi:fragment").map(|next| at + next) {
        let closing = body[..next].ends_with(b"</");
        let opening = !closing && body[..next].ends_with(b"<");
        let end = memchr::memchr(b'>', &body[next..]).map(|end| next + end + 1);
        let (true, Some(end)) = (closing || opening, end) else {
            copy(&body[at..next + 12], &open, &mut out);
            at = next + 12;
            continue;
        };
        copy(&body[at..next - 1 - usize::from(closing)], &open, &mut out);
        at = end;
        if closing {
            if let Some((closed, _)) = open.pop()
                && open.is_empty()
                && closed == name
            {
                return Some(out);
            }
            continue;
        }
        let attributes = super::element::Attributes::parse(&body[next + 12..end - 1], false);
        let part = attributes.get("name").unwrap_or_default().to_owned();
        if open.is_empty() && part != name {
            continue;
        }
        found = true;
        let replacement = replaced.iter().find(|(known, _)| *known == part);
        if let Some((_, text)) = replacement.filter(|_| !is_dropped(&open)) {
            out.extend_from_slice(text.as_bytes());
        }
        if open.len() < 64 {
            open.push((part, replacement.is_some()));
        }
    }
    found.then_some(out)
}

fn is_dropped(open: &[(String, bool)]) -> bool {
    open.iter().any(|(_, dropped)| *dropped)
}

fn copy(text: &[u8], open: &[(String, bool)], out: &mut Vec<u8>) {
    if !open.is_empty() && !is_dropped(open) {
        out.extend_from_slice(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_taken_without_the_marks_in_it() {
        let body = b"a<esi:fragment name='x'>b<esi:fragment name='y'>c</esi:fragment>d</esi:fragment>e";
        let taken = |name: &str, replaced: &[(String, String)]| {
            excerpt(body, name, replaced).map(|part| String::from_utf8_lossy(&part).into_owned())
        };
        assert_eq!(taken("x", &[]).as_deref(), Some("bcd"));
        assert_eq!(taken("z", &[]), None);
        assert_eq!(taken("x", &[("y".to_owned(), "!".to_owned())]).as_deref(), Some("b!d"));
    }
}
