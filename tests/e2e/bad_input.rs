//! A profile cookie that does not verify is a new visitor: the same answer as without one, and no clue to why.

use e2e::harness::{EdgeKind, Jws, Reply, Script, Secrets, Stage, TestSite, Visitor, now, scene};
use e2e::on_each_edge;
use serde_json::{Value, json};

on_each_edge! {
    hostile_cookies_are_new_visitors
    honest_cookies_of_every_form_are_known
}

/// Names a cookie of one who would see [`scene::RETURNING`], were it believed.
type Cookie = (&'static str, Vec<String>);

fn hostile(site: &TestSite) -> Vec<Cookie> {
    let visitor = scene::returning_visitor("mallory");
    let claims = visitor.claims(site);
    let secret = site.secrets().secret("profile", Secrets::NEWEST);
    let header = json!({ "alg": "HS256", "typ": "JWT", "kid": Secrets::NEWEST });
    let with = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        Jws::new(&header, &claims)
    };
    let claiming = |name: &str, value: Value| {
        vec![format!("__Host-hs={}", visitor.clone().claim(name, value).token(site))]
    };
    let lacking = |name: &str| vec![format!("__Host-hs={}", visitor.clone().without_claim(name).token(site))];
    let token = visitor.token(site);
    let one = |token: String| vec![format!("__Host-hs={token}")];
    let signed = |jws: Jws| one(jws.hs256(&secret));
    let duplicate = format!(r#"{{"alg":"none","alg":"HS256","kid":"{}"}}"#, Secrets::NEWEST);
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let deep_claims = claims.to_string().replacen('{', &format!(r#"{{"x":{},"#, &deep[..400]), 1);
    let mut flipped = token.clone().into_bytes();
    let middle = token.find('.').expect("a token has dots") + 20;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };

    vec![
        ("wrong key", one(Jws::new(&header, &claims).hs256(&[1; 32]))),
        (
            "key of the facts",
            one(Jws::new(&header, &claims).hs256(&site.secrets().secret("facts", Secrets::NEWEST))),
        ),
        ("alg none, unsigned", one(with("alg", json!("none")).with_signature(b""))),
        ("alg none, signed", signed(with("alg", json!("none")))),
        ("alg nOnE", one(with("alg", json!("nOnE")).with_signature(b""))),
        ("alg hs256 in lower case", signed(with("alg", json!("hs256")))),
        ("alg HS384", one(with("alg", json!("HS384")).hs384(&secret))),
        ("alg HS512", one(with("alg", json!("HS512")).hs512(&secret))),
        ("alg RS256", signed(with("alg", json!("RS256")))),
        ("alg is a list", signed(with("alg", json!(["HS256"])))),
        ("two algs", signed(Jws::of_text(&duplicate, &claims.to_string()))),
        ("unknown crit", signed(with("crit", json!(["x"])))),
        ("crit of a known claim", signed(with("crit", json!(["exp"])))),
        ("empty crit", signed(with("crit", json!([])))),
        ("typ of a facts token", signed(with("typ", json!("hs-facts+jwt")))),
        ("typ of a preview token", signed(with("typ", json!("hs-preview+jwt")))),
        ("unknown kid", signed(with("kid", json!("2001-01")))),
        ("kid is a path", signed(with("kid", json!("../../etc/passwd")))),
        ("no kid", signed(Jws::new(&json!({ "alg": "HS256" }), &claims))),
        ("truncated signature", one(token[..token.len() - 4].to_string())),
        ("truncated claims", one(token[..token.len() / 2].to_string())),
        ("no signature", one(token[..=token.rfind('.').expect("a token has dots")].to_string())),
        ("two parts", one(token[..token.rfind('.').expect("a token has dots")].to_string())),
        ("four parts", one(format!("{token}.{token}"))),
        ("changed claims", one(String::from_utf8(flipped).expect("a token is ASCII"))),
        ("16 KB", claiming("x", json!("x".repeat(16 * 1024)))),
        ("wrong audience", claiming("aud", json!("another-site"))),
        ("audience is a list of others", claiming("aud", json!(["one", "two"]))),
        ("audience is empty", claiming("aud", json!(""))),
        ("audience is null", claiming("aud", Value::Null)),
        ("expired", claiming("exp", json!(now() - 1))),
        ("expires in ten years", claiming("exp", json!(now() + 3_650 * 86_400))),
        ("expiry is text", claiming("exp", json!("tomorrow"))),
        ("no expiry", lacking("exp")),
        ("not yet", claiming("nbf", json!(now() + 3_600))),
        ("no subject", lacking("sub")),
        ("subject is not ASCII", claiming("sub", json!("mällory"))),
        ("subject is too long", claiming("sub", json!("m".repeat(129)))),
        ("subject is empty", claiming("sub", json!(""))),
        ("not base64", one("%%%.%%%.%%%".to_string())),
        ("padded base64", one(format!("{token}="))),
        ("base64 of the other alphabet", one(token.replacen('.', "+/.", 1))),
        ("claims are not JSON", signed(Jws::of_text(&header.to_string(), "{"))),
        ("claims are a list", signed(Jws::of_text(&header.to_string(), "[]"))),
        ("claims are nested without end", signed(Jws::of_text(&header.to_string(), &deep_claims))),
        ("header is nested without end", signed(Jws::of_text(&deep[..2_000], &claims.to_string()))),
        ("empty", one(String::new())),
        ("dots", one("..".to_string())),
        ("two cookies", vec![format!("__Host-hs={token}; __Host-hs={token}")]),
        ("two cookies in two headers", vec![format!("__Host-hs={token}"), format!("__Host-hs={token}")]),
        ("another name", vec![format!("__host-hs={token}; hs={token}")]),
        ("control characters", one("\u{1}\u{7f}".to_string())),
        ("bytes that are not ASCII", one("\u{ff}ÿ€".to_string())),
    ]
}

fn hostile_cookies_are_new_visitors(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("hostile").setting("profile", json!("write")));
    stage.serve("/", Script::page(scene::PAGE));
    stage.fill("/");
    let unknown = stage.get("/").send();
    let expected = telling_headers(&unknown);
    let expected_page = unknown.text();
    assert_eq!(expected_page, scene::PAGE);

    for (name, cookies) in hostile(stage.site()) {
        let ask = cookies.iter().fold(stage.get("/"), |ask, cookie| ask.cookie(cookie));
        // A server may refuse control characters as bad HTTP before any of us sees them.
        let Ok(reply) = ask.try_send() else { panic!("{name}: no answer") };
        if name == "control characters" && reply.status == 400 {
            continue;
        }
        assert_eq!(reply.status, 200, "{name}");
        assert_eq!(telling_headers(&reply), expected, "{name}");
        assert_eq!(reply.text(), expected_page, "{name}");
    }
    stage.origin.assert_never_heard("mallory");
}

/// The headers, without what differs for every new visitor and every second.
fn telling_headers(reply: &Reply) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = reply
        .all_headers()
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "date" | "age"))
        .map(|(name, value)| match name.as_str() {
            "set-cookie" => (name.clone(), value.split_once(';').map_or("", |(_, rest)| rest).to_string()),
            _ => (name.clone(), value.clone()),
        })
        .collect();
    headers.sort();
    headers
}

