//! What a document means to each family of processors: a preset, a document, and what it shows.

use std::sync::Arc;

use super::tests::run;
use super::{Budgets, Dialect, Facts, Fragment, FragmentEsi, Machine, Root, Step, compile};

fn check(cases: &[(&str, &str, &str)]) {
    for (preset, document, expect) in cases {
        let dialect = Dialect::preset(preset).expect("a preset of this name");
        assert_eq!(run(document, &dialect), *expect, "{preset}: {document}");
    }
}

/// A test, as `yes` or `no`.
fn check_tests(cases: &[(&str, &str, &str)]) {
    for (preset, test, expect) in cases {
        let document = format!(
            "<esi:choose><esi:when test=\"{test}\">yes</esi:when><esi:otherwise>no</esi:otherwise></esi:choose>"
        );
        check(&[(preset, &document, expect)]);
    }
}

#[test]
fn urls_are_written_with_references_by_name_and_by_number() {
    check(&[
        ("w3c", "<esi:include src=\"/a?b=1&amp;c=2&#38;d=3&#x26;e=4&f=5\"/>", "[a?b=1&c=2&d=3&e=4&f=5]"),
        ("nodesi", "<esi:include src='/a?b&#x00026;c'/>", "[a?b&c]"),
    ]);
}

#[test]
fn a_word_may_begin_with_digits() {
    check_tests(&[
        ("ats", "$(HTTP_COOKIE{n}) > 100a", "yes"),
        ("w3c", "$(HTTP_COOKIE{n}) > 100", "no"),
        ("akamai", "'7up' == 7up", "yes"),
    ]);
}

#[test]
fn cookies_are_not_to_be_had_as_a_header() {
    check(&[("ats", "<esi:vars>[$(HTTP_HEADER{Cookie})$(HTTP_HEADER{Host})]</esi:vars>", "[acme.test]")]);
}

#[test]
fn a_fragment_of_akamais_begins_with_the_variables_of_the_page_and_keeps_its_own() {
    let page = "<esi:assign name=\"outer\" value=\"1\"/><esi:include src=\"/esi-vars\" dca=\"esi\"/><esi:vars>.$(v)</esi:vars>";
    check(&[("akamai", page, "71."), ("hemstitch", page, "7.")]);
}

#[test]
fn a_fragment_may_say_that_its_esi_is_none() {
    let dialect = Dialect { edge_control: true, fragments: FragmentEsi::Always, ..Dialect::default() };
    assert_eq!(run("<esi:include src=\"/esi-noop\"/>", &dialect), "<esi:vars>1</esi:vars>");
}

#[test]
fn a_backslash_in_a_string_of_akamais_goes_and_stays_in_patterns_of_others() {
    let assigned =
        |value: &str| format!("<esi:assign name=\"v\" value=\"{value}\"/><esi:vars>$(v)</esi:vars>");
    check(&[
        ("akamai", &assigned("'\\a\\\\b\\'c'"), "a\\b'c"),
        ("akamai", &assigned("'''\\a\\\\b'''"), "\\a\\\\b"),
        ("hemstitch", &assigned("'\\a\\\\b\\'c'"), "\\a\\b'c"),
    ]);
    check_tests(&[("ledge", "'a1' =~ '/^a\\d$/'", "yes")]);
}

#[test]
fn an_unquoted_argument_of_akamais_is_the_variable_of_that_name() {
    let page = "<esi:assign name=\"v\" value=\"up\"/><esi:vars>[$upper(v)$upper(w)$upper('x')]</esi:vars>";
    check(&[("akamai", page, "[UPX]"), ("hemstitch", page, "[VWX]")]);
}

#[test]
fn a_variable_that_is_none_is_text_or_nothing_or_a_mistake() {
    let page = |inside: &str| format!("a<esi:vars>b{inside}</esi:vars>c");
    check(&[
        ("hemstitch", &page("$($(v){x})$(y"), "ab$({x})$(yc"),
        ("ats", &page("$(y"), "ac"),
        ("ats", &page("$(QUERY_STRING{a}"), "ac"),
        ("ats", &page("$y $(QUERY_STRING{a})"), "ab$y 1c"),
        ("akamai", &page("$($(v){x})"), "failed"),
        ("akamai", &page("$('#x')"), "ab$('#x')c"),
    ]);
}

#[test]
fn text_before_a_branch_is_printed_by_two_families_and_between_attempts_by_none() {
    let choose = "<esi:choose>x<esi:when test=\"1==1\">y</esi:when>z</esi:choose>";
    let attempt = "<esi:try>x<esi:attempt>y</esi:attempt>z<esi:except>e</esi:except></esi:try>";
    check(&[
        ("esigate", choose, "xy"),
        ("fastly", choose, "xy"),
        ("w3c", choose, "y"),
        ("esigate", attempt, "y"),
        ("fastly", attempt, "y"),
    ]);
}

