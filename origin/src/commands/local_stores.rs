use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use crate::demo::{BUILT, FastlyStores, SITE, Secrets, Stage, visitors};
use crate::{Verdict, output};

/// What the fastly.toml of the workspace names.
const OUT: &str = "bin/local";
const ORIGIN: &str = "http://127.0.0.1:7878";

/// Write the demo's site as local stores for Viceroy, to run the edge for Fastly by hand
///
/// Writes config.json, kv.json and secrets.json as the fastly.toml of the workspace names them, and a fastly.toml of its own
/// for another origin. The pages, the rules and the keys lie beside them, for `hemstitch serve`. The keys are the same every
/// time and stand in the source: they are no secrets, and must never be used for anything else.
#[derive(Args)]
#[command(after_help = "\
Examples:
  hemstitch local-stores
  hemstitch local-stores --out /tmp/stores --origin http://127.0.0.1:9000")]
pub struct LocalStores {
    /// The folder, which is created if it is missing
    #[arg(long, value_name = "DIR", default_value = OUT)]
    out: PathBuf,
    /// Where the origin will be, for the fastly.toml in the folder
    #[arg(long, value_name = "URL", default_value = ORIGIN, value_parser = origin)]
    origin: String,
    /// Where Viceroy will listen, for the commands that are printed
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7676")]
    listen: SocketAddr,
}

impl LocalStores {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        let stage = Stage::set_up(&self.out, &Secrets::known_to_everybody())?;
        let stores = FastlyStores::write(&stage)?;
        let manifest = self.out.join("fastly.toml");
        fs::write(&manifest, stores.manifest(&self.origin))
            .with_context(|| format!("writing {}", manifest.display()))?;
        let out = self.out.display();
        let in_workspace = Path::new("fastly.toml").is_file() && Path::new("examples/demo").is_dir();
        let [serve, viceroy] = self.commands(in_workspace);
        let visitors = visitors(&format!("http://{}/", self.listen), &stage)?.three;
        let visitors = visitors.map(|visitor| format!("{}:\n{}\n", visitor.who, visitor.command)).join("\n");
        output::line(format_args!(
            "\
Wrote the stores of the demo's site to {out}, with keys that are no secrets.

Start the origin and then the edge, each in a terminal of its own:
  {serve}
  {viceroy}

Then three visitors of the site {SITE}, for a day from now:

{visitors}"
        ))?;
        Ok(Verdict::Fine)
    }

    /// The commands for the origin and the edge: those of the README where they are right.
    fn commands(&self, in_workspace: bool) -> [String; 2] {
        let out = self.out.display();
        let as_documented = in_workspace && self.out == Path::new(OUT) && self.origin == ORIGIN;
        let (hemstitch, pages, manifest) = match as_documented {
            true => {
                ("cargo run --release --".to_owned(), "examples/demo".to_owned(), "fastly.toml".to_owned())
            }
            false => (called_as(), format!("{out}/site"), format!("{out}/fastly.toml")),
        };
        let at = self.origin.split_once("://").map_or(self.origin.as_str(), |(_, at)| at);
        // Where the origin is called by a name, that is for whoever runs it to say.
        let at = at.parse().map_or(String::new(), |at: SocketAddr| format!(" --listen {at}"));
        let (wasm, listen) = (BUILT, self.listen);
        [format!("{hemstitch} serve {pages}{at}"), format!("viceroy -C {manifest} --addr {listen} {wasm}")]
    }
}

/// How this binary was called, so that what is printed can be pasted.
fn called_as() -> String {
    env::args().next().unwrap_or_else(|| "hemstitch".to_owned())
}

/// A URL of an origin, in the form that a manifest holds.
fn origin(text: &str) -> Result<String, String> {
    let wrong = || "write a URL such as http://127.0.0.1:7878".to_owned();
    let url: http::Uri = text.parse().map_err(|_| wrong())?;
    let known =
        matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some_and(|host| !host.is_empty());
    let plain = !text.contains(['"', '\\']);
    if known && plain { Ok(text.trim_end_matches('/').to_owned()) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_the_workspace_the_commands_are_those_of_the_readme() {
        let readme = include_str!("../../../README.md");
        let listen = SocketAddr::from(([127, 0, 0, 1], 7676));
        let stores = LocalStores { out: OUT.into(), origin: ORIGIN.to_owned(), listen };
        for command in stores.commands(true) {
            assert!(readme.lines().any(|line| line == command), "{command}");
        }
    }

    #[test]
    fn elsewhere_the_commands_name_what_was_written() {
        let listen = SocketAddr::from(([127, 0, 0, 1], 1));
        let stores = LocalStores { out: "s".into(), origin: "http://127.0.0.1:9000".to_owned(), listen };
        for in_workspace in [true, false] {
            let [serve, viceroy] = stores.commands(in_workspace);
            assert!(serve.ends_with(" serve s/site --listen 127.0.0.1:9000"), "{serve}");
            assert_eq!(viceroy, "viceroy -C s/fastly.toml --addr 127.0.0.1:1 bin/hemstitch-fastly.wasm");
        }
    }
}
