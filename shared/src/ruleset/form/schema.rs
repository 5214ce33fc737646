//! The form of a ruleset as a JSON Schema (draft 2020-12).
//!
//! What it refuses, the reader reports; what the reader reports of an object's form, it refuses. What takes a look at
//! the whole ruleset, such as whether a block exists, only the reader knows.

use serde_json::{Map, Value, json};

use super::objects::{OBJECTS, RULESET};
use super::operators::{LOGIC, MEMBERSHIP, OPERATORS, Operator, SHOWING};
use super::{Demand, Field, Need, Object, Shape, Written};
use crate::facts::vocabulary::{self, Entry, Kind, VOCABULARY};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The JSON Schema of a ruleset, for editors and validators.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    let objects = OBJECTS.iter().copied().filter(|object| object.name != RULESET.name);
    for object in objects.chain([&MEMBERSHIP, &SHOWING]) {
        definitions.insert(object.name.to_owned(), object_schema(object));
    }
    definitions.insert("condition".to_owned(), condition());
    definitions.insert("operators".to_owned(), operators());
    definitions.insert("comparison".to_owned(), comparison());
    definitions.insert("of-item".to_owned(), of_item());
    definitions.insert("item-condition".to_owned(), item_condition());
    let mut root = object_schema(&RULESET);
    let head = json!({ "$schema": DIALECT, "title": "Hemstitch ruleset", "$defs": definitions });
    merge(&mut root, head);
    root
}

fn merge(into: &mut Value, more: Value) {
    if let (Some(into), Value::Object(more)) = (into.as_object_mut(), more) {
        into.extend(more);
    }
}

fn object_schema(object: &Object) -> Value {
    let property = |field: &Field| (field.name.to_owned(), field_schema(field));
    let required: Vec<&str> =
        object.fields.iter().filter(|field| field.need == Need::Required).map(|field| field.name).collect();
    let mut schema = json!({
        "type": "object",
        "description": object.about,
        "properties": object.fields.iter().map(property).collect::<Map<_, _>>(),
        "additionalProperties": false,
    });
    if !required.is_empty() {
        merge(&mut schema, json!({ "required": required }));
    }
    let mut dependent = Map::new();
    for demand in object.demands {
        match demand {
            Demand::OneOf(names) => merge(&mut schema, json!({ "oneOf": each_required(names) })),
            Demand::SomeOf(names) => merge(&mut schema, json!({ "anyOf": each_required(names) })),
            Demand::OnlyWith(with, names) => {
                dependent.extend(names.iter().map(|name| ((*name).to_owned(), json!([with]))));
            }
            Demand::WhereWord { field, word, needs } => {
                let condition = json!({
                    "if": { "properties": { *field: { "const": word } }, "required": [field] },
                    "then": { "required": [needs] },
                    "else": { "properties": { *needs: false } },
                });
                merge(&mut schema, condition);
            }
        }
    }
    if !dependent.is_empty() {
        merge(&mut schema, json!({ "dependentRequired": dependent }));
    }
    schema
}

fn each_required(names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| json!({ "required": [name] })).collect()
}

fn field_schema(field: &Field) -> Value {
    let mut schema = shape(&field.shape);
    let example: Value = serde_json::from_str(field.example).unwrap_or_default();
    merge(&mut schema, json!({ "description": field.about, "examples": [example] }));
    schema
}

