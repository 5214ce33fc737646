//! What diagnostics are called, and what they advise: for people who write pages, and in no edge.

use super::diagnostic::{Diagnostic, Disagreement, Mistake};
use crate::suggest::nearest;

const ELEMENTS: [&str; 20] = [
    "include",
    "eval",
    "inline",
    "choose",
    "when",
    "otherwise",
    "try",
    "attempt",
    "except",
    "vars",
    "assign",
    "foreach",
    "break",
    "function",
    "return",
    "text",
    "remove",
    "comment",
    "debug",
    "param",
];

const FUNCTIONS: [&str; 41] = [
    "lower",
    "upper",
    "lstrip",
    "rstrip",
    "strip",
    "substr",
    "replace",
    "index",
    "rindex",
    "str",
    "int",
    "dollar",
    "dquote",
    "squote",
    "raw",
    "html_encode",
    "html_decode",
    "url_encode",
    "url_decode",
    "base64_encode",
    "base64_decode",
    "convert_to_unicode",
    "convert_from_unicode",
    "digest_md5",
    "digest_md5_hex",
    "bin_int",
    "exists",
    "is_empty",
    "len",
    "join",
    "string_split",
    "list_delitem",
    "time",
    "http_time",
    "strftime",
    "rand",
    "last_rand",
    "add_header",
    "add_cachebusting_header",
    "set_response_code",
    "set_redirect",
];

impl Diagnostic {
    /// What to do, with the name that was probably meant.
    pub fn help(&self, document: &[u8]) -> String {
        let rest = document.get(self.at..).unwrap_or_default();
        let known: &[&str] = match self.mistake {
            Mistake::UnknownElement => &ELEMENTS,
            Mistake::UnknownFunction => &FUNCTIONS,
            _ => return self.mistake.help().to_owned(),
        };
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let opens = if self.mistake == Mistake::UnknownElement { b':' } else { b'$' };
        let from = memchr::memchr(opens, rest).map_or(rest.len(), |at| at + 1);
        let name: Vec<u8> = rest.iter().skip(from).copied().take_while(is_name).collect();
        match nearest(&String::from_utf8_lossy(&name), known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => self.mistake.help().to_owned(),
        }
    }
}

impl Mistake {
    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Mistake::UnknownElement => "HS6001",
            Mistake::Unclosed => "HS6002",
            Mistake::StrayEndTag => "HS6003",
            Mistake::UnfinishedTag => "HS6004",
            Mistake::TooDeep => "HS6005",
            Mistake::MissingAttribute => "HS6006",
            Mistake::BadExpression => "HS6007",
            Mistake::UnknownFunction => "HS6008",
            Mistake::BadPattern => "HS6009",
            Mistake::Unreachable => "HS6010",
            Mistake::Misplaced => "HS6011",
            Mistake::DialectDependent(_) => "HS6012",
            Mistake::Unsafe => "HS6013",
            Mistake::Structure => "HS6014",
        }
    }

    /// Whether the document does what it says, but perhaps not what is meant, or not everywhere.
    pub fn is_warning(self) -> bool {
        matches!(self, Mistake::Unreachable | Mistake::DialectDependent(_) | Mistake::Unsafe)
    }

    fn help(self) -> &'static str {
        match self {
            Mistake::UnknownElement => {
                "elements are include, eval, inline, choose, when, otherwise, try, attempt, except, vars, assign, foreach, \
                 break, function, return, text, remove, comment and debug"
            }
            Mistake::Unclosed => "write its end tag; a longer element is better a fragment of its own",
            Mistake::StrayEndTag => {
                "take it away, or let elements end in the reverse of the order in which they begin"
            }
            Mistake::UnfinishedTag => "end the tag with `>`, and see whether a quote stays open in it",
            Mistake::TooDeep => "include what is inside as a fragment with `dca=\"esi\"`",
            Mistake::MissingAttribute => {
                "`include` and `eval` need `src`, `when` needs `test`, `foreach` needs `collection`, `return` needs \
                 `value`, `assign`, `function`, `inline` and `param` need `name`"
            }
            Mistake::BadExpression => {
                "write texts as 'text', variables as $(NAME{key}), calls as $name(…); see that quotes and brackets close"
            }
            Mistake::UnknownFunction => {
                "see whether its name is misspelled, or define it by `<esi:function name=\"…\">`"
            }
            Mistake::BadPattern => {
                "see that brackets close, and write a backslash before a character that is itself; there are no \
                 back-references and no look-around"
            }
            Mistake::Unreachable => "let `<esi:otherwise>` be the last branch, and the only one of its kind",
            Mistake::Misplaced => {
                "`when` and `otherwise` stand directly in `<esi:choose>`, `attempt` and `except` in `<esi:try>`"
            }
            Mistake::DialectDependent(disagreement) => disagreement.help(),
            Mistake::Unsafe => {
                "write the host into the page, and take the value for the path or the query; or name each host in a \
                 branch of `<esi:choose>`"
            }
            Mistake::Structure => {
                "`choose` has a `when` and at most one `otherwise`, `try` has one `attempt` and one `except`"
            }
        }
    }
}

impl Disagreement {
    fn help(self) -> &'static str {
        match self {
            Disagreement::Bareword => "write quotes around it: 'text'",
            Disagreement::Boolean => "write a comparison instead, such as 1 == 1, or a text: 'true'",
            Disagreement::LoneValue => {
                "write a comparison, such as $(NAME|'none') != 'none' or $exists($(NAME))"
            }
            Disagreement::Empty => {
                "give the variable a default and compare with that: $(NAME|'none') == 'none'"
            }
            Disagreement::QuotedNumber => "write the number without quotes",
            Disagreement::Backslash => "write '''text''', in which a backslash is always itself",
            Disagreement::Doubled => "write one: `&` or `|`",
            Disagreement::Like => "write `matches` or `matches_i`, and the pattern without slashes",
            Disagreement::Substr => "cut twice: $substr($substr($(NAME), FROM), 0, LENGTH)",
            Disagreement::Unquoted => "write double quotes around it",
            Disagreement::Duplicate => "leave one; here the first counts",
            Disagreement::Open => "write `/>`",
            Disagreement::Stray => {
                "move it into a branch, or in front of the element or behind it; here it goes"
            }
            Disagreement::NestedComment => "leave the inner `<!--esi` and its `-->` out",
            Disagreement::InComment => {
                "take the comment's marks away where it should run, and write `<esi:remove>` around it where it should not"
            }
            Disagreement::OutsideVars => {
                "write `<esi:vars>` around it; where it is none, write a space before the bracket"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::Function;
    use crate::{Dialect, Kind, check};

    #[test]
    fn every_name_that_is_suggested_is_known() {
        assert!(ELEMENTS.iter().all(|name| Kind::of(name.as_bytes()) != Kind::Unknown));
        assert!(FUNCTIONS.iter().all(|name| Function::named(name).is_some()));
    }

    #[test]
    fn help_says_what_was_probably_meant() {
        for (document, expect) in [
            ("<esi:inclde src=\"/a\"/>", "did you mean `include`?"),
            ("</esi:choos>", "did you mean `choose`?"),
            ("<esi:vars>$subst('a', 1)</esi:vars>", "did you mean `substr`?"),
            ("<esi:vars>$zzz()</esi:vars>", Mistake::UnknownFunction.help()),
            ("<esi:xyz/>", Mistake::UnknownElement.help()),
        ] {
            let found = check(document.as_bytes(), &Dialect::default());
            let help: Vec<String> = found.iter().map(|it| it.help(document.as_bytes())).collect();
            assert_eq!(help, [expect], "{document}");
        }
    }
}
