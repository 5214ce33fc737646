use std::sync::Arc;

use bytes::Bytes;

use super::compile::Compiler;
use super::read::Reader;
use super::*;

/// Runs `document` for `/p?a=1&b=two&x=<i>` with the cookie `c=cookie; n=21`. `GET /NAME` gives `[NAME]`, but `/esi-…`
/// what it is below, `/500` a failure, `/never` nothing.
pub(super) fn run(document: &str, dialect: &Dialect) -> String {
    let compiled = compile(document.as_bytes(), dialect);
    let mut bytes = Vec::new();
    compiled.program.write(&mut bytes);
    let mut rest = Bytes::from(bytes);
    let stored = Program::read(&mut rest, document.len()).expect("what was written is read");
    assert_eq!((&stored, &rest[..]), (&compiled.program, &[][..]), "{document}");
    let whole = run_program(&stored, document, dialect, 0);
    let backwards = run_program(&stored, document, dialect, usize::MAX);
    assert_eq!(whole, backwards, "whatever order fragments come in: {document}");
    whole
}

fn facts() -> Facts {
    let given = |pairs: &[(&str, &str)]| {
        Given::Dictionary(
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        )
    };
    Facts {
        method: "GET".to_owned(),
        path: "/p".to_owned(),
        query: "a=1&b=two&x=<i>".to_owned(),
        headers: vec![
            ("Host".to_owned(), "acme.test".to_owned()),
            ("Cookie".to_owned(), "c=cookie; n=21; evil=\"><script>".to_owned()),
            ("Accept-Language".to_owned(), "en-gb, de;q=0.5".to_owned()),
        ],
        variables: vec![("GEO".to_owned(), given(&[("country_code", "DE")]))],
        ..Facts::default()
    }
}

fn fragment(url: &str) -> Result<Fragment, FetchFailure> {
    let body = match url.rsplit_once('/').map_or(url, |(_, name)| name) {
        "500" => return Ok(Fragment { status: 500, headers: Vec::new(), body: "broken".into() }),
        "esi-noop" => {
            let headers = vec![("Edge-Control".to_owned(), "no-store, dca=noop".to_owned())];
            return Ok(Fragment { status: 200, headers, body: "<esi:vars>1</esi:vars>".into() });
        }
        "never" => return Err(FetchFailure::Timeout),
        "esi-vars" => "<esi:assign name=\"v\" value=\"7\"/><esi:vars>$(v)$(outer)</esi:vars>".to_owned(),
        "esi-self" => "(<esi:include src=\"/esi-self\" dca=\"esi\"/>)".to_owned(),
        "esi-bad" => "x<esi:include src=\"/500\"/>y".to_owned(),
        name => format!("[{name}]"),
    };
    Ok(Fragment { status: 200, headers: Vec::new(), body: body.into() })
}

/// `hold`: how many fetches are held back before the last of them is answered.
fn run_program(program: &Program, document: &str, dialect: &Dialect, hold: usize) -> String {
    let mut machine = Machine::new(Arc::new(dialect.clone()), facts(), "http://acme.test/p");
    let root = Root { program, document: document.as_bytes(), whole: true };
    let (mut out, mut held) = (Vec::new(), Vec::new());
    loop {
        match machine.advance(root, &mut out) {
            Step::Fetch(call) => {
                held.push(call);
                if held.len() <= hold {
                    continue;
                }
            }
            Step::Wait if held.is_empty() => panic!("it waits for nothing: {document}"),
            Step::Wait => {}
            Step::Done | Step::Truncated => break,
            Step::Failed => return "failed".to_owned(),
        }
        if let Some(call) = held.pop() {
            machine.fragment(call.id, fragment(&call.url));
        }
    }
    String::from_utf8(out).expect("the output is text")
}

fn check(cases: &[(&str, &str)]) {
    for (document, expect) in cases {
        assert_eq!(run(document, &Dialect::default()), *expect, "{document}");
    }
}

