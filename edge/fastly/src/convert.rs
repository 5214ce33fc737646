//! Requests and responses, from the platform's types to the core's and back.

use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;

use ::http::{HeaderMap, HeaderName, HeaderValue, header};
use fastly::handle::{BodyHandle, RequestHandle, ResponseHandle};
use fastly::http::{FramingHeadersMode, Url};
use fastly::{Request, Response};
use hemstitch::facts::Place;
use hemstitch::http::{HeaderSource, OutgoingRequest, RequestHead, RequestHeaders, ResponseHead};

use crate::origin::Gzip;

/// Tells the platform to compress on the way to the visitor.
const COMPRESS: (&str, &str) = ("x-compress-hint", "on");

/// Bytes that are made room for at first: of the names of all headers, of a header, of cookies, of the method, of the URL.
/// What is longer is asked for again.
const NAMES: usize = 1024;
const VALUE: usize = 256;
const COOKIES: usize = 2048;
const METHOD: usize = 16;
const URL: usize = 512;

/// The visitor's `Host`; `None` where it has none that a URL can have.
///
/// The platform's library parses the request's URL and panics where it cannot, so this comes before [`request_head`].
pub fn host(request: &RequestHandle) -> Option<String> {
    let host = values(request, &header::HOST).into_iter().next()?;
    let host = host.to_str().ok()?;
    (is_plain(host) || Url::parse(&format!("http://{host}/")).is_ok()).then(|| host.to_owned())
}

/// Whether a host is one that every URL can have: a name that is neither a number nor Punycode, and at most four digits
/// of a port.
fn is_plain(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, "80"));
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    let last = name.rsplit('.').next().unwrap_or_default();
    name.bytes().all(sound)
        && last.starts_with(|first: char| first.is_ascii_alphabetic())
        && !name
            .split('.')
            .any(|label| label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--")))
        && (1..=4).contains(&port.len())
        && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// The visitor's request, but for its body. The path is as the platform's library normalizes it (WHATWG URL Standard).
///
/// It is read by its handle: the platform's library would make room for 4 KB for each header, and keep all of them twice.
/// `None` where a part of it cannot be read.
pub fn request_head(request: &Arc<RequestHandle>, host: String) -> Option<RequestHead> {
    let method =
        request.get_method(METHOD).or_else(|short| request.get_method(short.needed_buf_size)).ok()?;
    let url = request.get_url(URL).or_else(|short| request.get_url(short.needed_buf_size)).ok()?;
    let path_and_query = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let names = |room| request.get_header_names(room).collect::<Result<Vec<_>, _>>();
    let names = names(NAMES).or_else(|short| names(short.needed_buf_size)).ok()?;
    let headers = RequestHeaders::behind(names, Arc::new(Client(Arc::clone(request))));
    Some(RequestHead { method, host, path_and_query, headers })
}

/// The platform has the visitor's headers, and each of them costs a call.
struct Client(Arc<RequestHandle>);

impl HeaderSource for Client {
    fn values(&self, name: &HeaderName) -> Vec<HeaderValue> {
        values(&self.0, name)
    }
}

/// All values of a header.
fn values(request: &RequestHandle, name: &HeaderName) -> Vec<HeaderValue> {
    let values = |room| request.get_header_values(name, room).collect::<Result<Vec<_>, _>>();
    let room = if *name == header::COOKIE { COOKIES } else { VALUE };
    values(room).or_else(|short| values(short.needed_buf_size)).unwrap_or_default()
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
    response.set_status(head.status);
    head.headers.iter().for_each(|(name, value)| response.append_header(name, value));
    let (name, value) = (HeaderName::from_static(COMPRESS.0), HeaderValue::from_static(COMPRESS.1));
    response.append_header(&name, &value);
    let mut body = BodyHandle::new();
    // A body that is not being sent yet takes everything.
    let _ = body.write_all(page);
    response.send_to_client(body);
    #[cfg(feature = "timed")]
    crate::timed::sent();
}

/// The head of an HTML page, which the platform compresses for visitors who can decode it.
pub fn page_response(head: &ResponseHead) -> Response {
    response(head).with_header(COMPRESS.0, COMPRESS.1)
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
