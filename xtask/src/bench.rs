//! The benchmark: builds what is measured and what measures, then runs it.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::cargo::{run, workspace};
use crate::target_dir::TargetDir;
use crate::workerd::WORKERD;
use crate::{cloudflare, fastly, targets, viceroy};

/// Which part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Stitching along a plan against copying, lol_html and the crate esi: natively, under Viceroy, and by instructions.
    Stitch,
    /// Pages of ESI against the crate esi, from the cache and compiled for the first time.
    Esi,
    /// A whole personalized hit in the Fastly edge against the crate esi.
    Hit,
    /// Compiling a page against lol_html merely scanning it.
    Compile,
    /// Rule packs of 100 to 100,000 rules; a slot of 1,000 rules; loading, verifying, bytes.
    Rules,
    /// What cost grows with; draws docs/benchmark/*.svg.
    Growth,
    /// The native edge against Varnish under wrk, at 1, 8 and 64 connections.
    Http,
    /// From `publish` to the page on every edge, and what looking after the rules costs a request.
    Publish,
    /// What the edges weigh, gzipped, and what of that is what.
    Size,
}

/// What to measure, and where to put it.
#[derive(Args, Debug)]
pub struct Bench {
    /// What to measure; everything unless given.
    parts: Vec<Part>,
    /// Also write the rows to this file, as a list of {"name", "value", "unit", "goal", "holds"}.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Bench {
    /// Builds and measures. A goal that is missed is no failure.
    pub fn run(&self) -> Result<()> {
        targets::ensure()?;
        let target_dir = TargetDir::choose()?;
        let mut bench = target_dir.cargo(["run", "--quiet", "--package", "bench"]);
        if self.any(&[Part::Stitch, Part::Rules, Part::Growth, Part::Publish]) {
            bench.args(["--features", "fuel"]);
        }
        bench.arg("--");
        for part in &self.parts {
            bench.args(part.to_possible_value().map(|value| value.get_name().to_owned()));
        }
        if let Some(file) = &self.json {
            bench.arg("--json").arg(std::path::absolute(file)?);
        }
        if self.any(&[Part::Stitch, Part::Compile]) {
            run(&mut target_dir.cargo(["build", "--package", "bench-contenders", "--release"]))?;
            bench.arg("--contenders").arg(target_dir.file("release/bench-contenders"));
        }
        if self.any(&[
            Part::Stitch,
            Part::Esi,
            Part::Hit,
            Part::Compile,
            Part::Rules,
            Part::Growth,
            Part::Publish,
        ]) {
            let wasm = ["--target", "wasm32-wasip1", "--profile", "contenders"];
            run(target_dir.cargo(["build", "--package", "bench-contenders"]).args(wasm))?;
            bench
                .arg("--contenders-wasm")
                .arg(target_dir.file("wasm32-wasip1/contenders/bench-contenders.wasm"));
        }
        if self.any(&[Part::Hit]) {
            bench.env("HEMSTITCH_FASTLY_WASM", fastly::build_timed(&target_dir)?);
        }
        if self.any(&[Part::Publish]) {
            cloudflare::build(&target_dir)?;
            bench.env("HEMSTITCH_CLOUDFLARE", cloudflare::folder()).env("HEMSTITCH_WORKERD", WORKERD.path()?);
            if !self.any(&[Part::Hit]) {
                fastly::build(&target_dir)?;
                bench.env("HEMSTITCH_FASTLY_WASM", fastly::wasm());
            }
        }
        if self.any(&[Part::Http, Part::Publish]) {
            run(&mut target_dir.cargo(["build", "--release", "--bin", "hemstitch"]))?;
            bench.env("HEMSTITCH_BIN", target_dir.file("release/hemstitch"));
        }
        if self.any(&[Part::Size]) {
            fastly::build(&target_dir)?;
            cloudflare::build(&target_dir)?;
            bench.arg("--edge").arg(named("Fastly", fastly::wasm()));
            bench.arg("--edge").arg(named("Cloudflare", cloudflare::wasm()));
            bench.arg("--named-edge").arg(named("Fastly", fastly::build_named(&target_dir)?));
            // wasm-bindgen needs the names, so that what it reads has them.
            bench.arg("--named-edge").arg(named("Cloudflare", cloudflare::built(&target_dir)));
        }
        bench.env("HEMSTITCH_VICEROY", viceroy::program()?);
        bench.arg("--plots").arg(workspace().join("docs/benchmark"));
        run(&mut bench)
    }

    fn any(&self, parts: &[Part]) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|part| parts.contains(part))
    }
}

fn named(name: &str, file: PathBuf) -> String {
    format!("{name}={}", file.display())
}
