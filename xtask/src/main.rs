//! Set-up, checks and tests of the workspace. `cargo xtask --help` lists the commands.

mod bench;
mod binaryen;
mod browser;
mod browser_wasm;
mod cache;
mod cargo;
mod cloudflare;
mod fastly;
mod growthbook;
mod house;
mod lint;
mod npm;
mod plan;
mod purity;
mod rules;
mod suite;
mod target_dir;
mod targets;
mod viceroy;
mod workerd;
mod wrangler;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

/// Sets up, checks and tests Hemstitch.
///
/// Tools are kept outside of the repository, in $HEMSTITCH_CACHE, else $XDG_CACHE_HOME/hemstitch, else
/// ~/.cache/hemstitch.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing, check the house rules, build everything and run every test.
    Test,
    /// Install what is missing: the two wasm targets of the toolchain, workerd, wrangler, axe-core and GrowthBook's SDK (npm,
    /// seconds), Chromium and its driver (apt-get as root, 20 seconds), and Viceroy (7 to 17 minutes, once).
    Setup,
    /// Check the house rules: format, lints, file sizes and names, and that the core stays free of platforms.
    Check,
    /// Build an edge and put it where its configuration expects it.
    Build {
        /// Which one. `browser` goes to bin/browser, `fastly` goes to bin/hemstitch-fastly.wasm, `cloudflare` to bin/cloudflare.
        edge: Edge,
    },
    /// Measure, and print a table in which each row has a goal and whether that holds.
    ///
    /// The page is that of the folder `corpus` in $HEMSTITCH_DATA, else in ../shared. Rows that need a peer which is not
    /// installed say so: Viceroy comes with `cargo xtask setup`, Varnish and wrk with `apt-get install varnish wrk`.
    /// docs/benchmark.md says how each figure is taken.
    ///
    /// Exit code 0: it ran, whether goals hold or not; 1: something could not be built or measured.
    Bench(bench::Bench),
    /// Make the pictures of the demo in docs/images anew, with Chromium.
    Screenshots,
    /// Build the edges and run only the end-to-end suite.
    E2e {
        /// Arguments of the test binary: a part of a test's name, or flags such as --nocapture.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Edge {
    /// Fastly Compute, wasm32-wasip1.
    Fastly,
    /// Cloudflare Workers, wasm32-unknown-unknown.
    Cloudflare,
    /// The same, but that a request can make it panic: for the tests alone.
    CloudflarePanicking,
    /// No edge, but what answers the tests' questions about rules in wasm: bin/rules-lines.wasm.
    Rules,
    /// No edge either, but the core for a browser, wasm32-unknown-unknown.
    Browser,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Test => plan::test(),
        Command::Setup => plan::setup(),
        Command::Check => plan::check(),
        Command::Build { edge: Edge::Fastly } => plan::build_fastly(),
        Command::Build { edge: Edge::Cloudflare } => plan::build_cloudflare(),
        Command::Build { edge: Edge::CloudflarePanicking } => plan::build_panicking_cloudflare(),
        Command::Build { edge: Edge::Rules } => plan::build_rules(),
        Command::Bench(bench) => bench.run(),
        Command::Screenshots => plan::screenshots(),
        Command::Build { edge: Edge::Browser } => plan::build_browser(),
        Command::E2e { arguments } => plan::e2e(arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