fn check_expressions(cases: &[(&str, &str)]) {
    for (expression, expect) in cases {
        let document = format!("<esi:assign name=\"r\" value=\"{expression}\"/><esi:vars>$(r)</esi:vars>");
        let akamai = Dialect {
            expression_failure: ExpressionFailure::Nothing,
            ..Dialect::preset("akamai").expect("known")
        };
        assert_eq!(run(&document, &akamai), *expect, "{expression}");
    }
}

#[test]
fn includes_stand_wherever_text_does_and_show_what_the_page_says_when_they_fail() {
    check(&[
        ("a<esi:include src=\"/x\"/>b", "a[x]b"),
        ("<p title='<esi:include src=\"/x\"/>'>", "<p title='[x]'>"),
        ("{\"a\": \"<esi:include src='/x'/>\"}", "{\"a\": \"[x]\"}"),
        ("<esi:include src=\"/500\"/>.", "."),
        ("<esi:include src=\"/500\" alt=\"/y\"/>", "[y]"),
        ("<esi:include src=\"/never\" alt=\"/500\">body $(x)</esi:include>", "body $(x)"),
        ("<esi:include src=\"/x\">body</esi:include>", "[x]"),
        ("<esi:include src=\"/500\"><esi:include src=\"/z\"/></esi:include>", "[z]"),
        ("<esi:include src=\"/q?$(QUERY_STRING{b})\"/>", "[q?two]"),
        ("<esi:include src=\"/q\"><esi:param name=\"k\" value=\"1 + 1\"/></esi:include>", "[q?k=2]"),
        ("<esi:include src=\"/x\" dca=\"esi\"/>", "[x]"),
        ("<esi:assign name=\"outer\" value=\"1\"/><esi:include src=\"/esi-vars\" dca=\"esi\"/>", "7"),
        (
            "<esi:assign name=\"outer\" value=\"1\"/><esi:eval src=\"/esi-vars\"/><esi:vars>$(v)</esi:vars>",
            "717",
        ),
        ("<esi:inline name=\"/in\">inlined</esi:inline><esi:include src=\"/in\"/>", "inlined"),
        ("<esi:include src=\"/a\"/><esi:include src=\"/b\"/><esi:include src=\"/c\"/>", "[a][b][c]"),
    ]);
}

#[test]
fn an_attempt_shows_all_of_itself_or_nothing() {
    let attempt = |inside: &str| {
        format!("<esi:try> <esi:attempt>a{inside}b</esi:attempt> <esi:except>no</esi:except> </esi:try>.")
    };
    for (inside, expect) in [
        ("<esi:include src=\"/x\"/>", "a[x]b."),
        ("<esi:include src=\"/500\"/>", "no."),
        ("<esi:include src=\"/x\"/><esi:include src=\"/never\"/>", "no."),
        ("<esi:include src=\"/500\" onerror=\"continue\"/>", "ab."),
        ("<esi:include src=\"/500\" alt=\"/y\"/>", "a[y]b."),
        ("<esi:assign name=\"q\" value=\"2\"/><esi:include src=\"/500\"/>", "no."),
        ("<esi:eval src=\"/500\"/>", "no."),
        (
            "<esi:try><esi:attempt><esi:include src=\"/500\"/></esi:attempt><esi:except>in</esi:except></esi:try>",
            "ainb.",
        ),
    ] {
        assert_eq!(run(&attempt(inside), &Dialect::default()), expect, "{inside}");
    }
}

