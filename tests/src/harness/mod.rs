//! A scripted origin, the three edges as processes, a raw HTTP client, and what goes between them.
//!
//! ```text
//!  Ask ──► Edge (native | Viceroy | workerd) ──► TestOrigin, which answers by Script and notes what it was asked
//!                 ▲
//!          TestSite: configuration, keys, published ruleset
//! ```
//!
//! A [`Stage`] holds one of each. A [`Browser`] is a client, too, where it takes a real one. Nothing sleeps and hopes: a [`Gate`] withholds, [`patience::eventually`] polls.

mod ask;
mod browser;
mod case;
mod case_files;
mod child;
mod cloud_services;
mod demo;
mod edge;
mod gate;
mod in_process;
mod jws;
mod lines;
mod listen;
mod native;
mod origin;
pub mod patience;
mod programs;
mod publication;
mod record;
mod reply;
mod rules_case;
pub mod scene;
mod script;
mod site;
mod split;
mod stage;
mod viceroy;
mod visitor;
mod watch;
mod webdriver;
mod wire;
mod workerd;
mod wrangler;

pub use ask::Ask;
pub use browser::{Browser, Exchange, Scheme, Scripts, View};
pub use case::{Case, CaseVisitor, Failure, Fragment};
pub use child::Child;
pub use cloud_services::Fault;
pub use demo::demo_site;
pub use edge::{EVERY_KIND, Edge, EdgeKind};
pub use gate::Gate;
pub use in_process::{Arrival, InProcess, Run};
pub use jws::Jws;
pub use lines::{ask_natively, ask_wasm, output_of};
pub use origin::{Asked, TestOrigin};
pub use programs::{
    axe, browser_core, cases, cloudflare, conformance, corpus, fastly_wasm, growthbook_sdk, hemstitch,
    panicking_cloudflare, viceroy, workerd, workspace,
};
pub use publication::{Publication, pointer_signed_by};
pub use record::RecordOrigin;
pub use reply::{End, Reply};
pub use rules_case::{RulesCase, RulesVisit};
pub use script::Script;
pub use site::{Secrets, TestSite};
pub use split::split;
pub use stage::Stage;
pub use visitor::{Visitor, explain_token, facts_token, now, preview_token};
pub use watch::Notes;
pub use wrangler::Wrangler;

/// Turns bodies that take an [`EdgeKind`] into one test for each edge: `name::native`, `name::viceroy` and
/// `name::workerd`.
#[macro_export]
macro_rules! on_each_edge {
    ($($name:ident)*) => { $(
        mod $name {
            #[test]
            fn native() {
                super::$name($crate::harness::EdgeKind::Native);
            }

            #[test]
            fn viceroy() {
                super::$name($crate::harness::EdgeKind::Viceroy);
            }

            #[test]
            fn workerd() {
                super::$name($crate::harness::EdgeKind::Workerd);
            }
        }
    )* };
}
