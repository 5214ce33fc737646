//! Personas: visitors that somebody makes up, as facts by name.

use std::collections::BTreeMap;

use super::code;
use super::diagnostic::{Diagnostic, Findings, Strictness};
use super::fields::{expect_object, expect_text};
use super::form::objects::SHOWN_SO_OFTEN;
use super::rule::SHOWN;
use super::source::{Json, Member, Node};
use super::{Experiment, Ruleset, Sticky, kinds, schedule};
use crate::facts::vocabulary::{self, Kind};
use crate::facts::{FORCED, Facts, Sources};
use crate::pack::kept_bucket;
use crate::profile::{Profile, Shown};
use crate::time::UnixTime;
use serde_json::Value;

/// What the names begin with of variations that a persona keeps; the experiment's key follows.
const BUCKET: &str = "bucket.";

/// A visitor that somebody makes up, to see what a ruleset would show them.
#[derive(Clone, Debug, PartialEq)]
pub struct Persona {
    facts: BTreeMap<String, Value>,
    shown: BTreeMap<String, (u32, Option<UnixTime>)>,
    buckets: BTreeMap<String, String>,
}

impl Persona {
    /// Somebody of whom nothing is known.
    pub fn nobody() -> Persona {
        Persona { facts: BTreeMap::new(), shown: BTreeMap::new(), buckets: BTreeMap::new() }
    }

    /// Reads a persona: a JSON object of facts by name, among them `experiment.KEY`, the variation that a token forces,
    /// `bucket.KEY`, the variation that the profile keeps, and `shown.RULE`, how often the profile counts a rule. The
    /// diagnostics are all there are; with an error among them there is no persona.
    pub fn parse(json: &str, ruleset: &Ruleset) -> (Option<Persona>, Vec<Diagnostic>) {
        let mut findings = Findings::new(Strictness::Strict);
        let root = Node::read(json, &mut findings);
        let persona = root.as_ref().and_then(|root| read(root, ruleset, &mut findings));
        let persona = if findings.has_errors() { None } else { persona };
        (persona, findings.place(json, root.as_ref()))
    }

    /// The facts of a request of theirs. What the persona states comes before what the sources say.
    pub fn facts(&self, sources: Sources<'_>) -> Facts {
        let now = sources.now;
        let mut profile = Profile::new([0; 16], now);
        let shown = |(rule, (times, since)): (&String, &(u32, Option<UnixTime>))| {
            (rule.clone(), Shown { times: *times, since: since.unwrap_or(now) })
        };
        profile.shown = self.shown.iter().map(shown).collect();
        profile.buckets.extend(self.buckets.clone());
        Facts::new(profile, Sources { overrides: self.facts.clone(), ..sources })
    }
}

fn read(root: &Node, ruleset: &Ruleset, findings: &mut Findings) -> Option<Persona> {
    if !expect_object(root, "persona", findings) {
        return None;
    }
    let mut persona = Persona::nobody();
    let mut kept = Vec::new();
    for member in root.members() {
        let name = member.key.as_str();
        if let Some(rule) = name.strip_prefix(SHOWN) {
            let rules = ruleset.rules().map(|rule| rule.id.as_str());
            if known(code::UNKNOWN_RULE, "rule", rule, rules, member, findings) {
                let read = read_shown(&member.value, findings);
                persona.shown.extend(read.map(|shown| (rule.to_owned(), shown)));
            }
            continue;
        }
        let forced = name.strip_prefix(FORCED);
        if let Some(key) = forced.or_else(|| name.strip_prefix(BUCKET)) {
            let keys = ruleset.experiments.iter().map(|one| one.key.as_str());
            if !known(code::UNKNOWN_EXPERIMENT, "experiment", key, keys, member, findings) {
                continue;
            }
            let experiment = ruleset.experiments.iter().find(|one| one.key == key)?;
            let Some(variation) = read_variation(experiment, &member.value, findings) else { continue };
            match forced {
                Some(_) => drop(persona.facts.insert(name.to_owned(), variation.into())),
                None => kept.push((experiment, variation)),
            }
            continue;
        }
        check_fact(member, ruleset, findings);
        persona.facts.insert(name.to_owned(), member.value.to_json());
    }
    for (experiment, variation) in kept {
        if let Sticky::Since { bucket_version, .. } = experiment.sticky {
            let attribute = experiment.attribute.as_str();
            let value = persona.facts.get(attribute);
            let value = value.unwrap_or(&Value::Null);
            let bucket = kept_bucket(&experiment.key, attribute, value, bucket_version);
            persona.buckets.insert(bucket, variation);
        }
    }
    Some(persona)
}

/// Whether the ruleset has something of that name; else that is a finding.
fn known<'r>(
    code: &'static code::Code,
    what: &str,
    name: &str,
    names: impl Iterator<Item = &'r str> + Clone,
    member: &Member,
    findings: &mut Findings,
) -> bool {
    let found = names.clone().any(|known| known == name);
    if !found {
        let message = format!("the ruleset has no {what} `{}`", name.escape_debug());
        findings.report_unknown(code, member.at, message, name, names);
    }
    found
}

fn read_variation(experiment: &Experiment, node: &Node, findings: &mut Findings) -> Option<String> {
    let key = expect_text(node, "a variation", findings)?;
    let keys = experiment.variations.iter().map(|variation| variation.key.as_str());
    if keys.clone().any(|known| known == key) {
        return Some(key.to_owned());
    }
    let message = format!("`{}` has no variation `{}`", experiment.key, key.escape_debug());
    findings.report_unknown(code::UNKNOWN_VARIATION, node.at, message, key, keys);
    None
}

