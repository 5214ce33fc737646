//! Two rulesets, member by member.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Change, Changes, Field, Kind};

/// Maps from name to thing, in the order of the document.
const NAMED: [(&str, &str); 5] = [
    ("facts", "fact"),
    ("groups", "group"),
    ("audiences", "audience"),
    ("blocks", "block"),
    ("experiments", "experiment"),
];

type Object = Map<String, Value>;

pub fn rulesets(before: &Object, after: &Object) -> Changes {
    let mut changes = Changes::default();
    for (member, what) in NAMED {
        let sides = [before, after].map(|ruleset| named(ruleset.get(member)));
        things(&sides, what, None, &mut changes);
    }
    let slots = [before, after].map(|ruleset| named(ruleset.get("slots")));
    with_rules(&slots, "slot", &mut changes);
    listed([before.get("edits"), after.get("edits")], "edit", None, &mut changes, with_rules_of);
    listed([before.get("gates"), after.get("gates")], "gate", None, &mut changes, things);
    for member in ["holdout", "settings"] {
        let fields = match [before.get(member), after.get(member)] {
            [Some(Value::Object(before)), Some(Value::Object(after))] => fields(before, after, &[]),
            [before, after] if !same_or_both_missing(before, after) => {
                vec![field("", before, after)]
            }
            _ => continue,
        };
        if !fields.is_empty() {
            changes.push(Kind::Changed, member, "", None, fields);
        }
    }
    changes
}

/// Things by their names.
type Named<'v> = BTreeMap<&'v str, &'v Value>;

fn named(member: Option<&Value>) -> Named<'_> {
    let members = member.and_then(Value::as_object).into_iter().flatten();
    members.map(|(name, value)| (name.as_str(), value)).collect()
}

/// Things that have nothing in them that is told apart.
fn things(sides: &[Named<'_>; 2], what: &'static str, within: Option<&str>, changes: &mut Changes) {
    pairs(sides, what, within, changes, |_, _, _, _| {});
}

/// Slots or edits, whose rules are told apart.
fn with_rules(sides: &[Named<'_>; 2], what: &'static str, changes: &mut Changes) {
    pairs(sides, what, None, changes, rules);
}

fn with_rules_of(sides: &[Named<'_>; 2], what: &'static str, _: Option<&str>, changes: &mut Changes) {
    with_rules(sides, what, changes);
}

fn rules(within: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Changes) {
    let rules = [before, after].map(|holder| holder.and_then(|holder| holder.get("rules")));
    listed(rules, "rule", Some(within), changes, things);
}

fn pairs(
    sides: &[Named<'_>; 2],
    what: &'static str,
    within: Option<&str>,
    changes: &mut Changes,
    inside: impl Fn(&str, Option<&Value>, Option<&Value>, &mut Changes),
) {
    let [before, after] = sides;
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    for name in names {
        let (old, new) = (before.get(name).copied(), after.get(name).copied());
        match (old, new) {
            (None, Some(_)) => changes.push(Kind::Added, what, name, within, Vec::new()),
            (Some(_), None) => changes.push(Kind::Removed, what, name, within, Vec::new()),
            (Some(Value::Object(old)), Some(Value::Object(new))) => {
                let fields = fields(old, new, &["id", "rules"]);
                if !fields.is_empty() {
                    changes.push(Kind::Changed, what, name, within, fields);
                }
            }
            (Some(old), Some(new)) if !same(old, new) => {
                let fields = vec![field("", Some(old), Some(new))];
                changes.push(Kind::Changed, what, name, within, fields);
            }
            _ => {}
        }
        inside(&format!("{what} {name}"), old, new, changes);
    }
}

/// Things in a list, by their ids; then whether those that stay are in another order.
fn listed(
    sides: [Option<&Value>; 2],
    what: &'static str,
    within: Option<&str>,
    changes: &mut Changes,
    compare: impl Fn(&[Named<'_>; 2], &'static str, Option<&str>, &mut Changes),
) {
    let lists = sides.map(|list| list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default());
    let ids = lists.map(|list| -> Vec<&str> { list.iter().filter_map(id).collect() });
    let by_id = lists
        .map(|list| -> Named<'_> { list.iter().filter_map(|thing| Some((id(thing)?, thing))).collect() });
    compare(&by_id, what, within, changes);
    let [before, after] = [0, 1].map(|side| -> Vec<&str> {
        ids[side].iter().copied().filter(|id| by_id[1 - side].contains_key(id)).collect()
    });
    if before != after {
        let order = |ids: Vec<&str>| Value::from(ids);
        let field =
            Field { name: "order".to_owned(), before: Some(order(before)), after: Some(order(after)) };
        changes.push(Kind::Changed, what, "", within, vec![field]);
    }
}

fn id(thing: &Value) -> Option<&str> {
    thing.get("id")?.as_str()
}

/// The fields that differ, but for those that are told elsewhere.
fn fields(before: &Object, after: &Object, but: &[&str]) -> Vec<Field> {
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).map(String::as_str).collect();
    let differing = names.into_iter().filter_map(|name| {
        let (old, new) = (before.get(name), after.get(name));
        (!but.contains(&name) && !same_or_both_missing(old, new)).then(|| field(name, old, new))
    });
    differing.collect()
}

fn field(name: &str, before: Option<&Value>, after: Option<&Value>) -> Field {
    Field { name: name.to_owned(), before: before.cloned(), after: after.cloned() }
}

fn same_or_both_missing(before: Option<&Value>, after: Option<&Value>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => same(before, after),
        (None, None) => true,
        _ => false,
    }
}

/// Equal, however numbers are spelled. The depth is what serde_json reads at most.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}

impl Changes {
    fn push(&mut self, kind: Kind, what: &'static str, name: &str, within: Option<&str>, fields: Vec<Field>) {
        let within = within.map(str::to_owned);
        self.list.push(Change { kind, what, name: name.to_owned(), within, fields });
    }
}
