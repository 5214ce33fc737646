//! What the panel asks for, answered by the demo's origin: whom one can become, and how.
//!
//! ```text
//! GET /demo/panel.json             personas, who of them asks, and a token with which an edge explains a page
//! GET /demo/become/{name}          makes the browser theirs, and goes to where they are told from others
//! GET /demo/become/{name}/pricing  the same, but goes to that page
//! ```

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::get;
use hemstitch::time::UnixTime;
use hemstitch::token::{Capability, CapabilityToken, Claims, Keyring, ProfileCookie};
use serde_json::{Map, Value, json};

use super::personas::{DAY_S, PERSONAS, Persona, persona};
use super::stage::{SITE, Stage};

/// How long an explanation may be asked for: longer than a page is looked at.
const EXPLAIN_S: u64 = 60 * 60;
/// Who a browser has become. Only the panel looks at it.
const PERSONA_COOKIE: &str = "demo-persona";

/// The keys with which somebody else's cookies are written.
struct Panel {
    edge: &'static str,
    profile: Keyring,
    facts: Keyring,
    explain: Keyring,
}

/// The panel's routes, for a demo whose pages are made by `edge`.
pub fn routes(stage: &Stage, edge: &'static str) -> Result<Router> {
    let keyring = |purpose| stage.keyring(purpose);
    let panel =
        Panel { edge, profile: keyring("profile")?, facts: keyring("facts")?, explain: keyring("explain")? };
    let routes = Router::new()
        .route("/demo/panel.json", get(about))
        .route("/demo/become/{name}", get(become_them))
        .route("/demo/become/{name}/", get(become_at_home))
        .route("/demo/become/{name}/{*page}", get(become_at));
    Ok(routes.with_state(Arc::new(panel)))
}

async fn about(State(panel): State<Arc<Panel>>, headers: HeaderMap) -> Response {
    let current = current(&headers);
    let personas: Vec<Value> = PERSONAS.iter().map(|persona| described(persona, current)).collect();
    let Ok(token) = panel.explain_token(now()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let about = json!({ "personas": personas, "edge": panel.edge, "explain": token });
    (NOT_KEPT, [(header::CONTENT_TYPE, "application/json")], about.to_string()).into_response()
}

fn described(persona: &Persona, current: &str) -> Value {
    json!({
        "name": persona.name,
        "title": persona.title,
        "about": persona.about,
        "page": persona.page,
        "href": format!("/demo/become/{}", persona.name),
        "current": persona.name == current,
    })
}

async fn become_them(State(panel): State<Arc<Panel>>, Path(name): Path<String>) -> Response {
    panel.become_persona(&name, None)
}

async fn become_at_home(State(panel): State<Arc<Panel>>, Path(name): Path<String>) -> Response {
    panel.become_persona(&name, Some("/"))
}

async fn become_at(State(panel): State<Arc<Panel>>, Path((name, page)): Path<(String, String)>) -> Response {
    panel.become_persona(&name, Some(&format!("/{page}")))
}

const NOT_KEPT: [(header::HeaderName, &str); 1] = [(header::CACHE_CONTROL, "private, no-store")];

impl Panel {
    fn become_persona(&self, name: &str, page: Option<&str>) -> Response {
        let Some(persona) = persona(name) else { return StatusCode::NOT_FOUND.into_response() };
        let Ok([profile, token]) = self.cookies(persona, now()) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let page = page.filter(|page| is_of_this_site(page)).or(persona.page).unwrap_or("/");
        let who = format!("{PERSONA_COOKIE}={name}; Path=/; Max-Age={DAY_S}; SameSite=Lax");
        let cookies = AppendHeaders([profile, token, who].map(|cookie| (header::SET_COOKIE, cookie)));
        (StatusCode::SEE_OTHER, NOT_KEPT, [(header::LOCATION, page)], cookies).into_response()
    }

    /// The `Set-Cookie` lines that make a browser this visitor's, whoever's it was.
    fn cookies(&self, persona: &Persona, now: UnixTime) -> Result<[String; 2]> {
        let profile = match persona.profile(now)? {
            Some(profile) => ProfileCookie::encode(&profile, &self.profile, SITE, now)?,
            None => cookie("__Host-hs", "", 0),
        };
        let token = match persona.token(now) {
            Some(token) => cookie("__Host-hs-facts", &token.encode(&self.facts, SITE)?, DAY_S),
            None => cookie("__Host-hs-facts", "", 0),
        };
        Ok([profile, token])
    }

    fn explain_token(&self, now: UnixTime) -> Result<String> {
        let expires = now.plus_seconds(EXPLAIN_S);
        let claims = Claims { issued: now, expires, id: None, private: Map::new() };
        CapabilityToken::encode(&claims, Capability::Explain, &self.explain, SITE)
            .context("a token to explain")
    }
}

fn cookie(name: &str, value: &str, max_age_s: u64) -> String {
    format!("{name}={value}; Path=/; Max-Age={max_age_s}; Secure; HttpOnly; SameSite=Lax")
}

/// Who asks, by the cookie of the panel; whoever has none is a stranger.
fn current(headers: &HeaderMap) -> &str {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == PERSONA_COOKIE).map(|(_, value)| value).next().unwrap_or("stranger")
}

/// Whether a redirect to this leads to a page of the site that answers.
fn is_of_this_site(page: &str) -> bool {
    let plain = page.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    plain && page.starts_with('/') && !page.starts_with("//")
}

fn now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_to_pages_of_the_site_alone() {
        for (page, goes) in [
            ("/", true),
            ("/pricing?plan=reader", true),
            ("", false),
            ("pricing", false),
            ("//elsewhere.test/", false),
            ("/\\elsewhere.test/", false),
            ("https://elsewhere.test/", false),
            ("/a\r\nset-cookie: a=b", false),
        ] {
            assert_eq!(is_of_this_site(page), goes, "{page}");
        }
    }

    #[test]
    fn the_panels_cookie_says_who_asks() {
        for (line, who) in [
            (None, "stranger"),
            (Some("a=b; demo-persona=munich; c=d"), "munich"),
            (Some("x-demo-persona=munich"), "stranger"),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(line.map(|line| (header::COOKIE, line.parse().unwrap())));
            assert_eq!(current(&headers), who, "{line:?}");
        }
    }
}
