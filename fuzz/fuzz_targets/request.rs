//! Any request and any answer of an origin is routed and judged, and nothing of a visitor shapes what is shared.
#![no_main]

use hemstitch::http::{self, RequestHead, ResponseHead};
use hemstitch::site::Site;
use hemstitch::time::UnixTime;
use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use libfuzzer_sys::fuzz_target;

const REQUEST: [&str; 6] = ["cookie", "authorization", "connection", "if-none-match", "accept-language", "x-any"];
const RESPONSE: [&str; 6] = ["cache-control", "surrogate-control", "vary", "expires", "content-type", "etag"];

fuzz_target!(|input: (String, String, String, Vec<(u8, Vec<u8>)>)| {
    let (host, target, src, values) = input;
    let site = br#"{"site":"acme","hosts":["acme.test"],"origin":"o","session_cookies":["s*"],"query_allow":["q"],
        "fragment_hosts":{"w.test":"w"},"esi_prefixes":["/e/"]}"#;
    let site = Site::parse(site).expect("the site is well formed");
    let (mut asked, mut answered) = (HeaderMap::new(), HeaderMap::new());
    for (which, value) in values {
        let Ok(value) = HeaderValue::from_bytes(&value) else { continue };
        let which = usize::from(which);
        asked.append(HeaderName::from_static(REQUEST[which % 6]), value.clone());
        answered.append(HeaderName::from_static(RESPONSE[which % 6]), value);
    }
    let head = RequestHead { method: Method::GET, host, path_and_query: target.clone(), headers: asked.into() };
    let bare = RequestHead { headers: HeaderMap::new().into(), ..head.clone() };
    let _ = http::route(&head, &site);
    assert_eq!(http::shared_fill(&head, &site), http::shared_fill(&bare, &site));
    let _ = (http::own_fetch(&head, &site), http::pass_request(&head, &site));
    let reply = ResponseHead { status: StatusCode::OK, headers: answered };
    let _ = http::storable(&reply, UnixTime(1_800_000_000));
    let _ = http::kind(&reply, &site, &target);
    let personal = http::personal_reply(&reply);
    assert!(!personal.headers.contains_key("etag"));
    let _ = http::not_modified(&head, &http::shared_reply(&reply, http::Altered::No, 1));
    if let Ok(fragment) = http::resolve_fragment(&src, "acme.test", &target, &site) {
        assert!(fragment.path_and_query().starts_with('/'));
        assert!(["acme.test", "w.test"].contains(&fragment.host()));
    }
});
