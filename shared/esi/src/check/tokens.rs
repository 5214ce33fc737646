//! An expression word by word, to say where in it something stands. What does not parse has been found elsewhere.

use std::ops::Range;

use super::super::diagnostic::Disagreement;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Word,
    Quoted,
    Raw,
    Number,
    Variable,
    Call,
    Sign,
}

/// What processors read differently in an expression, and where.
pub(super) fn disagreements(text: &[u8]) -> Vec<(Disagreement, usize)> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    let mut brackets: Vec<Bracket> = Vec::new();
    let mut wanted = true;
    for (index, (token, range)) in tokens.iter().enumerate() {
        let written = text.get(range.clone()).unwrap_or_default();
        let near = |is: fn(&[u8]) -> bool| {
            let beside = [index.checked_sub(1), index.checked_add(1)];
            beside.into_iter().flatten().filter_map(|beside| tokens.get(beside)).any(|(token, range)| {
                *token == Token::Sign && is(text.get(range.clone()).unwrap_or_default())
            })
        };
        let mut report = |what| found.push((what, range.start));
        match token {
            Token::Word if !wanted && is_operator(written) => {
                wanted = true;
                continue;
            }
            Token::Word if matches!(written, b"true" | b"false") => report(Disagreement::Boolean),
            Token::Word => report(Disagreement::Bareword),
            Token::Quoted => {
                let content = written.get(1..written.len() - 1).unwrap_or_default();
                if has_lone_backslash(content) {
                    report(Disagreement::Backslash);
                }
                if content.is_empty() && near(compares) {
                    report(Disagreement::Empty);
                }
                let digits = !content.is_empty() && content.iter().all(u8::is_ascii_digit);
                if digits && near(orders) {
                    report(Disagreement::QuotedNumber);
                }
            }
            Token::Raw | Token::Number | Token::Variable => {}
            Token::Call => {
                brackets.push(Bracket { substr: written == b"$substr(", commas: 0, from_start: false });
                wanted = true;
                continue;
            }
            Token::Sign => {
                match written {
                    b"&&" | b"||" => report(Disagreement::Doubled),
                    b"=~" => report(Disagreement::Like),
                    b"(" | b"[" | b"{" => brackets.push(Bracket::default()),
                    b")" | b"]" | b"}" => {
                        brackets.pop();
                    }
                    b"," => {
                        if let Some(call) = brackets.last_mut() {
                            call.commas += 1;
                            let next = tokens.get(index + 1).map(|(_, range)| range.clone());
                            call.from_start |=
                                call.commas == 1 && next.and_then(|it| text.get(it)) == Some(b"0");
                            if call.substr && call.commas == 2 && !call.from_start {
                                report(Disagreement::Substr);
                            }
                        }
                    }
                    _ => {}
                }
                wanted = !matches!(written, b")" | b"]" | b"}");
                continue;
            }
        }
        wanted = false;
    }
    found
}

#[derive(Default)]
struct Bracket {
    substr: bool,
    commas: u32,
    /// Whether the second argument is 0: then an end is a length.
    from_start: bool,
}

fn is_operator(word: &[u8]) -> bool {
    matches!(word, b"has" | b"has_i" | b"matches" | b"matches_i")
}

fn compares(sign: &[u8]) -> bool {
    matches!(sign, b"==" | b"!=") || orders(sign)
}

fn orders(sign: &[u8]) -> bool {
    matches!(sign, b"<" | b">" | b"<=" | b">=")
}

