//! Answers questions about conditions, hashes and experiments by compiled packs: one line of JSON for each that it reads,
//! or, where there is no standard input, for each of its arguments.

use std::env;
use std::io::{BufReader, stdin, stdout};

use e2e::growthbook::answer_all;

fn main() {
    // A panic is an answer like any other here, and what it would print is not.
    std::panic::set_hook(Box::new(|_| {}));
    let lines: Vec<String> = env::args().skip(1).collect();
    if lines.is_empty() {
        answer_all(BufReader::new(stdin().lock()), stdout().lock());
    } else {
        answer_all(lines.join("\n").as_bytes(), stdout().lock());
    }
}
