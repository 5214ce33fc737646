//! Experiments.

use super::Shape::{Counted, Either, Flag, List, Number, Share, Span, Text, Words};
use super::deciding::{ATTRIBUTE, AUDIENCE, ENDS, HASH_VERSION, HOURS_OF_WEEK, STARTS, WHEN};
use super::{Object, Shape, Written, optional, required, whole};
use crate::ruleset::experiment;

pub(crate) const EXPERIMENT: Object = Object {
    name: "experiment",
    what: "an experiment",
    about: "A split of visitors over variations, as GrowthBook's SDKs make it. Crawlers are in none. A rule, or a gate, says where the variations are shown.",
    fields: &[
        required(
            "variations",
            Counted(&Shape::Object(&VARIATION), 2, Some(experiment::MOST_VARIATIONS)),
            "The first is the one that the others are compared with.",
            r#"[{"key": "as-is"}, {"key": "short", "block": "hallo"}]"#,
        ),
        optional(
            "weights",
            List(&Number),
            "The share of each variation; they sum to 1. All the same where it is left out.",
            "[0.5, 0.5]",
        ),
        optional(
            "coverage",
            Share,
            "The part of the audience that is in the experiment; all where it is left out.",
            "0.8",
        ),
        optional(
            "ranges",
            List(&Span),
            "The hashes of each variation, instead of `weights` and `coverage`.",
            "[[0, 0.4], [0.5, 0.9]]",
        ),
        ATTRIBUTE,
        optional(
            "fallback_attribute",
            Text,
            "The fact that is hashed where that one is missing; only with `sticky`.",
            r#""visitor.id""#,
        ),
        optional(
            "seed",
            Text,
            "What is hashed along with it; the experiment's key where it is left out.",
            r#""headline""#,
        ),
        HASH_VERSION,
        optional(
            "namespace",
            Shape::Object(&NAMESPACE),
            "Keeps visitors out of two experiments at once.",
            r#"{"name": "checkout", "range": [0, 0.5]}"#,
        ),
        optional(
            "filters",
            List(&Shape::Object(&FILTER)),
            "Parts of everybody that it is limited to; in place of `namespace`.",
            r#"[{"seed": "checkout", "ranges": [[0, 0.5]]}]"#,
        ),
        AUDIENCE,
        WHEN,
        optional(
            "prerequisites",
            List(&Either(&[Shape::Object(&IN_EXPERIMENT), Shape::Object(&SHOWN_IN)])),
            "What else has to be so for the visitor.",
            r#"[{"experiment": "headline", "variations": ["short"]}]"#,
        ),
        optional(
            "sticky",
            Flag,
            "Whether visitors keep their variation when weights or coverage change; they do where it is left out.",
            "true",
        ),
        optional(
            "bucket_version",
            whole(&experiment::BUCKET_VERSIONS),
            "A higher one forgets the variations that visitors keep. 0 where it is left out.",
            "1",
        ),
        optional(
            "min_bucket_version",
            whole(&experiment::BUCKET_VERSIONS),
            "Visitors with a variation of a lower version leave the experiment. 0 where it is left out.",
            "1",
        ),
        optional(
            "force",
            Shape::Written(Written::Id),
            "The variation that everybody gets who is in the experiment.",
            r#""short""#,
        ),
        optional(
            "status",
            Words(&experiment::STATUSES),
            "`draft`: nobody is in it but by a token. `stopped`: only `force` has an effect. `running` where it is left out.",
            r#""running""#,
        ),
        STARTS,
        ENDS,
        HOURS_OF_WEEK,
        optional("name", Text, "What people call it.", r#""Shorter headline""#),
    ],
    demands: &[],
};

pub(crate) const VARIATION: Object = Object {
    name: "variation",
    what: "a variation",
    about: "What a part of the visitors of an experiment sees.",
    fields: &[
        optional(
            "key",
            Shape::Written(Written::Id),
            "Unique in the experiment; its place, from 0, where it is left out.",
            r#""short""#,
        ),
        optional("name", Text, "What people call it.", r#""Five words""#),
        optional(
            "block",
            Shape::Written(Written::Name),
            "What is shown: a block, `default` or `nothing`. The default where it is left out.",
            r#""hallo""#,
        ),
        optional(
            "passthrough",
            Flag,
            "Whether the rules below the experiment's decide for whoever has it.",
            "true",
        ),
    ],
    demands: &[],
};

pub(crate) const NAMESPACE: Object = Object {
    name: "namespace",
    what: "a namespace",
    about: "A name that experiments share, of which each has a range. Nobody is in two whose ranges do not overlap.",
    fields: &[
        required("name", Text, "The same for all of them.", r#""checkout""#),
        required("range", Span, "The part of it that is this experiment's.", "[0, 0.5]"),
    ],
    demands: &[],
};

pub(crate) const FILTER: Object = Object {
    name: "filter",
    what: "a filter",
    about: "A part of everybody, by the hash of a fact.",
    fields: &[
        ATTRIBUTE,
        required("seed", Text, "What is hashed along with it.", r#""checkout""#),
        HASH_VERSION,
        optional("ranges", List(&Span), "The hashes that belong to it.", "[[0, 0.5]]"),
    ],
    demands: &[],
};

pub(crate) const IN_EXPERIMENT: Object = Object {
    name: "in-experiment",
    what: "a prerequisite",
    about: "The visitor is in an experiment.",
    fields: &[
        required("experiment", Shape::Written(Written::Id), "Its key.", r#""headline""#),
        optional(
            "variations",
            List(&Shape::Written(Written::Id)),
            "With one of these variations; any where it is left out.",
            r#"["short"]"#,
        ),
    ],
    demands: &[],
};

pub(crate) const SHOWN_IN: Object = Object {
    name: "shown-in",
    what: "a prerequisite",
    about: "A slot shows one of some blocks to the visitor.",
    fields: &[
        required("slot", Shape::Written(Written::Id), "Its name.", r#""hero""#),
        optional(
            "shows",
            List(&Shape::Written(Written::Name)),
            "Blocks, `default` or `nothing`.",
            r#"["hallo"]"#,
        ),
    ],
    demands: &[],
};
