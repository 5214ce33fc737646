//! The document and its parts, but for rules, experiments and conditions, which have files of their own.

use super::Demand::{OneOf, OnlyWith, WhereWord};
use super::Shape::{Anything, Condition, Either, List, Named, Numbers, Share, Text, Words};
use super::deciding::{AUDIENCE, ENDS, HOURS_OF_WEEK, PRIORITY, ROLLOUT, STARTS, WHEN};
use super::{Object, Shape, Written, optional, required, whole};
use crate::ruleset::{block, edit, gate};

pub(crate) use super::deciding::{CAP, HOURS, PORTION, RULE};
pub(crate) use super::experiments::{EXPERIMENT, FILTER, IN_EXPERIMENT, NAMESPACE, SHOWN_IN, VARIATION};

pub(crate) const RULESET: Object = Object {
    name: "ruleset",
    what: "a ruleset",
    about: "Who sees what on the pages of a site. Every part may be left out.",
    fields: &[
        optional(
            "$schema",
            Text,
            "Where editors find the schema; it changes nothing.",
            r#""ruleset.schema.json""#,
        ),
        optional(
            "facts",
            Named(Written::DeclaredFact, &Shape::Object(&FACT)),
            "Facts of the site's own, by name. A condition may use these beside those that every site has.",
            r#"{"trait.plan": {"type": "text", "example": "gold"}}"#,
        ),
        optional(
            "groups",
            Named(Written::Name, &List(&Anything)),
            "Lists of values by name, for `$inGroup` and `$notInGroup`.",
            r#"{"testers": ["a1", "b2"]}"#,
        ),
        optional(
            "audiences",
            Named(Written::Name, &Condition),
            "Conditions by name. One may refer to others by `$audience`, without a circle.",
            r#"{"german": {"place.country": "DE"}}"#,
        ),
        optional(
            "blocks",
            Named(Written::BlockName, &Shape::Object(&BLOCK)),
            "Blocks by name: what can stand in a slot.",
            r#"{"hallo": {"html": "<h1>Hallo</h1>"}}"#,
        ),
        optional(
            "experiments",
            Named(Written::Id, &Shape::Object(&EXPERIMENT)),
            "Experiments by key.",
            r#"{"headline": {"variations": [{"key": "as-is"}, {"key": "short", "block": "hallo"}]}}"#,
        ),
        optional(
            "slots",
            Named(Written::Id, &Shape::Object(&SLOT)),
            "The slots of the pages by name, as in `data-hs-slot`, and who sees what there.",
            r#"{"hero": {"rules": [{"id": "in-german", "audience": "german", "block": "hallo"}]}}"#,
        ),
        optional(
            "edits",
            List(&Shape::Object(&EDIT)),
            "Changes to pages without markup of ours. A later one applies after an earlier one.",
            r##"[{"id": "tagline", "url": "/", "selector": "#tagline", "action": "remove"}]"##,
        ),
        optional(
            "gates",
            List(&Shape::Object(&GATE)),
            "What is answered before any page is looked up.",
            r#"[{"id": "moved", "url": "/old/*", "then": {"redirect": "/new/"}}]"#,
        ),
        optional(
            "holdout",
            Either(&[Share, Shape::Object(&PORTION)]),
            "The part of the visitors who see every page as authored and are in no experiment.",
            "0.05",
        ),
        optional(
            "settings",
            Shape::Object(&SETTINGS),
            "What holds for the whole ruleset.",
            r#"{"redirect_hosts": ["shop.example"]}"#,
        ),
    ],
    demands: &[],
};

