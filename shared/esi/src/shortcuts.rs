//! What the compiler works out ahead is what a run would have given, whatever runs in between.

use super::tests::run;
use super::{Dialect, compile};

fn check(cases: &[(&str, &str)]) {
    for (document, expect) in cases {
        assert_eq!(run(document, &Dialect::default()), *expect, "{document}");
    }
}

#[test]
fn calls_and_sums_of_what_is_known_are_worked_out_unless_the_page_defines_the_function() {
    check(&[
        ("<esi:vars>$upper('a<b')</esi:vars>", "A<B"),
        ("<esi:assign name=\"t\" value=\"$upper('of') + '-' + 1 + 2\"/><esi:vars>$(t)</esi:vars>", "OF-12"),
        ("<esi:assign name=\"t\" value=\"1 + 2 + 'x' + 3\"/><esi:vars>$(t)</esi:vars>", "3x3"),
        (
            "<esi:function name=\"upper\">mine</esi:function><esi:vars>$upper('a')$lower('B')</esi:vars>",
            "mineb",
        ),
        (
            "<esi:foreach collection=\"[1, 2]\" item=\"i\">$upper('a')\
             <esi:function name=\"upper\">mine</esi:function></esi:foreach>",
            "Amine",
        ),
        ("<esi:vars>$substr('abc', 'x')!</esi:vars>", "!"),
        ("<esi:vars>$(none|'d')$(none|$upper('d'))</esi:vars>", "dD"),
    ]);
    let program = compile(b"<esi:vars>$upper('a' + 'b')</esi:vars>", &Dialect::default()).program;
    assert_eq!(program.len(), 1);
}

#[test]
fn what_a_visitor_sent_is_escaped_wherever_it_came_from() {
    let shown = "&quot;&gt;&lt;script&gt;";
    let evil = "<esi:assign name=\"e\" value=\"$(HTTP_COOKIE{evil})\"/>";
    check(&[
        (&format!("<p>{evil}<esi:vars>$(e)</esi:vars>"), &format!("<p>{shown}")),
        (
            &format!("<a title=\"<esi:vars>$(n)</esi:vars>\">{evil}<esi:vars>$(e)</esi:vars>"),
            &format!("<a title=\"\">{shown}"),
        ),
        (&format!("<esi:foreach collection=\"[1, 2]\" item=\"i\">$(e){evil}</esi:foreach>"), shown),
        (&format!("<esi:function name=\"f\">$(e)</esi:function>{evil}<esi:vars>$f()</esi:vars>"), shown),
        (
            &format!(
                "<script>var a = '<esi:vars>$(e)</esi:vars>', b = '</script><b>{evil}<esi:vars>$(e)</esi:vars>"
            ),
            &format!("<script>var a = '', b = '</script><b>{shown}"),
        ),
        (
            &format!(
                "<esi:assign name=\"x\" value=\"1\"/><a href=\"/<esi:vars>$(x)</esi:vars>/{evil}<esi:vars>$(e)</esi:vars>\">"
            ),
            "<a href=\"/1/%22%3E%3Cscript%3E\">",
        ),
    ]);
}

#[test]
fn groups_of_a_pattern_go_where_the_last_test_said() {
    let test = |name: &str| {
        format!(
            "<esi:choose><esi:when test=\"'ab' matches '(b)'\"{name}>$(MATCHES{{1}})$(m{{1}})</esi:when></esi:choose>"
        )
    };
    let (plain, named) = (test(""), test(" matchname=\"m\""));
    let other =
        "<esi:assign name=\"q\" value=\"'xyz' matches '(y)'\"/><esi:vars>$(MATCHES{1})$(m{1})</esi:vars>";
    check(&[
        (&format!("{plain}{other}"), "by"),
        (&format!("{named}{other}"), "by"),
        (&format!("{named}{plain}{other}"), "bbbyb"),
        (&format!("<esi:foreach collection=\"[1, 2]\" item=\"i\">{plain}{named}</esi:foreach>"), "bbbbbbb"),
    ]);
}

#[test]
fn comparisons_that_all_have_to_hold_are_compared_in_order() {
    let page = |test: &str| {
        format!(
            "<esi:assign name=\"n\" value=\"7\"/><esi:assign name=\"t\" value=\"'x'\"/><esi:choose>\
             <esi:when test=\"{test}\">1</esi:when><esi:when test=\"$(n) == 7\">2</esi:when>\
             <esi:otherwise>3</esi:otherwise></esi:choose>"
        )
    };
    for (test, expect) in [
        ("$(n) > 6 & $(t) == 'x'", "1"),
        ("$(n) > 7 & $(t) == 'x'", "2"),
        ("$(n) > 6 & $(t) != 'x' & $(n) == 7", "2"),
        ("$(n) > 6 & ($(t) == 'x' & $(n) < 8)", "1"),
        ("$(n) > 7 | $(t) == 'x'", "1"),
        ("$(n) > 7 | $(t) == 'x' & $(n) == 8", "2"),
        ("$(none) == 'x'", "2"),
        ("$(none) != 'x'", "1"),
        ("$(t) < 'y' & $(t) >= 'x'", "1"),
        ("$(n) == '7'", "1"),
        ("$(n) == 5000000000 & $(t) == 'x'", "2"),
    ] {
        check(&[(&page(test), expect)]);
    }
}

#[test]
fn numbers_are_written_in_all_their_digits() {
    for number in ["0", "-1", "10", "9223372036854775807", "-9223372036854775807"] {
        let page = format!("<esi:assign name=\"n\" value=\"{number}\"/><esi:vars>$(n)</esi:vars>");
        check(&[(&page, number)]);
    }
}