fn shape(of: &Shape) -> Value {
    match of {
        Shape::Text => json!({ "type": "string" }),
        Shape::Written(written) => text(*written),
        Shape::Words(words) => json!({ "enum": words }),
        Shape::Numbers(numbers) => json!({ "enum": numbers }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Number => json!({ "type": "number" }),
        Shape::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Shape::Whole(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::Span => {
            json!({ "type": "array", "items": { "type": "number" }, "minItems": 2, "maxItems": 2 })
        }
        Shape::Anything => json!({}),
        Shape::Scalar => json!({ "type": ["string", "number", "boolean", "null"] }),
        Shape::Comparison => json!({ "$ref": "#/$defs/comparison" }),
        Shape::Condition => json!({ "$ref": "#/$defs/condition" }),
        Shape::OfItem => json!({ "$ref": "#/$defs/of-item" }),
        Shape::List(items) => json!({ "type": "array", "items": shape(items) }),
        Shape::Counted(items, least, most) => {
            let mut schema = json!({ "type": "array", "items": shape(items), "minItems": least });
            if let Some(most) = most {
                merge(&mut schema, json!({ "maxItems": most }));
            }
            schema
        }
        Shape::Named(keys, values) => json!({
            "type": "object",
            "propertyNames": { "pattern": keys.pattern() },
            "additionalProperties": shape(values),
        }),
        Shape::Object(object) => json!({ "$ref": format!("#/$defs/{}", object.name) }),
        Shape::Either(shapes) => json!({ "anyOf": shapes.iter().map(shape).collect::<Vec<_>>() }),
    }
}

fn text(written: Written) -> Value {
    let mut schema = json!({ "type": "string", "pattern": written.pattern() });
    if let Some(format) = written.format() {
        merge(&mut schema, json!({ "format": format }));
    }
    schema
}

fn operator_schema(operator: &Operator) -> (String, Value) {
    let mut schema = shape(&operator.takes);
    let example: Value = serde_json::from_str(operator.example).unwrap_or_default();
    let argument = example.pointer(&format!("/{}", operator.name)).cloned();
    let under_a_fact = || example.as_object()?.values().next()?.get(operator.name).cloned();
    let examples: Vec<Value> = argument.or_else(under_a_fact).into_iter().collect();
    merge(&mut schema, json!({ "description": operator.about, "examples": examples }));
    (operator.name.to_owned(), schema)
}

/// Facts by name, and operators beside them. Names that are ours and yet unknown are refused; any other may be one
/// that the ruleset declares.
fn condition() -> Value {
    let mut properties: Map<String, Value> = LOGIC.iter().map(operator_schema).collect();
    let mut families = Map::new();
    for entry in VOCABULARY {
        match entry.name.strip_suffix('*') {
            Some(family) => {
                families.insert(format!(r"^{}[\s\S]", family.replace('.', r"\.")), fact(entry));
            }
            None => {
                properties.insert(entry.name.to_owned(), fact(entry));
            }
        }
    }
    json!({
        "type": "object",
        "description": "What has to hold for a visitor: all of it. A missing fact compares as null.",
        "properties": properties,
        "patternProperties": families,
        "propertyNames": { "pattern": names_pattern() },
        "additionalProperties": { "$ref": "#/$defs/comparison" },
    })
}

/// The names that may stand in a condition: operators, facts that every site has, and what a site may declare.
fn names_pattern() -> String {
    let escaped = |name: &str| name.replace('$', r"\$").replace('.', r"\.");
    let mut known: Vec<String> = LOGIC.iter().map(|operator| escaped(operator.name)).collect();
    known.extend(VOCABULARY.iter().map(|entry| match entry.name.strip_suffix('*') {
        Some(family) => format!(r"{}[\s\S]+", escaped(family)),
        None => escaped(entry.name),
    }));
    let ours = vocabulary::OURS.join("|");
    format!(r"^(?:{}|(?!\$)(?!(?:{ours})(?:\.|$))[\s\S]+)$", known.join("|"))
}

fn fact(entry: &Entry) -> Value {
    let example: Value = serde_json::from_str(entry.example).unwrap_or_default();
    let unit = if entry.unit.is_empty() { String::new() } else { format!(" ({})", entry.unit) };
    let kind = match entry.kind {
        Kind::Text => "A text",
        Kind::Number => "A number",
        Kind::Boolean => "True or false",
        Kind::List => "A list of texts",
        Kind::Any => "Any value",
    };
    json!({
        "$ref": "#/$defs/comparison",
        "description": format!("{} {kind}{unit}.", entry.about),
        "examples": [example],
    })
}

fn operators() -> Value {
    json!({
        "type": "object",
        "description": "What has to hold for a fact: all of it.",
        "properties": OPERATORS.iter().map(operator_schema).collect::<Map<_, _>>(),
        "additionalProperties": false,
    })
}

/// Operators, or a value that the fact is. An object without any operator is a value, too.
fn comparison() -> Value {
    json!({
        "description": "A value that the fact is, or operators.",
        "if": { "type": "object", "propertyNames": { "pattern": r"^\$" } },
        "then": { "$ref": "#/$defs/operators" },
    })
}

/// Operators for items that are values, or a condition on what is in items that are objects.
fn of_item() -> Value {
    json!({
        "type": "object",
        "description": "Operators that an item meets, or a condition on what is in it.",
        "if": { "propertyNames": { "pattern": r"^\$" }, "minProperties": 1 },
        "then": { "$ref": "#/$defs/operators" },
        "else": { "$ref": "#/$defs/item-condition" },
    })
}

fn item_condition() -> Value {
    let inner = json!({ "$ref": "#/$defs/item-condition" });
    let mut properties = Map::new();
    for operator in &LOGIC {
        let of_inner = match operator.takes {
            Shape::Condition => inner.clone(),
            Shape::List(_) => json!({ "type": "array", "items": inner }),
            // The others are about visitors.
            _ => continue,
        };
        properties.insert(operator.name.to_owned(), of_inner);
    }
    let logic: Vec<String> = properties.keys().map(|name| name.replace('$', r"\$")).collect();
    json!({
        "type": "object",
        "description": "What has to hold for an item: all of it. A path leads into the item.",
        "properties": properties,
        "propertyNames": { "pattern": format!(r"^(?:{}|(?!\$)[\s\S]*)$", logic.join("|")) },
        "additionalProperties": { "$ref": "#/$defs/comparison" },
    })
}
