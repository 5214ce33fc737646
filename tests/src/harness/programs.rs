//! Where the built edges, the tools and the data are.

use std::env;
use std::path::{Path, PathBuf};

/// The folder of the workspace's Cargo.toml.
pub fn workspace() -> PathBuf {
    // What cargo says as it runs us comes first: a binary built in one clone may be run in another.
    let package = given("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    package.parent().expect("tests is a folder of the workspace").to_path_buf()
}

/// The binary `hemstitch`: `HEMSTITCH_BIN`, else the one that cargo built beside the tests.
pub fn hemstitch() -> PathBuf {
    let beside = || {
        let tests = env::current_exe().expect("a test has a path");
        tests.parent().and_then(Path::parent).expect("tests are in a folder of deps").join("hemstitch")
    };
    existing(given("HEMSTITCH_BIN").unwrap_or_else(beside), "cargo build --package hemstitch-origin")
}

/// The Fastly edge: `HEMSTITCH_FASTLY_WASM`, else where `cargo xtask build fastly` puts it.
pub fn fastly_wasm() -> PathBuf {
    let built = || workspace().join("bin/hemstitch-fastly.wasm");
    existing(given("HEMSTITCH_FASTLY_WASM").unwrap_or_else(built), "cargo xtask build fastly")
}

/// The program `rules-lines` as wasm: `HEMSTITCH_RULES_WASM`, else where `cargo xtask build rules` puts it.
pub(super) fn rules_wasm() -> PathBuf {
    let built = || workspace().join("bin/rules-lines.wasm");
    existing(given("HEMSTITCH_RULES_WASM").unwrap_or_else(built), "cargo xtask build rules")
}

/// The Worker for Cloudflare: `HEMSTITCH_CLOUDFLARE`, else where `cargo xtask build cloudflare` puts it.
pub fn cloudflare() -> PathBuf {
    let built = || workspace().join("bin/cloudflare");
    existing(given("HEMSTITCH_CLOUDFLARE").unwrap_or_else(built), "cargo xtask build cloudflare")
}

/// The same, but that a request can make it panic: `HEMSTITCH_CLOUDFLARE_PANICKING`.
pub fn panicking_cloudflare() -> PathBuf {
    let built = || workspace().join("bin/cloudflare-panicking");
    existing(
        given("HEMSTITCH_CLOUDFLARE_PANICKING").unwrap_or_else(built),
        "cargo xtask build cloudflare-panicking",
    )
}

/// The core for browsers: `HEMSTITCH_BROWSER`, else where `cargo xtask build browser` puts it.
pub fn browser_core() -> PathBuf {
    let built = || workspace().join("bin/browser");
    existing(given("HEMSTITCH_BROWSER").unwrap_or_else(built), "cargo xtask build browser")
}

/// Cloudflare's runtime: `HEMSTITCH_WORKERD`, else where `cargo xtask setup` puts it.
pub fn workerd() -> PathBuf {
    let tool = "tools/workerd-1.20261117.1/node_modules/@cloudflare/workerd-linux-64/bin/workerd";
    existing(given("HEMSTITCH_WORKERD").unwrap_or_else(|| cached(tool)), "cargo xtask setup")
}

/// Cloudflare's command line: `HEMSTITCH_WRANGLER`, else where `cargo xtask setup` puts it.
pub(super) fn wrangler() -> PathBuf {
    let tool = "tools/wrangler-4.86.0/node_modules/wrangler/bin/wrangler.js";
    existing(given("HEMSTITCH_WRANGLER").unwrap_or_else(|| cached(tool)), "cargo xtask setup")
}

/// The main module of GrowthBook's SDK for JavaScript: `HEMSTITCH_GROWTHBOOK`, else where `cargo xtask setup` puts it.
pub fn growthbook_sdk() -> PathBuf {
    let tool = "tools/growthbook-1.8.0/node_modules/@growthbook/growthbook/dist/cjs/core.js";
    existing(given("HEMSTITCH_GROWTHBOOK").unwrap_or_else(|| cached(tool)), "cargo xtask setup")
}

/// Fastly's local runtime: `HEMSTITCH_VICEROY`, else where `cargo xtask setup` puts it.
pub fn viceroy() -> PathBuf {
    let tool = "tools/viceroy-0.22.0/bin/viceroy";
    existing(given("HEMSTITCH_VICEROY").unwrap_or_else(|| cached(tool)), "cargo xtask setup")
}

/// The browser's driver and the browser: `HEMSTITCH_CHROMEDRIVER` and `HEMSTITCH_CHROMIUM`, else those on the `PATH`. Where
/// one of them is missing, tests are skipped, but in CI they fail.
pub(super) fn chromium() -> Option<(PathBuf, PathBuf)> {
    let folders = env::var_os("PATH").unwrap_or_default();
    let on_path =
        |name| env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file());
    let chromedriver = given("HEMSTITCH_CHROMEDRIVER").or_else(|| on_path("chromedriver"));
    let chromium = given("HEMSTITCH_CHROMIUM").or_else(|| on_path("chromium"));
    if let (Some(chromedriver), Some(chromium)) = (chromedriver, chromium) {
        return Some((chromedriver, chromium));
    }
    let advice = "chromium and chromedriver are missing: run `cargo xtask setup`";
    assert!(given("CI").is_none_or(|ci| ci == Path::new("false")), "{advice}");
    println!("skipped: {advice}");
    None
}

/// The checker of accessible pages, a script: `HEMSTITCH_AXE`, else where `cargo xtask setup` puts it.
pub fn axe() -> PathBuf {
    let tool = "tools/axe-core-4.14.1/node_modules/axe-core/axe.min.js";
    existing(given("HEMSTITCH_AXE").unwrap_or_else(|| cached(tool)), "cargo xtask setup")
}

/// A tool in the cache of `cargo xtask`.
fn cached(tool: &str) -> PathBuf {
    given("HEMSTITCH_CACHE")
        .or_else(|| Some(given("XDG_CACHE_HOME")?.join("hemstitch")))
        .or_else(|| Some(given("HOME")?.join(".cache/hemstitch")))
        .unwrap_or_default()
        .join(tool)
}

/// The folder of page cases.
pub fn cases() -> PathBuf {
    workspace().join("tests/cases/page")
}

/// The folder of real pages, or `None` where this machine has none: `HEMSTITCH_DATA`, else `../shared`.
pub fn corpus() -> Option<PathBuf> {
    let data = given("HEMSTITCH_DATA").unwrap_or_else(|| workspace().join("../shared"));
    let corpus = data.join("corpus");
    corpus.is_dir().then_some(corpus)
}

/// A file of the cases that others share with us, or `None` where this machine has none.
pub fn conformance(file: &str) -> Option<PathBuf> {
    let data = given("HEMSTITCH_DATA").unwrap_or_else(|| workspace().join("../shared"));
    let path = data.join("conformance").join(file);
    path.is_file().then_some(path)
}

fn given(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn existing(path: PathBuf, made_by: &str) -> PathBuf {
    assert!(path.exists(), "{} is missing: run `{made_by}`", path.display());
    path
}