#[test]
fn branches_loops_and_functions_run() {
    check(&[
        (
            "<esi:choose> <esi:when test=\"$(QUERY_STRING{a}) == 1\">one</esi:when> <esi:otherwise>o</esi:otherwise></esi:choose>",
            "one",
        ),
        (
            "<esi:choose><esi:when test=\"1 == 2\">a</esi:when>stray<esi:otherwise>$(GEO{country_code})</esi:otherwise></esi:choose>",
            "DE",
        ),
        (
            "<esi:choose><esi:when test=\"'ab' matches '^(.)'\" matchname=\"m\">$(m{1})</esi:when></esi:choose>",
            "a",
        ),
        (
            "<esi:foreach collection=\"[1..3]\">$(item)<esi:choose><esi:when test=\"$(item) == 2\"><esi:break/></esi:when></esi:choose>,</esi:foreach>.",
            "1,2.",
        ),
        ("<esi:foreach item=\"i\" collection=\"{'a': 1}\">$(i{0})=$(i{1})</esi:foreach>", "a=1"),
        (
            "<esi:function name=\"f\"><esi:return value=\"$(ARGS{0}) * 2\"/></esi:function><esi:vars>$f($f(3))</esi:vars>",
            "12",
        ),
        ("<esi:function name=\"f\">x$f()</esi:function><esi:vars>$f()</esi:vars>", "xxxxx"),
        (
            "<esi:assign name=\"t\">a<esi:include src=\"/x\"/></esi:assign><esi:vars>$(t)$(t)</esi:vars>",
            "a[x]a[x]",
        ),
        ("<esi:vars>$(missing|'d') $(missing) \\$(a) $ $(1)</esi:vars>", "d  $(a) $ $(1)"),
        ("<esi:text>$(QUERY_STRING{a})<esi:vars></esi:text>", "$(QUERY_STRING{a})<esi:vars>"),
        ("a<esi:remove>b<esi:vars>c</esi:remove>d<esi:comment text=\">\"/>e<!--esi f-->g", "ade fg"),
    ]);
}

#[test]
fn expressions_have_the_values_of_akamais_language() {
    check_expressions(&[
        ("2 + 3 * 4", "20"),
        ("2 * (3 + 4)", "14"),
        ("10 / 4", "2"),
        ("1.5 + 1", "2.5"),
        ("7 % 0", ""),
        ("9223372036854775807 + 1", ""),
        ("'a' + 1", "a1"),
        ("3 * 'ab'", "ababab"),
        ("[1, 2] + ['x']", "1,2,x"),
        ("{'k': [1, 2], 'l': ''}", "k=1,2&l="),
        ("-(2 + 3)", "-5"),
        ("!(1 == 1) | 'a' has 'b'", "false"),
        ("1 == 1 & 2 > 1", "true"),
        ("$substr('abcdef', 1, -1)", "bcde"),
        ("$join($string_split('a,b,c', ',', 1), '+')", "a+b,c"),
        ("$strftime(994867136, '%a %j')", "Wed 192"),
        ("$digest_md5_hex('')", "d41d8cd98f00b204e9800998ecf8427e"),
        ("$int('12px') + $len('äb')", "14"),
        ("$url_decode($url_encode('ä &'))", "ä &"),
        ("$unknown(1)", ""),
        ("a b", "a b"),
    ]);
}

#[test]
fn what_a_visitor_sends_is_written_so_that_it_is_text_where_it_stands() {
    check(&[
        ("<esi:vars><p>$(QUERY_STRING{x})</p></esi:vars>", "<p>&lt;i&gt;</p>"),
        ("<esi:vars><a href=\"$(HTTP_COOKIE{evil})\"></esi:vars>", "<a href=\"%22%3E%3Cscript%3E\">"),
        (
            "<script>x = '<esi:vars>$(HTTP_COOKIE{evil})</esi:vars>'</script>",
            "<script>x = '\\u0022\\u003e\\u003cscript\\u003e'</script>",
        ),
        ("<esi:vars>$raw($(QUERY_STRING{x}))</esi:vars>", "<i>"),
        ("<esi:vars>$html_encode($(QUERY_STRING{x}))</esi:vars>", "&lt;i&gt;"),
        (
            "<esi:assign name=\"own\" value=\"'<b>'\"/><esi:vars>$(own)$(QUERY_STRING{x})</esi:vars>",
            "<b>&lt;i&gt;",
        ),
        (
            "<esi:assign name=\"v\" value=\"'<b>' + $(QUERY_STRING{x})\"/><esi:vars>$(v)</esi:vars>",
            "&lt;b&gt;&lt;i&gt;",
        ),
        (
            "<esi:assign name=\"v\"><b>$(QUERY_STRING{x})</b></esi:assign><esi:vars>$(v)</esi:vars>",
            "<b>&lt;i&gt;</b>",
        ),
        ("<esi:include src=\"/a/$(HTTP_COOKIE{evil})\"/>", "[%22%3E%3Cscript%3E]"),
    ]);
}

