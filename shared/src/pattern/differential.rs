//! The same patterns and texts here and in Node, where it is installed.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::set::canonical;
use super::{Case, Matcher, RefusalKind, compile};

/// Answers each line `[pattern, flags, texts]` with a string of 0 and 1, one for each text, or with the error.
const ANSWER: &str = r#"
const lines = require("fs").readFileSync(0, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
const answer = ([pattern, flags, texts]) => {
  try {
    const regex = new RegExp(pattern, flags);
    return texts.map((text) => Number(regex.test(text))).join("");
  } catch (error) { return error.message; }
};
process.stdout.write(JSON.stringify(lines.map(answer)));
"#;

/// Canonical code of each 16-bit unit, after the words of the specification; null where it is not yet assigned.
const CANONICAL: &str = r#"
const canonical = (code) => {
  const unit = String.fromCharCode(code), capital = unit.toUpperCase();
  if (!/\p{Assigned}/u.test(unit)) return null;
  return capital.length !== 1 || (code >= 128 && capital.charCodeAt(0) < 128) ? code : capital.charCodeAt(0);
};
process.stdout.write(JSON.stringify(Array.from({ length: 65536 }, (_, code) => canonical(code))));
"#;

/// What a script prints for an input, as JSON; `None` without Node.
#[expect(clippy::disallowed_macros, reason = "whoever runs the test wants to know what it did not compare")]
fn node(script: &str, input: &str) -> Option<Value> {
    let mut command = Command::new("node");
    command.args(["-e", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        eprintln!("node is not installed: patterns are not compared with it");
        return None;
    };
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("the script reads all of its input first");
    drop(stdin);
    let output = child.wait_with_output().expect("it was started");
    assert!(output.status.success(), "the script runs to its end");
    Some(serde_json::from_slice(&output.stdout).expect("the script prints JSON"))
}

/// Numbers that look random and are the same on every run (xorshift, Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % end
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.below(from.len())]
    }

    fn pick_of<'t>(&mut self, from: &[&[&'t str]]) -> &'t str {
        let list = from[self.below(from.len())];
        self.pick(list)
    }

    fn pattern(&mut self, depth: usize, out: &mut String) {
        for _ in 0..1 + self.below(4) {
            match self.below(12) {
                0..4 => out.push_str(self.pick(CHARACTERS)),
                4 | 5 => out.push_str(self.pick(ESCAPES)),
                6 => out.push_str(self.pick(ASSERTIONS)),
                7 | 8 => self.class(out),
                9 if depth > 0 => {
                    out.push_str(self.pick(&["(", "(?:", "(?<n>", "("]));
                    self.pattern(depth - 1, out);
                    out.push(')');
                }
                10 if depth > 0 => {
                    out.push('|');
                    self.pattern(depth - 1, out);
                }
                _ => out.push_str(self.pick(OTHERS)),
            }
            if self.below(4) == 0 {
                out.push_str(self.pick(QUANTIFIERS));
            }
        }
    }

    fn class(&mut self, out: &mut String) {
        out.push_str(self.pick(&["[", "[^"]));
        for _ in 0..self.below(4) {
            out.push_str(self.pick_of(&[CHARACTERS, ESCAPES, OTHERS_IN_CLASS]));
            if self.below(3) == 0 {
                out.push('-');
                out.push_str(self.pick_of(&[CHARACTERS, ESCAPES]));
            }
        }
        out.push(']');
    }

    fn text(&mut self) -> String {
        (0..self.below(9)).map(|_| self.pick_of(&[CHARACTERS, IN_TEXT])).collect()
    }
}

const CHARACTERS: &[&str] = &["a", "b", "c", "A", "B", "1", "_", "-", "é", "É", "σ", "s", "k", " "];
const ESCAPES: &[&str] = &[
    "\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "\\t", "\\n", "\\0", "\\cJ", "\\c", "\\c1", "\\x61", "\\x6",
    "\\u0061", "\\u006", "\\u{1}", "\\1", "\\2", "\\8", "\\12", "\\141", "\\377", "\\400", "\\k", "\\p",
    "\\-", "\\]", "\\\\", "\\.", "\\u00e9", "\\uFFFF", "\\v", "\\f", "\\uD7FF", "\\uE000", "\\r", "\\/",
    "\\10",
];
const ASSERTIONS: &[&str] = &["^", "$", "\\b", "\\B"];
const OTHERS: &[&str] = &[
    ".", "{", "}", "]", "{1", "{,2}", "a{1}", "1{2", "*", ")", "(", "[", "(?", "(?<", "(?=a)", "\\", "/", ",",
];
const OTHERS_IN_CLASS: &[&str] = &[
    "\\u0080-\\uFFFF",
    "\\0-\\uD7FF",
    "\\uE000-\\uFFFF",
    "\\uD800-\\uDFFF",
    "(",
    "[",
    "{",
    ".",
    "^",
    "$",
    "|",
    "\\b",
    "\\B",
    "\\c_",
    "*",
    "-",
    "?",
];
const QUANTIFIERS: &[&str] =
    &["*", "+", "?", "*?", "??", "{2}", "{0}", "{1,2}", "{1,}?", "{2,1}", "{", "**", "{0,3}"];
