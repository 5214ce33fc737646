//! Rules, and the fields that they share with gates and experiments.

use super::Demand::{OneOf, OnlyWith, SomeOf};
use super::Shape::{Condition, Counted, Either, List, Named, Share, Span, Text, Words};
use super::{Field, Object, Shape, Written, optional, required, whole};
use crate::ruleset::{rollout, rule, schedule};

pub(super) const STARTS: Field = optional(
    "starts_at",
    Shape::Written(Written::Instant),
    "From when on it holds: date, time and offset.",
    r#""2026-11-27T00:00:00+01:00""#,
);

pub(super) const ENDS: Field = optional(
    "ends_at",
    Shape::Written(Written::Instant),
    "From when on it no longer holds.",
    r#""2026-12-01T00:00:00+01:00""#,
);

pub(super) const HOURS_OF_WEEK: Field = optional(
    "hours",
    Counted(&Shape::Object(&HOURS), 1, None),
    "When in the week it holds, by the visitor's clock, or in UTC where that is not known.",
    r#"[{"days": ["sat", "sun"], "from": "08:00", "to": "24:00"}]"#,
);

pub(super) const AUDIENCE: Field = optional(
    "audience",
    Shape::Written(Written::Name),
    "Name of the audience that the visitor has to be in; everybody where it is left out.",
    r#""german""#,
);

pub(super) const WHEN: Field = optional(
    "when",
    Condition,
    "A condition that has to hold for the visitor, beside the audience if there is one.",
    r#"{"visitor.visits": {"$gte": 3}}"#,
);

pub(super) const PRIORITY: Field = optional(
    "priority",
    Shape::Whole(*rule::PRIORITIES.start() as i64, *rule::PRIORITIES.end() as i64),
    "The highest is asked first; among equals, the one that stands above. 0 where it is left out.",
    "10",
);

pub(super) const ROLLOUT: Field = optional(
    "rollout",
    Either(&[Share, Shape::Object(&PORTION)]),
    "The part of the visitors for whom it holds, by the hash of their id: the same ones each time, and more of them as it grows.",
    "0.25",
);

pub(super) const ATTRIBUTE: Field = optional(
    "attribute",
    Text,
    "The fact that is hashed; `visitor.id` where it is left out.",
    r#""trait.account_id""#,
);

pub(super) const SEED: Field =
    optional("seed", Text, "What is hashed along with it, so that shares are independent.", r#""winter""#);

pub(super) const HASH_VERSION: Field = optional(
    "hash_version",
    whole(&rollout::HASH_VERSIONS),
    "GrowthBook's version of the hash; 2 where it is left out.",
    "2",
);

pub(crate) const RULE: Object = Object {
    name: "rule",
    what: "a rule",
    about: "Who sees which block: whoever is in the audience, meets the condition, and is within the schedule, the roll-out and the cap.",
    fields: &[
        required(
            "id",
            Shape::Written(Written::Id),
            "Unique in the ruleset, gates included. The kill switch and explanations name the rule by it.",
            r#""in-german""#,
        ),
        AUDIENCE,
        WHEN,
        optional(
            "block",
            Shape::Written(Written::Name),
            "What is shown: a block, `default` for what stands in the page, or `nothing`.",
            r#""hallo""#,
        ),
        optional(
            "experiment",
            Shape::Written(Written::Id),
            "The experiment that chooses what is shown; whoever is not in it is left to the rules below.",
            r#""headline""#,
        ),
        optional(
            "blocks",
            Named(Written::Id, &Shape::Written(Written::Name)),
            "Blocks by the key of a variation, where this rule shows others than the experiment says.",
            r#"{"short": "hallo"}"#,
        ),
        PRIORITY,
        ROLLOUT,
        optional(
            "cap",
            Shape::Object(&CAP),
            "How often a visitor sees it; from then on the rules below decide.",
            r#"{"times": 3, "per": "week"}"#,
        ),
        STARTS,
        ENDS,
        HOURS_OF_WEEK,
    ],
    demands: &[OneOf(&["block", "experiment"]), OnlyWith("experiment", &["blocks"])],
};

pub(crate) const CAP: Object = Object {
    name: "cap",
    what: "`cap`",
    about: "How often a rule is shown to a visitor, counted in the profile cookie.",
    fields: &[
        required("times", whole(&rule::CAP_TIMES), "So often.", "3"),
        required("per", Words(&rule::PERIODS), "Within what time; a month is 30 days.", r#""week""#),
    ],
    demands: &[],
};

pub(crate) const HOURS: Object = Object {
    name: "hours",
    what: "an entry of `hours`",
    about: "A span of the day on some days of the week. One that ends before it begins goes on into the next day.",
    fields: &[
        optional(
            "days",
            List(&Words(&schedule::DAYS)),
            "The days on which it begins; every day where it is left out.",
            r#"["mon", "tue"]"#,
        ),
        required("from", Shape::Written(Written::TimeOfDay), "When it begins.", r#""09:00""#),
        required("to", Shape::Written(Written::TimeOfDay), "When it is over.", r#""17:30""#),
    ],
    demands: &[],
};

pub(crate) const PORTION: Object = Object {
    name: "portion",
    what: "a share",
    about: "A share of the visitors, and how it is hashed.",
    fields: &[
        optional("coverage", Share, "How large it is.", "0.25"),
        optional("range", Span, "The hashes that belong to it, instead of `coverage`.", "[0, 0.25]"),
        ATTRIBUTE,
        SEED,
        HASH_VERSION,
    ],
    demands: &[SomeOf(&["coverage", "range"])],
};
