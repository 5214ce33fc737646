//! A page, cut anywhere, compiles to the same plan, and the plan tiles it.
#![no_main]

use hemstitch::page::{CompileOptions, Node, PageCompiler, PageEdit, StoredPage};
use hemstitch::ruleset::EditAction;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, bool, u16, Vec<u8>)| {
    let (esi, edited, cut, page) = input;
    let edit = |id: &str, selector: &str, action| PageEdit {
        id: id.into(),
        selector: selector.into(),
        action,
        attribute: Some("href".into()),
    };
    let edits = [
        edit("a", "b", EditAction::Replace),
        edit("b", "a", EditAction::SetAttribute),
        edit("c", "p", EditAction::Append),
        edit("d", "p > b", EditAction::Before),
    ];
    let edits = if edited { edits.to_vec() } else { Vec::new() };
    let options = CompileOptions { esi, edits, ..CompileOptions::default() };
    let whole = PageCompiler::compile(page.clone(), options.clone());
    let plan = whole.plan().expect("a whole page has a plan");
    let covered: usize = plan
        .nodes()
        .iter()
        .map(|node| match *node {
            Node::Literal(len)
            | Node::Skip(len)
            | Node::Include { covers: len, .. }
            | Node::Esi { covers: len, .. } => len as usize,
            Node::Slot { .. } => 0,
        })
        .sum();
    assert_eq!(covered, page.len());
    let mut parts = PageCompiler::new(options);
    let cut = usize::from(cut).min(page.len());
    parts.write(&page[..cut]);
    parts.write(&page[cut..]);
    parts.finish();
    assert_eq!(parts.plan(), Some(plan));
    let _ = StoredPage::decode(page);
});
