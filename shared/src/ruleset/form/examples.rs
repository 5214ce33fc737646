//! What the reference says in prose, and its examples.

pub(super) const BEGINNING: &str = r#"# The ruleset

<!-- `hemstitch schema --reference` writes this page; what it says is declared in shared/src/ruleset/form and shared/src/facts. -->

A ruleset says who sees what on the pages of a site. It is one JSON document (UTF-8). `hemstitch check ruleset.json` shows
everything that is wrong with one, `hemstitch explain ruleset.json --facts persona.json` says what a visitor would see, and
why. Editors complete and check it as you type when they know its schema, [ruleset.schema.json](ruleset.schema.json):

- name the schema in the file, as `"$schema": "ruleset.schema.json"`, with the path from the file to the schema, or
- map files to it in the editor's settings (`json.schemas` in Visual Studio Code, JSON Schema Mappings in the IDEs of JetBrains).

The schema knows the form. Whether a block exists, or a rule can ever decide, only `hemstitch check` sees.
"#;

pub(super) const WHOLE: &str = r##"
{
  "audiences": {
    "german": {"place.country": {"$in": ["DE", "AT"]}},
    "reader": {"$or": [{"interest.finance": {"$gte": 0.5}}, {"visitor.visits": {"$gte": 5}}]}
  },
  "blocks": {
    "hallo": {"html": "<h1>Hallo {{ place.city | default(\"Welt\") }}</h1>"},
    "offer": {"fragment": "/fragments/offer.html", "timeout_ms": 300, "ttl_s": 60, "fallback": "hallo"}
  },
  "slots": {
    "hero": {
      "rules": [
        {"id": "to-readers", "audience": "reader", "block": "offer", "cap": {"times": 3, "per": "week"}},
        {"id": "in-german", "audience": "german", "block": "hallo"}
      ]
    }
  },
  "edits": [
    {
      "id": "banner", "url": "/pricing*", "selector": "main", "action": "before",
      "rules": [{"id": "to-germans", "audience": "german", "block": "hallo"}]
    }
  ]
}
"##;

pub(super) const ORDER: &str = r#"
## Who decides

For each slot of a page, and each edit that applies to it:

1. The [kill switch](../../README.md#turn-it-off) turns everything off, or single rules, gates and experiments by their ids.
2. Whoever is in the `holdout` of the ruleset, or of the slot, sees the default.
3. Of the rules, the highest `priority` is asked first, and among equals the one that stands above. The first whose audience,
   condition, schedule, roll-out and cap all hold decides. One that shows an experiment decides for whoever is in that.
4. Where no rule decides, the default stands.

Gates are asked before that, and before any page is looked up; the kill switch counts for them, a holdout only where they
split.
"#;

pub(super) const OF_OBJECTS: &[(&str, &str, &str)] = &[
    (
        "block",
        "A block with HTML, and a fragment that falls back to it:",
        r##"
{
  "blocks": {
    "greeting": {"html": "<p>Trains from {{ place.city | default(\"anywhere\") }}</p>"},
    "offer": {"fragment": "/fragments/offer.html", "timeout_ms": 300, "ttl_s": 60, "fallback": "greeting"}
  },
  "slots": {"top": {"rules": [{"id": "offer-to-all", "block": "offer"}]}}
}
"##,
    ),
    (
        "rule",
        "A rule for a weekend in December, for a quarter of the visitors, three times a week for each of them:",
        r##"
{
  "blocks": {"sale": {"html": "<p>Open on Sunday</p>"}},
  "slots": {
    "notice": {
      "rules": [
        {
          "id": "sunday-sale",
          "when": {"url.path": {"$startsWith": "/shop/"}, "device.kind": "phone"},
          "block": "sale",
          "priority": 10,
          "rollout": 0.25,
          "cap": {"times": 3, "per": "week"},
          "starts_at": "2026-12-01T00:00:00+01:00",
          "ends_at": "2027-01-01T00:00:00+01:00",
          "hours": [{"days": ["sat", "sun"], "from": "08:00", "to": "24:00"}]
        }
      ]
    }
  }
}
"##,
    ),
    (
        "experiment",
        "Two experiments that no visitor is in at once, and a rule that shows the first:",
        r##"
{
  "blocks": {"short": {"html": "<h1>Sums, shown.</h1>"}, "long": {"html": "<h1>What it really costs.</h1>"}},
  "experiments": {
    "headline": {
      "variations": [{"key": "as-is"}, {"key": "short", "block": "short"}, {"key": "long", "block": "long"}],
      "weights": [0.5, 0.25, 0.25],
      "coverage": 0.8,
      "namespace": {"name": "front-page", "range": [0, 0.5]},
      "when": {"visitor.returning": true}
    },
    "pricing-page": {
      "variations": [{"key": "as-is"}, {"key": "table"}],
      "namespace": {"name": "front-page", "range": [0.5, 1]}
    }
  },
  "slots": {"hero": {"rules": [{"id": "test-headline", "experiment": "headline"}]}},
  "gates": [
    {"id": "test-pricing", "url": "/pricing", "then": {"split": "pricing-page", "urls": {"table": "/pricing-table"}}}
  ],
  "holdout": 0.05
}
"##,
    ),
    (
        "edit",
        "A link that leads elsewhere, and a paragraph that goes:",
        r##"
{
  "blocks": {"join-de": {"html": "/de/join"}},
  "edits": [
    {
      "id": "join-link", "url": "*", "selector": "a.join", "action": "set-attribute", "attribute": "href",
      "rules": [{"id": "join-in-german", "when": {"language.first": {"$startsWith": "de"}}, "block": "join-de"}]
    },
    {
      "id": "no-trial", "url": "/pricing*", "selector": "p.trial", "action": "remove",
      "rules": [{"id": "trial-is-over", "when": {"visitor.visits": {"$gte": 20}}, "block": "nothing"}]
    }
  ]
}
"##,
    ),
    (
        "gate",
        "A refusal by country and network, and a redirect:",
        r##"
{
  "blocks": {"closed": {"html": "<h1>Not available in your country</h1>"}},
  "gates": [
    {
      "id": "shop-closed", "url": "/shop/*",
      "when": {"place.country": {"$in": ["FR", "BE"]}, "network.address": {"$notInCidr": "192.0.2.0/24"}},
      "then": {"refuse": 451, "block": "closed"}
    },
    {
      "id": "to-german-shop", "url": "/shop/",
      "when": {"place.country": "DE"},
      "then": {"redirect": "https://shop.example/de/", "query": "drop"}
    }
  ],
  "settings": {"redirect_hosts": ["shop.example"]}
}
"##,
    ),
];

pub(super) const CONDITIONS: &str = r#"
## Conditions

A condition is an object: what it says of each fact has to hold, all of it. It is the language of GrowthBook's SDKs, to the
coercions, with operators added for texts, networks and times.

- Under the name of a fact stands a value that the fact has to be, or an object of operators that all have to hold.
- A bare value is compared after the fact has been made of its type, as JavaScript does: `"10"` is `10`. Operators compare
  exactly.
- A missing fact compares as `null`: `{"place.city": null}` holds where the city is not known.
- A dotted name leads into a fact that is an object: `trait.account.tier` is the field `tier` of `trait.account`.
- Negations hold where the fact is missing: `{"place.country": {"$ne": "DE"}}` is true of a visitor from nowhere.
"#;

pub(super) const FACTS: &str = r#"
## Facts

What a rule may see of a request. A name that ends in `.*` is a family: any name may stand there.
"#;

pub(super) const DECLARING: &str = r#"
### Facts of your own

A site may declare facts that its origin puts into the profile cookie. `hemstitch check` then knows them, and compares with
their type. `trait.*` and `interest.*` need no declaration; one gives them a type.
"#;

pub(super) const DECLARED: &str = r##"
{
  "facts": {
    "trait.plan": {"type": "text", "about": "The plan that the visitor pays for.", "example": "gold"},
    "trait.seats": {"type": "number", "unit": "people", "example": 12}
  },
  "audiences": {"large": {"trait.plan": "gold", "trait.seats": {"$gte": 10}}},
  "slots": {"trial": {"rules": [{"id": "no-trial-for-large", "audience": "large", "block": "nothing"}]}}
}
"##;

pub(super) const DIAGNOSTICS: &str = r#"
## Diagnostics

What `hemstitch check` finds. A code never changes its meaning. With errors a ruleset cannot be published; with warnings it
can, but most likely does not mean what it says.
"#;
