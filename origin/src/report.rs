//! Findings in what somebody wrote, shown as a good compiler shows them.
//!
//! ```text
//! error[HS0301]: there is no block `hero-d`
//!   --> ruleset.json:12:40
//!    |
//! 12 |     { "id": "a", "block": "hero-d" }
//!    |                           ^^^^^^^^
//!    = help: did you mean `hero-de`?
//! ```

use std::fmt::Write as _;
use std::io::{self, IsTerminal};

use hemstitch::ruleset::{Diagnostic, Severity};
use serde_json::{Value, json};

/// Most characters of a line that are shown.
const WIDTH: usize = 100;

/// Whether the text is for a terminal that shows colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// It is not.
    Plain,
    /// It is: ANSI escape sequences.
    Ansi,
}

impl Colour {
    /// For standard output: colours on a terminal, unless `NO_COLOR` is set.
    pub fn of_output() -> Colour {
        let plain = !io::stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some();
        if plain { Colour::Plain } else { Colour::Ansi }
    }

    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Colour::Plain => text.to_owned(),
            Colour::Ansi => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}

/// All findings in a ruleset, for people.
pub fn for_people(file: &str, text: &str, findings: &[Diagnostic], colour: Colour) -> String {
    all(file, text, findings, colour) + &summary(file, findings, "it can be published")
}

/// All findings in a page, for people.
pub fn page_for_people(file: &str, text: &str, findings: &[Diagnostic], colour: Colour) -> String {
    all(file, text, findings, colour) + &summary(file, findings, "it runs as it is")
}

fn all(file: &str, text: &str, findings: &[Diagnostic], colour: Colour) -> String {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut out = String::new();
    // A document may be one line of megabytes with a finding every few characters.
    let (mut number, mut line) = (0, Vec::new());
    for finding in findings {
        if finding.line != number {
            number = finding.line;
            line = characters(lines.get(number.saturating_sub(1) as usize).copied().unwrap_or_default());
        }
        one(&mut out, file, &line, finding, colour);
        out.push('\n');
    }
    out
}

/// All findings, for programs.
pub fn for_programs(findings: &[Diagnostic]) -> Value {
    let (errors, warnings) = counts(findings);
    let findings: Vec<Value> = findings.iter().map(Diagnostic::to_json).collect();
    json!({ "findings": findings, "errors": errors, "warnings": warnings })
}

fn one(out: &mut String, file: &str, line: &[char], finding: &Diagnostic, colour: Colour) {
    let tone = if finding.severity == Severity::Error { "1;31" } else { "1;33" };
    let title = colour.paint(tone, &format!("{}[{}]", severity(finding), finding.code));
    let number = finding.line.to_string();
    let margin = " ".repeat(number.len());
    let (shown, before, length) = excerpt(line, finding.column.saturating_sub(1) as usize);
    let carets = colour.paint(tone, &"^".repeat(length));
    let rule = colour.paint("1;34", "|");
    // Writing to a String does not fail.
    let _written = writeln!(out, "{title}: {}", colour.paint("1", &finding.message))
        .and_then(|()| writeln!(out, "{margin}--> {file}:{}:{}", finding.line, finding.column))
        .and_then(|()| writeln!(out, "{margin} {rule}"))
        .and_then(|()| writeln!(out, "{} {rule} {shown}", colour.paint("1;34", &number)))
        .and_then(|()| writeln!(out, "{margin} {rule} {}{carets}", " ".repeat(before)));
    if let Some(help) = &finding.help {
        let _written = writeln!(out, "{margin} = help: {help}");
    }
}

/// The characters of a line, as they are shown.
fn characters(line: &str) -> Vec<char> {
    let line = line.trim_end_matches('\r').chars();
    line.map(|shown| if shown.is_control() { ' ' } else { shown }).collect()
}

/// The part of a line to show, how many characters stand before the place, and how many the place has.
fn excerpt(line: &[char], column: usize) -> (String, usize, usize) {
    let column = column.min(line.len());
    let length = token_length(&line[column..]);
    let start = if column + length > WIDTH { column.saturating_sub(WIDTH / 3) } else { 0 };
    let end = line.len().min(start + WIDTH);
    let (left, right) = (if start > 0 { "…" } else { "" }, if end < line.len() { "…" } else { "" });
    let shown: String = line[start..end].iter().collect();
    let before = column - start + usize::from(start > 0);
    (format!("{left}{shown}{right}"), before, length.min(end - column).max(1))
}

