//! One request, from its arrival until it has been answered and the cache has what came of it.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use ::http::{Method, StatusCode, header};
use hemstitch::facts::Place;
use hemstitch::http::{self, OwnPath, RequestHead, Route};
use hemstitch::status::{self, Platform};
use hemstitch::visit::Visit;
use wasm_bindgen::JsValue;
use worker::Env;

use crate::clock;
use crate::config::ServedSite;
use crate::convert;
use crate::fragments::Fetcher;
use crate::instance::Instance;
use crate::origin::{self, PASS_FIRST_BYTE_MS};
use crate::packs::{self, Late};
use crate::page::Exchange;
use crate::platform::js;
use crate::store::Store;
use crate::visitor::Visitor;

/// Answers a request, and does after that what the visitor need not wait for.
pub async fn answer(visitor: Visitor, request: JsValue, env: Env) {
    let instance = Instance::present();
    let Some((head, place)) = convert::request_head(&request) else {
        return visitor.plain(StatusCode::BAD_REQUEST, "bad request\n");
    };
    let Some(served) = instance.site(&head.host, &env) else {
        return visitor.plain(StatusCode::MISDIRECTED_REQUEST, "no such site\n");
    };
    #[cfg(feature = "forced-panic")]
    assert!(!head.headers.contains(&::http::HeaderName::from_static("x-panic")), "a panic was asked for");
    #[cfg(feature = "forced-panic")]
    if head.headers.contains(&::http::HeaderName::from_static("x-census")) {
        return visitor.plain(StatusCode::OK, &crate::census::taken());
    }
    match http::route(&head, &served.site) {
        Route::Refuse => visitor.plain(StatusCode::MISDIRECTED_REQUEST, "no such site\n"),
        Route::Own(OwnPath::Unknown) => visitor.plain(StatusCode::NOT_FOUND, "not found\n"),
        Route::Own(OwnPath::Status) => status(visitor, &head, &served),
        Route::Pass => {
            let body = js::body_of(&request).unwrap_or(JsValue::UNDEFINED);
            pass(visitor, &head, &served, &env, body).await;
        }
        Route::Own(OwnPath::Block(name)) => {
            let (exchange, late) = arrive(&instance, &served, env, visitor, head, place).await;
            exchange.block(&name).await;
            settle(exchange, late).await;
        }
        Route::Page(lookup) => {
            let (exchange, late) = arrive(&instance, &served, env, visitor, head, place).await;
            match exchange.visit.gate() {
                Some(session) => exchange.send(Box::new(session)).await,
                None => exchange.page(exchange.visit.lookup(lookup)).await,
            }
            settle(exchange, late).await;
        }
    }
}

/// What this isolate holds, for an operator.
fn status(visitor: Visitor, head: &RequestHead, served: &ServedSite) {
    let operator = served.keys.as_ref().and_then(|keys| keys.operator.as_ref());
    let holding = served.keeper.try_borrow().map(|keeper| keeper.holding()).unwrap_or_default();
    let (name, platform) = (&served.site.name, Platform::Cloudflare);
    match status::answer(head, operator, name, platform, &holding, &served.kill, clock::now()) {
        Some((reply, text)) => visitor.send(&reply, text.as_bytes()),
        None => visitor.plain(StatusCode::NOT_FOUND, "not found\n"),
    }
}

/// The visit, with the pack that is at hand in time.
async fn arrive(
    instance: &Rc<Instance>,
    served: &Rc<ServedSite>,
    env: Env,
    visitor: Visitor,
    head: RequestHead,
    place: Place,
) -> (Exchange, Late) {
    let arrived_ms = clock::ms();
    let (pack, late) = packs::in_force(instance, served, &env).await;
    let (site, keys) = (Arc::clone(&served.site), served.keys.as_ref());
    let entropy = || <[u8; 16]>::try_from(js::random()).ok();
    let mut visit = Visit::arrive(site, keys, head, place, clock::now(), entropy);
    let pack = match visit.draft() {
        Some(draft) => packs::draft(served, &env, draft).await,
        None => pack,
    };
    visit.equip(pack.clone(), served.kill.clone());
    let store = Rc::new(Store::new(Rc::clone(instance), &served.site.name));
    let fills = Rc::clone(&instance.fills);
    let fetcher = Rc::new(Fetcher { served: Rc::clone(served), env, store, fills });
    (Exchange { visit, arrived_ms, pack, visitor, fetcher, refresh: RefCell::default() }, late)
}

/// What is left to do when the visitor has been answered.
async fn settle(exchange: Exchange, late: Late) {
    let store = Rc::clone(&exchange.fetcher.store);
    drop(exchange);
    late.await;
    store.settle().await;
}

/// Sends a request on, and what comes back, untouched.
pub async fn pass(visitor: Visitor, head: &RequestHead, served: &ServedSite, env: &Env, body: JsValue) {
    let mut outgoing = http::pass_request(head, &served.site);
    // The platform knows WebSocket alone; of any other upgrade the origin does without, as it may (RFC 9110, section
    // 7.8).
    let upgrade = outgoing.headers.get(header::UPGRADE);
    if !upgrade.is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket")) {
        outgoing.headers.remove(header::UPGRADE);
        outgoing.headers.remove(header::CONNECTION);
    }
    let site = &served.site;
    match origin::ask(env, outgoing, site, &site.origin, body, PASS_FIRST_BYTE_MS).await {
        None => visitor.unreachable_origin(),
        Some(arrived) => {
            let reply = http::untouched_reply(arrived.head.clone());
            visitor.relay(arrived, &reply, head.method == Method::HEAD);
        }
    }
}
