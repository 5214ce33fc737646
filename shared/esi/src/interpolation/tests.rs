//! Blocks, and what is taken and refused in them.

use super::problem::ProblemKind;
use super::{Escape, Part, parse, parse_value};

fn fact(escape: Escape) -> Part {
    Part::Fact { name: "f".to_owned(), default: None, escape }
}

fn literal(text: &str) -> Part {
    Part::Literal(text.to_owned())
}

/// The escapes of all facts, or all problems.
fn escapes(html: &str) -> Result<Vec<Escape>, Vec<(usize, ProblemKind)>> {
    match parse(html) {
        Ok(parts) => Ok(parts.iter().filter_map(escape_of).collect()),
        Err(problems) => Err(problems.into_iter().map(|problem| (problem.at, problem.kind)).collect()),
    }
}

fn escape_of(part: &Part) -> Option<Escape> {
    match part {
        Part::Literal(_) => None,
        Part::Fact { escape, .. } => Some(*escape),
    }
}

#[track_caller]
fn takes(html: &str, expect: &[Escape]) {
    assert_eq!(escapes(html), Ok(expect.to_vec()), "{html}");
}

/// Refused for one problem, which lies where the text has its first `{{f}}`.
#[track_caller]
fn refuses(html: &str, kind: ProblemKind) {
    let at = html.find("{{f}}").expect("each case has such a fact");
    assert_eq!(escapes(html), Err(vec![(at, kind)]), "{html}");
}

fn raw(name: &str) -> ProblemKind {
    ProblemKind::RawText(name.to_owned())
}

fn attribute(element: &str, attribute: &str) -> ProblemKind {
    ProblemKind::Attribute { element: element.to_owned(), attribute: attribute.to_owned() }
}