#[test]
fn an_include_whose_url_says_something_of_the_visitor_is_marked() {
    let personal = |document: &str| {
        let dialect = Dialect::default();
        let compiled = compile(document.as_bytes(), &dialect);
        let mut machine = Machine::new(Arc::new(dialect), facts(), "http://acme.test/p");
        let root = Root { program: &compiled.program, document: document.as_bytes(), whole: true };
        match machine.advance(root, &mut Vec::new()) {
            Step::Fetch(call) => (call.personal, compiled.program.traits().personal),
            step => panic!("{document}: {step:?}"),
        }
    };
    assert_eq!(personal("<esi:include src=\"/a?$(QUERY_STRING)\"/>"), (false, false));
    assert_eq!(personal("<esi:include src=\"/a?$(HTTP_COOKIE{c})\"/>"), (true, true));
    let assigned = "<esi:assign name=\"v\" value=\"$lower($(HTTP_COOKIE{c}))\"/><esi:include src=\"/$(v)\"/>";
    assert_eq!(personal(assigned), (true, true));
    assert_eq!(
        personal("<esi:include src=\"/a\" setheader=\"X: $(HTTP_USER_AGENT|a)$(GEO{country_code})\"/>"),
        (true, true)
    );
}

/// What other processors were seen to do wrong.
#[test]
fn what_breaks_other_processors_does_not_break_this_one() {
    let nested = format!(
        "{}x{}",
        "<esi:choose><esi:when test=\"1\">".repeat(200),
        "</esi:when></esi:choose>".repeat(200)
    );
    let shown = run(&nested, &Dialect::default());
    assert!(shown.contains('x'), "200 nested elements: {shown}");
    let parentheses = format!("<esi:vars>a$({}1</esi:vars>", "(".repeat(2000));
    assert!(run(&parentheses, &Dialect::default()).starts_with('a'));
    check(&[
        ("{\"a\": 1, \"b\": [\"<\"]}", "{\"a\": 1, \"b\": [\"<\"]}"),
        ("a < b <esi:vars>$(QUERY_STRING{a})</esi:vars>", "a < b 1"),
        ("<esi:choose\n><esi:when\n test=\"true\">t</esi:when\n></esi:choose\n>", "t"),
        ("<esi:unknown a=\"b\">x</esi:unknown>", "<esi:unknown a=\"b\">x</esi:unknown>"),
        ("<esi:inline name=\"x\">y</esi:inline>z", "z"),
        ("text<es", "text<es"),
        (
            "<?xml version=\"1.0\"?><esi:vars>$(QUERY_STRING{a})</esi:vars><?php x ?><esi:vars>2</esi:vars>",
            "<?xml version=\"1.0\"?>1<?php x ?>2",
        ),
        ("<esi:assign name=\"m\" value=\"50000000 * 'x'\"/><esi:vars>[$(m)]</esi:vars>", "[]"),
        ("<esi:include src=\"/500\" alt=\"/500\"/>.", "."),
        ("<esi:include src=\"/never\" alt=\"/y\"/>", "[y]"),
        (
            "<esi:try><esi:attempt><esi:include src=\"/never\"/></esi:attempt><esi:except>e</esi:except></esi:try>",
            "e",
        ),
        ("<esi:include src=\"/esi-self\" dca=\"esi\"/>", "((((()))))"),
        (
            "<esi:choose><esi:when test=\"$(HTTP_COOKIE{n}) > 9\">21 is more than 9</esi:when></esi:choose>",
            "21 is more than 9",
        ),
        ("<esi:choose><esi:when test=\"$(HTTP_COOKIE{none}) >= 0\">empty</esi:when></esi:choose>.", "."),
        ("<foo:bar x:y=\"1\"/><svg:g></svg:g>", "<foo:bar x:y=\"1\"/><svg:g></svg:g>"),
        ("<esi:choose>\n stray <esi:when test=\"1\">w</esi:when> text</esi:choose>", "w"),
        ("<esi:choose><esi:when test=\"'a' matches '(a*)*$'\">linear</esi:when></esi:choose>", "linear"),
        ("<esi:indlude src=\"/x\"/>", "<esi:indlude src=\"/x\"/>"),
    ]);
}

