//! Every operator of a condition.

use super::Shape::{self, Anything, Comparison, Condition, Either, List, Object as Of, OfItem, Text, Words};
use super::{Object, Written, optional, required};
use crate::ruleset::condition::TYPES;

/// An operator of a condition.
pub(crate) struct Operator {
    pub(crate) name: &'static str,
    /// What stands behind it.
    pub(crate) takes: Shape,
    /// When it holds.
    pub(crate) about: &'static str,
    /// A condition with it, as JSON.
    pub(crate) example: &'static str,
}

const fn operator(name: &'static str, takes: Shape, about: &'static str, example: &'static str) -> Operator {
    Operator { name, takes, about, example }
}

const TEXTS: Shape = Either(&[Text, Shape::Counted(&Text, 1, None)]);
const NETWORKS: Shape = Either(&[Text, List(&Text)]);
const TIMES: Shape = Shape::Counted(&Shape::Written(Written::TimeOfDay), 2, Some(2));
const SCALAR: Shape = Shape::Scalar;
const VARIATIONS: Shape = List(&Shape::Written(Written::Id));

/// Operators that stand beside facts.
pub(crate) const LOGIC: [Operator; 7] = [
    operator(
        "$and",
        List(&Condition),
        "All of these hold.",
        r#"{"$and": [{"place.country": "DE"}, {"visitor.visits": {"$gte": 3}}]}"#,
    ),
    operator(
        "$or",
        List(&Condition),
        "One of these holds; true of an empty list.",
        r#"{"$or": [{"place.country": "DE"}, {"place.country": "AT"}]}"#,
    ),
    operator(
        "$nor",
        List(&Condition),
        "None of these holds.",
        r#"{"$nor": [{"place.country": "DE"}, {"place.country": "AT"}]}"#,
    ),
    operator("$not", Condition, "This does not hold.", r#"{"$not": {"place.country": "DE"}}"#),
    operator(
        "$audience",
        Shape::Written(Written::Name),
        "The visitor is in that audience.",
        r#"{"$audience": "german"}"#,
    ),
    operator(
        "$experiment",
        Either(&[Shape::Written(Written::Id), Of(&MEMBERSHIP)]),
        "The visitor is in that experiment, with one of these variations.",
        r#"{"$experiment": {"key": "headline", "variations": ["short"]}}"#,
    ),
    operator(
        "$slot",
        Of(&SHOWING),
        "That slot shows one of these to the visitor.",
        r#"{"$slot": {"name": "hero", "shows": ["hallo", "nothing"]}}"#,
    ),
];

/// Operators that stand under the name of a fact.
pub(crate) const OPERATORS: [Operator; 37] = [
    operator("$eq", SCALAR, "It is exactly that, of the same type.", r#"{"place.country": {"$eq": "DE"}}"#),
    operator("$ne", SCALAR, "It is not that.", r#"{"place.country": {"$ne": "DE"}}"#),
    operator(
        "$lt",
        Anything,
        "It is less; texts compare by their characters.",
        r#"{"visitor.visits": {"$lt": 3}}"#,
    ),
    operator("$lte", Anything, "It is at most that.", r#"{"visitor.visits": {"$lte": 3}}"#),
    operator("$gt", Anything, "It is more.", r#"{"visitor.visits": {"$gt": 3}}"#),
    operator("$gte", Anything, "It is at least that.", r#"{"interest.finance": {"$gte": 0.5}}"#),
    operator(
        "$in",
        List(&Anything),
        "It is one of these; of a list, one of its items is.",
        r#"{"place.country": {"$in": ["DE", "AT"]}}"#,
    ),
    operator("$nin", List(&Anything), "It is none of these.", r#"{"place.country": {"$nin": ["DE", "AT"]}}"#),
    operator(
        "$ini",
        List(&Anything),
        "As `$in`, in any case.",
        r#"{"place.city": {"$ini": ["munich", "berlin"]}}"#,
    ),
    operator(
        "$nini",
        List(&Anything),
        "As `$nin`, in any case.",
        r#"{"place.city": {"$nini": ["munich", "berlin"]}}"#,
    ),
    operator(
        "$inGroup",
        Text,
        "It is in that group of the ruleset.",
        r#"{"visitor.id": {"$inGroup": "testers"}}"#,
    ),
    operator(
        "$notInGroup",
        Text,
        "It is not in that group.",
        r#"{"visitor.id": {"$notInGroup": "testers"}}"#,
    ),
    operator("$exists", Anything, "Whether it is known.", r#"{"place.city": {"$exists": true}}"#),
    operator("$type", Words(&TYPES), "It is of that type of JSON.", r#"{"trait.plan": {"$type": "string"}}"#),
    operator(
        "$regex",
        Text,
        "The regular expression of JavaScript matches a part of it. No look-around, no back-references.",
        r#"{"url.path": {"$regex": "^/docs/v[0-9]+/"}}"#,
    ),
    operator("$regexi", Text, "As `$regex`, in any case.", r#"{"url.path": {"$regexi": "^/docs/"}}"#),
    operator(
        "$notRegex",
        Text,
        "The regular expression matches no part of it.",
        r#"{"url.path": {"$notRegex": "^/docs/"}}"#,
    ),
    operator(
        "$notRegexi",
        Text,
        "As `$notRegex`, in any case.",
        r#"{"url.path": {"$notRegexi": "^/docs/"}}"#,
    ),
    operator(
        "$size",
        Comparison,
        "It is a list of such a length.",
        r#"{"language.all": {"$size": {"$gte": 2}}}"#,
    ),
    operator(
        "$elemMatch",
        OfItem,
        "It is a list, and one of its items meets the condition.",
        r#"{"language.all": {"$elemMatch": {"$startsWith": "de"}}}"#,
    ),
    operator(
        "$all",
        List(&Comparison),
        "It is a list in which each of these is met by some item.",
        r#"{"language.all": {"$all": ["de-AT", "en"]}}"#,
    ),
    operator(
        "$alli",
        List(&Comparison),
        "As `$all`, in any case.",
        r#"{"language.all": {"$alli": ["DE-at", "EN"]}}"#,
    ),
    operator(
        "$not",
        Comparison,
        "This does not hold for it.",
        r#"{"url.path": {"$not": {"$startsWith": "/docs/"}}}"#,
    ),
    operator("$veq", Anything, "It is that version.", r#"{"trait.app_version": {"$veq": "2.10.0"}}"#),
    operator("$vne", Anything, "It is another version.", r#"{"trait.app_version": {"$vne": "2.10.0"}}"#),
    operator("$vlt", Anything, "It is an earlier version.", r#"{"trait.app_version": {"$vlt": "2.10.0"}}"#),
    operator(
        "$vlte",
        Anything,
        "It is that version or an earlier one.",
        r#"{"trait.app_version": {"$vlte": "2.10.0"}}"#,
    ),
    operator("$vgt", Anything, "It is a later version.", r#"{"trait.app_version": {"$vgt": "2.10.0"}}"#),
    operator(
        "$vgte",
        Anything,
        "It is that version or a later one.",
        r#"{"trait.app_version": {"$vgte": "2.10.0"}}"#,
    ),
    operator(
        "$contains",
        TEXTS,
        "That text, or one of these, is in it; of a list, it is an item.",
        r#"{"referrer.host": {"$contains": "news"}}"#,
    ),
    operator(
        "$notContains",
        TEXTS,
        "None of these is in it.",
        r#"{"referrer.host": {"$notContains": ["news", "search"]}}"#,
    ),
    operator(
        "$startsWith",
        TEXTS,
        "It begins with that, or with one of these.",
        r#"{"url.path": {"$startsWith": "/docs/"}}"#,
    ),
    operator(
        "$endsWith",
        TEXTS,
        "It ends with that, or with one of these.",
        r#"{"url.path": {"$endsWith": [".html", "/"]}}"#,
    ),
    operator(
        "$inCidr",
        NETWORKS,
        "The address is in that network, or in one of these.",
        r#"{"network.address": {"$inCidr": ["192.0.2.0/24", "2001:db8::/32"]}}"#,
    ),
    operator(
        "$notInCidr",
        NETWORKS,
        "The address is in none of them.",
        r#"{"network.address": {"$notInCidr": "192.0.2.0/24"}}"#,
    ),
    operator(
        "$timeBetween",
        TIMES,
        "The time of the day is from the first up to the second; over midnight where that is earlier.",
        r#"{"time.local": {"$timeBetween": ["22:00", "06:00"]}}"#,
    ),
    operator(
        "$notTimeBetween",
        TIMES,
        "It is not.",
        r#"{"time.local": {"$notTimeBetween": ["22:00", "06:00"]}}"#,
    ),
];

/// What stands behind `$experiment`.
pub(crate) const MEMBERSHIP: Object = Object {
    name: "membership",
    what: "`$experiment`",
    about: "Some variations of an experiment.",
    fields: &[
        required("key", Shape::Written(Written::Id), "The experiment's key.", r#""headline""#),
        optional("variations", VARIATIONS, "The variations' keys; any where it is left out.", r#"["short"]"#),
    ],
    demands: &[],
};

/// What stands behind `$slot`.
pub(crate) const SHOWING: Object = Object {
    name: "showing",
    what: "`$slot`",
    about: "What a slot shows.",
    fields: &[
        required("name", Shape::Written(Written::Id), "The slot's name.", r#""hero""#),
        optional(
            "shows",
            List(&Shape::Written(Written::Name)),
            "Blocks, `default` or `nothing`.",
            r#"["hallo"]"#,
        ),
    ],
    demands: &[],
};

/// Whether an operator of that name stands there.
pub(crate) fn is_among(name: &str, operators: &[Operator]) -> bool {
    operators.iter().any(|operator| operator.name == name)
}

/// Their names.
pub(crate) fn names(operators: &'static [Operator]) -> impl Iterator<Item = &'static str> + Clone {
    operators.iter().map(|operator| operator.name)
}
