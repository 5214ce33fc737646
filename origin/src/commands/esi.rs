use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, anyhow};
use clap::{Args, Subcommand};
use hemstitch::esi::{
    Compiled, Dialect, Facts, FetchFailure, Fragment, Machine, Root, Step, absolute, compile,
};

use crate::{Verdict, input, output};

/// Check and try documents of Edge Side Includes
#[derive(Args)]
pub struct Esi {
    #[command(subcommand)]
    command: EsiCommand,
}

#[derive(Subcommand)]
enum EsiCommand {
    /// Show what is wrong with a document, with line and column
    #[command(after_help = "\
Exit codes:
  0  nothing
  1  something
  2  the document cannot be read

Examples:
  hemstitch esi check page.html
  hemstitch esi check page.html --dialect akamai")]
    Check {
        /// The document
        page: PathBuf,
        /// The name of a preset
        #[arg(long, default_value = "hemstitch", value_parser = dialect)]
        dialect: Dialect,
    },
    /// Print what a document becomes, with fragments out of a folder
    ///
    /// The fragment at /a/b.html is the file a/b.html of the folder, whatever its host.
    #[command(after_help = "\
Examples:
  hemstitch esi run page.html --fragments pages
  hemstitch esi run page.html --url 'http://localhost/?lang=de' --cookie 'group=gold'")]
    Run {
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
        #[arg(long, default_value = "hemstitch", value_parser = dialect)]
        dialect: Dialect,
    },
}

impl Esi {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        match self.command {
            EsiCommand::Check { page, dialect } => check(&page, &dialect),
            EsiCommand::Run { page, fragments, url, cookie, dialect } => {
                let document = input::read(&page)?;
                let facts = facts(&url, cookie);
                run(&document, dialect, facts, &url, fragments.as_deref())
            }
        }
    }
}

/// A preset, as `--dialect` takes it.
fn dialect(name: &str) -> Result<Dialect, String> {
    Dialect::preset(name).ok_or_else(|| format!("write one of {}", Dialect::PRESETS.join(", ")))
}

fn check(page: &Path, dialect: &Dialect) -> Result<Verdict> {
    let document = input::read(page)?;
    let Compiled { diagnostics, .. } = compile(&document, dialect);
    for diagnostic in &diagnostics {
        let (line, column) = diagnostic.position(&document);
        output::line(format_args!("{}:{line}:{column}: {}", page.display(), diagnostic.mistake))?;
    }
    Ok(if diagnostics.is_empty() { Verdict::Fine } else { Verdict::Findings })
}

fn facts(url: &str, cookie: Option<String>) -> Facts {
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
        ..Facts::default()
    }
}

fn run(
    document: &[u8],
    dialect: Dialect,
    facts: Facts,
    url: &str,
    fragments: Option<&Path>,
) -> Result<Verdict> {
    let program = compile(document, &dialect).program;
    let root = Root { program: &program, document, whole: true };
    let mut machine = Machine::new(Arc::new(dialect), facts, url);
    let mut out = Vec::new();
    let end = loop {
        match machine.advance(root, &mut out) {
            Step::Fetch(call) => {
                machine.fragment(call.id, fragment(&absolute(&call.base, &call.url), fragments));
            }
            // Every fragment is answered at once, so there is nothing to wait for.
            end => break end,
        }
    };
    let shown = machine.answer().body().map_or(out, |body| body.to_vec());
    output::text(&String::from_utf8_lossy(&shown))?;
    for notice in machine.notices() {
        output::aside(format_args!("{notice}"));
    }
    if end == Step::Failed {
        Err(anyhow!("the document failed, as the dialect has it"))
    } else {
        Ok(Verdict::Fine)
    }
}

/// The file of a URL's path. A path that leads out of the folder leads nowhere.
fn fragment(url: &str, folder: Option<&Path>) -> Result<Fragment, FetchFailure> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').map_or("", |slash| &rest[slash + 1..]);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let leads_out = path.split(['/', '\\']).any(|part| part == ".." || part.contains(':'));
    let file = folder.filter(|_| !leads_out && !path.is_empty()).map(|folder| folder.join(path));
    let body = file.and_then(|file| fs::read(file).ok()).ok_or(FetchFailure::Unreachable)?;
    Ok(Fragment { status: 200, headers: Vec::new(), body: body.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_is_a_file_of_the_folder_and_no_other() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a.html"), "a").expect("a file");
        let read = |url: &str| fragment(url, Some(folder.path())).map(|fragment| fragment.body);
        assert_eq!(read("http://any.test/a.html?x"), Ok("a".into()));
        for url in ["http://any.test/b.html", "http://any.test/../a.html", "http://any.test/", "//a.html"] {
            assert_eq!(read(url), Err(FetchFailure::Unreachable), "{url}");
        }
    }
}
