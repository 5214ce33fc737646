//! Where the platform says that a visitor is. It may say nothing, or anything.

use e2e::harness::{Script, Stage, TestSite, cloudflare, scene};
use serde_json::json;

#[test]
fn a_worker_knows_the_place_that_the_platform_tells_and_no_other() {
    let by = |name: &str, value: &str| json!({ "id": name, "when": { name: value }, "block": name });
    let block = |name: &str| (name.to_string(), json!({ "html": name }));
    let names = ["place.country", "place.region", "place.city", "place.continent", "place.utc_offset"];
    let rules = json!({
        "blocks": names.map(block).into_iter().collect::<serde_json::Map<_, _>>(),
        "slots": { "hero": { "rules": [
            by("place.city", "Augsburg"), by("place.region", "BY"), by("place.country", "DE"), by("place.continent", "EU"),
            json!({ "id": "offset", "when": { "place.utc_offset": 19_800 }, "block": "place.utc_offset" }),
        ] } },
    });
    let stage = Stage::of_worker(&cloudflare(), TestSite::new("places").ruleset(&rules));
    stage.serve("/", Script::page(scene::PAGE));
    let long = json!({ "country": "D".repeat(20_000), "city": "Augsburg ".repeat(1_000) }).to_string();
    for (told, expected) in [
        (r#"{"country":"DE","regionCode":"BY","city":"Augsburg","continent":"EU"}"#, "place.city"),
        (r#"{"country":"DE","regionCode":"BY","continent":"EU"}"#, "place.region"),
        (r#"{"country":"DE"}"#, "place.country"),
        (r#"{"continent":"EU"}"#, "place.continent"),
        (r#"{"country":7,"city":null,"regionCode":{"a":[]},"continent":"EU"}"#, "place.continent"),
        (r#"{"country":"T1"}"#, scene::DEFAULT),
        (r#"{"timezone":"Asia/Kolkata"}"#, "place.utc_offset"),
        (r#"{"timezone":"Mars/Olympus Mons","country":"DE"}"#, "place.country"),
        (r#"{"timezone":19800}"#, scene::DEFAULT),
        (r#"{"country":"de"}"#, "place.country"),
        (
            r#"{"country":["DE"],"city":{"toString":"Augsburg"},"regionCode":true,"continent":-1}"#,
            scene::DEFAULT,
        ),
        (r#"{"country":"\u0000\ud800","city":"ẞ\u202e","continent":"EU"}"#, "place.continent"),
        (r#"{"country":"","city":"","regionCode":"","continent":""}"#, scene::DEFAULT),
        (&long, scene::DEFAULT),
        ("[]", scene::DEFAULT),
        ("{}", scene::DEFAULT),
    ] {
        let reply = stage.get("/").header("x-test-cf", told).send();
        assert_eq!(reply.text(), scene::page_showing(expected), "{told}");
    }
    assert_eq!(stage.get("/").send().text(), scene::PAGE);
}
