use proptest::prelude::*;

use super::RefusalKind::*;
use super::{Case, MAX_COMPILED_BYTES, Matcher, Refusal, RefusalKind, compile};

/// Whether a pattern matches all of the first texts and none of the others.
fn check(case: Case, pattern: &str, matching: &[&str], others: &[&str]) {
    let compiled = compile(pattern, case).unwrap_or_else(|refusal| panic!("{pattern}: {refusal:?}"));
    let matcher = Matcher::open(&compiled).unwrap_or_else(|| panic!("{pattern} does not open"));
    for text in matching {
        assert!(matcher.is_match(text), "{pattern} matches {text:?}");
    }
    for text in others {
        assert!(!matcher.is_match(text), "{pattern} does not match {text:?}");
    }
}

type Row<'t> = (&'t str, &'t [&'t str], &'t [&'t str]);

fn check_all(rows: &[Row]) {
    for (pattern, matching, others) in rows {
        check(Case::Sensitive, pattern, matching, others);
    }
}

#[test]
fn a_pattern_matches_anywhere_unless_it_is_anchored() {
    check_all(&[
        ("", &["", "a", "é"], &[]),
        ("foo", &["foo", "a foo b"], &["fo", "FOO", ""]),
        ("^foo", &["foo", "foobar"], &["a foo", "\nfoo"]),
        ("foo$", &["foo", "a foo"], &["foo b", "foo\n"]),
        ("^$", &[""], &["a", "\n"]),
        ("a^b|c$d", &[], &["ab", "a\nb", "cd"]),
        ("a|", &["", "b"], &[]),
        ("^(?:a|bc|)$", &["a", "bc", ""], &["b", "abc"]),
        ("^a|b$", &["ax", "xb"], &["xax", "bx"]),
        ("(Mobile|Tablet)", &["x Mobile y", "Tablet"], &["mobile"]),
        ("^/blog/.*-sale$", &["/blog/-sale", "/blog/a/b-sale"], &["/blog/a-sales", "x/blog/a-sale"]),
        ("-12-25$", &["2026-12-25"], &["2026-12-25T00"]),
    ]);
}

#[test]
fn repetitions_count() {
    check_all(&[
        ("^ab*c?$", &["a", "abbb", "abc"], &["abcc", "b"]),
        ("^a+?b??$", &["a", "aab"], &["", "abb"]),
        ("^a{2}$", &["aa"], &["a", "aaa"]),
        ("^a{2,}$", &["aa", "aaaa"], &["a"]),
        ("^(?:ab){1,2}?$", &["ab", "abab"], &["", "ababab"]),
        ("^a{0}b$", &["b"], &["ab"]),
        ("^(a*)*$", &["", "aaa"], &["b"]),
        ("^(?:a|)+b$", &["b", "aab"], &["c"]),
        ("^(?:\\b|a)*b$", &["b", "aab"], &["-"]),
        ("^a{,2}$", &["a{,2}"], &["aa"]),
        ("^a{2$", &["a{2"], &["aa"]),
        ("^{a}$", &["{a}"], &["a"]),
        ("^a{1x}{$", &["a{1x}{"], &[]),
        ("x{0,1}]}", &["]}", "x]}"], &["]"]),
        ("^(?:){1000}$", &[""], &["a"]),
    ]);
}

