//! Pages of ESI, from the page of the reference.

use std::sync::Arc;

use hemstitch::esi::{Budgets, Dialect, Facts, Fragment, Machine, Root, Step, compile};

use crate::reference::{block, of_bytes, with_each};

/// Fragments that a page has at most: more includes ask for the same ones again.
const FRAGMENTS: usize = 8;
/// Places of the pages that do much in each.
const PLACES: usize = 64;

/// What there is of ESI, by name, and a page with it.
pub fn esi_pages(page: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let include = |index: usize| format!("<esi:include src=\"/b/{}.html\"/>", index % FRAGMENTS);
    vec![
        ("1 include", with_each(page, 1, include)),
        ("8 includes", with_each(page, 8, include)),
        ("64 includes of 8 fragments", with_each(page, PLACES, include)),
        ("64 times choose", with_each(page, PLACES, choose)),
        ("64 times expressions", with_each(page, PLACES, expressions)),
        ("1 MB without ESI", of_bytes(page, 1 << 20)),
    ]
}

fn choose(index: usize) -> String {
    let assign = if index == 0 { "<esi:assign name=\"s\" value=\"'k5'\"/>" } else { "" };
    format!(
        "{assign}<esi:choose><esi:when test=\"$(s) == 'k{index}'\"><p>this one</p></esi:when>\
         <esi:when test=\"$(s) == 'x'\"><p>none</p></esi:when>\
         <esi:otherwise><p>another</p></esi:otherwise></esi:choose>"
    )
}

fn expressions(index: usize) -> String {
    format!(
        "<esi:assign name=\"n\" value=\"{index} * 3 + 4\"/><esi:assign name=\"t\" value=\"$upper('offer') + '-' + 'a'\"/>\
         <esi:choose><esi:when test=\"$(n) > 100 & $(t) == 'OFFER-a'\"><p>large</p></esi:when>\
         <esi:otherwise><p>small</p></esi:otherwise></esi:choose><esi:vars>$(t) $(n) $lower('ABC')</esi:vars>"
    )
}

/// How many bytes a page of ESI is sent as.
pub fn esi_bytes(page: &[u8]) -> usize {
    // A page's plain includes of one fragment are one request.
    let budgets = Budgets { requests: PLACES as u32, ..Budgets::default() };
    let dialect = Dialect { budgets, ..Dialect::default() };
    let program = compile(page, &dialect).program;
    let mut machine = Machine::new(Arc::new(dialect), Facts::default(), "http://www.bench.test/");
    let (mut out, root) = (Vec::new(), Root { program: &program, document: page, whole: true });
    while let Step::Fetch(call) = machine.advance(root, &mut out) {
        let body = block(esi_fragment(&call.url)).into();
        machine.fragment(call.id, Ok(Fragment { status: 200, headers: Vec::new(), body }));
    }
    out.len()
}

/// Which fragment a URL of these pages names.
pub fn esi_fragment(url: &str) -> usize {
    let name = url.rsplit('/').next().unwrap_or_default();
    name.trim_end_matches(".html").parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::BLOCK_BYTES;

    #[test]
    fn each_page_is_sent_with_what_it_asks_for() {
        let page = "<div>a</div>".repeat(200);
        let pages = esi_pages(page.as_bytes());
        let sent = |at: usize| esi_bytes(&pages[at].1);
        assert_eq!(sent(0), page.len() + BLOCK_BYTES);
        assert_eq!(sent(1), page.len() + 8 * BLOCK_BYTES);
        assert_eq!(sent(3), page.len() + 63 * "<p>another</p>".len() + "<p>this one</p>".len());
    }
}
