//! The ruleset that a context becomes, the visitor whom it describes, and what the pack decides of them.

use std::collections::BTreeMap;

use hemstitch::facts::{Facts, Sources};
use hemstitch::kill_switch::KillSwitch;
use hemstitch::pack::{Decision, Evaluation, Learned, Pack, compile};
use hemstitch::profile::Profile;
use hemstitch::ruleset::Ruleset;
use hemstitch::time::UnixTime;
use serde_json::{Map, Value, json};

use super::Refusal;
use super::condition::{self, ATTRIBUTE, Groups};
use super::feature::Feature;
use super::targeting::Page;

/// What the facts begin with that hold one attribute each, for hashing: GrowthBook takes their names as they are.
const HASHED: &str = "hashed.";
/// The fact that holds the names of the groups that the visitor is in.
pub(super) const GROUPS: &str = "group";

/// How a fact is called that an attribute is hashed by: its name is no path.
pub(super) fn hashed(attribute: &str) -> String {
    format!("{HASHED}{}", attribute.replace('%', "%25").replace('.', "%2E"))
}

/// A ruleset in the making, and the facts for it.
pub(super) struct Book<'c> {
    pub(super) context: &'c Map<String, Value>,
    pub(super) attributes: Map<String, Value>,
    pub(super) groups: Groups<'c>,
    pub(super) page: Page,
    pub(super) experiments: Map<String, Value>,
    pub(super) slots: Map<String, Value>,
    pub(super) blocks: Map<String, Value>,
    pub(super) gates: Vec<Value>,
    pub(super) buckets: BTreeMap<String, String>,
    pub(super) stated: BTreeMap<String, Value>,
    /// Features that something depends on.
    pub(super) pending: Vec<Feature<'c>>,
}

impl<'c> Book<'c> {
    pub(super) fn new(context: &'c Value) -> Result<Self, Refusal> {
        let context = context.as_object().ok_or(Refusal::shape("the context", "an object"))?;
        let object = |name: &str| context.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        let mut attributes = object("attributes");
        attributes.extend(object("attributeOverrides"));
        let in_groups = object("groups").into_iter().filter(|(_, within)| is_true(Some(within)));
        let in_groups: Vec<Value> = in_groups.map(|(name, _)| name.into()).collect();
        let mut book = Book {
            context,
            groups: Groups::new(context.get("savedGroups")),
            page: Page::new(context.get("url").and_then(Value::as_str).unwrap_or_default()),
            experiments: Map::new(),
            slots: Map::new(),
            blocks: Map::new(),
            gates: Vec::new(),
            buckets: BTreeMap::new(),
            stated: BTreeMap::from([(GROUPS.to_owned(), in_groups.into())]),
            pending: Vec::new(),
            attributes,
        };
        let by_name = book.attributes.iter().map(|(name, value)| (hashed(name), value.clone()));
        book.stated.extend(by_name);
        book.stated.insert(ATTRIBUTE.to_owned(), book.attributes.clone().into());
        Ok(book)
    }

    /// A condition of the context, in our language; of everybody where there is none.
    pub(super) fn condition(&mut self, condition: Option<&Value>) -> Result<Value, Refusal> {
        match condition {
            Some(condition) if is_true(Some(condition)) => condition::translate(condition, &mut self.groups),
            _ => Ok(json!({})),
        }
    }

    /// Whether choices are kept: where the context says which have been.
    pub(super) fn keeps(&self) -> bool {
        self.context.get("stickyBucketAssignmentDocs").is_some_and(|docs| !docs.is_null())
    }

    pub(super) fn close(mut self) -> Result<Case, Refusal> {
        while let Some(feature) = self.pending.pop() {
            self.take_feature(feature)?;
        }
        let off = self.context.get("enabled") == Some(&json!(false));
        let path = self.page.path().to_owned();
        let ruleset = json!({
            "groups": self.groups.into_ruleset(),
            "blocks": self.blocks,
            "experiments": self.experiments,
            "slots": self.slots,
            "gates": self.gates,
        });
        let pack = open(ruleset)?;
        let mut overrides = self.stated;
        overrides.extend(self.page.into_facts());
        Ok(Case {
            pack,
            facts: facts(overrides, self.buckets),
            switch: if off { KillSwitch::Off } else { KillSwitch::On },
            path,
        })
    }
}

/// A pack, and a visitor for it.
pub(super) struct Case {
    pub(super) pack: Pack,
    pub(super) facts: Facts,
    pub(super) switch: KillSwitch,
    pub(super) path: String,
}

impl Case {
    /// What a slot shows, and what the profile learns from it.
    pub(super) fn decide(&self, slot: &str) -> (Decision, Learned) {
        let slot = self.pack.slot(slot).expect("the ruleset has the slot");
        let mut evaluation = Evaluation::new(&self.pack, &self.facts, &self.switch);
        let decision = evaluation.decide(slot);
        (decision, evaluation.learned())
    }
}

/// Facts that are stated, of a visitor whose profile keeps these buckets.
pub(super) fn facts(overrides: BTreeMap<String, Value>, buckets: BTreeMap<String, String>) -> Facts {
    let now = UnixTime(0);
    let profile = Profile { buckets: buckets.into_iter().collect(), ..Profile::new([0; 16], now) };
    Facts::new(profile, Sources { now, overrides, ..Sources::default() })
}

/// The pack of a ruleset, through its bytes.
pub(super) fn open(mut ruleset: Value) -> Result<Pack, Refusal> {
    let any = json!({ "type": "any" });
    ruleset["facts"] = json!({ ATTRIBUTE: any, "hashed": any, "page": any, GROUPS: { "type": "list" } });
    let (ruleset, diagnostics) = Ruleset::parse_leniently(&ruleset.to_string());
    let ruleset = ruleset.ok_or_else(|| Refusal::of_ruleset(&diagnostics))?;
    Ok(Pack::open(compile(&ruleset)?)?)
}

/// Whether JavaScript takes a value for true.
pub(super) fn is_true(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Bool(yes)) => *yes,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(_) | Value::Object(_)) => true,
    }
}
