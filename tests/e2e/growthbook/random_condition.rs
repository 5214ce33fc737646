//! Conditions and attributes at random, of values that coercions stumble over.

use serde_json::{Map, Value, json};

use super::dice::Dice;

/// Texts that are numbers to some and not to others, versions, dates, and letters whose case is a matter of debate.
const TEXTS: [&str; 64] = [
    "",
    "0",
    "-0",
    "1",
    "01",
    "1.0",
    "1.50",
    " 1 ",
    "\u{a0}2\u{feff}",
    "\u{85}1",
    "1e3",
    "1E-7",
    ".5",
    "5.",
    "+3",
    "-.5e1",
    "0x1F",
    "0b11",
    "0o7",
    "-0x1",
    "1_000",
    "1e",
    "e5",
    ".",
    "-",
    "NaN",
    "nan",
    "Infinity",
    "-Infinity",
    "infinity",
    "inf",
    "null",
    "true",
    "false",
    "undefined",
    "[object Object]",
    "a",
    "A",
    "b",
    "a,b",
    "1,2",
    "ä",
    "Ä",
    "ß",
    "ẞ",
    "İ",
    "i̇",
    "ı",
    "ΑΣ",
    "ας",
    "😀",
    "\u{ffff}",
    "a\nb",
    "1.2.3",
    "v1.2.3",
    "1.2.3-beta",
    "1.10.0",
    "1.2.3+b.7",
    "1+a\nb",
    "1.2",
    "1-2-3",
    "2020-01-01",
    "2020-01-01T00:00:00Z",
    "9007199254740993",
];
const NUMBERS: [f64; 18] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.0,
    1.5,
    0.1,
    0.30000000000000004,
    31.0,
    1000.0,
    1e21,
    1e-7,
    123456789012345680000.0,
    9007199254740992.0,
    1e300,
    -1e-300,
    5e-324,
    0.8444218515250481,
];
const PATHS: [&str; 16] = [
    "a",
    "b",
    "c",
    "a.b",
    "a.b.c",
    "a.0",
    "a.1.b",
    "a.00",
    "a.-1",
    "b.length",
    "c.0.length",
    "",
    "a.",
    ".a",
    "d",
    "a.b.1",
];
const KEYS: [&str; 5] = ["a", "b", "c", "", "length"];
const PATTERNS: [&str; 22] = [
    "",
    "^a",
    "a$",
    "b|c",
    ".",
    "^.$",
    "^..$",
    "[0-9]+",
    "\\d",
    "^\\w+$",
    "\\s",
    "(a)(b)?",
    "a/b",
    "[^a]",
    "^null$",
    "^$",
    "x*",
    "[äß]",
    "\\u0061",
    "(?:a|b){1,2}",
    "\\b1\\b",
    "(",
];

/// The version of JSON that a differential may compare: no number in it is beyond all bounds.
pub fn value(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth == 0 { 7 } else { 11 }) {
        0 => Value::Null,
        1 => dice.one_in(2).into(),
        2 | 3 => json!(*dice.pick(&NUMBERS)),
        4..=6 => json!(*dice.pick(&TEXTS)),
        7..=8 => dice.list(3, |dice| value(dice, depth - 1)).into(),
        _ => object(dice, depth),
    }
}

fn object(dice: &mut Dice, depth: usize) -> Value {
    dice.list(3, |dice| ((*dice.pick(&KEYS)).to_owned(), value(dice, depth - 1)))
        .into_iter()
        .collect::<Map<_, _>>()
        .into()
}

pub fn attributes(dice: &mut Dice) -> Value {
    let mut attributes = object(dice, 3);
    for name in ["a", "b", "c"] {
        if !dice.one_in(4) {
            attributes[name] = value(dice, 2);
        }
    }
    attributes
}

/// With patterns only where there is somebody to ask for them.
#[derive(Clone, Copy, PartialEq)]
pub enum Patterns {
    With,
    Without,
}

