//! The parts of the benchmark. Each can be run by its name.

mod compile;
mod esi;
mod growth;
mod hit;
mod http;
mod publish;
mod rules;
mod size;
mod stitch;

use anyhow::Result;
use clap::ValueEnum;

use crate::setting::Setting;
use crate::table::Row;

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Stitching along a plan against copying, lol_html and the crate esi.
    Stitch,
    /// Pages of ESI against the crate esi, from the cache and compiled for the first time.
    Esi,
    /// A whole personalized hit in the Fastly edge against the crate esi.
    Hit,
    /// Compiling a page against lol_html merely scanning it.
    Compile,
    /// Rule packs: how they grow, load and decide.
    Rules,
    /// What cost grows with, as plots.
    Growth,
    /// The native edge against Varnish, under load.
    Http,
    /// From `publish` to the page on every edge, and what looking after the rules costs a request.
    Publish,
    /// What the edges weigh.
    Size,
}

impl Part {
    /// What the rows of this part are, for their heading.
    pub fn about(self) -> &'static str {
        match self {
            Part::Stitch => {
                "Stitching the reference page (119 KB, 8 places): contenders take turns, 10th percentile of many rounds"
            }
            Part::Esi => {
                "Pages of ESI in wasm under Viceroy, fragments at hand, and the crate esi in turns with it; 10th percentile"
            }
            Part::Hit => {
                "A personalized hit in the Fastly edge under Viceroy, timed in the guest, and esi in its own guest in turns with it; 10th percentile"
            }
            Part::Compile => {
                "Compiling the page, against lol_html that looks for slots and does nothing about them; in turns, 10th percentile"
            }
            Part::Rules => {
                "Rules, in wasm under Viceroy; packs take turns, 10th percentile; cold rows are the first round of a fresh instance"
            }
            Part::Growth => {
                "What a hit costs in the core, in wasm under Viceroy, 10th percentile; instructions are exact"
            }
            Part::Http => {
                "Requests per second by wrk on loopback, in turns; median of the ratios of each turn"
            }
            Part::Publish => {
                "Ten publications, each until every edge shows it; the keeper in wasm under Viceroy, 10th percentile"
            }
            Part::Size => {
                "What is deployed, as gzip -9 makes it; the names of functions say what it is made of"
            }
        }
    }

    /// Measures.
    pub fn run(self, setting: &Setting) -> Result<Vec<Row>> {
        match self {
            Part::Stitch => stitch::rows(setting),
            Part::Esi => esi::rows(setting),
            Part::Hit => hit::rows(setting),
            Part::Compile => compile::rows(setting),
            Part::Rules => rules::rows(setting),
            Part::Growth => growth::rows(setting),
            Part::Http => http::rows(setting),
            Part::Publish => publish::rows(setting),
            Part::Size => size::rows(setting),
        }
    }
}
