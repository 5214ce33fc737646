//! The program `rules-lines`: asked natively through its input, and as wasm under Fastly's runtime by its arguments.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use serde_json::Value;

use super::programs;

/// Longest part of a list of arguments that one process is given, in bytes; systems take some more.
const MOST_ARGUMENT_BYTES: usize = 100_000;

/// The answers of a program to questions, one line each.
pub fn ask_natively(program: &str, questions: &[Value]) -> Vec<Value> {
    let lines: String = questions.iter().map(|question| format!("{question}\n")).collect();
    parse(&output_of(Command::new(program), lines.into_bytes()), questions)
}

/// The answers of the same program as wasm.
pub fn ask_wasm(questions: &[Value]) -> Vec<Value> {
    let mut answers = Vec::new();
    let mut rest = questions;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |question: &&Value| {
            bytes += question.to_string().len();
            bytes < MOST_ARGUMENT_BYTES
        };
        let (now, later) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        let mut command = Command::new(programs::viceroy());
        command.arg("run").arg(programs::rules_wasm()).args(now.iter().map(Value::to_string));
        answers.extend(parse(&output_of(command, Vec::new()), now));
        rest = later;
    }
    answers
}

/// What a program writes, that reads this.
pub fn output_of(mut command: Command, input: Vec<u8>) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("starting {command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("its input is piped");
    // Whoever is still being written to may already wait for somebody to read.
    let writer = thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("a process that was started ends");
    let written = writer.join().expect("writing does not panic");
    assert!(output.status.success() && written.is_ok(), "{command:?}: {}", output.status);
    String::from_utf8(output.stdout).expect("answers are UTF-8")
}

fn parse(answers: &str, questions: &[Value]) -> Vec<Value> {
    let answers: Vec<Value> = answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert_eq!(answers.len(), questions.len(), "one answer for each question");
    answers
}
