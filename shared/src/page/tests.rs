//! The compiler and the stored form together. A plan is shown as the page with `[name|default]` for slots,
//! `{src}` for includes and `~…~` for what is skipped.

use ::http::{HeaderMap, HeaderValue, StatusCode};
use proptest::prelude::*;

use super::*;
use crate::http::ResponseHead;
use crate::ruleset::EditAction;
use crate::time::UnixTime;

fn show(plan: &PagePlan, page: &[u8]) -> String {
    let (mut out, mut at, mut open) = (String::new(), 0usize, Vec::new());
    let text = |at: usize, len: u32| String::from_utf8_lossy(&page[at..at + len as usize]).into_owned();
    for (index, node) in plan.nodes().iter().enumerate() {
        while open.last() == Some(&index) {
            out.push(']');
            open.pop();
        }
        match *node {
            Node::Literal(len) => {
                out += &text(at, len);
                at += len as usize;
            }
            Node::Skip(len) => {
                out += &format!("~{}~", text(at, len));
                at += len as usize;
            }
            Node::Include { include, covers } => {
                out += &format!("{{{}}}", plan.includes()[include as usize].src);
                at += covers as usize;
            }
            Node::Esi { covers, .. } => {
                out += &format!("<{}>", text(at, covers));
                at += covers as usize;
            }
            Node::Slot { place, end, .. } => {
                let place = &plan.places()[place as usize];
                let how = match &place.insertion {
                    Insertion::Markup => String::new(),
                    Insertion::Raw => "raw ".to_owned(),
                    Insertion::AttributeValue => "=".to_owned(),
                    Insertion::Attribute { lead, name } => format!("{lead}{name}="),
                };
                out += &format!("[{}{how}|", place.name);
                open.push(end as usize);
            }
        }
    }
    out + &"]".repeat(open.len())
}

fn compile_in_steps(
    page: &[u8],
    options: &CompileOptions,
    cuts: impl Iterator<Item = usize>,
) -> PageCompiler {
    let mut compiler = PageCompiler::new(options.clone());
    let mut at = 0;
    for cut in cuts {
        compiler.write(&page[at..cut]);
        at = cut;
        let sent: usize = compiler.plan().map_or(0, covered);
        assert!(sent <= at);
    }
    compiler.write(&page[at..]);
    compiler.finish();
    compiler
}

fn covered(plan: &PagePlan) -> usize {
    let bytes = plan.nodes().iter().map(|node| match *node {
        Node::Literal(len)
        | Node::Skip(len)
        | Node::Include { covers: len, .. }
        | Node::Esi { covers: len, .. } => len as usize,
        Node::Slot { .. } => 0,
    });
    bytes.sum()
}

fn check_with(options: CompileOptions, page: &str, expect: &str) {
    let whole = PageCompiler::compile(page.into(), options.clone());
    let plan = whole.plan().expect("a whole page has a plan");
    assert_eq!(show(plan, page.as_bytes()), expect, "{:?}", whole.warnings());
    assert_eq!(covered(plan), page.len());
    for step in [1, 3, 16] {
        let parts = compile_in_steps(page.as_bytes(), &options, (step..page.len()).step_by(step));
        assert_eq!(parts.plan(), Some(plan), "in steps of {step}");
    }
}

fn utf8() -> CompileOptions {
    CompileOptions { charset: Some("utf-8".into()), ..CompileOptions::default() }
}

fn check(page: &str, expect: &str) {
    check_with(utf8(), page, expect);
}

fn check_esi(page: &str, expect: &str) {
    check_with(CompileOptions { esi: true, ..utf8() }, page, expect);
}

fn check_edits(edits: &[(&str, &str, EditAction)], page: &str, expect: &str) {
    let edits = edits.iter().map(|&(id, selector, action)| PageEdit {
        id: id.into(),
        selector: selector.into(),
        action,
        attribute: (action == EditAction::SetAttribute).then(|| "href".to_owned()),
    });
    check_with(CompileOptions { edits: edits.collect(), ..utf8() }, page, expect);
}

