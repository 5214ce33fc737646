//! The program `rules-lines` answers each line that it is given, whatever is in it, and does not end before its input.

use std::io::Write;
use std::process::{Command, Stdio};

use e2e::harness::output_of;
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_rules-lines");
const GOOD: &str = r#"{"hash":["","a",1]}"#;

#[test]
fn every_line_has_one_answer() {
    let nested = |levels: usize| {
        format!(
            r#"{{"condition":{}{{}}{},"attributes":{{}}}}"#,
            r#"{"$not":"#.repeat(levels),
            "}".repeat(levels)
        )
    };
    let bad: [&[u8]; 14] = [
        b"",
        b" ",
        b"nope",
        b"\xff\xfe",
        b"{\"condition\":{\"a\":1e999}}",
        b"{\"condition\":{\"a\":\"\\ud800\"}}",
        b"{\"condition\":{\"a\":{\"$regex\":\"(?=a)\"}},\"attributes\":{}}",
        b"{\"condition\":5}",
        b"{\"experiment\":{},\"context\":{}}",
        b"{\"experiment\":{\"key\":\"x\",\"variations\":[0,1],\"weights\":\"half\"},\"context\":{\"attributes\":{\"id\":\"1\"}}}",
        b"[]",
        b"null",
        &[b'['; 200_000],
        &nested(100).into_bytes(),
    ];
    let mut input = Vec::new();
    for line in bad {
        input.extend_from_slice(line);
        input.extend_from_slice(format!("\n{GOOD}\r\n").as_bytes());
    }
    // The last line has no end.
    input.extend_from_slice(nested(20).as_bytes());
    let answers = output_of(Command::new(PROGRAM), input);
    let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers.len(), 2 * bad.len() + 1);
    for (line, answers) in bad.iter().zip(answers.chunks(2)) {
        let line = String::from_utf8_lossy(&line[..line.len().min(80)]);
        assert!(answers[0]["error"].is_string(), "{line}: {}", answers[0]);
        assert_eq!(answers[1]["result"], 0.22, "after {line}");
    }
    assert_eq!(answers.last().expect("an answer")["result"], true);
}

#[test]
fn it_reads_on_where_nobody_reads_its_answers() {
    let mut child = Command::new(PROGRAM)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a program that was built");
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().expect("its input is piped");
    for _ in 0..10_000 {
        writeln!(stdin, "{GOOD}").expect("it still reads");
    }
    drop(stdin);
    assert!(child.wait().expect("it ends with its input").success());
}