/// How long the JSON value or key, or the tag, text or variable of a page, is that begins here, as far as it could be shown.
fn token_length(rest: &[char]) -> usize {
    let rest = rest.get(..WIDTH).unwrap_or(rest);
    match rest.first() {
        Some(quote @ ('"' | '\'')) => {
            let mut escaped = false;
            let closing = rest.iter().skip(1).position(|character| {
                let closes = character == quote && !escaped;
                escaped = *character == '\\' && !escaped;
                closes
            });
            closing.map_or(rest.len(), |inner| inner + 2)
        }
        Some('{' | '[') | None => 1,
        Some('$') if rest.get(1) == Some(&'(') => {
            rest.iter().position(|it| *it == ')').map_or(rest.len(), |end| end + 1)
        }
        Some(sign @ ('&' | '|')) => rest.iter().take_while(|it| *it == sign).count(),
        Some('<') => rest.iter().skip(1).take_while(|it| !matches!(it, ' ' | '\t' | '>' | '<')).count() + 1,
        Some(_) => {
            let word = |character: &&char| {
                character.is_alphanumeric() || matches!(character, '-' | '+' | '.' | '_' | '$')
            };
            rest.iter().take_while(word).count().max(1)
        }
    }
}

/// `fine` is what there is to say where there are warnings alone.
fn summary(file: &str, findings: &[Diagnostic], fine: &str) -> String {
    let plural = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    match counts(findings) {
        (0, 0) => format!("{file}: no findings\n"),
        (0, warnings) => format!("{file}: {}; {fine}\n", plural(warnings, "warning")),
        (errors, 0) => format!("{file}: {}\n", plural(errors, "error")),
        (errors, warnings) => {
            format!("{file}: {}, {}\n", plural(errors, "error"), plural(warnings, "warning"))
        }
    }
}

fn counts(findings: &[Diagnostic]) -> (usize, usize) {
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    (errors, findings.len() - errors)
}

fn severity(finding: &Diagnostic) -> &'static str {
    match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(line: u32, column: u32) -> Diagnostic {
        Diagnostic {
            code: "HS0301",
            severity: Severity::Error,
            pointer: "/a".to_owned(),
            line,
            column,
            message: "there is no block `b`".to_owned(),
            help: Some("did you mean `c`?".to_owned()),
        }
    }

    #[test]
    fn a_finding_shows_its_line_and_points_at_its_place() {
        let shown = for_people("r.json", "{\n\t\"block\": \"b\" }", &[finding(2, 11)], Colour::Plain);
        let expect = "\
error[HS0301]: there is no block `b`
 --> r.json:2:11
  |
2 |  \"block\": \"b\" }
  |           ^^^
  = help: did you mean `c`?

r.json: 1 error
";
        assert_eq!(shown, expect);
    }

    #[test]
    fn the_place_is_found_in_every_line() {
        let long = format!("{}\"here\"{}", "x".repeat(500), "y".repeat(500));
        for (line, column, expect) in [
            ("", 0, (String::new(), 0, 1)),
            ("abc", 99, ("abc".to_owned(), 3, 1)),
            ("{}", 0, ("{}".to_owned(), 0, 1)),
            (r#"["a\"b", 1]"#, 1, (r#"["a\"b", 1]"#.to_owned(), 1, 6)),
            (r#""open"#, 0, (r#""open"#.to_owned(), 0, 5)),
            ("a && b", 2, ("a && b".to_owned(), 2, 2)),
            ("x <esi:vars>", 2, ("x <esi:vars>".to_owned(), 2, 9)),
            ("$(A{b}) == 'c'", 0, ("$(A{b}) == 'c'".to_owned(), 0, 7)),
            ("-1.5,", 0, ("-1.5,".to_owned(), 0, 4)),
            ("ä \u{1b}[x\r", 2, ("ä  [x".to_owned(), 2, 1)),
        ] {
            assert_eq!(excerpt(&characters(line), column), expect, "{line:?}");
        }
        let (shown, before, length) = excerpt(&characters(&long), 500);
        assert!(shown.chars().count() <= WIDTH + 2);
        assert_eq!(shown.chars().skip(before).take(length).collect::<String>(), "\"here\"");
    }

    #[test]
    fn the_end_says_how_many_there_are() {
        let warning = Diagnostic { severity: Severity::Warning, ..finding(1, 1) };
        for (findings, expect) in [
            (vec![], "r: no findings\n"),
            (vec![warning.clone()], "r: 1 warning; it can be published\n"),
            (vec![finding(1, 1), finding(1, 1)], "r: 2 errors\n"),
            (vec![finding(1, 1), warning], "r: 1 error, 1 warning\n"),
        ] {
            assert_eq!(summary("r", &findings, "it can be published"), expect);
        }
    }
}
