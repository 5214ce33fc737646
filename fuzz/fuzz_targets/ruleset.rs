//! Any text is a ruleset or yields findings, and what is a ruleset compiles to a pack that opens.
#![no_main]

use hemstitch::pack::{Pack, compile};
use hemstitch::ruleset::Ruleset;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (ruleset, findings) = Ruleset::parse(text);
    assert!(ruleset.is_some() || !findings.is_empty());
    if let Some(bytes) = ruleset.and_then(|ruleset| compile(&ruleset).ok()) {
        Pack::open(bytes).expect("what was compiled opens");
    }
});
