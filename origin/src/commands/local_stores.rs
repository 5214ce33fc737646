use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::demo::{FastlyStores, SITE, Secrets, Stage, visitors};
use crate::{Verdict, output};

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
    #[arg(long, value_name = "DIR", default_value = "bin/local")]
    out: PathBuf,
    /// Where the origin will be, for the fastly.toml in the folder
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7878", value_parser = origin)]
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
        output::line(format_args!(
            "Wrote the stores of the demo's site to {out}, with keys that are no secrets.\n"
        ));
        output::line("Start the origin, and then the edge:");
        output::line(format_args!(
            "  {} serve {out}/site --config {out}/site.json --keys {out}/keys --ruleset {out}/ruleset.json",
            called_as()
        ));
        output::line("  viceroy -C fastly.toml bin/hemstitch-fastly.wasm\n");
        output::line(format_args!("Then three visitors of the site {SITE}, for a day from now:\n"));
        for visitor in visitors(&format!("http://{}/", self.listen), &stage)?.three {
            output::line(format_args!("{}:\n{}\n", visitor.who, visitor.command));
        }
        Ok(Verdict::Fine)
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