#[test]
fn a_two_way_bomb_of_includes_asks_for_no_more_than_the_budget() {
    let bomb = "<esi:include src=\"/b\" dca=\"esi\"/><esi:include src=\"/b\" dca=\"esi\"/>";
    let dialect = Dialect { budgets: Budgets { depth: 8, ..Budgets::default() }, ..Dialect::default() };
    let program = compile(bomb.as_bytes(), &dialect).program;
    let mut machine = Machine::new(Arc::new(dialect), facts(), "http://acme.test/");
    let root = Root { program: &program, document: bomb.as_bytes(), whole: true };
    let mut asked = 0;
    while let Step::Fetch(call) = machine.advance(root, &mut Vec::new()) {
        asked += 1;
        machine.fragment(call.id, Ok(Fragment { status: 200, headers: Vec::new(), body: bomb.into() }));
    }
    assert_eq!(asked, 24);
    assert!(machine.notices().contains(&Notice::Requests), "{:?}", machine.notices());
}

#[test]
fn a_page_that_runs_too_long_still_arrives() {
    let loops = format!(
        "a{}x{}b<esi:vars>gone</esi:vars>c",
        "<esi:foreach collection=\"[1..9]\">".repeat(6),
        "</esi:foreach>".repeat(6)
    );
    let dialect = Dialect { budgets: Budgets { steps: 5000, ..Budgets::default() }, ..Dialect::default() };
    let shown = run(&loops, &dialect);
    assert!(shown.starts_with("ax") && shown.ends_with("xbc"), "{} bytes", shown.len());
}

#[test]
fn fragments_are_asked_for_at_once_and_not_where_a_branch_is_not_taken() {
    let document = "<esi:include src=\"/a\"/><esi:choose><esi:when test=\"0\"><esi:include src=\"/no\"/></esi:when>\
        <esi:otherwise><esi:include src=\"/b\"/></esi:otherwise></esi:choose>\
        <esi:try><esi:attempt><esi:include src=\"/c\"/></esi:attempt><esi:except><esi:include src=\"/no\"/></esi:except></esi:try>\
        <esi:include src=\"/d\"/>";
    let dialect = Dialect::default();
    let program = compile(document.as_bytes(), &dialect).program;
    let mut machine = Machine::new(Arc::new(dialect), facts(), "http://acme.test/");
    let root = Root { program: &program, document: document.as_bytes(), whole: true };
    let mut asked = Vec::new();
    while let Step::Fetch(call) = machine.advance(root, &mut Vec::new()) {
        asked.push(call.url);
    }
    assert_eq!(asked, ["/a", "/b", "/c", "/d"]);
}

#[test]
fn no_header_carries_another_and_none_frames_the_answer() {
    let document = "<esi:vars>$add_header('X-A', 'b')$add_header('Content-Length', '1')$set_response_code(404)</esi:vars>";
    let dialect = Dialect::default();
    let program = compile(document.as_bytes(), &dialect).program;
    let mut machine = Machine::new(Arc::new(dialect), facts(), "http://acme.test/");
    let root = Root { program: &program, document: document.as_bytes(), whole: true };
    assert_eq!(machine.advance(root, &mut Vec::new()), Step::Done);
    assert_eq!(machine.answer().status(), Some(404));
    let names: Vec<&str> = machine.answer().headers().iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["x-a"]);
    assert!(program.traits().answers);
}

#[test]
fn an_element_is_text_where_it_is_longer_than_a_visitor_may_be_held_up() {
    let choose = |fill: usize| {
        format!("<esi:choose><esi:when test=\"1\">{}</esi:when></esi:choose>", "x".repeat(fill))
    };
    let long = format!("{}<esi:vars>$(QUERY_STRING{{a}})</esi:vars>", "x".repeat(200_000));
    assert!(run(&long, &Dialect::default()).ends_with("x1"));
    assert_eq!(run(&choose(60_000), &Dialect::default()).len(), 60_000);
    assert!(run(&choose(70_000), &Dialect::default()) == choose(70_000));
}

