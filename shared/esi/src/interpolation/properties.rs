//! What no value can do to a block, as lol_html reads it.

use std::cell::RefCell;

use lol_html::html_content::TextType;
use lol_html::{RewriteStrSettings, doc_comments, doc_text, element, rewrite_str};
use proptest::prelude::*;

use super::context::Tokenizer;
use super::tag::Attention;
use super::{Escape, MarkupReader, Part, escape_into, parse, parse_value};

fn rendered(parts: &[Part], value: &str) -> String {
    let mut html = String::new();
    for part in parts {
        match part {
            Part::Literal(text) => html.push_str(text),
            Part::Fact { escape, .. } => escape_into(value, *escape, &mut html),
        }
    }
    html
}

/// What lol_html finds; `None` where it cannot tell.
#[derive(Clone, Debug, Default, PartialEq)]
struct Structure {
    names: Vec<String>,
    values: Vec<String>,
    text: String,
    /// Text that is no text to a reader: raw text and comments.
    hidden: String,
}

fn structure(html: &str) -> Option<Structure> {
    let found = RefCell::new(Structure::default());
    let elements = element!("*", |element| {
        let mut found = found.borrow_mut();
        found.names.push(element.tag_name());
        for attribute in element.attributes() {
            found.names.push(format!("@{}", attribute.name()));
            found.values.push(attribute.value());
        }
        Ok(())
    });
    let texts = doc_text!(|chunk| {
        let mut found = found.borrow_mut();
        match chunk.text_type() {
            TextType::Data | TextType::RCData => found.text.push_str(chunk.as_str()),
            _ => found.hidden.push_str(chunk.as_str()),
        }
        Ok(())
    });
    let comments = doc_comments!(|comment| {
        found.borrow_mut().hidden.push_str(&comment.text());
        Ok(())
    });
    let settings = RewriteStrSettings::new()
        .append_element_content_handler(elements)
        .append_document_content_handler(texts)
        .append_document_content_handler(comments)
        .with_strict(true);
    let done = rewrite_str(html, settings).is_ok();
    done.then(|| found.into_inner())
}

fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    for (reference, character) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#96;", "`"),
        ("&#13;", "\r"),
        ("&amp;", "&"),
    ] {
        text = text.replace(reference, character);
    }
    text
}

const HARMLESS: &str = "Qzq";

const CONTEXTS: [&str; 14] = [
    "<p>{{f}}</p>",
    "a {{f}}b",
    "<title>{{f}}</title>",
    "<textarea>x{{f}}</textarea>",
    "<b title=\"{{f}}\">x</b>",
    "<i class='a {{f}}'>{{f}}</i>",
    "<br alt='{{f}}{{f}}'/>",
    "<svg><title>{{f}}</title><g id=\"{{f}}\"></g></svg>",
    "<!-- c --><script>'<b>'</script>",
    "<noscript><img></noscript>{{f}}",
    "<a href=\"/x?{{f}}={{f}}\">{{f}}</a>",
    "<a href='https://w.test/a{{f}}/y#{{f}}'></a>",
    "<table><td title='{{f}}'>{{f}}</td></table>",
    "<pre>x{{f}}</pre>",
];

const NASTY: [&str; 40] = [
    "<",
    ">",
    "\"",
    "'",
    "`",
    "&",
    ";",
    "/",
    "\\",
    "=",
    " ",
    "\n",
    "\t",
    "\r",
    "\0",
    "-",
    "--",
    "-->",
    "<!--",
    "!",
    "#",
    "?",
    "%",
    "%2e",
    ".",
    "..",
    "{{",
    "}}",
    ":",
    "javascript:",
    "</title>",
    "</textarea>",
    "<script>",
    "]]>",
    "<![CDATA[",
    "&lt;",
    "&#60",
    "onload",
    "é",
    "\u{ffff}",
];

