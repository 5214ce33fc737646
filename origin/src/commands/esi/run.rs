use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use clap::Args;
use hemstitch::esi::{
    Answer, Call, Dialect, Facts, FetchFailure, Fragment, Machine, Root, Step, absolute, compile_as,
};
use hemstitch_origin::{Folder, content_type};

use crate::{Verdict, output};

/// Print what a document becomes, with fragments out of a folder
///
/// The fragment at /a/b.html is the file a/b.html of the folder, whatever its host. What is to be said of the run goes to
/// standard error: fragments that are not there, budgets, and what functions make of the answer.
#[derive(Args)]
#[command(after_help = "\
Exit codes:
  0  the document is printed, whatever became of its fragments
  1  the document failed, as its dialect has it
  2  the document or the folder cannot be read

Examples:
  hemstitch esi run page.html --fragments pages
  hemstitch esi run page.html --url 'http://localhost/?lang=de' --cookie 'group=gold'")]
pub struct Run {
    /// The document
    page: PathBuf,
    /// Where fragments are
    #[arg(long, value_name = "DIR")]
    fragments: Option<PathBuf>,
    /// What the document's URL is
    #[arg(long, default_value = "http://localhost/")]
    url: String,
    /// What the visitor's cookies are
    #[arg(long, value_name = "COOKIES")]
    cookie: Option<String>,
    /// The name of a preset
    #[arg(long, default_value = "hemstitch", value_parser = super::dialect)]
    dialect: Dialect,
}

impl Run {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        let (document, medium) = super::document(&self.page)?;
        let folder = self.fragments.as_deref().map(Folder::open).transpose()?;
        let program = compile_as(&document, &self.dialect, medium).program;
        let root = Root { program: &program, document: &document, whole: true };
        let facts = facts(&self.url, self.cookie);
        let mut machine = Machine::new(Arc::new(self.dialect), facts, &self.url);
        let mut out = Vec::new();
        let end = loop {
            match machine.advance(root, &mut out) {
                Step::Fetch(call) => machine.fragment(call.id, fetched(&call, folder.as_ref())),
                // Every fragment is answered at once, so there is nothing to wait for.
                end => break end,
            }
        };
        output::bytes(machine.answer().body().map_or(&out[..], |body| &body[..]))?;
        for notice in machine.notices() {
            output::aside(notice);
        }
        tell(machine.answer());
        match end {
            Step::Failed => Err(anyhow!("the document failed, as the dialect has it")),
            Step::Truncated => {
                output::aside("esi: the document ends where an include failed, as the dialect has it");
                Ok(Verdict::Fine)
            }
            _ => Ok(Verdict::Fine),
        }
    }
}

/// What functions make of the answer.
fn tell(answer: &Answer) {
    if let Some(status) = answer.status() {
        output::aside(format_args!("esi: the answer has the status {status}"));
    }
    for (name, value) in answer.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        output::aside(format_args!("esi: the answer has the header {name}: {value}"));
    }
}

fn facts(url: &str, cookie: Option<String>) -> Facts {
    let url = url.split('#').next().unwrap_or_default();
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (host, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = vec![("host".to_owned(), host.to_owned())];
    headers.extend(cookie.map(|cookie| ("cookie".to_owned(), cookie)));
    let path = if path.is_empty() { "/" } else { path };
    Facts {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        now: crate::now().0.try_into().unwrap_or_default(),
        ..Facts::default()
    }
}

fn fetched(call: &Call, folder: Option<&Folder>) -> Result<Fragment, FetchFailure> {
    let url = absolute(&call.base, &call.url);
    let Some(folder) = folder else {
        output::aside(format_args!("esi: {url} is not there, since `--fragments` names no folder"));
        return Err(FetchFailure::Unreachable);
    };
    fragment(&url, folder).ok_or_else(|| {
        let shown = folder.path().display();
        output::aside(format_args!("esi: {url} is not there: {shown} has no file for its path"));
        FetchFailure::Unreachable
    })
}

/// The file of a URL's path. A path that leads out of the folder leads nowhere.
fn fragment(url: &str, folder: &Folder) -> Option<Fragment> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').map_or("/", |slash| &rest[slash..]);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let document = folder.find(&without_dots(path))?;
    let body = fs::read(&document.file).ok()?;
    let kind = content_type(&document.name);
    let headers = vec![("content-type".to_owned(), kind.to_str().unwrap_or_default().to_owned())];
    Some(Fragment { status: 200, headers, body: body.into() })
}

/// The path with `.` and `..` resolved, as RFC 3986, section 5.2.4 has it: above the top there is nothing.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/').skip(1) {
        match part {
            "." => {}
            ".." => {
                kept.pop();
            }
            part => kept.push(part),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_is_a_file_of_the_folder_and_no_other() {
        let above = tempfile::tempdir().expect("a folder");
        let path = above.path().join("pages");
        fs::create_dir(&path).expect("a folder");
        fs::write(path.join("a.html"), "a").expect("a file");
        fs::write(path.join("b c.json"), "{}").expect("a file");
        fs::write(above.path().join("out.html"), "out").expect("a file");
        std::os::unix::fs::symlink(above.path().join("out.html"), path.join("link.html")).expect("a link");
        let folder = Folder::open(&path).expect("a folder");
        let read = |url: &str| fragment(url, &folder);
        assert_eq!(read("http://any.test/a.html?x").map(|it| it.body), Some("a".into()));
        assert_eq!(read("http://any.test/a").map(|it| it.body), Some("a".into()));
        let json = read("http://any.test/b%20c.json").expect("it is there");
        assert_eq!(json.headers, [("content-type".to_owned(), "application/json".to_owned())]);
        for up in ["x/../a.html", "./a.html", "../../a.html"] {
            assert_eq!(read(&format!("http://any.test/{up}")).map(|it| it.body), Some("a".into()), "{up}");
        }
        for url in ["b.html", "../out.html", "%2e%2e/out.html", "..%2fout.html", "link.html", ""] {
            assert_eq!(read(&format!("http://any.test/{url}")), None, "{url}");
        }
        assert_eq!(read("http://any.test"), None);
    }
}
