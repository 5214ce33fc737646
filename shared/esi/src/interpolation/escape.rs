//! How a visitor's value becomes HTML.

/// What a value is escaped for. The codes are stored in packs and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// Text between tags, or in a title or textarea.
    Text = 0,
    /// A quoted attribute value.
    Attribute = 1,
    /// A URL, behind its path or in a segment of the path that has letters of its own.
    Url = 2,
    /// A URL's path, where the value can be a whole segment.
    UrlSegment = 3,
}

impl Escape {
    /// The number that stands for it in a pack.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The inverse of [`code`](Self::code).
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Text, Self::Attribute, Self::Url, Self::UrlSegment].into_iter().find(|one| one.code() == code)
    }
}

/// Appends `value`, so that in the context of `escape` it is that text and nothing else.
///
/// Characters that the HTML Standard calls errors (controls but white space, noncharacters) become U+FFFD.
/// In URLs everything but the unreserved characters of RFC 3986 section 2.3 is percent-encoded as UTF-8, which leaves
/// nothing that HTML would have to escape. A segment that would be empty, `.` or `..` is `-`: browsers resolve dots
/// however they are encoded, and an empty first segment makes a host of the second.
pub fn escape_into(value: &str, escape: Escape, out: &mut String) {
    if escape == Escape::UrlSegment && matches!(value, "" | "." | "..") {
        out.push('-');
        return;
    }
    for character in value.chars().map(allowed) {
        match escape {
            Escape::Text | Escape::Attribute => push_reference(character, escape, out),
            Escape::Url | Escape::UrlSegment => push_percent(character, out),
        }
    }
}

fn allowed(character: char) -> char {
    let error = match character {
        '\t' | '\n' | '\u{c}' | '\r' => false,
        '\u{FDD0}'..='\u{FDEF}' => true,
        _ => character.is_control() || u32::from(character) & 0xFFFE == 0xFFFE,
    };
    if error { char::REPLACEMENT_CHARACTER } else { character }
}

fn push_reference(character: char, escape: Escape, out: &mut String) {
    match character {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '"' => out.push_str("&quot;"),
        '\'' => out.push_str("&#39;"),
        // As it is it would be read as a line feed. Line feeds and tabs are themselves in a quoted value.
        '\r' => out.push_str("&#13;"),
        // It quotes values in old browsers, and in some that only serialize and read again.
        '`' if escape == Escape::Attribute => out.push_str("&#96;"),
        _ => out.push(character),
    }
}

fn push_percent(character: char, out: &mut String) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    if character.is_ascii_alphanumeric() || matches!(character, '-' | '.' | '_' | '~') {
        out.push(character);
        return;
    }
    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
        out.push('%');
        out.extend([byte >> 4, byte & 15].into_iter().filter_map(|digit| DIGITS.get(usize::from(digit))));
    }
}

#[cfg(test)]
mod tests {
    use super::{Escape, escape_into};

    fn escaped(value: &str, escape: Escape) -> String {
        let mut out = String::new();
        escape_into(value, escape, &mut out);
        out
    }

    #[test]
    fn a_value_is_only_text_in_its_context() {
        use Escape::*;
        for (value, escape, expect) in [
            ("<b a='1' b=\"2\">&lt;`", Text, "&lt;b a=&#39;1&#39; b=&quot;2&quot;&gt;&amp;lt;`"),
            ("`x`\r\n\t\u{c}=/", Attribute, "&#96;x&#96;&#13;\n\t\u{c}=/"),
            (
                "\0\u{1}\u{7f}\u{85}\u{fdd0}\u{ffff}\u{10fffe}é\u{a0}",
                Text,
                "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}é\u{a0}",
            ),
            ("a-z.A_Z~09", Url, "a-z.A_Z~09"),
            ("/?#&=%+ '\"<é\0", Url, "%2F%3F%23%26%3D%25%2B%20%27%22%3C%C3%A9%EF%BF%BD"),
            ("javascript:x", Url, "javascript%3Ax"),
            ("", Url, ""),
            ("..", Url, ".."),
            ("", UrlSegment, "-"),
            (".", UrlSegment, "-"),
            ("..", UrlSegment, "-"),
            ("...", UrlSegment, "..."),
            ("%2e", UrlSegment, "%252e"),
            ("a/b", UrlSegment, "a%2Fb"),
        ] {
            assert_eq!(escaped(value, escape), expect, "{value:?} {escape:?}");
        }
    }

    #[test]
    fn codes_are_stable() {
        use Escape::*;
        for (escape, code) in [(Text, 0), (Attribute, 1), (Url, 2), (UrlSegment, 3)] {
            assert_eq!((escape.code(), Escape::from_code(code)), (code, Some(escape)));
        }
        assert_eq!(Escape::from_code(4), None);
    }
}