const MARKUP: [&str; 62] = [
    "{{f}}",
    "{{f}}",
    "{{f}}",
    "{{f}}",
    "<",
    ">",
    "</",
    "/>",
    "\"",
    "'",
    "=",
    " ",
    "/",
    "&",
    "a",
    "x",
    "<a ",
    "<b>",
    "</b>",
    " title=",
    " title=\"",
    " href='/",
    " href=\"",
    "?",
    "//",
    "%",
    "<!--",
    "-->",
    "--",
    "--!>",
    "!",
    "<!",
    "<?",
    "<![CDATA[",
    "]]>",
    "<script>",
    "</script>",
    "<style>",
    "</style>",
    "<title>",
    "</title>",
    "<textarea ",
    "</textarea>",
    "<xmp>",
    "</xmp>",
    "<noscript>",
    "</noscript>",
    "<svg>",
    "</svg>",
    "<math>",
    "<select>",
    "</select>",
    "<template>",
    "<iframe>",
    "</iframe>",
    "<plaintext>",
    "<foreignObject>",
    "<desc>",
    "<mi>",
    "</math>",
    "<SCRIPT",
    "<table>",
];

fn pieces(of: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(of), 0..most).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_value_changes_more_than_the_text_in_its_place(
        html in pieces(&CONTEXTS, 6),
        value in pieces(&NASTY, 8),
    ) {
        let parts = parse(&html).expect("these contexts take facts");
        let expect = structure(&rendered(&parts, HARMLESS)).expect("these contexts are well-formed");
        let found = structure(&rendered(&parts, &value)).expect("a value leaves them so");
        prop_assert_eq!(found.names, expect.names);
        prop_assert_eq!(found.hidden, expect.hidden);
        let clean: String = value.chars().map(|character| match character {
            '\0' | '\u{ffff}' => '\u{fffd}',
            other => other,
        }).collect();
        prop_assert_eq!(decoded(&found.text), expect.text.replace(HARMLESS, &clean));
        let mut percent = String::new();
        escape_into(&value, Escape::Url, &mut percent);
        for (found, expect) in found.values.iter().zip(&expect.values) {
            let value = if expect.contains('/') { &percent } else { &clean };
            prop_assert_eq!(decoded(found), expect.replace(HARMLESS, value));
        }
    }

    #[test]
    fn what_takes_a_fact_is_text_or_a_value(html in pieces(&MARKUP, 14), value in pieces(&NASTY, 8)) {
        let Ok(parts) = parse(&html) else { return Ok(()) };
        let Some(harmless) = structure(&rendered(&parts, HARMLESS)) else { return Ok(()) };
        prop_assert!(!harmless.hidden.contains(HARMLESS), "{html}");
        prop_assert!(harmless.names.iter().all(|name| !name.contains(&HARMLESS.to_lowercase())), "{html}");
        let found = structure(&rendered(&parts, &value)).unwrap_or_default();
        prop_assert_eq!(found.names, harmless.names, "{}", html);
        prop_assert_eq!(found.hidden, harmless.hidden, "{}", html);
    }

    #[test]
    fn what_is_passed_over_changes_nothing(html in pieces(&MARKUP, 20)) {
        let mut each = Tokenizer::new(Attention::Facts);
        for (at, byte) in html.bytes().enumerate() {
            each.push(byte);
            let read = html.get(..=at).unwrap_or_default();
            let mut whole = Tokenizer::new(Attention::Facts);
            whole.read(read.as_bytes());
            prop_assert_eq!(format!("{whole:?}"), format!("{each:?}"), "{}", read);
            let mut page = MarkupReader::default();
            page.read(read.as_bytes());
            prop_assert_eq!(page.is_in_markup(), each.is_in_data(), "{}", read);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,60}", braces in pieces(&MARKUP, 20)) {
        let _ = parse(&text);
        let _ = parse(&format!("{braces}{{{{{text}"));
        let _ = parse_value(&text, Some(&braces), &text);
    }
}
