//! What a run has at hand: programs, the page, and what is made of it.

use std::cell::OnceCell;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use bench_job::{BLOCKS, Job, Samples, marked_with_includes, marked_with_slots, ruleset};
use clap::Args;
use e2e::harness::corpus;
use hemstitch::pack::compile;
use hemstitch::ruleset::Ruleset;

use crate::runner::{self, Guest};

/// Builds. What is not given is absent, and rows that need it say so. The edges that run, and Viceroy, are named by the
/// variables of the tests' harness.
#[derive(Args, Debug)]
pub struct Programs {
    /// The contenders, natively.
    #[arg(long)]
    pub contenders: Option<PathBuf>,
    /// The contenders in wasm.
    #[arg(long)]
    pub contenders_wasm: Option<PathBuf>,
    /// An edge as it is deployed, `name=file`; may be given more than once.
    #[arg(long)]
    pub edge: Vec<String>,
    /// The same edge with the names of its functions.
    #[arg(long)]
    pub named_edge: Vec<String>,
    /// Where plots go.
    #[arg(long)]
    pub plots: Option<PathBuf>,
}

/// Slots of the reference page.
pub const SLOTS: usize = 8;

/// One run.
pub struct Setting {
    /// Programs and builds.
    pub programs: Programs,
    /// The page that others made, without a mark.
    pub page: Vec<u8>,
    guest: OnceCell<Result<Guest, String>>,
    #[cfg(feature = "fuel")]
    counter: OnceCell<Result<crate::fuel::Counter, String>>,
}

impl Setting {
    /// Reads the page of the reference measurement.
    pub fn new(programs: Programs) -> Result<Setting> {
        let Some(corpus) = corpus() else {
            bail!(
                "no folder of real pages: HEMSTITCH_DATA names one with `corpus` in it, else it is ../shared"
            );
        };
        let file = corpus.join("cloudflare.com.html");
        let page = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        Ok(Setting {
            programs,
            page,
            guest: OnceCell::new(),
            #[cfg(feature = "fuel")]
            counter: OnceCell::new(),
        })
    }

    /// The reference page, with includes of fragments.
    pub fn includes(&self) -> Vec<u8> {
        marked_with_includes(&self.page, SLOTS, "/b/", ".html")
    }

    /// The same with includes of blocks, which rules decide.
    pub fn blocks(&self) -> Vec<u8> {
        marked_with_includes(&self.page, SLOTS, BLOCKS, "")
    }

    /// The same with elements that are slots.
    pub fn slots(&self) -> Vec<u8> {
        marked_with_slots(&self.page, SLOTS)
    }

    /// The contenders under Viceroy; why not, where one of them is missing.
    pub fn guest(&self) -> Result<&Guest, String> {
        self.guest.get_or_init(|| self.start_guest()).as_ref().map_err(String::clone)
    }

    fn start_guest(&self) -> Result<Guest, String> {
        let wasm = self.programs.contenders_wasm.as_ref().ok_or("the contenders were not built for wasm")?;
        let viceroy = given("HEMSTITCH_VICEROY").ok_or("Viceroy is not installed: `cargo xtask setup`")?;
        Guest::start(&viceroy, wasm).map_err(|error| format!("{error:#}"))
    }

    /// Does the job natively; `None` where the contenders were not built.
    pub fn native(&self, job: &Job) -> Option<Result<Samples>> {
        self.programs.contenders.as_ref().map(|program| runner::native(program, job))
    }

    /// Does the job and counts instructions; why not, where it cannot.
    #[cfg(feature = "fuel")]
    pub fn count(&self, job: &Job) -> Result<Samples, String> {
        let wasm = self.programs.contenders_wasm.as_ref().ok_or("the contenders were not built for wasm")?;
        let start = || crate::fuel::Counter::of(wasm).map_err(|error| format!("{error:?}"));
        let counter = self.counter.get_or_init(start).as_ref().map_err(String::clone)?;
        counter.run(job).map_err(|error| format!("{error:?}"))
    }

    /// Does the job and counts instructions; why not, where it cannot.
    #[cfg(not(feature = "fuel"))]
    pub fn count(&self, _: &Job) -> Result<Samples, String> {
        Err("built without `fuel`".to_owned())
    }
}

/// A program that a variable of the tests' harness names, where it exists.
pub fn given(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|program| program.exists())
}

/// The pack of a ruleset of so many rules.
pub fn pack_of(rules: usize) -> Result<Vec<u8>> {
    compiled(&ruleset(rules, SLOTS))
}

/// The pack of a ruleset.
pub fn compiled(json: &str) -> Result<Vec<u8>> {
    let (ruleset, findings) = Ruleset::parse(json);
    let ruleset = ruleset.with_context(|| format!("a ruleset of ours: {findings:?}"))?;
    Ok(compile(&ruleset)?)
}

/// A line for whoever waits.
pub fn progress(what: &str) {
    eprintln!("  … {what}");
}
