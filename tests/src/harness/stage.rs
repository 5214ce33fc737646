//! One origin, one edge in front of it, and the sites that it serves.

use std::path::Path;

use serde_json::Value;

use super::ask::Ask;
use super::edge::{Edge, EdgeKind};
use super::origin::TestOrigin;
use super::patience::eventually;
use super::script::Script;
use super::site::TestSite;
use super::visitor::{Visitor, facts_token};

/// What most tests need. The methods that name no site mean the first.
pub struct Stage {
    /// The edge.
    pub edge: Edge,
    /// The origin behind it.
    pub origin: TestOrigin,
    sites: Vec<TestSite>,
}

impl Stage {
    /// One site.
    pub fn new(kind: EdgeKind, site: TestSite) -> Stage {
        Stage::with_sites(kind, vec![site])
    }

    /// Many sites behind one edge.
    pub fn with_sites(kind: EdgeKind, sites: Vec<TestSite>) -> Stage {
        let origin = TestOrigin::start().expect("an origin on loopback");
        Stage::before(kind, origin, sites)
    }

    /// With an origin that already has its answers.
    pub fn before(kind: EdgeKind, origin: TestOrigin, sites: Vec<TestSite>) -> Stage {
        assert!(!sites.is_empty(), "a stage needs a site");
        Stage { edge: Edge::start(kind, &origin, &sites), origin, sites }
    }

    /// One site behind the Worker of a folder.
    pub fn of_worker(worker: &Path, site: TestSite) -> Stage {
        Stage::of_worker_with(worker, vec![site], &[])
    }

    /// The same, with variables and secrets in place of those that the sites come to, or without some of them.
    pub fn of_worker_with(worker: &Path, sites: Vec<TestSite>, settings: &[(&str, Option<&str>)]) -> Stage {
        let origin = TestOrigin::start().expect("an origin on loopback");
        Stage { edge: Edge::workerd(worker, &origin, &sites, settings), origin, sites }
    }

    /// The first site.
    pub fn site(&self) -> &TestSite {
        &self.sites[0]
    }

    /// What the origin answers to a path of the first site from now on.
    pub fn serve(&self, path: &str, script: Script) {
        self.origin.answer(&self.site().host, path, script);
    }

    /// A request to the first site.
    pub fn get(&self, path: &str) -> Ask {
        Ask::get(self.edge.address(), &self.site().host, path)
    }

    /// A request of a visitor to the first site.
    pub fn get_as(&self, visitor: &Visitor, path: &str) -> Ask {
        self.get(path).cookie(&visitor.cookie(self.site()))
    }

    /// A request to the first site with facts overridden by a token.
    pub fn get_with_facts(&self, facts: &Value, path: &str) -> Ask {
        self.get(path).header("hs-facts", &facts_token(self.site(), facts))
    }

    /// How often the origin was asked for a path of the first site.
    pub fn fetches(&self, path: &str) -> usize {
        self.origin.count(&self.site().host, path)
    }

    /// Asks until an answer came without a question to the origin for that path: it is in the cache.
    pub fn fill(&self, path: &str) {
        eventually(&format!("{path} comes from the cache"), || {
            let before = self.fetches(path);
            self.get(path).send().whole();
            (self.fetches(path) == before).then_some(())
        });
    }
}