#[test]
fn classes_are_those_of_javascript() {
    check_all(&[
        ("^[a-cx]$", &["a", "b", "x"], &["d", "-"]),
        ("^[^a-c]$", &["d", "é", "\n"], &["a", ""]),
        ("[]", &[], &["", "a"]),
        ("^[^]$", &["\n", "a", "é"], &["", "ab"]),
        ("^[a-]$", &["a", "-"], &["b"]),
        ("^[-a]$", &["a", "-"], &["b"]),
        ("^[a-b-d]$", &["a", "b", "-", "d"], &["c"]),
        ("^[\\w-.]$", &["a", "-", "."], &["/"]),
        ("^[+-\\d]$", &["+", "-", "5"], &[","]),
        ("^[\\d\\s]$", &["1", " "], &["a"]),
        ("^[\\D\\d]$", &["1", "\u{10000}"], &[""]),
        ("^[[(*^$.]$", &["[", "(", "*", "^", "$", "."], &["a"]),
        ("^[\\]\\\\]$", &["]", "\\"], &["a"]),
        ("^[\\b]$", &["\u{8}"], &["b"]),
        ("^[\\c_\\c1\\cA]$", &["\u{1F}", "\u{11}", "\u{1}"], &["c", "\\"]),
        ("^[\\c!]$", &["\\", "c", "!"], &["\u{1}"]),
        ("^[\\1\\8\\B]$", &["\u{1}", "8", "B"], &["1"]),
        ("^\\d+$", &["059"], &["٣", "a"]),
        ("^\\w+$", &["aZ_9"], &["é", "-"]),
        ("^\\W$", &["é", "-", "\u{10000}"], &["_"]),
        ("^\\s{8}$", &["\t\u{B} \u{A0}\u{1680}\u{2028}\u{3000}\u{FEFF}"], &["\u{180E}\u{85}\u{200B}     "]),
        ("^\\S$", &["\u{85}", "\u{180E}", "a"], &["\u{FEFF}", "\n"]),
        ("^.$", &["a", "\u{85}", "é"], &["\n", "\r", "\u{2028}", "\u{2029}", ""]),
    ]);
}

#[test]
fn escapes_are_as_lenient_as_browsers() {
    check_all(&[
        ("^\\t\\n\\r\\v\\f\\0$", &["\t\n\r\u{B}\u{C}\0"], &[]),
        ("^\\cJ\\cj$", &["\n\n"], &[]),
        ("^\\c1$", &["\\c1"], &["\u{11}"]),
        ("^\\x41\\x4$", &["Ax4"], &[]),
        ("^\\u0041\\u{2}\\u00g$", &["Auuu00g"], &[]),
        ("^\\ud83d\\ude00$", &["😀"], &[]),
        ("^\\é\\-\\/\\p\\k\\😀$", &["é-/pk😀"], &[]),
        ("^\\1\\12\\377\\400\\8\\9\\08$", &["\u{1}\n\u{FF} 089\u{0}8"], &[]),
        ("^[(]\\1$", &["(\u{1}"], &[]),
        ("^(a)\\2$", &["a\u{2}"], &[]),
        ("^(?<year>\\d+)$", &["2026"], &[]),
    ]);
}

#[test]
fn word_boundaries_are_of_ascii_and_between_characters() {
    check_all(&[
        ("\\bsale\\b", &["sale", "a sale.", "ésaleé"], &["sales", "_sale"]),
        ("\\Bb", &["ab"], &["b", "éb"]),
        ("\\B", &["", "é", "ab", "-"], &["a", "aéb"]),
        ("^\\B", &["é", ""], &["a"]),
        ("a\\Bé|é\\B.", &["éé"], &["aé", "éa"]),
    ]);
}

#[test]
fn case_is_ignored_as_without_the_unicode_flag() {
    let rows: &[Row] = &[
        ("^mobile$", &["Mobile", "MOBILE"], &["móbile"]),
        ("^[a-c]$", &["A", "b"], &["D"]),
        ("^[^a-c]$", &["d", "É"], &["A", "b"]),
        ("^é$", &["É"], &["e"]),
        ("^[à-ÿ]+$", &["ÀŸ"], &["ß"]),
        ("^s$", &["S"], &["ſ"]),
        ("^k$", &["K"], &["\u{212A}"]),
        ("^i$", &["I"], &["ı", "İ"]),
        ("^ß$", &["ß"], &["ẞ", "ss", "SS"]),
        ("^σ$", &["Σ", "ς"], &[]),
        ("^[^σ]$", &["s"], &["Σ", "ς", "σ"]),
        ("^µ$", &["μ", "Μ"], &[]),
        ("^ǅ$", &["ǆ", "Ǆ"], &[]),
        ("^𐐨$", &["𐐨"], &["𐐀"]),
        ("^\\x41\\w$", &["az"], &["aſ", "a\u{212A}"]),
        ("\\bA\\B", &["ab"], &["aſ"]),
    ];
    for (pattern, matching, others) in rows {
        check(Case::Insensitive, pattern, matching, others);
    }
}