const IN_TEXT: &[&str] = &[
    "\n", "\r", "\t", "\u{2028}", "\u{FEFF}", "\u{85}", "\0", "\u{1}", "\u{1F}", "ſ", "\u{212A}", "ς", "Σ",
    "{", "}", "]", "\\", "8", "2", "u", "x", "/", ".", "\u{FF}", "Ā", "語", "\u{D7FF}", "\u{E000}",
    "\u{FFFF}", "\u{8}", ",", "K", "S",
];

#[test]
fn thousands_of_random_patterns_match_what_they_match_in_node() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let questions: Vec<_> = (0..8_000)
        .map(|_| {
            let mut pattern = String::new();
            dice.pattern(2, &mut pattern);
            let case = [Case::Sensitive, Case::Insensitive][dice.below(2)];
            (pattern, case, (0..10).map(|_| dice.text()).collect::<Vec<_>>())
        })
        .collect();
    let line = |(pattern, case, texts): &(String, Case, Vec<String>)| {
        json!([pattern, if *case == Case::Sensitive { "" } else { "i" }, texts]).to_string()
    };
    let Some(answers) = node(ANSWER, &questions.iter().map(line).collect::<Vec<_>>().join("\n")) else {
        return;
    };
    let mut compared = 0;
    for (at, (pattern, case, texts)) in questions.iter().enumerate() {
        let theirs = answers[at].as_str().expect("one answer for each question");
        let refused_there = theirs.starts_with("Invalid");
        match compile(pattern, *case) {
            Ok(compiled) => {
                let matcher = Matcher::open(&compiled).expect("what was compiled opens");
                let ours: String =
                    texts.iter().map(|text| ["0", "1"][usize::from(matcher.is_match(text))]).collect();
                assert_eq!(ours, theirs, "/{pattern}/ {case:?} on {texts:?}");
                compared += 1;
            }
            Err(refusal) if refusal.kind < RefusalKind::DuplicateName => {
                assert!(refused_there, "/{pattern}/ is refused: {refusal:?}");
            }
            Err(_) => {}
        }
    }
    assert!(compared > 3_000, "only {compared} patterns were compared");
}

#[test]
fn every_16_bit_unit_has_the_canonical_form_that_it_has_in_node() {
    let Some(theirs) = node(CANONICAL, "") else { return };
    let theirs: Vec<_> = theirs.as_array().into_iter().flatten().map(Value::as_u64).collect();
    assert_eq!(theirs.len(), 0x1_0000);
    for ours in '\0'..='\u{FFFF}' {
        let Some(Some(code)) = theirs.get(ours as usize) else { continue };
        let capital_is_newer = theirs.get(canonical(ours) as usize) == Some(&None);
        assert!(capital_is_newer || *code == u64::from(canonical(ours)), "{ours:?}");
    }
}

#[test]
fn characters_that_fold_together_match_each_other_as_in_node() {
    let texts: Vec<_> =
        super::set::folds().map(|fold| fold.iter().map(char::to_string).collect::<Vec<_>>()).collect();
    let pairs = texts.iter().flat_map(|fold| fold.iter().map(move |member| (member, fold)));
    let lines: Vec<_> =
        pairs.clone().map(|(member, fold)| json!([format!("^[{member}]$"), "i", fold]).to_string()).collect();
    let Some(answers) = node(ANSWER, &lines.join("\n")) else { return };
    let newer = |answer: &Value| answer.as_str().is_some_and(|answer| answer.contains('0'));
    let differing = answers.as_array().into_iter().flatten().filter(|answer| newer(answer)).count();
    assert!(lines.len() > 2_000 && differing < lines.len() / 100, "{differing} of {} differ", lines.len());
}
