//! The benchmark: what Hemstitch costs, beside what others do. `cargo xtask bench` builds everything and runs this.
//!
//! ```text
//! parts ─► jobs ─► runner: contenders natively, under Viceroy, under a counting host ─► samples ─► figures ─► table
//!   └────► edges of the tests' harness: the Fastly edge under Viceroy, the native edge and Varnish under wrk
//! ```

mod cpu;
mod figures;
#[cfg(feature = "fuel")]
mod fuel;
mod parts;
mod plot;
mod runner;
mod setting;
mod table;
mod varnish;
mod weigh;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use parts::Part;
use setting::{Programs, Setting};
use table::Row;

/// Measures, and prints a table.
#[derive(Parser)]
struct Arguments {
    /// What to measure; everything unless given.
    parts: Vec<Part>,
    /// Writes the rows as JSON, too.
    #[arg(long)]
    json: Option<PathBuf>,
    #[command(flatten)]
    programs: Programs,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs all parts that were asked for; whether all of them could be.
fn run(arguments: Arguments) -> Result<bool> {
    let Arguments { parts, json, programs } = arguments;
    let setting = Setting::new(programs)?;
    let parts = if parts.is_empty() { Part::value_variants().to_vec() } else { parts };
    let (mut all, mut measured) = (Vec::new(), Vec::new());
    for part in &parts {
        let name = name(*part);
        eprintln!("{name}");
        let begun = Instant::now();
        let rows = part.run(&setting).with_context(|| format!("measuring {name}"));
        eprintln!("  {} s", begun.elapsed().as_secs());
        measured.push((part, rows));
    }
    let mut whole = true;
    for (part, rows) in measured {
        println!("\n{}: {}", name(*part), part.about());
        match rows {
            Ok(rows) => {
                rows.iter().for_each(|row| println!("{}", row.line()));
                all.extend(rows);
            }
            Err(error) => {
                whole = false;
                println!("  error: {error:#}");
            }
        }
    }
    println!("\n{}", summary(&all));
    if let Some(file) = json {
        let text = serde_json::to_string_pretty(&all)?;
        fs::write(&file, text + "\n").with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(whole)
}

fn name(part: Part) -> String {
    part.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn summary(rows: &[Row]) -> String {
    let count = |holds| rows.iter().filter(|row| row.holds == holds).count();
    let absent = rows.iter().filter(|row| row.value.is_none()).count();
    format!("{} goals hold, {} are missed, {absent} rows are absent", count(Some(true)), count(Some(false)))
}
