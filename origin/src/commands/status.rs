use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args;
use hemstitch::pack::PackHash;
use hemstitch::pointer::{Pointer, pack_key, pointer_key};
use hemstitch_origin::targets::{Mirror, ask_edge};
use serde_json::{Value, json};

use super::place::{Found, Place, line, moment};
use crate::{Verdict, output};

/// Show what each target holds, and what edges say that they serve
///
/// An answer of an edge is that of one instance of many, so each is asked several times. Edges are those of `edges` in
/// hemstitch.toml, and answer who shows a token of the operator's key.
#[derive(Args)]
#[command(after_help = "\
Exit codes:
  0  all of them hold the last publication
  1  something is behind, or does not answer

Examples:
  hemstitch status
  hemstitch status --edge https://www.acme.test --samples 10 --json")]
pub struct Status {
    #[command(flatten)]
    place: Place,
    /// URL of a site at an edge; may be repeated, in place of those of the configuration
    #[arg(long = "edge", value_name = "URL")]
    edges: Vec<String>,
    /// How often each edge is asked
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    samples: u32,
    /// Print one JSON object: site, last, targets, edges
    #[arg(long)]
    json: bool,
}

impl Status {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        let found = self.place.without_key()?;
        let last = match &found.targets.ledger {
            Some((_, ledger)) => ledger.latest(&found.site)?,
            None => None,
        };
        let targets: Vec<(String, Value)> = found
            .targets
            .mirrors
            .iter()
            .map(|mirror| (mirror.name.clone(), held(mirror, &found.site)))
            .collect();
        let edges = self.edges(&found)?;
        let wanted = last.as_ref().map(|last| last.sequence);
        let highest = || targets.iter().filter_map(|(_, held)| held["sequence"].as_u64()).max();
        let wanted = wanted.or_else(highest);
        let all = targets.iter().map(|(_, held)| held).chain(edges.iter().flat_map(|(_, told)| told));
        let behind = all.filter(|held| held["sequence"].as_u64() != wanted || held["sound"] == false).count();
        if self.json {
            let targets: serde_json::Map<String, Value> = targets.into_iter().collect();
            let edges: BTreeMap<String, Vec<Value>> = edges.into_iter().collect();
            let report = json!({ "site": found.site, "last": last, "targets": targets, "edges": edges });
            output::line(report)?;
        } else {
            if let (Some((name, _)), Some(last)) = (&found.targets.ledger, &last) {
                output::line(format_args!("{name}:\n{}", line(last)))?;
            }
            for (name, held) in &targets {
                output::line(format_args!("{name}: {}", in_words(held)))?;
            }
            for (url, told) in &edges {
                told.iter().try_for_each(|told| output::line(format_args!("{url}: {}", in_words(told))))?;
            }
        }
        Ok(if behind == 0 { Verdict::Fine } else { Verdict::Findings })
    }

    fn edges(&self, found: &Found) -> Result<Vec<(String, Vec<Value>)>> {
        let urls = if self.edges.is_empty() { &found.configuration.edges } else { &self.edges };
        if urls.is_empty() {
            return Ok(Vec::new());
        }
        let Some(key) = found.operator_key()? else {
            output::aside("edges are not asked: no target of kind `origin` has an `operator_key`");
            return Ok(Vec::new());
        };
        let ask = |url: &String| -> Value {
            ask_edge(url, &found.site, &key, &found.configuration.operator)
                .unwrap_or_else(|error| json!({ "error": error.to_string() }))
        };
        Ok(urls.iter().map(|url| (url.clone(), (0..self.samples).map(|_| ask(url)).collect())).collect())
    }
}

/// What a KV holds: the pointer as it says, since whether it is signed by the right key is for edges to know.
fn held(mirror: &Mirror, site: &str) -> Value {
    let pointer = match mirror.store.get(&pointer_key(site)) {
        Ok(Some(wire)) => match Pointer::claimed(&wire) {
            Some(pointer) => pointer,
            None => return json!({ "error": "what stands for a pointer is none" }),
        },
        Ok(None) => return json!({ "sequence": null }),
        Err(error) => return json!({ "error": error.to_string() }),
    };
    let is_there = |hash: &PackHash| match mirror.store.get(&pack_key(site, hash)) {
        Ok(Some(pack)) => PackHash::of(&pack) == *hash,
        Ok(None) | Err(_) => false,
    };
    let next = pointer.next();
    let sound = is_there(pointer.pack()) && next.is_none_or(|(hash, _)| is_there(hash));
    json!({
        "sequence": pointer.sequence(),
        "pack": pointer.pack().to_string(),
        "next": next.map(|(hash, at)| json!({ "pack": hash.to_string(), "at": at.0 })),
        "sound": sound,
    })
}

fn in_words(held: &Value) -> String {
    if let Some(error) = held["error"].as_str() {
        return error.to_owned();
    }
    let Some(sequence) = held["sequence"].as_u64() else { return "nothing is published".to_owned() };
    let pack: String = held["pack"].as_str().unwrap_or("no pack").chars().take(12).collect();
    let mut words = format!("number {sequence}, pack {pack}");
    if let Some(at) = held["next"]["at"].as_u64() {
        words.push_str(&format!(", another from {} on", moment(at)));
    }
    if held["sound"] == false {
        words.push_str(", whose pack is not there");
    }
    let refused = held["refused"].as_object().into_iter().flatten().filter_map(|(_, count)| count.as_u64());
    match refused.sum::<u64>() {
        0 => {}
        count => words.push_str(&format!(", {count} refused")),
    }
    match held["personalization"].as_str() {
        None | Some("on") => words,
        Some(switch) => format!("{words}, personalization {switch}"),
    }
}
