//! What stands between `{{` and `}}`.
//!
//! ```text
//! {{ NAME }}   {{ NAME | default("text") }}   {{ NAME | default('text') }}   {{ "{{" }}
//! ```

use super::problem::{Problem, ProblemKind};

/// What an interpolation says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression {
    Fact {
        name: String,
        default: Option<String>,
    },
    /// Braces that stand for themselves: nothing that means something to HTML.
    Braces(String),
}

/// Reads the interpolation whose `{{` is at `open`; gives the offset behind its `}}` too, or where to go on after a
/// problem. Reads no further than the second `{{` behind it, or the quote that closes its text.
pub(super) fn read(text: &str, open: usize) -> Result<(Expression, usize), (Problem, usize)> {
    let mut reader = Reader { text, at: open + 2 };
    let problem = match reader.expression() {
        Ok(expression) => return Ok((expression, reader.at)),
        Err(problem) => problem,
    };
    let rest = text.as_bytes().get(problem.at..).unwrap_or_default();
    match rest.windows(2).position(|pair| matches!(pair, b"{{" | b"}}")) {
        Some(found) if rest.get(found) == Some(&b'}') => {
            let end = problem.at + found + 2;
            Err((problem, end))
        }
        _ => Err((Problem { at: open, kind: ProblemKind::Unclosed }, open + 2)),
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn expression(&mut self) -> Result<Expression, Problem> {
        self.skip_blanks();
        let start = self.at;
        let expression = if self.rest().starts_with(['"', '\'']) {
            match self.string() {
                Some(text) if text.bytes().all(|byte| matches!(byte, b'{' | b'}')) => {
                    Expression::Braces(text)
                }
                _ => return Err(Problem { at: start, kind: ProblemKind::NotBraces }),
            }
        } else {
            let name = self.name()?;
            self.skip_blanks();
            let default = if self.take("|") { Some(self.default_text()?) } else { None };
            Expression::Fact { name, default }
        };
        self.skip_blanks();
        if self.take("}}") { Ok(expression) } else { Err(self.problem(ProblemKind::Unexpected)) }
    }

    fn name(&mut self) -> Result<String, Problem> {
        let start = self.at;
        let name = self.run(|character| character == '.' || is_name(character));
        if name.is_empty() {
            let empty = self.rest().starts_with("}}");
            return Err(self.problem(if empty { ProblemKind::Empty } else { ProblemKind::Unexpected }));
        }
        if name.split('.').any(str::is_empty) {
            return Err(Problem { at: start, kind: ProblemKind::FactName(name) });
        }
        Ok(name)
    }

    /// What follows the `|`.
    fn default_text(&mut self) -> Result<String, Problem> {
        self.skip_blanks();
        let start = self.at;
        let filter = self.run(is_name);
        if filter != "default" {
            return Err(Problem { at: start, kind: ProblemKind::UnknownFilter(filter) });
        }
        self.skip_blanks();
        if !self.take("(") {
            return Err(self.problem(ProblemKind::DefaultText));
        }
        self.skip_blanks();
        let Some(text) = self.string() else { return Err(self.problem(ProblemKind::DefaultText)) };
        self.skip_blanks();
        if self.take(")") { Ok(text) } else { Err(self.problem(ProblemKind::DefaultText)) }
    }

    /// A string as in JSON, in either kind of quotes. Moves only past one that is whole.
    fn string(&mut self) -> Option<String> {
        let mut characters = self.rest().chars();
        let quote = characters.next().filter(|quote| matches!(quote, '"' | '\''))?;
        let mut text = String::new();
        loop {
            match characters.next()? {
                '\\' => text.push(escaped(&mut characters)?),
                character if character == quote => break,
                character if character < ' ' => return None,
                character => text.push(character),
            }
        }
        self.at = self.text.len() - characters.as_str().len();
        Some(text)
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn run(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let rest = self.rest();
        let end = rest.find(|character| !belongs(character)).unwrap_or(rest.len());
        let run = rest.get(..end).unwrap_or_default().to_owned();
        self.at += end;
        run
    }

    fn skip_blanks(&mut self) {
        self.run(|character| matches!(character, ' ' | '\t' | '\n' | '\r'));
    }

    fn problem(&self, kind: ProblemKind) -> Problem {
        Problem { at: self.at, kind }
    }
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}

/// What follows a backslash: RFC 8259 section 7, and `\'`.
fn escaped(characters: &mut std::str::Chars<'_>) -> Option<char> {
    match characters.next()? {
        plain @ ('"' | '\'' | '\\' | '/') => Some(plain),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'u' => {
            let unit = code_unit(characters)?;
            if !(0xD800..0xDC00).contains(&unit) {
                return char::from_u32(unit);
            }
            if characters.next()? != '\\' || characters.next()? != 'u' {
                return None;
            }
            let low = code_unit(characters)?.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
            char::from_u32(0x10000 + ((unit - 0xD800) << 10) + low)
        }
        _ => None,
    }
}

fn code_unit(characters: &mut std::str::Chars<'_>) -> Option<u32> {
    (0..4).try_fold(0, |unit, _| Some(unit * 16 + characters.next()?.to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::{Expression, ProblemKind, read};

    #[track_caller]
    fn check_fact(text: &str, name: &str, default: Option<&str>) {
        let fact = Expression::Fact { name: name.to_owned(), default: default.map(str::to_owned) };
        assert_eq!(read(text, 0), Ok((fact, text.len())), "{text}");
    }

    #[test]
    fn a_fact_is_a_dotted_name_with_or_without_a_default() {
        check_fact("{{a}}", "a", None);
        check_fact("{{\r\n\ttrait.first_name-2 }}", "trait.first_name-2", None);
        check_fact(r#"{{a|default("")}}"#, "a", Some(""));
        check_fact(r#"{{ a | default ( "x y" ) }}"#, "a", Some("x y"));
        check_fact(r#"{{ a | default('say "hi"') }}"#, "a", Some("say \"hi\""));
        check_fact(
            r#"{{ a | default("it's \"\\\/\b\f\n\r\té") }}"#,
            "a",
            Some("it's \"\\/\u{8}\u{c}\n\r\té"),
        );
        check_fact(r#"{{ a | default('\'é\uD83D\uDE00') }}"#, "a", Some("'é😀"));
        check_fact(r#"{{ a | default("}} {{ b }} > \"") }}"#, "a", Some("}} {{ b }} > \""));
    }

    #[test]
    fn braces_are_written_as_a_text_in_braces() {
        for (text, braces) in [(r#"{{ "{{" }}"#, "{{"), ("{{'}}'}}", "}}"), (r#"{{""}}"#, "")] {
            assert_eq!(read(text, 0), Ok((Expression::Braces(braces.to_owned()), text.len())), "{text}");
        }
    }

    #[test]
    fn a_mistake_is_found_where_it_is_and_reading_goes_on_behind_it() {
        use ProblemKind::*;
        let name = |name: &str| FactName(name.to_owned());
        let filter = |name: &str| UnknownFilter(name.to_owned());
        for (text, at, kind, resume) in [
            ("{{", 0, Unclosed, 2),
            ("{{ a", 0, Unclosed, 2),
            ("{{ a }", 0, Unclosed, 2),
            ("{{ a <b> {{ c }}", 0, Unclosed, 2),
            (r#"{{ a | default("}}") "#, 0, Unclosed, 2),
            ("{{}} x", 2, Empty, 4),
            ("{{  }} x", 4, Empty, 6),
            ("{{ a b }} x", 5, Unexpected, 9),
            ("{{ aé }} x", 4, Unexpected, 9),
            ("{{{a}}} x", 2, Unexpected, 6),
            ("{{ a | default('x') | default('y') }} x", 20, Unexpected, 37),
            ("{{ .a }} x", 3, name(".a"), 8),
            ("{{ a..b }} x", 3, name("a..b"), 10),
            ("{{ a. }} x", 3, name("a."), 8),
            ("{{ a | upper }} x", 7, filter("upper"), 15),
            ("{{ a | }} x", 7, filter(""), 9),
            ("{{ a | default }} x", 15, DefaultText, 17),
            ("{{ a | default(x) }} x", 15, DefaultText, 20),
            ("{{ a | default(&quot;x&quot;) }} x", 15, DefaultText, 32),
            ("{{ a | default('x' }} x", 19, DefaultText, 21),
            ("{{ a | default('x) }} x", 15, DefaultText, 21),
            ("{{ a | default('\n') }} x", 15, DefaultText, 22),
            (r"{{ a | default('\x') }} x", 15, DefaultText, 23),
            (r"{{ a | default('\uD83D') }} x", 15, DefaultText, 27),
            (r"{{ a | default('\uDE00') }} x", 15, DefaultText, 27),
            ("{{ '<' }} x", 3, NotBraces, 9),
            ("{{ '{{ }} x", 0, Unclosed, 2),
        ] {
            let (problem, then) = read(text, 0).expect_err(text);
            assert_eq!((problem.at, problem.kind, then), (at, kind, resume), "{text}");
        }
    }
}
