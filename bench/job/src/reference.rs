//! The page of the reference measurement, and others of its kind.

/// Bytes of each fragment, and of each block that takes its place.
pub const BLOCK_BYTES: usize = 332;

/// Where the includes of a page lead that Hemstitch decides; the number of the slot follows.
pub const BLOCKS: &str = "/_hs/blocks/b-";

const CLOSING: &[u8] = b"</div>";

/// What stands in place number `index`.
pub fn block(index: usize) -> String {
    let mut block = format!("<section class=\"offer\" id=\"offer-{index}\"><h2>Offer {index}</h2><p>");
    let end = "</p></section>";
    while block.len() + end.len() < BLOCK_BYTES {
        let rest = BLOCK_BYTES - end.len() - block.len();
        block.push_str(&"made for you at the edge of the network, "[..rest.min(41)]);
    }
    block + end
}

/// The page with `<esi:include src="{folder}{k}{ending}"/>` before the first `</div>` after each of `count + 1` parts.
pub fn marked_with_includes(page: &[u8], count: usize, folder: &str, ending: &str) -> Vec<u8> {
    with_each(page, count, |index| format!("<esi:include src=\"{folder}{index}{ending}\"/>"))
}

/// The same page with an empty element that is a slot in each of these places.
pub fn marked_with_slots(page: &[u8], count: usize) -> Vec<u8> {
    with_each(page, count, |index| format!("<div data-hs-slot=\"b-{index}\"></div>"))
}

/// Markup of about so many bytes: the page again and again, ended behind a `</div>`.
pub fn of_bytes(page: &[u8], bytes: usize) -> Vec<u8> {
    let mut long: Vec<u8> = page.iter().copied().cycle().take(bytes).collect();
    let last = long.windows(CLOSING.len()).rposition(|window| window == CLOSING);
    long.truncate(last.map_or(long.len(), |at| at + CLOSING.len()));
    long
}

/// The page with an insertion in each of `count` places.
pub(crate) fn with_each(page: &[u8], count: usize, insertion: impl Fn(usize) -> String) -> Vec<u8> {
    let mut out = Vec::with_capacity(page.len() + count * 64);
    let mut copied = 0;
    for index in 0..count {
        let from = (page.len() * (index + 1) / (count + 1)).max(copied);
        let rest = page.get(from..).unwrap_or_default();
        let Some(found) = rest.windows(CLOSING.len()).position(|window| window == CLOSING) else { break };
        out.extend_from_slice(&page[copied..from + found]);
        out.extend_from_slice(insertion(index).as_bytes());
        copied = from + found;
    }
    out.extend_from_slice(&page[copied..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_the_length_of_a_fragment_of_the_reference() {
        for index in [0, 7, 1_023] {
            assert_eq!(block(index).len(), BLOCK_BYTES);
        }
    }

    #[test]
    fn an_include_stands_before_the_first_end_tag_after_each_part() {
        let page = b"<div>aaaa</div><div>bbbb</div><div>cccc</div>";
        let marked = marked_with_includes(page, 2, "/b/", ".html");
        let expect = "<div>aaaa</div><div>bbbb<esi:include src=\"/b/0.html\"/></div>\
                      <div>cccc<esi:include src=\"/b/1.html\"/></div>";
        assert_eq!(String::from_utf8(marked).unwrap(), expect);
    }
}
