//! One request, from its arrival until it has been answered and the cache has what came of it.

use std::sync::Arc;

use ::http::{Method, StatusCode, header};
use fastly::handle::BodyHandle;
use fastly::http::Body;
use fastly::{Request, Response};
use hemstitch::facts::Place;
use hemstitch::http::{self, Lookup, OwnPath, RequestHead, ResponseHead, Route};
use hemstitch::site::Site;
use hemstitch::status::{self, Platform};
use hemstitch::visit::Visit;

use crate::clock::{Clock, Moment};
use crate::config::SiteState;
use crate::instance::Instance;
use crate::origin::{self, Arrived, Gzip};
use crate::page::Exchange;
use crate::{convert, packs};

/// Answers a request, and does after that what the visitor need not wait for.
pub fn answer(mut request: Request, instance: &mut Instance) {
    let Instance { clock, config, backends, pages } = instance;
    let (clock, arrived) = (&*clock, clock.moment());
    let Some(head) = convert::request_head(&request) else {
        return plain(StatusCode::BAD_REQUEST, "bad request\n");
    };
    let Some((site, state)) = config.site(&head.host, arrived.ms()) else {
        return plain(StatusCode::MISDIRECTED_REQUEST, "no such site\n");
    };
    match http::route(&head, &site) {
        Route::Refuse => plain(StatusCode::MISDIRECTED_REQUEST, "no such site\n"),
        Route::Own(OwnPath::Unknown) => plain(StatusCode::NOT_FOUND, "not found\n"),
        Route::Own(OwnPath::Status) => status(&head, &site, state, clock),
        Route::Pass => pass(&head, &site, request.try_take_body().map(Body::into_handle)),
        Route::Own(OwnPath::Block(name)) => {
            let (visit, late) = arrive(head, &site, state, &request, arrived, clock);
            Exchange { visit: &visit, site: &site, clock, arrived, backends, pages }.block(&name);
            packs::refresh(state, &site, late, clock);
        }
        Route::Page(lookup) => {
            let (visit, late) = arrive(head, &site, state, &request, arrived, clock);
            let mut exchange = Exchange { visit: &visit, site: &site, clock, arrived, backends, pages };
            match (visit.gate(), visit.lookup(lookup)) {
                (Some(answer), _) => exchange.send(answer),
                (None, Lookup::Shared(key)) => exchange.shared(&key),
                (None, Lookup::Bypass) => exchange.own(),
            }
            packs::refresh(state, &site, late, clock);
        }
    }
}

/// The visit, with the pack that is at hand in time.
fn arrive(
    head: RequestHead,
    site: &Arc<Site>,
    state: &mut SiteState,
    client: &Request,
    arrived: Moment,
    clock: &Clock,
) -> (Visit, packs::Late) {
    let (pack, late) = packs::in_force(state, site, arrived, clock);
    // Nothing but a pack asks where the visitor is.
    let has_rules = pack.is_some() || !site.pointer_keys.is_empty();
    let address = if has_rules { client.as_handles().0.client_ip_addr() } else { None };
    let place = address.map_or_else(Place::default, convert::place);
    let keys = state.keys.as_ref();
    let mut visit = Visit::arrive(Arc::clone(site), keys, head, place, arrived.now, entropy);
    let pack = match visit.draft() {
        Some(draft) => packs::draft(state, site, draft, clock),
        None => pack,
    };
    visit.equip(pack, state.kill_switch());
    (visit, late)
}

fn entropy() -> Option<[u8; 16]> {
    let mut entropy = [0; 16];
    getrandom::fill(&mut entropy).ok().map(|()| entropy)
}

/// What this instance holds, for an operator.
fn status(head: &RequestHead, site: &Site, state: &SiteState, clock: &Clock) {
    let operator = state.keys.as_ref().and_then(|keys| keys.operator.as_ref());
    let (holding, kill) = (state.keeper.holding(), state.kill_switch());
    match status::answer(head, operator, &site.name, Platform::Fastly, &holding, &kill, clock.now()) {
        Some((reply, text)) => untouched(&reply, text.into(), head),
        None => plain(StatusCode::NOT_FOUND, "not found\n"),
    }
}

/// Sends a request on, and what comes back, untouched. Of the upgrades the platform knows WebSocket alone; any other
/// is not asked for, and the origin goes on without, as it may (RFC 9110, section 7.8).
pub fn pass(head: &RequestHead, site: &Site, body: Option<BodyHandle>) {
    let mut outgoing = http::pass_request(head, site);
    if let Some(protocol) = outgoing.headers.get(header::UPGRADE) {
        if protocol.as_bytes().eq_ignore_ascii_case(b"websocket") {
            return origin::hand_off(outgoing, &site.origin).unwrap_or_else(unreachable_origin);
        }
        outgoing.headers.remove(header::UPGRADE);
        outgoing.headers.remove(header::CONNECTION);
    }
    match origin::fetch(outgoing, &site.origin, body, Gzip::Kept) {
        Some(Arrived { head: reply, body }) => untouched(&http::untouched_reply(reply), body.into(), head),
        None => unreachable_origin(),
    }
}

/// Sends an answer as it is; the platform pumps its body.
pub fn untouched(reply: &ResponseHead, body: Body, request: &RequestHead) {
    if request.method == Method::HEAD {
        convert::bodiless_response(reply).send_to_client();
    } else {
        convert::response(reply).with_body(body).send_to_client();
    }
}

/// What a visitor gets where the origin does not answer and nothing is stored.
pub fn unreachable_origin() {
    plain(StatusCode::BAD_GATEWAY, "the origin does not answer\n");
}

/// A small answer of ours.
pub fn plain(status: StatusCode, text: &str) {
    let response = Response::from_status(status).with_header(header::CACHE_CONTROL, "no-store");
    response.with_header(header::CONTENT_TYPE, "text/plain; charset=utf-8").with_body(text).send_to_client();
}