pub fn condition(dice: &mut Dice, depth: usize, patterns: Patterns) -> Value {
    let mut members = Map::new();
    for _ in 0..if dice.one_in(2) { 1 } else { dice.below(4) } {
        let (key, value) = member(dice, depth, patterns);
        members.insert(key, value);
    }
    members.into()
}

fn member(dice: &mut Dice, depth: usize, patterns: Patterns) -> (String, Value) {
    let deeper = |dice: &mut Dice| condition(dice, depth - 1, patterns);
    match dice.below(if depth == 0 { 6 } else { 9 }) {
        0 if dice.one_in(20) => ("$unknown".to_owned(), value(dice, 1)),
        0..=5 => ((*dice.pick(&PATHS)).to_owned(), operators(dice, depth, patterns)),
        6 => ("$not".to_owned(), deeper(dice)),
        _ => ((*dice.pick(&["$and", "$or", "$nor"])).to_owned(), dice.list(3, deeper).into()),
    }
}

fn operators(dice: &mut Dice, depth: usize, patterns: Patterns) -> Value {
    if dice.one_in(4) {
        return value(dice, 2);
    }
    let count = if dice.one_in(4) { 2 } else { 1 };
    (0..count).map(|_| operator(dice, depth, patterns)).collect::<Map<_, _>>().into()
}

fn operator(dice: &mut Dice, depth: usize, patterns: Patterns) -> (String, Value) {
    const SCALAR: [&str; 8] = ["$eq", "$ne", "$lt", "$lte", "$gt", "$gte", "$exists", "$eq"];
    const VERSION: [&str; 6] = ["$veq", "$vne", "$vlt", "$vlte", "$vgt", "$vgte"];
    const LIST: [&str; 4] = ["$in", "$nin", "$ini", "$nini"];
    let (name, argument) = match dice.below(if depth == 0 { 9 } else { 13 }) {
        0..=2 => (*dice.pick(&SCALAR), value(dice, 2)),
        3 | 4 => (*dice.pick(&VERSION), value(dice, 1)),
        5 | 6 if dice.one_in(8) => (*dice.pick(&LIST), value(dice, 0)),
        5 | 6 => (*dice.pick(&LIST), dice.list(4, |dice| value(dice, 1)).into()),
        7 if patterns == Patterns::With => (*dice.pick(&["$regex", "$regexi"]), json!(*dice.pick(&PATTERNS))),
        7 => (*dice.pick(&["$inGroup", "$notInGroup"]), json!(*dice.pick(&["list", "old", "both", "none"]))),
        8 => (
            "$type",
            json!(*dice.pick(&["string", "number", "boolean", "null", "array", "object", "undefined"])),
        ),
        9 => ("$not", operators(dice, depth - 1, patterns)),
        10 => (
            "$size",
            if dice.one_in(2) { json!(dice.below(3)) } else { operators(dice, depth - 1, patterns) },
        ),
        11 if dice.one_in(2) => ("$elemMatch", condition(dice, depth - 1, patterns)),
        11 => ("$elemMatch", operator_object(dice, depth - 1, patterns)),
        _ => {
            let items = dice.list(2, |dice| {
                if dice.one_in(2) { value(dice, 1) } else { operator_object(dice, depth - 1, patterns) }
            });
            (*dice.pick(&["$all", "$alli"]), items.into())
        }
    };
    (name.to_owned(), argument)
}

fn operator_object(dice: &mut Dice, depth: usize, patterns: Patterns) -> Value {
    Map::from_iter([operator(dice, depth, patterns)]).into()
}

/// The groups that the operators name.
pub fn groups(dice: &mut Dice) -> Value {
    let values: Vec<Value> = dice.list(4, |dice| value(dice, 0));
    json!({
        "old": values,
        "list": { "type": "list", "attributeKey": "a", "values": values },
        "both": { "type": "condition", "condition": { "a": 1 } },
    })
}