#[test]
fn the_content_of_a_slot_is_its_default() {
    check("<b data-hs-slot=hero>x</b>y", "<b data-hs-slot=hero>[hero|x]</b>y");
    check("<P DATA-HS-SLOT='a'></P>", "<P DATA-HS-SLOT='a'>[a|]</P>");
    check(
        "<i data-hs-slot=a>1</i><i data-hs-slot=a>2</i>",
        "<i data-hs-slot=a>[a|1]</i><i data-hs-slot=a>[a|2]</i>",
    );
    check(
        "<div data-hs-slot=o>1<p data-hs-slot=i>2</p>3</div>",
        "<div data-hs-slot=o>[o|1<p data-hs-slot=i>[i|2]</p>3]</div>",
    );
    check(
        "<template><td data-hs-slot=a>x</td></template>",
        "<template><td data-hs-slot=a>[a|x]</td></template>",
    );
}

#[test]
fn what_has_no_end_of_its_own_is_no_slot() {
    for page in [
        "<p data-hs-slot=a>x",
        "<div><p data-hs-slot=a>x</div>y",
        "<div><span data-hs-slot=a></div></span>z",
        "<img data-hs-slot=a>",
        "<p data-hs-slot=''>x</p>",
        "<p data-hs-slot='a b'>x</p>",
        "<!-- <p data-hs-slot=a>x</p> -->",
        "<script>'<p data-hs-slot=a>x</p>'</script>",
        "<textarea><p data-hs-slot=a>x</p></textarea>",
        "<a title='<p data-hs-slot=a>x</p>'>",
        "<svg><g data-hs-slot=a /></svg>",
        "plain",
        "",
    ] {
        check(page, page);
    }
    check(
        "<div data-hs-slot=a><span data-hs-slot=b>x</div></span>",
        "<div data-hs-slot=a>[a|<span data-hs-slot=b>x]</div></span>",
    );
}

#[test]
fn a_slot_longer_than_may_be_held_is_none_however_it_arrives() {
    let page = |fill: usize| format!("<p data-hs-slot=a>{}</p>z", "x".repeat(fill));
    let fits = MAX_HELD - 22;
    for (fill, slots) in [(fits, 1), (fits + 1, 0)] {
        let page = page(fill);
        for step in [page.len(), 4096, 77] {
            let compiler = compile_in_steps(page.as_bytes(), &utf8(), (step..page.len()).step_by(step));
            assert_eq!(compiler.plan().map(|plan| plan.places().len()), Some(slots), "{fill} in {step}");
        }
    }
}

#[test]
fn bytes_before_a_slot_are_certain_before_it_closes() {
    let mut compiler = PageCompiler::new(utf8());
    compiler.write(b"<h1>head</h1><p data-hs-slot=a>held");
    assert_eq!(compiler.plan().map(covered), Some(31));
    compiler.write(b"</p><b>after</b>");
    assert_eq!(compiler.plan().map(covered), Some(51));
    let mut plain = PageCompiler::new(utf8());
    plain.write(b"<h1>head</h1><p data-hs");
    assert_eq!(plain.plan().map(covered), Some(23));
}

#[test]
fn esi_is_taken_out_before_slots_are_looked_for() {
    check_esi("a<esi:include src=\"/f\"/>b", "a{/f}b");
    check_esi(
        "<esi:remove><p data-hs-slot=a>x</p></esi:remove>",
        "~<esi:remove><p data-hs-slot=a>x</p></esi:remove>~",
    );
    check_esi("<!--esi <p data-hs-slot=a>x</p>-->", "~<!--esi~ <p data-hs-slot=a>[a|x]</p>~-->~");
    check_esi("<p data-hs-slot=a><esi:include src='/f'/></p>", "<p data-hs-slot=a>[a|{/f}]</p>");
    check_esi(
        "<p data-hs-slot=a><esi:remove></p></esi:remove>x</p>",
        "<p data-hs-slot=a>[a|~<esi:remove></p></esi:remove>~x]</p>",
    );
    check_esi("<esi:include src='/_hs/blocks/hero'/>", "[hero|~<esi:include src='/_hs/blocks/hero'/>~]");
    check_esi(
        "<a data-hs-slot=s href='<esi:comment text=\"\"/>'>x</a>",
        "<a data-hs-slot=s href='~<esi:comment text=\"\"/>~'>[s|x]</a>",
    );
    check("a<esi:include src=\"/f\"/>b", "a<esi:include src=\"/f\"/>b");
}