pub(crate) const FACT: Object = Object {
    name: "fact",
    what: "a fact",
    about: "A fact of the site's own, which its origin puts into the profile cookie, most often as a trait.",
    fields: &[
        required("type", Words(&crate::facts::vocabulary::Kind::NAMES), "What values it has.", r#""text""#),
        optional("unit", Text, "In what it is measured, or which standard its values are of.", r#""euro""#),
        optional("about", Text, "What it means.", r#""The plan that the visitor pays for.""#),
        optional("example", Anything, "One of its values.", r#""gold""#),
    ],
    demands: &[],
};

pub(crate) const BLOCK: Object = Object {
    name: "block",
    what: "a block",
    about: "Content that can stand in a slot: HTML, or a fragment that is fetched by URL.",
    fields: &[
        optional(
            "html",
            Text,
            "HTML. `{{ fact | default(\"…\") }}` in it is the value of a fact, escaped for where it stands.",
            r#""<h1>Hallo {{ place.city | default(\"Welt\") }}</h1>""#,
        ),
        optional(
            "fragment",
            Shape::Written(Written::FragmentUrl),
            "A path of the site, or an https URL of a host that the site's configuration allows.",
            r#""/fragments/offer.html""#,
        ),
        optional(
            "timeout_ms",
            whole(&block::TIMEOUT_MS),
            "How long the fragment may take, in milliseconds; 1000 where it is left out.",
            "300",
        ),
        optional(
            "ttl_s",
            whole(&block::TTL_S),
            "How long the fragment may be reused, in seconds; as its own answer says where it is left out.",
            "60",
        ),
        optional(
            "fallback",
            Shape::Written(Written::Name),
            "The block that stands there instead when the fragment fails; without one, the default of the slot.",
            r#""hallo""#,
        ),
    ],
    demands: &[OneOf(&["html", "fragment"]), OnlyWith("fragment", &["timeout_ms", "ttl_s", "fallback"])],
};

pub(crate) const SLOT: Object = Object {
    name: "slot",
    what: "a slot",
    about: "Who sees what in a slot: the first of its rules that matches decides, and without one the default stands.",
    fields: &[
        optional(
            "rules",
            List(&Shape::Object(&RULE)),
            "By priority, then in this order.",
            r#"[{"id": "in-german", "audience": "german", "block": "hallo"}]"#,
        ),
        optional(
            "holdout",
            Either(&[Share, Shape::Object(&PORTION)]),
            "The part of the visitors who see the slot's default whatever its rules say.",
            "0.1",
        ),
    ],
    demands: &[],
};

pub(crate) const EDIT: Object = Object {
    name: "edit",
    what: "an edit",
    about: "A change to elements of pages that have no slot there, as far as one of its rules says so.",
    fields: &[
        required("id", Shape::Written(Written::Id), "Unique among the edits.", r#""banner""#),
        required(
            "url",
            Shape::Written(Written::UrlPattern),
            "The path of the pages, in which `*` stands for any run of characters.",
            r#""/pricing*""#,
        ),
        required(
            "selector",
            Shape::Written(Written::Selector),
            "A CSS selector for the elements.",
            r#""main > h1""#,
        ),
        required(
            "action",
            Words(&edit::WORDS),
            "What the block does to each element, or beside it.",
            r#""replace""#,
        ),
        optional(
            "attribute",
            Shape::Written(Written::Attribute),
            "The attribute that `set-attribute` sets.",
            r#""href""#,
        ),
        optional(
            "rules",
            List(&Shape::Object(&RULE)),
            "Who sees which block; a visitor for whom none holds sees the page as it is.",
            r#"[{"id": "to-germans", "audience": "german", "block": "hallo"}]"#,
        ),
    ],
    demands: &[WhereWord { field: "action", word: "set-attribute", needs: "attribute" }],
};

pub(crate) const GATE: Object = Object {
    name: "gate",
    what: "a gate",
    about: "An answer that is given before any page is looked up: a refusal, a redirect, or a split over URLs.",
    fields: &[
        required(
            "id",
            Shape::Written(Written::Id),
            "Unique in the ruleset, rules included.",
            r#""not-in-fr""#,
        ),
        optional(
            "url",
            Shape::Written(Written::UrlPattern),
            "The path of the requests, in which `*` stands for any run of characters; all where it is left out.",
            r#""/shop/*""#,
        ),
        AUDIENCE,
        WHEN,
        PRIORITY,
        ROLLOUT,
        STARTS,
        ENDS,
        HOURS_OF_WEEK,
        required("then", Shape::Object(&ANSWER), "What is answered.", r#"{"redirect": "/de/shop"}"#),
        optional("name", Text, "What people call it.", r#""Shop is closed in France""#),
    ],
    demands: &[],
};

pub(crate) const ANSWER: Object = Object {
    name: "answer",
    what: "`then`",
    about: "What a gate answers: one of `refuse`, `redirect` and `split`.",
    fields: &[
        optional("refuse", whole(&gate::REFUSALS), "The status of the answer.", "451"),
        optional(
            "block",
            Shape::Written(Written::Name),
            "The page of a refusal: a block with `html`.",
            r#""closed""#,
        ),
        optional(
            "redirect",
            Shape::Written(Written::Target),
            "A path of the site, or a URL whose host is one of `settings.redirect_hosts`.",
            r#""/de/shop""#,
        ),
        optional(
            "status",
            Numbers(&gate::REDIRECTS),
            "The status of a redirect; 302 where it is left out.",
            "302",
        ),
        optional(
            "query",
            Words(&gate::QUERIES),
            "Whether a redirect keeps the query of the request; it does where it is left out.",
            r#""drop""#,
        ),
        optional(
            "split",
            Shape::Written(Written::Id),
            "The experiment that chooses where the visitor is led.",
            r#""pricing-page""#,
        ),
        optional(
            "urls",
            Named(Written::Id, &Shape::Written(Written::Target)),
            "Where each variation leads; whoever has one that is not named stays.",
            r#"{"short": "/pricing-short"}"#,
        ),
    ],
    demands: &[
        OneOf(&["refuse", "redirect", "split"]),
        OnlyWith("refuse", &["block"]),
        OnlyWith("split", &["urls"]),
        OnlyWith("urls", &["split"]),
    ],
};

pub(crate) const SETTINGS: Object = Object {
    name: "settings",
    what: "`settings`",
    about: "What holds for the whole ruleset.",
    fields: &[optional(
        "redirect_hosts",
        List(&Shape::Written(Written::Host)),
        "Hosts beside the site's own that gates may lead to.",
        r#"["shop.example"]"#,
    )],
    demands: &[],
};

/// What a persona says of a capped rule; no part of a ruleset.
pub(crate) const SHOWN_SO_OFTEN: Object = Object {
    name: "shown",
    what: "`shown`",
    about: "How often a capped rule has been shown.",
    fields: &[
        required("times", whole(&(0..=1_000_000)), "So often.", "2"),
        optional(
            "since",
            Shape::Written(Written::Instant),
            "Since when that is counted; now where it is left out.",
            r#""2026-11-27T09:00:00+01:00""#,
        ),
    ],
    demands: &[],
};

/// All of them, in the order in which people should read about them.
pub(crate) const OBJECTS: &[&Object] = &[
    &RULESET,
    &BLOCK,
    &SLOT,
    &RULE,
    &CAP,
    &HOURS,
    &PORTION,
    &EXPERIMENT,
    &VARIATION,
    &NAMESPACE,
    &FILTER,
    &IN_EXPERIMENT,
    &SHOWN_IN,
    &EDIT,
    &GATE,
    &ANSWER,
    &SETTINGS,
    &FACT,
];
