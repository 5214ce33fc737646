//! The page, the ruleset and the visitors that most tests use.

use serde_json::{Value, json};

use super::site::TestSite;
use super::visitor::Visitor;

/// A page with the slot `hero`, whose default is [`DEFAULT`].
pub const PAGE: &str =
    "<!doctype html>\n<title>Shop</title>\n<main data-hs-slot=\"hero\">DEFAULT-HERO</main>\n<p>End</p>\n";
/// What the slot shows to an unknown visitor.
pub const DEFAULT: &str = "DEFAULT-HERO";
/// What it shows to a visitor from Germany.
pub const GERMAN: &str = "GERMAN-HERO";
/// What it shows to one whom finance interests.
pub const FINANCE: &str = "FINANCE-HERO";
/// What it shows to any other who was here before.
pub const RETURNING: &str = "RETURNING-HERO";
/// A page in which nothing can be personalized.
pub const PLAIN: &str = "<!doctype html>\n<title>Imprint</title>\n<p>The same for everybody.</p>\n";

/// Rules for the slot `hero`.
pub fn rules() -> Value {
    json!({
        "audiences": {
            "german": { "place.country": "DE" },
            "finance": { "interest.finance": { "$gte": 0.5 } },
            "returning": { "visitor.returning": true },
        },
        "blocks": {
            "german": { "html": GERMAN }, "finance": { "html": FINANCE }, "returning": { "html": RETURNING },
        },
        "slots": { "hero": { "rules": [
            { "id": "hero-german", "audience": "german", "block": "german" },
            { "id": "hero-finance", "audience": "finance", "block": "finance" },
            { "id": "hero-returning", "audience": "returning", "block": "returning" },
        ] } },
    })
}

/// A site with these rules.
pub fn site(name: &str) -> TestSite {
    TestSite::new(name).ruleset(&rules())
}

/// [`PAGE`] with the slot filled.
pub fn page_showing(block: &str) -> String {
    PAGE.replace(DEFAULT, block)
}

/// One whom finance interests.
pub fn finance_visitor(id: &str) -> Visitor {
    Visitor::new(id).visits(3).interest("finance", 0.9)
}

/// One who was here before.
pub fn returning_visitor(id: &str) -> Visitor {
    Visitor::new(id).visits(3)
}
