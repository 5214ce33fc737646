//! What the edges weigh, and what of that is what.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::setting::{Setting, progress};
use crate::table::{Goal, Row};
use crate::weigh::weigh;

/// 600 KB.
const MOST: f64 = 614_400.0;
/// Shown by themselves; the rest is put together.
const SHOWN: usize = 14;
/// What there would be no need for without rules.
const RULES: [&str; 6] = [
    "hemstitch::pack",
    "hemstitch::pattern",
    "hemstitch::facts",
    "hemstitch::interpolation",
    "regex_automata",
    "regex_syntax",
];

pub fn rows(setting: &Setting) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for edge in &setting.programs.edge {
        let (name, file) = edge.split_once('=').context("an edge is given as name=file")?;
        progress(name);
        let bytes = gzipped(&fs::read(file).with_context(|| format!("reading {file}"))?)?;
        rows.push(Row::new(format!("{name} edge, gzipped"), bytes as f64, "B").goal(Goal::AtMost(MOST)));
        let named =
            setting.programs.named_edge.iter().find_map(|edge| edge.strip_prefix(name)?.strip_prefix('='));
        match named {
            Some(named) => rows.extend(weights(name, named)?),
            None => rows.push(Row::absent(format!("{name} edge, by crate"), "B", "not built with names")),
        }
    }
    if rows.is_empty() {
        rows.push(Row::absent("an edge, gzipped", "B", "not built").goal(Goal::AtMost(MOST)));
    }
    Ok(rows)
}

/// The code of each crate, gzipped by itself: what it comes to in the whole, about.
fn weights(edge: &str, file: &str) -> Result<Vec<Row>> {
    let weights = weigh(&fs::read(file).with_context(|| format!("reading {file}"))?)?;
    let mut alone: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (owner, code) in &weights.code {
        alone.insert(owner, (gzipped(code)?, code.len()));
    }
    let rules = alone.iter().filter(|(owner, _)| RULES.contains(owner)).map(|(_, sizes)| sizes);
    let rules = rules.fold((0, 0), |sum, sizes| (sum.0 + sizes.0, sum.1 + sizes.1));
    let row = |name: &str, (gzipped, raw): (usize, usize)| {
        Row::new(format!("{edge} edge: {name}"), gzipped as f64, "B").note(format!("{raw} B of code"))
    };
    let mut rows = vec![row("what rules add (pack, pattern, facts, interpolation, regex)", rules)];
    let mut heaviest: Vec<_> = alone.into_iter().collect();
    heaviest.sort_by_key(|(_, (gzipped, _))| std::cmp::Reverse(*gzipped));
    let rest = heaviest.split_off(heaviest.len().min(SHOWN));
    rows.extend(heaviest.into_iter().map(|(owner, sizes)| row(owner, sizes)));
    let rest = rest.into_iter().fold((0, 0), |sum, (_, sizes)| (sum.0 + sizes.0, sum.1 + sizes.1));
    rows.push(row("all other crates", rest));
    rows.push(Row::new(format!("{edge} edge: data, not compressed"), weights.data as f64, "B"));
    Ok(rows)
}

fn gzipped(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}