#[test]
fn edits_mark_the_ranges_that_their_action_names() {
    use EditAction::*;
    check_edits(&[("e", "b", Replace)], "a<b>x</b>c", "a[e|<b>x</b>]c");
    check_edits(&[("e", "b", Inner)], "a<b>x</b>c", "a<b>[e|x]</b>c");
    check_edits(&[("e", "b", Remove)], "a<b>x</b>c", "a[e|<b>x</b>]c");
    check_edits(&[("e", "b", Before)], "a<b>x</b>c", "a[e|]<b>x</b>c");
    check_edits(&[("e", "b", After)], "a<b>x</b>c", "a<b>x</b>[e|]c");
    check_edits(&[("e", "b", Prepend)], "a<b>x</b>c", "a<b>[e|]x</b>c");
    check_edits(&[("e", "b", Append)], "a<b>x</b>c", "a<b>x[e|]</b>c");
    check_edits(&[("e", "b", Append)], "<b><b>x</b></b>", "<b><b>x[e|]</b>[e|]</b>");
    check_edits(&[("e", "img", Replace), ("f", "img", After)], "<img>x", "[e|<img>][f|]x");
    check_edits(&[("e", "img", Inner), ("f", "img", Append)], "<img>x", "<img>x");
    check_edits(&[("e", "p", After)], "<div><p>x</div>", "<div><p>x</div>");
}

#[test]
fn a_set_attribute_edit_finds_every_way_to_write_one() {
    let check = |page, expect| check_edits(&[("e", "a", EditAction::SetAttribute)], page, expect);
    check("<a href=\"u\" b>", "<a href=\"[e=|u]\" b>");
    check("<a href=\"\">", "<a href=\"[e=|]\">");
    check("<a HREF='u'>", "<a [eHREF=|HREF='u']>");
    check("<a href=u>", "<a [ehref=|href=u]>");
    check("<a href>", "<a [ehref=|href]>");
    check("<a>", "<a[e href=|]>");
    check("<A\n x>", "<A[e href=|]\n x>");
    check("<a/>", "<a[e href=|]/>");
}

#[test]
fn an_attribute_is_set_by_the_bytes_of_the_page_whatever_its_charset() {
    let edit = |charset: &str| {
        let edit = PageEdit {
            id: "e".into(),
            selector: "*".into(),
            action: EditAction::SetAttribute,
            attribute: Some("href".into()),
        };
        CompileOptions {
            charset: Some(charset.into()),
            edits: vec![edit],
            esi: true,
            ..CompileOptions::default()
        }
    };
    for (charset, page) in
        [("windows-1252", b"<x-\xe9\xe9>x"), ("utf-8", b"<x-\xe9\xe9>x"), ("shift_jis", b"<x-\x8a\xbf>x")]
    {
        let compiler = PageCompiler::compile(page.to_vec(), edit(charset));
        let plan = compiler.plan().expect("a whole page has a plan");
        assert_eq!(plan.nodes().first(), Some(&Node::Literal(5)), "{charset}");
        assert_eq!(covered(plan), page.len());
    }
}

#[test]
fn edits_on_one_element_nest_in_a_fixed_order() {
    use EditAction::*;
    let all = [
        ("after", "b", After),
        ("append", "b", Append),
        ("inner", "b", Inner),
        ("prepend", "b", Prepend),
        ("replace", "b", Replace),
        ("second", "b", Replace),
        ("before", "b", Before),
    ];
    check_edits(
        &all,
        "<b data-hs-slot=s>x</b>",
        "[before|][replace|[second|<b data-hs-slot=s>[s|[prepend|][inner|x][append|]]</b>]][after|]",
    );
}

const LIFE: Life = Life {
    born: UnixTime(1),
    fresh_until: UnixTime(5),
    revalidate_until: UnixTime(7),
    stale_until: UnixTime(9),
};

fn stored(page: &[u8], plan: &PagePlan) -> Vec<u8> {
    let mut headers = HeaderMap::new();
    headers.append("content-type", HeaderValue::from_static("text/html"));
    headers.append("x-any", HeaderValue::from_static("1"));
    headers.append("x-any", HeaderValue::from_static("2"));
    let head = ResponseHead { status: StatusCode::OK, headers };
    StoredPage::encode(&head, &LIFE, true, plan, &[7; 16], page)
}

const MIXED: &str =
    "<p data-hs-slot=a>x<esi:include src='/f' alt='/g'/></p><a href=u>é</a><esi:comment text=''/>";

fn mixed() -> (PageCompiler, CompileOptions) {
    let edit = PageEdit {
        id: "e".into(),
        selector: "a".into(),
        action: EditAction::SetAttribute,
        attribute: Some("href".into()),
    };
    let options = CompileOptions { esi: true, edits: vec![edit], ..utf8() };
    (PageCompiler::compile(MIXED.into(), options.clone()), options)
}

