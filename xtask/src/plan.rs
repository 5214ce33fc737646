//! The commands as lists of steps: what runs, in which order, and how long each took.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::target_dir::TargetDir;
use crate::{binaryen::BINARYEN, browser::AXE, growthbook::GROWTHBOOK, workerd::WORKERD, wrangler::WRANGLER};
use crate::{browser, browser_wasm, cloudflare, fastly, house, lint, purity, rules, suite, targets, viceroy};

type Action<'a> = Box<dyn Fn() -> Result<()> + 'a>;

struct Step<'a> {
    name: &'static str,
    cost: Cost,
    action: Action<'a>,
}

/// Whether a step is worth running after another has failed.
#[derive(Clone, Copy, PartialEq)]
enum Cost {
    Seconds,
    Minutes,
}

enum Outcome {
    Passed(Duration),
    Failed(Duration),
    NotRun,
}

pub fn test() -> Result<()> {
    let target_dir = TargetDir::choose()?;
    let mut steps = set_up_steps();
    steps.extend(check_steps(&target_dir));
    steps.push(minutes("unit tests", || suite::unit(&target_dir)));
    steps.push(minutes("character encodings", || suite::encodings(&target_dir)));
    steps.extend(build_steps(&target_dir));
    steps.push(minutes("end-to-end tests", || suite::e2e(&target_dir, &[])));
    run(&steps)
}

pub fn setup() -> Result<()> {
    run(&set_up_steps())
}

pub fn check() -> Result<()> {
    let target_dir = TargetDir::choose()?;
    targets::ensure()?;
    run(&check_steps(&target_dir))
}

pub fn build_fastly() -> Result<()> {
    targets::ensure()?;
    fastly::build(&TargetDir::choose()?)
}

pub fn build_cloudflare() -> Result<()> {
    targets::ensure()?;
    cloudflare::build(&TargetDir::choose()?)
}

pub fn build_panicking_cloudflare() -> Result<()> {
    targets::ensure()?;
    cloudflare::build_panicking(&TargetDir::choose()?)
}

pub fn build_rules() -> Result<()> {
    targets::ensure()?;
    rules::build(&TargetDir::choose()?)
}

pub fn build_browser() -> Result<()> {
    targets::ensure()?;
    browser_wasm::build(&TargetDir::choose()?)
}

pub fn e2e(arguments: Vec<String>) -> Result<()> {
    let target_dir = TargetDir::choose()?;
    let mut steps = set_up_steps();
    steps.extend(build_steps(&target_dir));
    steps.push(minutes("end-to-end tests", || suite::e2e(&target_dir, &arguments)));
    run(&steps)
}

pub fn screenshots() -> Result<()> {
    browser::ensure()?;
    suite::screenshots(&TargetDir::choose()?)
}

fn set_up_steps<'a>() -> Vec<Step<'a>> {
    vec![
        minutes("set-up: wasm targets", targets::ensure),
        minutes("set-up: workerd", || WORKERD.ensure()),
        minutes("set-up: Binaryen", || BINARYEN.ensure()),
        minutes("set-up: wrangler", || WRANGLER.ensure()),
        minutes("set-up: Chromium", browser::ensure),
        minutes("set-up: axe-core", || AXE.ensure()),
        minutes("set-up: GrowthBook's SDK", || GROWTHBOOK.ensure()),
        minutes("set-up: Viceroy", viceroy::ensure),
    ]
}

fn check_steps(target_dir: &TargetDir) -> Vec<Step<'_>> {
    vec![
        seconds("house rules", house::check),
        seconds("format", lint::format),
        seconds("core has no platform crate", purity::tree_has_no_platform),
        minutes("core builds for bare wasm", || purity::builds_for_bare_wasm(target_dir)),
        minutes("lints, native", || lint::native(target_dir)),
        minutes("lints, Fastly", || lint::fastly(target_dir)),
        minutes("lints, Cloudflare", || lint::cloudflare(target_dir)),
        minutes("lints, browser", || lint::browser(target_dir)),
    ]
}

fn build_steps(target_dir: &TargetDir) -> Vec<Step<'_>> {
    vec![
        minutes("build the Fastly edge", || fastly::build(target_dir)),
        minutes("build the Cloudflare edge", || cloudflare::build(target_dir)),
        minutes("build the Cloudflare edge that panics", || cloudflare::build_panicking(target_dir)),
        minutes("build the rules for wasm", || rules::build(target_dir)),
        minutes("build the core for browsers", || browser_wasm::build(target_dir)),
        minutes("build hemstitch", || suite::build_hemstitch(target_dir)),
    ]
}

fn seconds<'a>(name: &'static str, action: impl Fn() -> Result<()> + 'a) -> Step<'a> {
    Step { name, cost: Cost::Seconds, action: Box::new(action) }
}

fn minutes<'a>(name: &'static str, action: impl Fn() -> Result<()> + 'a) -> Step<'a> {
    Step { name, cost: Cost::Minutes, action: Box::new(action) }
}

/// Runs the steps in order. After a failure only the quick ones still run, so that one run shows all of theirs.
fn run(steps: &[Step<'_>]) -> Result<()> {
    let mut failed = Vec::new();
    let mut outcomes = Vec::new();
    for step in steps {
        if !failed.is_empty() && step.cost == Cost::Minutes {
            outcomes.push((step.name, Outcome::NotRun));
            continue;
        }
        println!("== {}", step.name);
        let started = Instant::now();
        let outcome = match (step.action)() {
            Ok(()) => Outcome::Passed(started.elapsed()),
            Err(error) => {
                eprintln!("error: {}: {error:#}", step.name);
                failed.push(step.name);
                Outcome::Failed(started.elapsed())
            }
        };
        outcomes.push((step.name, outcome));
    }
    summarize(&outcomes);
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn summarize(outcomes: &[(&str, Outcome)]) {
    println!("\n== summary");
    for (name, outcome) in outcomes {
        match outcome {
            Outcome::Passed(time) => println!("  passed   {:>6.1} s  {name}", time.as_secs_f64()),
            Outcome::Failed(time) => println!("  FAILED   {:>6.1} s  {name}", time.as_secs_f64()),
            Outcome::NotRun => println!("  not run            {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn after_a_failure_only_quick_steps_still_run() {
        let ran = RefCell::new(Vec::new());
        let note = |name: &'static str| {
            ran.borrow_mut().push(name);
            Ok(())
        };
        let steps = [
            seconds("fails", || bail!("broken")),
            minutes("long", || note("long")),
            seconds("quick", || note("quick")),
        ];
        assert!(run(&steps).is_err());
        assert_eq!(*ran.borrow(), ["quick"]);
    }
}