#[test]
fn functions_of_fragments_change_the_answer_where_akamai_has_them_so() {
    let include = |attributes: &str| format!("<esi:include src=\"/f\" {attributes}/>");
    for (preset, document, expect) in [
        ("hemstitch", include("dca=\"esi\""), false),
        ("w3c", include(""), false),
        ("akamai", include("dca=\"esi\""), true),
        ("akamai", include(""), false),
        ("akamai", include("dca=\"none\""), false),
        ("hemstitch", "<esi:eval src=\"/f\"/>".to_owned(), true),
    ] {
        let dialect = Dialect::preset(preset).expect("a preset");
        let program = compile(document.as_bytes(), &dialect).program;
        assert_eq!(program.traits().answers, expect, "{preset}: {document}");
        let root = Root { program: &program, document: document.as_bytes(), whole: true };
        let mut machine = Machine::new(Arc::new(dialect), Facts::default(), "http://a.test/");
        while let Step::Fetch(call) = machine.advance(root, &mut Vec::new()) {
            let headers = vec![("Surrogate-Control".to_owned(), "content=\"ESI/1.0\"".to_owned())];
            let body = "<esi:vars>$set_response_code(404)</esi:vars>".into();
            machine.fragment(call.id, Ok(Fragment { status: 200, headers, body }));
        }
        assert_eq!(machine.answer().status(), expect.then_some(404), "{preset}: {document}");
    }
}

#[test]
fn a_strict_document_has_its_branches_where_they_belong() {
    let when = "<esi:when test=\"1==1\">a</esi:when>";
    let choose = |inside: &str| format!("<esi:choose>{inside}</esi:choose>");
    check(&[
        ("jsesi", &choose(when), "a"),
        ("jsesi", &choose(&format!("{when}<esi:otherwise>b</esi:otherwise>")), "a"),
        ("jsesi", &choose("<esi:otherwise>b</esi:otherwise>"), "failed"),
        ("jsesi", &choose(&format!("{when}<esi:otherwise/><esi:otherwise></esi:otherwise>")), "failed"),
        ("jsesi", when, "failed"),
        ("jsesi", "<esi:except></esi:except>", "failed"),
        ("w3c", &choose("<esi:otherwise>b</esi:otherwise>"), "b"),
        ("w3c", "<esi:except>x</esi:except>", "<esi:except>x</esi:except>"),
    ]);
    check_tests(&[("jsesi", "'' == ''", "yes"), ("w3c", "'' == ''", "no")]);
}

#[test]
fn keys_of_headers_are_loose_where_ledge_has_them_so() {
    let vars = |inside: &str| format!("<esi:vars>{inside}</esi:vars>");
    check(&[
        ("ledge", &vars("$(HTTP_ACCEPT_LANGUAGE{gb})$(HTTP_ACCEPT_LANGUAGE{fr})"), "truefalse"),
        ("w3c", &vars("$(HTTP_ACCEPT_LANGUAGE{gb})$(HTTP_ACCEPT_LANGUAGE{en-gb})"), "true"),
        ("jsesi", &vars("$(HTTP_ACCEPT_LANGUAGE{de})$(HTTP_ACCEPT_LANGUAGE{fr})"), "truefalse"),
        ("ledge", &vars("$(HTTP_HOST{2})"), "acme.test"),
        ("w3c", &vars("$(HTTP_HOST{2})"), ""),
    ]);
}

#[test]
fn a_quote_behind_a_backslash_ends_no_attribute_of_ledges() {
    let page = "<esi:choose><esi:when test=\"'a\\\"b' == 'a\\\"b'\">yes</esi:when><esi:otherwise>no</esi:otherwise></esi:choose>";
    check(&[("ledge", page, "yes"), ("w3c", page, "no")]);
}

#[test]
fn local_esi_cuts_by_length_and_prints_compounds_as_they_are_written() {
    let page = "<esi:vars>$substr('abcdef', 2, 3) $substr('abcdef', 2, -1) $str([1, 'a', {'k': [2]}])$(none)</esi:vars>";
    check(&[
        ("local-esi", page, "cde cde [1, 'a', {'k': [2]}]"),
        ("akamai", page, "c cde 1,a,k=2"),
        ("local-esi", "<esi:vars>$str([])$str({})$(QUERY_STRING)</esi:vars>", "[]{}a=1&b=two&x=<i>"),
    ]);
}

#[test]
fn an_inline_without_an_end_is_printed_where_inlines_are() {
    check(&[("gomesi", "a<esi:inline>b", "ab"), ("w3c", "a<esi:inline>b", "a<esi:inline>b")]);
}

#[test]
fn the_reference_names_every_setting_and_every_preset() {
    let reference = include_str!("../../../docs/formats/esi.md");
    for name in Dialect::SETTINGS.iter().chain(Budgets::SETTINGS).chain(&Dialect::PRESETS) {
        assert!(reference.contains(&format!("`{name}`")), "docs/formats/esi.md does not name `{name}`");
    }
}