#[test]
fn characters_beyond_the_first_plane_are_whole() {
    check_all(&[
        ("^.$", &["😀"], &["😀😀"]),
        ("^..$", &["😀😀"], &["😀"]),
        ("^😀+$", &["😀😀"], &[""]),
        ("^[😀-😂]$", &["😁"], &["😃"]),
        ("^[^a]$", &["😀"], &[]),
        ("^[\\u0080-\\uFFFF]$", &["é", "😀"], &["a"]),
        ("^[\\uD800-\\uDFFF]$", &["😀"], &["é"]),
        ("^[^\\uD800-\\uDFFF]$", &["é"], &["😀"]),
        ("[^\\u0000-\\uFFFF]", &[], &["\u{D7FF}\u{E000}é😀"]),
        ("[^\\0-\\uD7FF\\uE000-\\uFFFF]", &["😀"], &["\u{D7FF}\u{E000}é"]),
        ("[^\\0-\\uD7FF]", &["😀", "\u{E000}"], &["\u{D7FF}"]),
        ("^[a-\\ud83d\\ude00]$", &["b", "😀"], &["😁"]),
    ]);
}

#[test]
fn a_refusal_says_where_and_why() {
    let deep = |levels: usize| format!("{}{}", "(".repeat(levels), ")".repeat(levels));
    check(Case::Sensitive, &deep(64), &[""], &[]);
    check(Case::Sensitive, &"abcdefghij".repeat(100), &[], &["a"]);
    let rows: &[(&str, usize, RefusalKind)] = &[
        ("ab\\", 2, TrailingBackslash),
        ("a[b", 1, UnclosedClass),
        ("[a-", 0, UnclosedClass),
        ("a(b(c)", 1, UnclosedGroup),
        ("(?:", 0, UnclosedGroup),
        ("a)b", 1, UnopenedGroup),
        ("*a", 0, NothingToRepeat),
        ("a**", 2, NothingToRepeat),
        ("é|?", 3, NothingToRepeat),
        ("(+)", 1, NothingToRepeat),
        ("{1}", 0, NothingToRepeat),
        ("a{1}{2}", 4, NothingToRepeat),
        ("^*", 1, NothingToRepeat),
        ("\\b{1,}", 2, NothingToRepeat),
        ("a{3,2}", 1, RepetitionOrder),
        ("a{99999999999,2}", 1, RepetitionOrder),
        ("[az-a]", 2, RangeOrder),
        ("(?#x)", 0, UnknownGroup),
        ("(?", 0, UnknownGroup),
        ("(?P<a>b)", 0, UnknownGroup),
        ("(?<1>b)", 3, GroupName),
        ("(?<>b)", 3, GroupName),
        ("(?<a", 3, GroupName),
        ("(?<a>b)\\k", 7, GroupName),
        ("(?<a>b)[\\k]", 8, GroupName),
        ("(?<a>b)(?<a>c)", 10, DuplicateName),
        ("a(?=b)", 1, LookAround),
        ("(?!b)*", 0, LookAround),
        ("é(?<=b)", 2, LookAround),
        ("(?<!b)", 0, LookAround),
        ("(a)\\1", 3, BackReference),
        ("\\1(a)", 0, BackReference),
        ("(?<a>b)\\k<a>", 7, BackReference),
        ("(?i)a", 0, Modifiers),
        ("(?i-s:a)", 0, Modifiers),
        ("a\\ud83d", 1, LoneSurrogate),
        ("[a\\ude00]", 2, LoneSurrogate),
        ("[\\ud83d-\\uffff]", 1, LoneSurrogate),
        ("[\\w-\\ud83d]", 4, LoneSurrogate),
        ("a{1001}", 1, CountTooLarge),
        ("a{2,99999999999}", 1, CountTooLarge),
        ("(?:a{1000}){1000}", 0, TooLarge),
        ("(a|b)*a(a|b){20}", 0, TooLarge),
        (".{1000}", 0, TooLarge),
        (&deep(65), 64, TooDeep),
        (&deep(500), 64, TooDeep),
        (&"a".repeat(1_001), 0, TooLong),
    ];
    for (pattern, at, kind) in rows {
        let expect = Err(Refusal { at: *at, kind: *kind });
        assert_eq!(compile(pattern, Case::Sensitive), expect, "{pattern}");
        assert!(!kind.message().is_empty() && !kind.help().is_empty());
    }
}