/// A number, or `{"times": 3, "since": "2026-11-27T00:00:00Z"}`.
fn read_shown(node: &Node, findings: &mut Findings) -> Option<(u32, Option<UnixTime>)> {
    let fields = super::fields::Fields::of(node, &SHOWN_SO_OFTEN, findings)?;
    if fields.get("times").is_none() {
        fields.report_missing("times", findings);
    }
    let times = fields.whole("times", 0..=1_000_000, findings)?;
    let since = schedule::instant(&fields, "since", findings).map(|(seconds, _)| seconds);
    Some((times, since.map(|seconds| UnixTime(u64::try_from(seconds).unwrap_or(0)))))
}

/// A fact that there is not, or that is of another type, is a finding.
fn check_fact(member: &Member, ruleset: &Ruleset, findings: &mut Findings) {
    let name = member.key.as_str();
    let declared = ruleset.facts.iter().find(|(declared, _)| declared == name).map(|(_, kind)| *kind);
    let is_within = |(declared, _): &(String, Kind)| {
        name.strip_prefix(declared.as_str()).is_some_and(|rest| rest.starts_with('.'))
    };
    let Some(kind) = declared.or_else(|| Some(vocabulary::entry(name)?.kind)) else {
        if !ruleset.facts.iter().any(is_within) {
            let message = format!("there is no fact `{}`", name.escape_debug());
            let ours = vocabulary::NAMES.iter().copied();
            let known = ours.chain(ruleset.facts.iter().map(|(name, _)| name.as_str()));
            findings.report_unknown(code::UNKNOWN_FACT, member.at, message, name, known);
        }
        return;
    };
    let fits = matches!(
        (&member.value.value, kind),
        (Json::Null, _)
            | (_, Kind::Any)
            | (Json::Text(_), Kind::Text)
            | (Json::Number(_), Kind::Number)
            | (Json::Bool(_), Kind::Boolean)
            | (Json::List(_), Kind::List)
    );
    if !fits {
        let is = member.value.type_name();
        let message = format!("`{name}` is {is} and should be {}", kinds::with_article(kind));
        findings.report(code::WRONG_TYPE, member.value.at, message);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Persona;
    use crate::facts::{Fact, Sources};
    use crate::ruleset::Ruleset;
    use crate::time::UnixTime;

    fn ruleset() -> Ruleset {
        let ruleset = json!({
            "facts": {"trait.plan": {"type": "text"}, "account": {"type": "any"}},
            "experiments": {
                "x": {"variations": [{"key": "a"}, {"key": "b"}], "bucket_version": 2},
                "y": {"variations": [{}, {}], "attribute": "trait.plan"},
            },
            "slots": {"s": {"rules": [
                {"id": "r", "experiment": "x", "cap": {"times": 2, "per": "day"}}, {"id": "q", "experiment": "y"},
            ]}},
        });
        Ruleset::parse(&ruleset.to_string()).0.expect("a ruleset")
    }

    #[test]
    fn a_persona_has_facts_and_what_the_profile_keeps() {
        let persona = json!({
            "place.country": "DE", "visitor.visits": 3, "trait.plan": "gold", "account.tier": 2, "url.query.q": null,
            "shown.r": {"times": 2, "since": "1970-01-01T00:01:00Z"},
            "bucket.x": "b", "bucket.y": "1", "experiment.y": "0",
        });
        let (persona, findings) = Persona::parse(&persona.to_string(), &ruleset());
        let persona = persona.unwrap_or_else(|| panic!("{findings:?}"));
        let facts = persona.facts(Sources { now: UnixTime(100), ..Sources::default() });
        assert_eq!(facts.fact("place.country"), Some(Fact::Text("DE")));
        assert_eq!(facts.fact("visitor.returning"), Some(Fact::Bool(true)));
        assert_eq!(facts.fact("experiment.y"), Some(Fact::Text("0")));
        let shown = facts.profile().shown.get("r").copied().unwrap();
        assert_eq!((shown.times, shown.since), (2, UnixTime(60)));
        let buckets: Vec<(&str, &str)> =
            facts.profile().buckets.iter().map(|(name, key)| (name.as_str(), key.as_str())).collect();
        assert_eq!(buckets[0], ("x__2", "b"));
        assert!(buckets[1].0.starts_with("y~") && buckets[1].0.ends_with("__0"), "{buckets:?}");
    }

    #[test]
    fn what_is_wrong_with_a_persona_is_located() {
        for (persona, expect) in [
            ("{", vec![("HS0001", "")]),
            ("[]", vec![("HS0007", "")]),
            (r#"{"place.contry": "DE"}"#, vec![("HS0212", "/place.contry")]),
            (
                r#"{"visitor.visits": "3", "trait.plan": 1}"#,
                vec![("HS0007", "/visitor.visits"), ("HS0007", "/trait.plan")],
            ),
            (r#"{"shown.z": {"times": 1}}"#, vec![("HS0216", "/shown.z")]),
            (r#"{"shown.r": {"since": "now"}}"#, vec![("HS0006", "/shown.r")]),
            (r#"{"experiment.z": "a"}"#, vec![("HS0601", "/experiment.z")]),
            (r#"{"bucket.x": "c"}"#, vec![("HS0602", "/bucket.x")]),
        ] {
            let (read, findings) = Persona::parse(persona, &ruleset());
            let found: Vec<(&str, &str)> =
                findings.iter().map(|found| (found.code, found.pointer.as_str())).collect();
            assert_eq!((read, found), (None, expect), "{persona}");
        }
    }
}
