//! `hemstitch esi check` and `hemstitch esi run`, as somebody types them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use e2e::harness::hemstitch;
use serde_json::{Value, json};

fn esi(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(hemstitch());
    command.current_dir(folder).arg("esi").args(arguments).output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Each code, a document that has it, and where.
const CODES: [(&str, &str, u64, u64); 14] = [
    ("HS6001", "<p>\n <esi:inclde src=\"/a\"/></p>", 2, 2),
    ("HS6002", "<p>\n<esi:choose>x</p>", 2, 1),
    ("HS6003", "ä </esi:choose>", 1, 3),
    ("HS6004", "x <esi:include src=\"/a\n<p>", 1, 3),
    ("HS6005", "DEEP", 1, 641),
    ("HS6006", "<esi:include/>", 1, 1),
    ("HS6007", "<esi:choose><esi:when test=\"$(A\">x</esi:when></esi:choose>", 1, 29),
    ("HS6008", "<esi:vars>$nope(1)</esi:vars>", 1, 11),
    ("HS6009", "<esi:choose><esi:when\ntest=\"$(HTTP_X) matches '('\">x</esi:when></esi:choose>", 2, 7),
    (
        "HS6010",
        "<esi:choose><esi:when test=\"1==1\"/><esi:otherwise/>\n<esi:when test=\"2==2\">b</esi:when></esi:choose>",
        2,
        1,
    ),
    ("HS6011", "<div><esi:when test=\"1==1\">x</esi:when></div>", 1, 6),
    ("HS6012", "<esi:choose><esi:when test=\"$(HTTP_X) == ä\">x</esi:when></esi:choose>", 1, 42),
    ("HS6013", "ä <esi:include src=\"http://$(QUERY_STRING{host})/x\"/>", 1, 28),
    ("HS6014", "<esi:try><esi:attempt>x</esi:attempt></esi:try>", 1, 38),
];

#[test]
fn each_code_is_found_where_it_stands_with_what_to_write() {
    let folder = tempfile::tempdir().expect("a folder");
    let deep = format!("{}{}", "<esi:vars>".repeat(65), "</esi:vars>".repeat(64));
    for (code, document, line, column) in CODES {
        let document = if document == "DEEP" { &deep } else { document };
        fs::write(folder.path().join("page.html"), document).expect("a page");
        let output = esi(folder.path(), &["check", "page.html", "--json"]);
        let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let finding = &found["findings"][0];
        assert_eq!(found["findings"].as_array().map(Vec::len), Some(1), "{found:#}");
        assert_eq!(
            [&finding["code"], &finding["line"], &finding["column"]],
            [&json!(code), &json!(line), &json!(column)],
            "{document}"
        );
        assert!(finding["help"].as_str().is_some_and(|help| help.len() > 8), "{finding:#}");
        let warns = ["HS6010", "HS6012", "HS6013"].contains(&code);
        assert_eq!(finding["severity"], if warns { "warning" } else { "error" }, "{document}");
        assert_eq!(output.status.code(), Some(i32::from(!warns)), "{document}");
    }
}

#[test]
fn people_see_the_line_and_what_was_probably_meant() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("page.html"), CODES[0].1).expect("a page");
    let output = esi(folder.path(), &["check", "page.html"]);
    let expect = "\
error[HS6001]: there is no such element
 --> page.html:2:2
  |
2 |  <esi:inclde src=\"/a\"/></p>
  |  ^^^^^^^^^^^
  = help: did you mean `include`?

page.html: 1 error
";
    assert_eq!((text(&output.stdout).as_str(), output.status.code()), (expect, Some(1)));
}