fn honest_cookies_of_every_form_are_known(kind: EdgeKind) {
    let stage = Stage::new(kind, scene::site("honest"));
    stage.serve("/", Script::page(scene::PAGE));
    let site = stage.site();
    let visitor = scene::returning_visitor("alice");
    let header = |typ: Option<&str>, kid: &str| {
        let mut header = json!({ "alg": "HS256", "kid": kid });
        if let Some(typ) = typ {
            header["typ"] = json!(typ);
        }
        header
    };
    let minted = |header: Value, visitor: &Visitor, kid: &str| {
        format!(
            "__Host-hs={}",
            Jws::new(&header, &visitor.claims(site)).hs256(&site.secrets().secret("profile", kid))
        )
    };
    let newest = Secrets::NEWEST;
    let cases = [
        ("as usual", visitor.cookie(site)),
        ("no typ", minted(header(None, newest), &visitor, newest)),
        ("an older key", minted(header(Some("JWT"), Secrets::OLDER), &visitor, Secrets::OLDER)),
        ("unknown claims", visitor.clone().claim("x", json!({ "y": [1, "z"] })).cookie(site)),
        ("audience in a list", visitor.clone().claim("aud", json!(["other", site.name])).cookie(site)),
        ("valid since a minute", visitor.clone().claim("nbf", json!(now() - 60)).cookie(site)),
        ("among other cookies", format!("a=1; {}; b=2", visitor.cookie(site))),
    ];
    for (name, cookie) in cases {
        let reply = stage.get("/").cookie(&cookie).send();
        assert_eq!(reply.text(), scene::page_showing(scene::RETURNING), "{name}");
    }
}