#[test]
fn a_stored_page_comes_back_as_it_went_in() {
    let (compiler, _) = mixed();
    let plan = compiler.plan().expect("a whole page has a plan");
    let page = StoredPage::decode(stored(MIXED.as_bytes(), plan)).expect("it was just encoded");
    assert_eq!(page.plan, Some((std::sync::Arc::new(plan.clone()), [7; 16])));
    assert_eq!((page.page(), page.life, page.esi), (MIXED.as_bytes(), LIFE, true));
    assert_eq!(page.head.headers.get_all("x-any").iter().count(), 2);
}

#[test]
fn a_damaged_stored_page_never_yields_another_plan() {
    let (compiler, _) = mixed();
    let plan = compiler.plan().expect("a whole page has a plan");
    let object = stored(MIXED.as_bytes(), plan);
    for at in 0..object.len() {
        assert!(StoredPage::decode(object[..at].to_vec()).is_err(), "cut at {at}");
        for bit in 0..8 {
            let mut damaged = object.clone();
            damaged[at] ^= 1 << bit;
            if let Ok(StoredPage { plan: Some((read, digest)), .. }) = StoredPage::decode(damaged) {
                assert_eq!((&*read, digest), (plan, [7; 16]), "bit {bit} of byte {at}");
            }
        }
    }
}

/// Bits of markup that together make most of what goes wrong.
fn markup() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "<p data-hs-slot=a>",
        "</p>",
        "<div data-hs-slot=\"b\">",
        "</div>",
        "<b>",
        "</b>",
        "text ",
        "<img>",
        "<esi:include src='/f'/>",
        "<esi:include src=/g></esi:include>",
        "<esi:remove>",
        "</esi:remove>",
        "<!--esi ",
        "-->",
        "<!--",
        "<script>",
        "</script>",
        "<a href=\"",
        "\">",
        "<a href='<esi:comment text=\"x\"/>'>",
        "</a>",
        "<esi:comment text='",
        "'/>",
        "é",
        "<",
        "<es",
        "data-hs-slot",
        "<table><tr><td>",
        "</table>",
        "<select>",
        "<svg><g data-hs-slot=c />",
        "</svg>",
        "<textarea>",
        "</textarea>",
        "\r\n",
        "<esi:vars>",
    ]);
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

fn all_edits() -> Vec<PageEdit> {
    use EditAction::*;
    let actions = [
        ("b", Replace),
        ("b", Append),
        ("p", After),
        ("a", SetAttribute),
        ("div", Inner),
        ("img", Before),
        ("p", Prepend),
    ];
    let edits = actions.iter().enumerate().map(|(index, &(selector, action))| PageEdit {
        id: format!("e{index}"),
        selector: selector.into(),
        action,
        attribute: (action == SetAttribute).then(|| "href".to_owned()),
    });
    edits.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_does_not_depend_on_how_the_page_was_cut(
        page in markup(), esi: bool, edited: bool, cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)
    ) {
        let edits = if edited { all_edits() } else { Vec::new() };
        let options = CompileOptions { esi, edits, ..utf8() };
        let whole = PageCompiler::compile(page.clone().into(), options.clone());
        let plan = whole.plan().expect("a whole page has a plan");
        prop_assert_eq!(covered(plan), page.len());
        let len = page.len() as u32;
        let rebuilt = PagePlan::from_parts(
            plan.nodes().to_vec(), plan.places().to_vec(), plan.includes().to_vec(), plan.program().clone(),
            plan.charset(), len);
        prop_assert_eq!(rebuilt.as_ref(), Some(plan));
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(page.len() + 1)).collect();
        cuts.sort_unstable();
        let parts = compile_in_steps(page.as_bytes(), &options, cuts.into_iter());
        prop_assert_eq!(parts.plan(), Some(plan));
        let each = compile_in_steps(page.as_bytes(), &options, 1..page.len().max(1));
        prop_assert_eq!(each.plan(), Some(plan));
    }

    #[test]
    fn any_bytes_compile(page in prop::collection::vec(any::<u8>(), 0..400), esi: bool) {
        let options = CompileOptions { esi, edits: all_edits(), ..CompileOptions::default() };
        let compiler = PageCompiler::compile(page.clone(), options);
        prop_assert_eq!(compiler.plan().map(covered), Some(page.len()));
    }

    #[test]
    fn any_bytes_are_refused_as_a_stored_page_or_read(object in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = StoredPage::decode([b"HSPG\x02\0\0\0".to_vec(), object].concat());
    }
}
