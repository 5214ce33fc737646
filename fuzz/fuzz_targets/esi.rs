//! Any document, with any fragments, in any order, ends within its budgets, and whole as in pieces.
#![no_main]

use std::sync::Arc;

use hemstitch::esi::{
    Budgets, Dialect, Facts, FetchFailure, Fragment, Machine, Program, Root, Step, check, compile,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, Vec<u8>, Vec<Vec<u8>>, u8)| {
    let (preset, document, fragments, hold) = input;
    let names = Dialect::PRESETS;
    let name = names[usize::from(preset) % names.len()];
    let dialect = Dialect::preset(name).expect("a preset has a dialect");
    let budgets = Budgets { steps: 20_000, bytes: 1 << 20, ..dialect.budgets };
    let dialect = Dialect { budgets, ..dialect };
    let program = compile(&document, &dialect).program;
    check(&document, &dialect);
    let mut stored = Vec::new();
    program.write(&mut stored);
    let again = Program::read(&mut stored.into(), document.len()).expect("what was written is read");
    assert_eq!(again, program);
    let whole = run(&program, &document, &dialect, &fragments, 0);
    let held = run(&again, &document, &dialect, &fragments, hold.into());
    // Budgets may be used up by other fragments where these come in another order.
    if let (Some(whole), Some(held)) = (whole, held) {
        assert_eq!(whole, held);
    }
});

/// What the document becomes; `None` where a budget was used up.
fn run(
    program: &Program,
    document: &[u8],
    dialect: &Dialect,
    fragments: &[Vec<u8>],
    hold: usize,
) -> Option<Vec<u8>> {
    let facts = Facts { query: "a=1&b=<b>".into(), ..Facts::default() };
    let mut machine = Machine::new(Arc::new(dialect.clone()), facts, "http://a.test/");
    let root = Root { program, document, whole: true };
    let (mut out, mut held) = (Vec::new(), Vec::new());
    loop {
        match machine.advance(root, &mut out) {
            Step::Fetch(call) => {
                held.push(call);
                if held.len() <= hold {
                    continue;
                }
            }
            Step::Wait => assert!(!held.is_empty(), "it waits for nothing"),
            Step::Done | Step::Truncated | Step::Failed => break,
        }
        if let Some(call) = held.pop() {
            let outcome = match fragments.get(call.url.len() % fragments.len().max(1)) {
                Some(body) => Ok(Fragment { status: 200, headers: Vec::new(), body: body.clone().into() }),
                None => Err(FetchFailure::Unreachable),
            };
            machine.fragment(call.id, outcome);
        }
    }
    machine.notices().is_empty().then_some(out)
}