#[test]
fn a_block_is_cut_at_its_facts() {
    let named = Part::Fact {
        name: "trait.first-name".to_owned(),
        default: Some("you".to_owned()),
        escape: Escape::Text,
    };
    for (html, expect) in [
        ("", vec![]),
        ("<p>a}}</p> {", vec![literal("<p>a}}</p> {")]),
        ("{{f}}", vec![fact(Escape::Text)]),
        ("{{f}}{{f}}", vec![fact(Escape::Text), fact(Escape::Text)]),
        (r#"Hi {{ trait.first-name | default("you") }}!"#, vec![literal("Hi "), named, literal("!")]),
        (r#"{{ "{{" }} x {{'}}'}}{{f}}"#, vec![literal("{{ x }}"), fact(Escape::Text)]),
        (r#"<script>{{ "{{" }}</script>"#, vec![literal("<script>{{</script>")]),
    ] {
        assert_eq!(parse(html), Ok(expect), "{html}");
    }
}

#[test]
fn all_problems_are_told() {
    let found = escapes("{{}} <b {{f}}>{{f|up}}</b> {{f}} <!--{{f}}--> {{f} {{f");
    let kinds = vec![
        (2, ProblemKind::Empty),
        (8, ProblemKind::AttributeName),
        (18, ProblemKind::UnknownFilter("up".to_owned())),
        (37, ProblemKind::Comment),
        (46, ProblemKind::Unclosed),
        (51, ProblemKind::Unclosed),
    ];
    assert_eq!(found, Err(kinds));
}

#[test]
fn text_takes_facts() {
    use Escape::Text;
    takes("a {{f}} <b>{{f}}</b>", &[Text, Text]);
    takes("<title>{{f}}</title><textarea>\n{{f}}</textarea>", &[Text, Text]);
    takes("<title><!--{{f}}--><b title=\"{{f}}\"></titles>{{f}}</TITLE >{{f}}", &[Text; 4]);
    takes("1 < 2 {{f}} <1 {{f}} </> {{f}} & {{f}} &amp;{{f}}", &[Text; 5]);
    takes("<!-- x -->{{f}}<!-->{{f}}<!--->{{f}}<!----!>{{f}}<!-- -- > -->{{f}}", &[Text; 5]);
    takes("<!doctype html>{{f}}<?x>{{f}}</ x>{{f}}<!>{{f}}<!->{{f}}<![CDATA[x]]>{{f}}", &[Text; 6]);
    takes("<script>if (a<b) '</scripts>'</script>{{f}}<style>a>b{}</style\n>{{f}}", &[Text; 2]);
    takes("<noscript><img src=x></noscript>{{f}}<iframe></iframe>{{f}}", &[Text; 2]);
    takes("<svg><title>{{f}}</title><style>a{}</style><text>{{f}}</text></svg>{{f}}", &[Text; 3]);
    takes("<svg><title>x</title><path/></svg><script>'<b>'</script>{{f}}", &[Text]);
    takes("<svg></svg><noscript><img></noscript>{{f}}<title><b>{{f}}</title>", &[Text; 2]);
    takes("<a b='>' c=\"'\" d=x'>{{f}}</a></a b='>'>{{f}}<a\"b>{{f}}<a/=>{{f}}", &[Text; 4]);
    takes("<select><option>{{f}}</option></select><textarea>{{f}}</textarea>", &[Text; 2]);
}

#[test]
fn quoted_values_take_facts() {
    use Escape::Attribute;
    takes("<a title=\"{{f}}\" data-x='a {{f}}'>", &[Attribute; 2]);
    takes("<a title = \"{{f}}\"", &[Attribute]);
    takes("<a title=\"'{{f}}\" class='\"{{f}}'/><A TITLE='{{f}}'>", &[Attribute; 3]);
    takes("<a b title\n=\n'{{f}}'id=\"{{f}}\">", &[Attribute; 2]);
    takes("<textarea placeholder='{{f}}'></textarea><input value='{{f}}'>", &[Attribute; 2]);
    takes("<b =='x' title='{{f}}'></b>", &[Attribute]);
}

#[test]
fn quotes_and_tags_in_the_braces_are_not_html() {
    let default = |escape| Part::Fact { name: "f".to_owned(), default: Some("a\">b".to_owned()), escape };
    let html = r#"<b title="{{ f | default("a\">b") }}">{{ f | default('a">b') }}</b>"#;
    let parts = vec![
        literal("<b title=\""),
        default(Escape::Attribute),
        literal("\">"),
        default(Escape::Text),
        literal("</b>"),
    ];
    assert_eq!(parse(html), Ok(parts));
    let script = r#"<script>{{ f | default("</script>") }} {{f}}</script>"#;
    assert_eq!(escapes(script), Err(vec![(8, raw("script")), (39, raw("script"))]));
}

#[test]
fn urls_take_facts_behind_what_settles_them() {
    use Escape::{Url, UrlSegment};
    takes("<a href=\"/x?{{f}}={{f}}&b={{f}}#{{f}}\">", &[Url; 4]);
    takes("<a href='/{{f}}/{{f}}-{{f}}/a{{f}}{{f}}?'>", &[UrlSegment, UrlSegment, Url, Url, Url]);
    takes("<a href='https://w.test/{{f}}'><img src='./{{f}}.png'>", &[UrlSegment; 2]);
    takes("<svg><a xlink:href='#{{f}}'>", &[Url]);
    takes("<a href='?a=1&amp;b={{f}}'>", &[Url]);
    for start in ["", "//", "https://x", "/\\", "&#47;", "/&#47;/", "java&#115;cript:", "mailto:"] {
        refuses(&format!("<a href='{start}{{{{f}}}}'>"), ProblemKind::UrlStart);
    }
    refuses("<a href=\"{{f}}\">", ProblemKind::UrlStart);
    refuses("<img src='{{f}}.png'>", ProblemKind::UrlStart);
    refuses("<a href='?' xlink:href='{{f}}'>", ProblemKind::UrlStart);
}

#[test]
fn a_fact_completes_nothing_that_the_author_began() {
    for html in
        ["&{{f}}", "&am{{f}}", "<b title='&#{{f}}'>", "<a href='?a&{{f}}'>", "<title>&x3{{f}}</title>"]
    {
        refuses(html, ProblemKind::AfterAmpersand);
    }
    refuses("<a href='?a=%{{f}}'>", ProblemKind::AfterPercent);
    refuses("<title></ti{{f}}", ProblemKind::TagName);
    refuses("<textarea><{{f}}", ProblemKind::TagName);
    for html in ["<{{f}}>", "</{{f}}>", "<b{{f}}>", "</b{{f}}>"] {
        refuses(html, ProblemKind::TagName);
    }
    for html in ["<!{{f}}>", "<!d{{f}}>", "<![CDA{{f}}>", "<![CDATA[ {{f}} ]]>", "<?{{f}}>", "</ {{f}}>"] {
        refuses(html, ProblemKind::Declaration);
    }
}

#[test]
fn where_a_value_could_be_markup_or_code_facts_are_refused() {
    for html in ["<b {{f}}>", "<b a {{f}}>", "<b a{{f}}='x'>", "<b a=''{{f}}>", "<b/{{f}}>", "<b a=x {{f}}>"]
    {
        refuses(html, ProblemKind::AttributeName);
    }
    for html in ["<a title=x{{f}}>", "<a title={{f}}>", "<a title= {{f}}>", "<a title=/{{f}}>"] {
        refuses(html, ProblemKind::Unquoted);
    }
    for html in ["</a {{f}}>", "</a b='{{f}}'>", "<title></title {{f}}>", "</a b={{f}}>"] {
        refuses(html, ProblemKind::EndTag);
    }
    for html in ["<!--{{f}}-->", "<!-{{f}}>", "<!--- {{f}}", "<!-- --!{{f}}>", "<!-- <!-- - {{f}}"] {
        refuses(html, ProblemKind::Comment);
    }
    for name in ["script", "style", "iframe", "noembed", "noframes", "noscript", "xmp", "plaintext"] {
        refuses(&format!("<{name}>{{{{f}}}}</{name}>"), raw(name));
        refuses(&format!("<svg><{name} a='/'><b></{name}x {{{{f}}}}"), raw(name));
    }
    refuses("<plaintext></plaintext>{{f}}", raw("plaintext"));
    refuses("<SCRIPT/>{{f}}", raw("script"));
}

#[test]
fn attributes_that_run_load_or_steer_take_no_facts() {
    for (html, element, name) in [
        ("<b onclick='{{f}}'>", "b", "onclick"),
        ("<b STYLE='color:{{f}}'>", "b", "style"),
        ("<iframe srcdoc='{{f}}'></iframe>", "iframe", "srcdoc"),
        ("<img srcset='/a {{f}}'>", "img", "srcset"),
        ("<a ping='/{{f}}'>", "a", "ping"),
        ("<a target='{{f}}'>", "a", "target"),
        ("<script src='/{{f}}'></script>", "script", "src"),
        ("<svg><script href='/{{f}}'/>", "script", "href"),
        ("<iframe src='/{{f}}'></iframe>", "iframe", "src"),
        ("<object data='/{{f}}'>", "object", "data"),
        ("<embed src='/{{f}}'>", "embed", "src"),
        ("<link href='/{{f}}'>", "link", "href"),
        ("<base href='/{{f}}'>", "base", "href"),
        ("<meta content='{{f}}'>", "meta", "content"),
        ("<form action='/{{f}}'>", "form", "action"),
        ("<button formaction='/{{f}}'>", "button", "formaction"),
        ("<input type='{{f}}'>", "input", "type"),
        ("<svg><animate to='{{f}}'>", "animate", "to"),
        ("<svg><set values='{{f}}'>", "set", "values"),
        ("<math><annotation-xml encoding='{{f}}'>", "annotation-xml", "encoding"),
        ("<b @click='{{f}}'>", "b", "@click"),
        ("<b x-data='{{f}}'>", "b", "x-data"),
        ("<b data-hs-slot='{{f}}'>", "b", "data-hs-slot"),
    ] {
        refuses(html, attribute(element, name));
    }
}

#[test]
fn where_readings_of_the_html_differ_nothing_is_taken() {
    for html in [
        "<svg><title><a href='/?{{f}}'></title>",
        "<svg><title><script>{{f}}",
        "<svg><title><a title='</title>{{f}}'>",
        "<svg><style><a title='</style>{{f}}'></style>",
        "<svg><style><b></style>{{f}}",
        "<svg><script><foreignObject><div></script></div></foreignObject>{{f}}",
        "<svg><foreignObject><div></svg></div></foreignObject><title><a href='/?{{f}}'>",
        "<svg></math><svg></svg><style><b></style>{{f}}",
        "<math><xmp><!--</xmp>{{f}}",
        "<select><title><!--</title>{{f}}",
        "<noscript><p title='</noscript>{{f}}'>",
        "<noscript><!--</noscript>{{f}}",
        "<noscript><style></noscript>{{f}}",
        "<noscript><svg></noscript><title><b></title>{{f}}",
        "<svg><![CDATA[ <b title='>{{f}}",
        "<script><!-- <script> </script>{{f}}",
    ] {
        refuses(html, ProblemKind::Doubtful);
    }
}

#[test]
fn the_text_of_an_edited_attribute_is_one_value() {
    let kinds = |text, element, name| {
        let found = parse_value(text, element, name);
        found.map_err(|problems| problems.into_iter().map(|problem| problem.kind).collect::<Vec<_>>())
    };
    let plain = vec![literal("\"<b> &"), fact(Escape::Attribute), literal("'>")];
    assert_eq!(kinds("\"<b> &{{f}}'>", None, "Title"), Ok(plain));
    let url = vec![literal("/a&b?c&"), fact(Escape::Url)];
    assert_eq!(kinds("/a&b?c&{{f}}", Some("A"), "HREF"), Ok(url));
    for (text, element, name, kind) in [
        ("{{f}}", Some("a"), "href", ProblemKind::UrlStart),
        ("/{{f}}", None, "href", ProblemKind::UnknownElement("href".to_owned())),
        ("/{{f}}", Some("script"), "src", attribute("script", "src")),
        ("{{f}}", None, "onclick", attribute("*", "onclick")),
        ("{{f", None, "title", ProblemKind::Unclosed),
    ] {
        assert_eq!(kinds(text, element, name), Err(vec![kind]), "{text} {name}");
    }
}

#[test]
fn every_problem_says_what_to_do() {
    for html in ["{{", "{{}}", "{{f g}}", "{{.}}", "{{f|x}}", "{{f|default}}", "{{'x'}}", "<!--{{f}}"] {
        let problems = parse(html).expect_err(html);
        for problem in problems {
            assert!(!problem.kind.help().is_empty() && !problem.kind.to_string().is_empty(), "{html}");
        }
    }
    assert_eq!(ProblemKind::Unclosed.to_string(), "`{{` is not closed");
}

#[test]
fn hostile_blocks_take_linear_time() {
    const TIMES: usize = 50_000;
    for piece in [
        "{{",
        "{{ {{f}}",
        "{{a|default(\"",
        "{{a|default('\\\"",
        "{{'}}",
        "<",
        "<svg><title>",
        "</",
        "&#0",
        "<a b='",
        "<noscript><noscript>",
        "<script><!--<script>",
        "{{\"{{\"}}",
        "{{                    ",
    ] {
        let _ = parse(&piece.repeat(TIMES));
    }
}