#[test]
fn what_is_no_document_is_named_and_the_exit_code_is_2() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("empty.html"), "").expect("a page");
    fs::write(folder.path().join("image.png"), [0x89, 0, 1, 2]).expect("an image");
    let output = esi(folder.path(), &["check", "empty.html"]);
    assert_eq!((text(&output.stdout).as_str(), output.status.code()), ("empty.html: no findings\n", Some(0)));
    for (arguments, names) in [
        (&["check", "nobody.html"][..], "nobody.html cannot be read"),
        (&["check", "."], ". cannot be read"),
        (&["check", "image.png"], "NUL"),
        (&["run", "nobody.html"], "nobody.html cannot be read"),
        (&["run", "image.png"], "NUL"),
        (&["run", "empty.html", "--fragments", "nowhere"], "nowhere cannot be read"),
        (&["run", "empty.html", "--fragments", "image.png"], "image.png is not a folder"),
        (&["run", "empty.html", "--dialect", "klingon"], "write one of hemstitch"),
    ] {
        let output = esi(folder.path(), arguments);
        assert_eq!((text(&output.stdout).as_str(), output.status.code()), ("", Some(2)), "{arguments:?}");
        assert!(text(&output.stderr).contains(names), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn a_page_is_printed_with_the_fragments_of_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let pages = folder.path().join("pages");
    fs::create_dir_all(pages.join("sub")).expect("a folder");
    fs::write(folder.path().join("secret.html"), "SECRET").expect("a file");
    fs::write(pages.join("a.html"), "A").expect("a fragment");
    fs::write(pages.join("sub/b.html"), "B<esi:include src=\"../a.html\"/><esi:include src=\"c.html\"/>")
        .expect("a fragment");
    fs::write(pages.join("sub/c.html"), "C").expect("a fragment");
    let run = |document: &str, arguments: &[&str]| {
        fs::write(folder.path().join("page.html"), document).expect("a page");
        let output = esi(folder.path(), &[&["run", "page.html"], arguments].concat());
        (text(&output.stdout), text(&output.stderr), output.status.code())
    };
    let pages = &["--fragments", "pages"];
    for (document, expect, aside) in [
        ("[<esi:include src=\"/a.html\"/>]", "[A]", ""),
        ("[<esi:include src=\"http://elsewhere.test/a.html?x=1\"/>]", "[A]", ""),
        ("[<esi:include src=\"/no.html\" alt=\"/a.html\"/>]", "[A]", "http://localhost/no.html is not there"),
        ("[<esi:include src=\"/no.html\"/>]", "[]", "an include failed"),
        (
            "<esi:try><esi:attempt><esi:include src=\"/no.html\"/></esi:attempt><esi:except>E</esi:except></esi:try>",
            "E",
            "is not there",
        ),
        ("<esi:include src=\"/sub/b.html\" dca=\"esi\"/>", "BAC", ""),
        ("[<esi:include src=\"/../secret.html\"/>]", "[]", "is not there"),
        ("[<esi:include src=\"/%2e%2e/secret.html\"/>]", "[]", "is not there"),
        ("<esi:vars>$(HTTP_COOKIE{g})$(QUERY_STRING{l})</esi:vars>", "goldde", ""),
        ("<esi:vars>$set_response_code(404)$add_header('X-A', 'b')</esi:vars>", "", "the status 404"),
    ] {
        let arguments = [&pages[..], &["--cookie", "g=gold", "--url", "http://localhost/?l=de"]].concat();
        let (shown, said, code) = run(document, &arguments);
        assert_eq!((shown.as_str(), code), (expect, Some(0)), "{document}: {said}");
        assert!(said.contains(aside) && said.is_empty() == aside.is_empty(), "{document}: {said}");
    }
    let (shown, said, code) = run("a<esi:include src=\"/a.html\"/>", &[]);
    assert_eq!((shown.as_str(), code), ("a", Some(0)));
    assert!(said.contains("`--fragments` names no folder"), "{said}");
    let (_, said, code) = run("a<esi:include src=\"/a.html\"/>", &["--dialect", "goesi"]);
    assert_eq!(code, Some(1), "{said}");
}

#[test]
fn each_code_is_documented() {
    let documented = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/formats/esi.md"));
    let documented = documented.expect("the document is there");
    for (code, ..) in CODES {
        assert!(documented.contains(&format!("| `{code}` |")), "{code}");
    }
}