#[test]
fn the_same_pattern_gives_the_same_bytes() {
    let bytes = |_| compile("^(a|[^b-z]){3,9}é", Case::Insensitive);
    assert!(bytes(0).is_ok());
    assert_eq!(bytes(0), bytes(1));
}

#[test]
fn what_matches_the_same_is_compiled_to_as_much() {
    let words: Vec<_> = (100..250).map(|number| format!("A{number}")).collect();
    for (pattern, other, bytes) in [
        ("", "(?:a*|b)$|", 2),
        ("[]", "[^\\s\\S]a", 2),
        ("a|b|ab", "[ba]c*", 50),
        ("^(?:a|b)*a(?:a|b){3}", "^[ab]*a[ab][ab][^\\u0000-`c-\\uffff]{1}", 246),
        ("(a|b)*a(a|b){10}", "a[ab]{10}", 246),
        ("\\S*foo.*", "foo", 94),
        (&words.join("|"), "A1\\d\\d|A2[0-4]\\d", 242),
    ] {
        let size = |pattern| compile(pattern, Case::Sensitive).map(|compiled| compiled.len());
        assert_eq!(size(pattern), size(other), "{pattern} and {other}");
        assert!(size(pattern).is_ok_and(|size| size <= bytes), "{pattern}: {:?}", size(pattern));
    }
}

#[test]
fn damaged_bytes_open_to_something_harmless_or_not_at_all() {
    let texts = ["", "a", "é 2026-12-25", "/blog/x-sale", "\u{10FFFF}\n\\"];
    for pattern in ["", "\\B", "(Mobile|Tablet)", "^/blog/.*-sale$", "\\bé[^a]{2,5}"] {
        let sound = compile(pattern, Case::Insensitive).unwrap_or_default();
        let run = |bytes: &[u8]| {
            if let Some(matcher) = Matcher::open(bytes) {
                let _: Vec<bool> = texts.iter().map(|text| matcher.is_match(text)).collect();
            }
        };
        for at in 0..sound.len() {
            run(&sound[..at]);
            for value in [0, 1, 0x7F, 0x80, 0xFF, sound[at] ^ 1, sound[at] ^ 0x10, sound[at].wrapping_add(1)]
            {
                let mut damaged = sound.clone();
                damaged[at] = value;
                run(&damaged);
            }
        }
        assert!(Matcher::open(&[&sound[..], b"x"].concat()).is_none());
    }
}

proptest! {
    #[test]
    fn any_pattern_is_compiled_or_refused(pattern in "[-ab1,0(){}\\[\\]|*+?^$.\\\\:<=!ducxwé😀\n]{0,40}", text in ".{0,20}") {
        for case in [Case::Sensitive, Case::Insensitive] {
            match compile(&pattern, case) {
                Ok(compiled) => {
                    prop_assert!(compiled.len() <= MAX_COMPILED_BYTES);
                    let matcher = Matcher::open(&compiled);
                    prop_assert!(matcher.is_some());
                    matcher.map(|matcher| matcher.is_match(&text));
                }
                Err(refusal) => prop_assert!(pattern.is_char_boundary(refusal.at)),
            }
        }
    }

    #[test]
    fn any_bytes_are_opened_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,20}") {
        Matcher::open(&bytes).map(|matcher| matcher.is_match(&text));
    }

    #[test]
    fn many_damages_at_once_are_harmless(
        damages in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..12),
        text in "[a-eé😀\n -]{0,40}",
    ) {
        let mut bytes = compile("\\B(a|[^b]{1,3}c)+$", Case::Sensitive).unwrap_or_default();
        for (at, value) in damages {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        Matcher::open(&bytes).map(|matcher| matcher.is_match(&text));
    }
}
