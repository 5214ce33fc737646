//! Conditions: a path leads into the one fact that holds all attributes, so that no name of theirs meets one of ours.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Refusal;

/// The fact that holds all attributes.
pub(super) const ATTRIBUTE: &str = "attribute";

/// How many groups may refer to each other in a row.
const MOST_NESTED: usize = 32;

/// The saved groups of a context, and those of them that have been used.
pub(super) struct Groups<'g> {
    saved: Option<&'g Map<String, Value>>,
    used: BTreeMap<String, Value>,
    visiting: Vec<String>,
}

impl<'g> Groups<'g> {
    pub(super) fn new(saved: Option<&'g Value>) -> Self {
        Groups { saved: saved.and_then(Value::as_object), used: BTreeMap::new(), visiting: Vec::new() }
    }

    /// The groups for a ruleset.
    pub(super) fn into_ruleset(self) -> Value {
        self.used.into_iter().collect::<Map<_, _>>().into()
    }

    /// The values of the group that an operator names; none of a group whose values are not known.
    fn values(&self, name: &str) -> Option<Value> {
        match self.saved.and_then(|saved| saved.get(name)) {
            None => Some(json!([])),
            Some(Value::Array(values)) => Some(values.clone().into()),
            Some(entry) if entry["type"] == "list" => {
                entry["values"].is_array().then(|| entry["values"].clone())
            }
            Some(_) => None,
        }
    }
}

/// The condition in our language.
pub(super) fn translate(condition: &Value, groups: &mut Groups) -> Result<Value, Refusal> {
    about(Some(ATTRIBUTE), condition, groups)
}

/// A condition that holds for nobody.
pub(super) fn never() -> Value {
    json!({ "$not": {} })
}

fn about(root: Option<&str>, condition: &Value, groups: &mut Groups) -> Result<Value, Refusal> {
    let members = condition.as_object().ok_or(Refusal::shape("a condition", "an object"))?;
    let mut translated = Map::new();
    let mut more = Vec::new();
    for (key, value) in members {
        match key.as_str() {
            "$and" | "$or" | "$nor" => {
                let items = value.as_array().ok_or(Refusal::shape(key, "a list"))?;
                let items: Result<Vec<Value>, Refusal> =
                    items.iter().map(|item| about(root, item, groups)).collect();
                translated.insert(key.clone(), items?.into());
            }
            "$not" => {
                translated.insert(key.clone(), about(root, value, groups)?);
            }
            "$savedGroup" => more.push(saved_group(root, value, groups)?),
            path => {
                let path = root.map_or(path.to_owned(), |root| format!("{root}.{path}"));
                translated.insert(path, operators(value, groups)?);
            }
        }
    }
    if more.is_empty() {
        return Ok(translated.into());
    }
    more.push(translated.into());
    Ok(json!({ "$and": more }))
}

/// What stands under a path: a value, or operators.
fn operators(value: &Value, groups: &mut Groups) -> Result<Value, Refusal> {
    let nothing = || Ok(json!({ "$in": [] }));
    let Some(members) = as_operators(value) else { return Ok(value.clone()) };
    let mut translated = Map::new();
    for (operator, argument) in members {
        let argument = match operator.as_str() {
            "$not" | "$size" => operators(argument, groups)?,
            "$elemMatch" if as_operators(argument).is_some() => operators(argument, groups)?,
            "$elemMatch" => about(None, argument, groups)?,
            "$all" | "$alli" if argument.is_array() => {
                let items = argument.as_array().into_iter().flatten();
                let items: Result<Vec<Value>, Refusal> = items.map(|item| operators(item, groups)).collect();
                items?.into()
            }
            "$regex" | "$regexi" | "$type" if !argument.is_string() => return nothing(),
            "$inGroup" | "$notInGroup" => {
                let name = argument.as_str().map_or_else(|| argument.to_string(), str::to_owned);
                let Some(values) = groups.values(&name) else { return nothing() };
                groups.used.insert(name.clone(), values);
                name.into()
            }
            _ => argument.clone(),
        };
        translated.insert(operator.clone(), argument);
    }
    Ok(translated.into())
}

/// The members of an object all of whose keys are operators.
fn as_operators(value: &Value) -> Option<&Map<String, Value>> {
    value.as_object().filter(|members| !members.is_empty() && members.keys().all(|key| key.starts_with('$')))
}

/// A group that is referred to as a whole; what is no such reference matches nobody.
fn saved_group(root: Option<&str>, reference: &Value, groups: &mut Groups) -> Result<Value, Refusal> {
    let id = reference["id"].as_str();
    let entry = id.and_then(|id| groups.saved?.get(id));
    let (Some(id), Some(entry)) = (id, entry) else { return Ok(never()) };
    let over = reference.get("attributeKey");
    if groups.visiting.iter().any(|visiting| visiting == id) || over.is_some_and(|over| !over.is_string()) {
        return Ok(never());
    }
    match entry["type"].as_str() {
        Some("list") if entry["values"].is_array() => {
            let Some(path) = over.unwrap_or(&entry["attributeKey"]).as_str() else { return Ok(never()) };
            let path = root.map_or(path.to_owned(), |root| format!("{root}.{path}"));
            Ok(json!({ path: { "$in": entry["values"] } }))
        }
        Some("condition") if entry["condition"].is_object() => {
            if groups.visiting.len() == MOST_NESTED {
                return Err(Refusal::Beyond("so many groups that refer to each other"));
            }
            groups.visiting.push(id.to_owned());
            let translated = about(root, &entry["condition"], groups);
            groups.visiting.pop();
            translated
        }
        _ => Ok(never()),
    }
}
