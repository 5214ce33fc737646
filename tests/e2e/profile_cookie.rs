//! When the profile cookie is written, and how.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::harness::{EdgeKind, Jws, Script, Secrets, Stage, now, scene};
use e2e::on_each_edge;
use serde_json::{Value, json};

on_each_edge! {
    a_new_visitor_is_given_a_profile_and_is_known_by_it_later
    within_a_visit_nothing_is_written
    a_new_visit_is_counted
    a_cookie_under_an_older_key_is_signed_again
    a_site_that_only_reads_never_writes
    facts_are_overridden_by_a_token_only
}

fn writing(kind: EdgeKind, name: &str) -> Stage {
    let stage = Stage::new(kind, scene::site(name).setting("profile", json!("write")));
    stage.serve("/", Script::page(scene::PAGE));
    stage.fill("/");
    stage
}

/// Header and claims of the token in a `Set-Cookie` header.
fn read(set_cookie: &str) -> (Value, Value) {
    let token = set_cookie.strip_prefix("__Host-hs=").and_then(|rest| rest.split(';').next());
    let parts: Vec<Value> = token
        .unwrap_or_else(|| panic!("not our cookie: {set_cookie}"))
        .split('.')
        .take(2)
        .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON"))
        .collect();
    (parts[0].clone(), parts[1].clone())
}

fn a_new_visitor_is_given_a_profile_and_is_known_by_it_later(kind: EdgeKind) {
    let stage = writing(kind, "newcomer");
    let reply = stage.get("/").send();
    let set_cookies = reply.headers("set-cookie");
    assert_eq!(set_cookies.len(), 1, "{set_cookies:?}");
    let attributes: Vec<&str> = set_cookies[0].split("; ").skip(1).collect();
    for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
        assert!(attributes.contains(&attribute), "{attribute} is not in {attributes:?}");
    }
    assert!(attributes.iter().any(|attribute| attribute.starts_with("Max-Age=")), "{attributes:?}");
    let (header, claims) = read(set_cookies[0]);
    assert_eq!((&header["alg"], &header["kid"]), (&json!("HS256"), &json!(Secrets::NEWEST)));
    assert_eq!((&claims["aud"], &claims["v"]), (&json!("newcomer"), &json!(1)));
    assert!(claims["exp"].as_u64().is_some_and(|exp| exp > now() && exp <= now() + 400 * 86_400));

    let again = stage.get("/").cookie(set_cookies[0].split(';').next().expect("a cookie")).send();
    assert_eq!(again.header("set-cookie"), None, "the visit goes on: nothing to write");
    let other = stage.get("/").send();
    let (_, other) = read(other.header("set-cookie").expect("another newcomer"));
    assert_ne!(other["sub"], claims["sub"], "two newcomers were given one id");
}

fn within_a_visit_nothing_is_written(kind: EdgeKind) {
    let stage = writing(kind, "within");
    let reply = stage.get_as(&scene::returning_visitor("ada"), "/").send();
    assert_eq!(reply.header("set-cookie"), None);
    assert_eq!(reply.text(), scene::page_showing(scene::RETURNING));
}

fn a_new_visit_is_counted(kind: EdgeKind) {
    let stage = writing(kind, "comesback");
    let visitor =
        scene::finance_visitor("ada").claim("ls", json!(now() - 7_200)).known("plan", json!("gold"));
    let reply = stage.get_as(&visitor, "/").send();
    let (_, claims) = read(reply.header("set-cookie").expect("a visit began"));
    assert_eq!((&claims["sub"], &claims["v"]), (&json!("ada"), &json!(4)));
    assert_eq!((&claims["in"]["finance"], &claims["tr"]["plan"]), (&json!(0.9), &json!("gold")));
}

fn a_cookie_under_an_older_key_is_signed_again(kind: EdgeKind) {
    let stage = writing(kind, "rotates");
    let header = json!({ "alg": "HS256", "typ": "JWT", "kid": Secrets::OLDER });
    let secret = stage.site().secrets().secret("profile", Secrets::OLDER);
    let token = Jws::new(&header, &scene::returning_visitor("ada").claims(stage.site())).hs256(&secret);
    let reply = stage.get("/").cookie(&format!("__Host-hs={token}")).send();
    let (header, claims) = read(reply.header("set-cookie").expect("signed again"));
    assert_eq!(
        (&header["kid"], &claims["sub"], &claims["v"]),
        (&json!(Secrets::NEWEST), &json!("ada"), &json!(3))
    );
    assert_eq!(reply.text(), scene::page_showing(scene::RETURNING));
}

fn a_site_that_only_reads_never_writes(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("readonly").setting("profile", json!("read")));
    stage.serve("/", Script::page(scene::PAGE));
    let visitor = scene::finance_visitor("ada").claim("ls", json!(now() - 7_200));
    for (ask, block) in [(stage.get("/"), scene::DEFAULT), (stage.get_as(&visitor, "/"), scene::FINANCE)] {
        let reply = ask.send();
        assert_eq!(reply.header("set-cookie"), None);
        assert_eq!(reply.text(), scene::page_showing(block));
    }
}

fn facts_are_overridden_by_a_token_only(kind: EdgeKind) {
    let stage = writing(kind, "facts");
    let facts = json!({ "place.country": "DE" });
    assert_eq!(stage.get_with_facts(&facts, "/").send().text(), scene::page_showing(scene::GERMAN));

    let site = stage.site();
    let claims = json!({ "aud": site.name, "iat": now(), "exp": now() + 600, "facts": facts });
    let minted = |typ: &str, ring: &str, claims: &Value| {
        let header = json!({ "alg": "HS256", "typ": typ, "kid": Secrets::NEWEST });
        Jws::new(&header, claims).hs256(&site.secrets().secret(ring, Secrets::NEWEST))
    };
    let changed = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let refused = [
        ("bare", facts.to_string()),
        ("typ of a cookie", minted("JWT", "facts", &claims)),
        ("typ of a preview", minted("hs-preview+jwt", "facts", &claims)),
        ("key of the cookies", minted("hs-facts+jwt", "profile", &claims)),
        ("another site's", minted("hs-facts+jwt", "facts", &changed("aud", json!("other")))),
        ("expired", minted("hs-facts+jwt", "facts", &changed("exp", json!(now() - 1)))),
        ("lives for a month", minted("hs-facts+jwt", "facts", &changed("exp", json!(now() + 30 * 86_400)))),
    ];
    for (name, token) in refused {
        let reply = stage.get("/").header("hs-facts", &token).send();
        assert_eq!((reply.status, reply.text().as_str()), (200, scene::PAGE), "{name}");
    }
    let as_cookie = minted("hs-facts+jwt", "facts", &claims);
    assert_eq!(stage.get("/").cookie(&format!("__Host-hs={as_cookie}")).send().text(), scene::PAGE);
    let by_parameter = "/?hs_facts=x&place.country=DE";
    stage.serve("/?place.country=DE", Script::page(scene::PAGE));
    assert_eq!(stage.get(by_parameter).header("place.country", "DE").send().text(), scene::PAGE);
}