#[test]
fn mistakes_are_found_where_they_stand() {
    let found = |document: &str| {
        let compiled = compile(document.as_bytes(), &Dialect::default());
        let shown = compiled.diagnostics.iter().map(|diagnostic| {
            let (line, column) = diagnostic.position(document.as_bytes());
            format!("{line}:{column} {:?}", diagnostic.mistake)
        });
        shown.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(found("<esi:vars>$(A)</esi:vars>"), "");
    assert_eq!(found("a\n <esi:inclde src=\"/a\"/>"), "2:2 UnknownElement");
    assert_eq!(found("<esi:choose>x"), "1:1 Unclosed");
    assert_eq!(found("</esi:choose>"), "1:1 StrayEndTag");
    assert_eq!(found("<esi:include/>"), "1:1 MissingAttribute");
    assert_eq!(found("<esi:when test=\"1\"/>"), "1:1 Misplaced");
    assert_eq!(found("<esi:vars>$nope()</esi:vars>"), "1:11 UnknownFunction");
    let bad = "<esi:choose><esi:when test=\"'a' matches '('\">x</esi:when></esi:choose>";
    assert_eq!(found(bad), "1:13 BadPattern");
}

const PIECES: &str = "(<esi:|</esi:|<!--esi|-->|vars|choose|when|otherwise|try|attempt|except|include|eval|foreach|remove|text|\
    function|assign|break|return|comment|inline|\\$\\(|\\$f\\(|\\)|\\{|\\}|\\[|\\]|'|\"|=|/|>| |test|src|name|value|collection|\
    1\\.\\.9|a|QUERY_STRING|\\||&|!|,|:|\\PC){0,40}";

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 400, ..Default::default() })]

    #[test]
    fn any_document_is_read_alike_whole_and_in_pieces(document in PIECES, step in 1usize..9) {
        let dialect = Dialect::default();
        let whole = compile(document.as_bytes(), &dialect).program;
        let (mut reader, mut compiler) = (Reader::new(Arc::new(dialect.clone())), Compiler::new(Arc::new(dialect.clone()), Medium::Html));
        let bytes = document.as_bytes();
        for end in (0..=bytes.len()).step_by(step).chain([bytes.len()]) {
            let mut events = Vec::new();
            reader.read(&bytes[..end], end == bytes.len(), &mut events);
            compiler.push(&bytes[..end], &events, reader.certain());
        }
        let (program, _) = compiler.finish();
        proptest::prop_assert_eq!(
            run_program(&program, &document, &dialect, 0),
            run_program(&whole, &document, &dialect, 3)
        );
    }

    #[test]
    fn any_bytes_are_a_program_that_runs_or_none(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let mut rest = Bytes::from(bytes);
        if let Ok(program) = Program::read(&mut rest, 10) {
            run_program(&program, "0123456789", &Dialect::default(), 0);
        }
    }

    #[test]
    fn a_damaged_program_runs_or_is_none(at in 0usize..4000, byte in proptest::prelude::any::<u8>()) {
        let document = "<esi:try><esi:attempt><esi:assign name=\"a\" value=\"[1..3]\"/><esi:foreach collection=\"$(a)\">\
            $(item)<esi:include src=\"/x\" alt=\"/y\">b</esi:include></esi:foreach></esi:attempt><esi:except code=\"4\">e\
            </esi:except></esi:try><esi:function name=\"f\">$(ARGS)<esi:break/></esi:function><esi:vars>$f(1)</esi:vars>";
        let dialect = Dialect { budgets: Budgets { steps: 20_000, ..Budgets::default() }, ..Dialect::default() };
        let mut bytes = Vec::new();
        compile(document.as_bytes(), &dialect).program.write(&mut bytes);
        let at = at % bytes.len();
        bytes[at] = byte;
        let mut rest = Bytes::from(bytes);
        if let Ok(program) = Program::read(&mut rest, document.len()) {
            let mut machine = Machine::new(Arc::new(dialect), facts(), "http://acme.test/p");
            let root = Root { program: &program, document: document.as_bytes(), whole: true };
            for _ in 0..100 {
                match machine.advance(root, &mut Vec::new()) {
                    Step::Fetch(call) => machine.fragment(call.id, fragment(&call.url)),
                    _ => break,
                }
            }
        }
    }
}
