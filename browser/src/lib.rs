//! The core in a browser: checks a ruleset while somebody writes it, compiles it to the bytes that edges get, and explains
//! what a visitor would see.
//!
//! ```text
//!  text ─► Draft ─► findings
//!            ├────► pack: the bytes that `hemstitch publish` would sign
//!            └────► explain(persona, path, query, at, switch): as `hemstitch explain --json`
//! ```

use hemstitch::facts::{Place, Sources};
use hemstitch::kill_switch::KillSwitch;
use hemstitch::pack::{Pack, compile};
use hemstitch::ruleset::{Diagnostic, Persona, Ruleset};
use hemstitch::time::UnixTime;
use serde_json::{Value, json};
use wasm_bindgen::prelude::wasm_bindgen;

/// A ruleset as it stands in an editor.
#[wasm_bindgen]
pub struct Draft {
    findings: Vec<Diagnostic>,
    rules: Option<(Ruleset, Pack)>,
}

#[wasm_bindgen]
impl Draft {
    /// Reads a text.
    #[wasm_bindgen(constructor)]
    pub fn new(text: &str) -> Draft {
        let (ruleset, findings) = Ruleset::parse(text);
        let rules = ruleset.and_then(|ruleset| {
            let pack = Pack::open(compile(&ruleset).ok()?).ok()?;
            Some((ruleset, pack))
        });
        Draft { findings, rules }
    }

    /// What is wrong with it, as JSON: a list of findings.
    pub fn findings(&self) -> String {
        listed(&self.findings).to_string()
    }

    /// The bytes of its pack; none where there are errors in it.
    pub fn pack(&self) -> Option<Vec<u8>> {
        self.rules.as_ref().and_then(|(ruleset, _)| compile(ruleset).ok())
    }

    /// What a persona would see of the page at a path, and why, as JSON: `gates` and `slots`, or `findings` where the
    /// persona, the instant or the switch cannot be used, or the ruleset has errors.
    pub fn explain(
        &self,
        persona: &str,
        host: &str,
        path: &str,
        query: Option<String>,
        at: &str,
        switch: &str,
    ) -> String {
        let Some((ruleset, pack)) = &self.rules else {
            return json!({ "findings": listed(&self.findings) }).to_string();
        };
        let (persona, findings) = Persona::parse(persona, ruleset);
        let (Some(persona), Some((now, utc_offset_s)), Some(switch)) =
            (persona, UnixTime::parse(at), KillSwitch::parse(switch))
        else {
            return json!({ "findings": listed(&findings) }).to_string();
        };
        let place = Place { utc_offset_s: Some(utc_offset_s), ..Place::default() };
        let query = query.as_deref();
        let facts = persona.facts(Sources { place, host, path, query, now, ..Sources::default() });
        pack.visit_json(&pack.explain_visit(path, &facts, &switch)).to_string()
    }
}

fn listed(findings: &[Diagnostic]) -> Value {
    findings.iter().map(Diagnostic::to_json).collect()
}
