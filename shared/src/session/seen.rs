//! What a page's ESI sees of a request: headers and query as far as they are nobody's secret, and the facts, audiences and
//! experiments that rules see.

use std::sync::{Arc, Mutex};

use super::choose::Personalization;
use crate::esi;
use crate::facts::{Fact, Facts};
use crate::http::{clean_target, form_decoded};
use crate::kill_switch::KillSwitch;
use crate::pack::{Evaluation, Pack};
use crate::token::ProfileCookie;

/// What ESI may know of a request: not our cookie, no session cookie, no credentials, no parameter that is not part of the
/// page's key.
pub(super) fn facts(personal: &Personalization) -> esi::Facts {
    let site = &personal.site;
    let (path, query) = clean_target(&personal.request.path_and_query);
    let kept = |pair: &&str| site.keeps_parameter(&form_decoded(pair.split('=').next().unwrap_or_default()));
    let query = query.unwrap_or_default();
    let query: Vec<&str> = query.split('&').filter(kept).collect();
    let hidden = |name: &str| matches!(name, "cookie" | "authorization" | "proxy-authorization" | "host");
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, value) in personal.request.headers.all() {
        if !hidden(name.as_str()) {
            headers.push((name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        }
    }
    headers.push(("host".to_owned(), personal.host.clone()));
    let cookies = personal.request.headers.get_all(&::http::header::COOKIE);
    let cookies = cookies
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect::<Vec<_>>()
        .join(";");
    let shown = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default().trim();
        !name.is_empty() && name != ProfileCookie::NAME && !site.is_session_cookie(name.as_bytes())
    };
    let cookies: Vec<&str> = cookies.split(';').filter(shown).map(str::trim).collect();
    if !cookies.is_empty() {
        headers.push(("cookie".to_owned(), cookies.join("; ")));
    }
    let asked = asked(personal);
    let now = personal.facts.now().0;
    esi::Facts {
        method: personal.request.method.as_str().to_owned(),
        path,
        query: query.join("&"),
        headers,
        remote_addr: String::new(),
        variables: Vec::new(),
        asked: Some(Arc::new(asked)),
        now: now as i64,
        seed: seed(personal),
    }
}

/// The fact that a key of Akamai's `GEO` means.
fn geographic(key: &str) -> Option<&'static str> {
    Some(match key {
        "country_code" => "place.country",
        "region_code" => "place.region",
        "city" => "place.city",
        "continent" => "place.continent",
        "lat" | "latitude" => "place.latitude",
        "long" | "longitude" => "place.longitude",
        "zip" => "place.postal_code",
        "timezone" => "place.time_zone",
        "asnum" => "network.asn",
        _ => return None,
    })
}

/// What random numbers begin with: the visitor, the page and the second. The core has no randomness of its own.
fn seed(personal: &Personalization) -> u64 {
    let mut seed = personal.facts.now().0 ^ 0x9E37_79B9_7F4A_7C15;
    for byte in personal.facts.profile().id.as_str().bytes().chain(personal.path.bytes()) {
        seed = (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    }
    seed
}

/// Answers what rules know: `GEO`, `PROFILE`, `AUDIENCE`, `EXPERIMENT`.
fn asked(personal: &Personalization) -> impl Fn(&str, &str) -> Option<String> + Send + Sync + use<> {
    let facts = Arc::clone(&personal.facts);
    let rules = personal.pack.clone().map(|pack| Rules {
        pack,
        kill: personal.kill.clone(),
        known: Mutex::default(),
    });
    move |name, key| match name {
        "GEO" => text(&facts, geographic(key)?),
        "PROFILE" if key.contains('.') => text(&facts, key),
        "PROFILE" => text(&facts, &format!("trait.{key}")),
        "AUDIENCE" | "EXPERIMENT" => rules.as_ref()?.answer(&facts, name, key),
        _ => None,
    }
}

fn text(facts: &Facts, name: &str) -> Option<String> {
    Some(match facts.fact(name)? {
        Fact::Null => return None,
        Fact::Bool(yes) => yes.to_string(),
        Fact::Number(number) => number.to_string(),
        Fact::Text(text) => text.to_owned(),
        Fact::Json(value) => value.to_string(),
    })
}

/// The rules of a page, and what they answered: each question is worked on once.
struct Rules {
    pack: Arc<Pack>,
    kill: KillSwitch,
    known: Mutex<Vec<Answered>>,
}

struct Answered {
    name: String,
    key: String,
    answer: Option<String>,
}

impl Rules {
    /// Most answers that are kept. A page that asks for more has them worked out again.
    const KEPT: usize = 64;

    fn answer(&self, facts: &Facts, name: &str, key: &str) -> Option<String> {
        let mut known = self.known.lock().ok()?;
        if let Some(known) = known.iter().find(|known| known.name == name && known.key == key) {
            return known.answer.clone();
        }
        let mut evaluation = Evaluation::new(&self.pack, facts, &self.kill);
        let answer = match name {
            "AUDIENCE" => evaluation.is_in(key).then(|| "true".to_owned()),
            _ => evaluation.variation(key).map(str::to_owned),
        };
        if known.len() < Rules::KEPT {
            known.push(Answered { name: name.to_owned(), key: key.to_owned(), answer: answer.clone() });
        }
        answer
    }
}