/// Whether a backslash stands before what needs none.
fn has_lone_backslash(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        if !matches!(rest.get(at + 1), Some(b'\'' | b'"' | b'\\' | b'$')) {
            return true;
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    false
}

fn tokens(text: &[u8]) -> Vec<(Token, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let rest = text.get(at..).unwrap_or_default();
        let run = |is: fn(&u8) -> bool| rest.iter().take_while(|byte| is(byte)).count();
        let (token, length) = match byte {
            _ if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'\'' if rest.starts_with(b"'''") => {
                let content = rest.get(3..).unwrap_or_default();
                (Token::Raw, memchr::memmem::find(content, b"'''").map_or(rest.len(), |end| end + 6))
            }
            b'\'' | b'"' => (Token::Quoted, quoted(rest, *byte)),
            b'$' if rest.get(1) == Some(&b'(') => (Token::Variable, variable(rest)),
            b'$' => {
                let name = rest.iter().skip(1).take_while(|byte| is_name(byte)).count();
                (Token::Call, 1 + name + usize::from(rest.get(1 + name) == Some(&b'(')))
            }
            b'0'..=b'9' => {
                let length = run(|byte| is_name(byte) || *byte == b'.');
                // The end of `1..5` is another number.
                let length = memchr::memmem::find(&rest[..length], b"..").unwrap_or(length).max(1);
                let number = rest[..length].iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
                (if number { Token::Number } else { Token::Word }, length)
            }
            _ if is_name(byte) || *byte >= 0x80 => {
                (Token::Word, run(|byte| is_name(byte) || matches!(byte, b'.' | b'-') || *byte >= 0x80))
            }
            _ => {
                let double = [&b"=="[..], b"!=", b"<=", b">=", b"=~", b"&&", b"||", b".."];
                (Token::Sign, 1 + usize::from(double.iter().any(|sign| rest.starts_with(sign))))
            }
        };
        found.push((token, at..at + length));
        at += length;
    }
    found
}

fn is_name(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}

fn quoted(text: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(found) = memchr::memchr2(quote, b'\\', text.get(at..).unwrap_or_default()) {
        if text.get(at + found) == Some(&quote) {
            return at + found + 1;
        }
        at += found + 2;
    }
    text.len()
}

/// How long `$(…)` is, with what stands in its brackets.
fn variable(text: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'\'' | b'"' if depth > 0 => at += quoted(text.get(at..).unwrap_or_default(), *byte) - 1,
            b'(' => depth += 1,
            b')' if depth == 1 => return at + 1,
            b')' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{Disagreement, disagreements};

    fn check(expression: &str, expect: &[(Disagreement, &str)]) {
        let found = disagreements(expression.as_bytes());
        let shown: Vec<(Disagreement, &str)> = found
            .iter()
            .map(|(what, at)| (*what, &expression[*at..][..expect.first().map_or(0, |it| it.1.len())]))
            .collect();
        assert_eq!(shown, expect, "{expression}");
    }

    #[test]
    fn what_every_processor_reads_alike_is_not_reported() {
        for plain in [
            "$(HTTP_COOKIE{group}) == 'gold' & !($(QUERY_STRING{a}) != 'b') | 1 < 2",
            "$(HTTP_COOKIE{a}|'none') == 'none'",
            "$(HTTP_COOKIE{a b}) has 'x' | $(A{'k(y'}) matches_i '''^\\d+$'''",
            "$(HTTP_COOKIE{age}) >= 18",
            "$(X|default) == '18'",
            "$lower($substr($(X), 0, 3)) == 'abc' | $substr('abc', 1) == 'bc'",
            "'it\\'s' == \"\\\\ \\$\"",
            "[1..5] + ['a', -1.5]",
            "{'k': 'v'}",
            "",
        ] {
            check(plain, &[]);
        }
    }

    #[test]
    fn each_disagreement_is_found_at_its_place() {
        check("$(A) == gold", &[(Disagreement::Bareword, "gold")]);
        check("has == 'a'", &[(Disagreement::Bareword, "has")]);
        check("{key: 1}", &[(Disagreement::Bareword, "key")]);
        check("$len(name)", &[(Disagreement::Bareword, "name")]);
        check("100a == 'x'", &[(Disagreement::Bareword, "100a")]);
        check("true", &[(Disagreement::Boolean, "true")]);
        check("$(A) != ''", &[(Disagreement::Empty, "''")]);
        check("'' == $(A)", &[(Disagreement::Empty, "''")]);
        check("$(A) > '18'", &[(Disagreement::QuotedNumber, "'18'")]);
        check("$(A) matches '\\d'", &[(Disagreement::Backslash, "'\\d'")]);
        check("1 == 1 && 2 == 2", &[(Disagreement::Doubled, "&&")]);
        check("$(A) =~ '/x/'", &[(Disagreement::Like, "=~")]);
        check("$substr($(A), 2, 3) == 'a'", &[(Disagreement::Substr, ", 3")]);
    }

    #[test]
    fn text_that_breaks_off_anywhere_is_read_to_its_end() {
        let text = "$substr($(A{'k'}|\"d\"), 1, 2) == '''x''' && ä >= '\\d' | [1..5]";
        for (end, _) in text.char_indices() {
            disagreements(&text.as_bytes()[..end]);
        }
    }
}
