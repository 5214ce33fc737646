//! Requests and responses, from the platform's types to the core's and back.

use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use fastly::handle::{BodyHandle, RequestHandle, ResponseHandle};
use fastly::http::{FramingHeadersMode, Url};
use fastly::{Request, Response};
use hemstitch::facts::Place;
use hemstitch::http::{self, HeaderSource, OutgoingRequest, RequestHead, RequestHeaders, ResponseHead};
use hemstitch_fastly_calls as calls;

use crate::origin::Gzip;

/// Tells the platform to compress on the way to the visitor.
const COMPRESS: HeaderName = HeaderName::from_static("x-compress-hint");
const ON: HeaderValue = HeaderValue::from_static("on");

/// Bytes that are made room for at first: of the names of all headers, of a header, of cookies, of the method, of the URL.
const NAMES: usize = 1024;
const VALUE: usize = 256;
const COOKIES: usize = 2048;
const METHOD: usize = 8;
const URL: usize = 512;

/// A visitor's request, by its number: the platform has it, and each part of it costs a call.
struct Client(u32);

/// The visitor's request, but for its body. `None` where it has no host that is text, or another part cannot be read.
///
/// It must not outlive `request`, whose number may be that of another one then.
pub fn request_head(request: &Request) -> Option<RequestHead> {
    let client = Client(request.as_handles().0.as_u32());
    let host = client.values(&header::HOST).into_iter().next()?.to_str().ok()?.to_owned();
    let method = Method::from_bytes(&calls::method(client.0, METHOD)?).ok()?;
    let path_and_query = path_and_query(&calls::url(client.0, URL)?)?;
    let names = calls::header_names(client.0, NAMES)?;
    let names = listed(&names).filter_map(|name| HeaderName::from_bytes(name).ok());
    let headers = RequestHeaders::behind(names, Arc::new(client));
    Some(RequestHead { method, host, path_and_query, headers })
}

/// What follows the host in a URL, normalized (WHATWG URL Standard).
fn path_and_query(url: &[u8]) -> Option<String> {
    let target = http::target_of(std::str::from_utf8(url).ok()?)?;
    if http::is_normal(target) {
        return Some(target.to_owned());
    }
    // What host it is, the site says; some that reach us would make no URL.
    let url = Url::parse(&format!("http://host{target}")).ok()?;
    Some(match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    })
}

impl HeaderSource for Client {
    fn values(&self, name: &HeaderName) -> Vec<HeaderValue> {
        let room = if *name == header::COOKIE { COOKIES } else { VALUE };
        let values = calls::header_values(self.0, name.as_str(), room).unwrap_or_default();
        listed(&values).filter_map(|value| HeaderValue::from_bytes(value).ok()).collect()
    }
}

/// The items of a list, each of which ends in a zero byte.
fn listed(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut from = 0;
    memchr::memchr_iter(0, list).filter_map(move |end| {
        let item = list.get(from..end);
        from = end + 1;
        item
    })
}

/// A request for a backend; `None` where its host and path make no URL.
pub fn request(outgoing: OutgoingRequest, gzip: Gzip) -> Option<RequestHandle> {
    let host = outgoing.headers.get(header::HOST)?.to_str().ok()?;
    let url = Url::parse(&format!("http://{host}{}", outgoing.path_and_query)).ok()?;
    let mut request = Request::new(outgoing.method, url).with_auto_decompress_gzip(gzip == Gzip::Decoded);
    outgoing.headers.iter().for_each(|(name, value)| request.append_header(name, value));
    // Caching is ours; the platform's own would keep what the core has not judged.
    request.set_pass(true);
    // Sent by its handle: by itself it would bring along all that the library has for caching and images.
    Some(request.into_handles().0)
}

/// Status and headers of a backend's answer.
pub fn response_head(response: &Response) -> ResponseHead {
    ResponseHead { status: response.get_status(), headers: headers(response.get_headers()) }
}

/// An answer for the visitor, without a body yet.
pub fn response(head: &ResponseHead) -> Response {
    let mut response = Response::from_status(head.status);
    head.headers.iter().for_each(|(name, value)| response.append_header(name, value));
    response
}

/// Answers with an HTML page that is there as a whole.
pub fn send_page(head: &ResponseHead, page: &[u8]) {
    let mut response = ResponseHandle::new();
    if head.status != StatusCode::OK {
        response.set_status(head.status);
    }
    head.headers.iter().for_each(|(name, value)| response.append_header(name, value));
    response.append_header(&COMPRESS, &ON);
    let mut body = BodyHandle::new();
    // A body that is not being sent yet takes everything.
    let _ = body.write_all(page);
    response.send_to_client(body);
    #[cfg(feature = "timed")]
    crate::timed::sent();
}

/// The head of an HTML page, which the platform compresses for visitors who can decode it.
pub fn page_response(head: &ResponseHead) -> Response {
    response(head).with_header(COMPRESS, ON)
}

/// The answer to HEAD where the origin said how long the body would be: the platform would take that header off.
pub fn bodiless_response(head: &ResponseHead) -> Response {
    let framing = match head.headers.contains_key(header::CONTENT_LENGTH) {
        true => FramingHeadersMode::ManuallyFromHeaders,
        false => FramingHeadersMode::Automatic,
    };
    response(head).with_framing_headers_mode(framing)
}

/// Where the visitor is, by their address.
pub fn place(address: IpAddr) -> Place {
    let Some(geo) = fastly::geo::geo_lookup(address) else { return Place::default() };
    let known = |text: &str| if text == "?" || text == "??" { String::new() } else { text.to_owned() };
    Place {
        country: known(&geo.country_code().to_ascii_uppercase()),
        region: known(geo.region().unwrap_or_default()),
        city: known(geo.city()),
        continent: known(geo.continent().as_code()),
        utc_offset_s: geo.utc_offset().map(|offset| offset.whole_seconds()),
    }
}

fn headers<'h>(lines: impl Iterator<Item = (&'h HeaderName, &'h HeaderValue)>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(24);
    for (name, value) in lines {
        headers.append(name, value.clone());
    }
    headers
}
