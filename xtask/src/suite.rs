//! Unit tests, and the end-to-end suite against the built edges.

use anyhow::Result;

use crate::browser::AXE;
use crate::cargo::run;
use crate::growthbook::GROWTHBOOK;
use crate::target_dir::TargetDir;
use crate::workerd::WORKERD;
use crate::wrangler::WRANGLER;
use crate::{browser_wasm, cloudflare, fastly, rules, viceroy};

/// The tests inside of the native crates.
pub fn unit(target_dir: &TargetDir) -> Result<()> {
    let crates = [
        "hemstitch",
        "hemstitch-esi",
        "hemstitch-page",
        "hemstitch-native",
        "hemstitch-origin",
        "xtask",
        "bench",
        "bench-job",
    ];
    let mut command = target_dir.cargo(["test"]);
    run(command.args(crates.iter().flat_map(|name| ["--package", name])))
}

/// Holds our character encodings against those of the crate that they stand in for. A workspace of its own, where both can be.
pub fn encodings(target_dir: &TargetDir) -> Result<()> {
    run(&mut target_dir.cargo(["test", "--manifest-path", "shared/encoding/proof/Cargo.toml"]))
}

/// Builds the binary `hemstitch`, which the suite drives over HTTP.
pub fn build_hemstitch(target_dir: &TargetDir) -> Result<()> {
    run(&mut target_dir.cargo(["build", "--package", "hemstitch-origin", "--bin", "hemstitch"]))
}

/// Makes the pictures of the documents. The demo is built as people run it, since some of them show how long it took.
pub fn screenshots(target_dir: &TargetDir) -> Result<()> {
    run(&mut target_dir.cargo([
        "build",
        "--release",
        "--package",
        "hemstitch-origin",
        "--bin",
        "hemstitch",
    ]))?;
    run(target_dir
        .cargo(["run", "--package", "e2e", "--bin", "screenshots"])
        .env("HEMSTITCH_BIN", target_dir.file("release/hemstitch")))
}

/// Runs the suite; `arguments` go to its test binary.
pub fn e2e(target_dir: &TargetDir, arguments: &[String]) -> Result<()> {
    run(target_dir
        .cargo(["test", "--package", "e2e", "--"])
        .args(arguments)
        .env("HEMSTITCH_BIN", target_dir.file("debug/hemstitch"))
        .env("HEMSTITCH_FASTLY_WASM", fastly::wasm())
        .env("HEMSTITCH_VICEROY", viceroy::program()?)
        .env("HEMSTITCH_CLOUDFLARE", cloudflare::folder())
        .env("HEMSTITCH_CLOUDFLARE_PANICKING", cloudflare::panicking_folder())
        .env("HEMSTITCH_RULES_WASM", rules::wasm())
        .env("HEMSTITCH_GROWTHBOOK", GROWTHBOOK.path()?)
        .env("HEMSTITCH_BROWSER", browser_wasm::folder())
        .env("HEMSTITCH_WORKERD", WORKERD.path()?)
        .env("HEMSTITCH_WRANGLER", WRANGLER.path()?)
        .env("HEMSTITCH_AXE", AXE.path()?))
}
