//! From hyper's types to the core's, and back.

use std::net::IpAddr;

use hemstitch::facts::Place;
use hemstitch::http::{OutgoingRequest, RequestHead, ResponseHead};
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header, request, response,
};

use crate::body::{ReplyBody, RequestBody};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The head of a request as the core reads it; `None` where it has no target or more than one host.
pub fn request_head(parts: &request::Parts) -> Option<RequestHead> {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let (header, second) = (hosts.next(), hosts.next());
    // The host in an absolute target outranks the header (RFC 9112, section 3.2.2).
    let host = match parts.uri.authority() {
        Some(authority) => authority.as_str(),
        None => header.map_or(Some(""), |host| host.to_str().ok())?,
    };
    let target = parts.uri.path_and_query().filter(|_| second.is_none())?;
    Some(RequestHead {
        method: parts.method.clone(),
        host: host.to_owned(),
        path_and_query: target.as_str().to_owned(),
        headers: parts.headers.clone().into(),
    })
}

/// The head of an origin's answer as the core reads it.
pub fn response_head(parts: response::Parts) -> ResponseHead {
    ResponseHead { status: parts.status, headers: parts.headers }
}

/// An answer to a visitor.
pub fn reply(head: ResponseHead, body: ReplyBody) -> Response<ReplyBody> {
    let mut reply = Response::new(body);
    *reply.status_mut() = head.status;
    *reply.headers_mut() = head.headers;
    reply
}

/// An answer of our own, for people who look what went wrong.
pub fn plain_reply(status: StatusCode, text: &'static str) -> Response<ReplyBody> {
    let mut reply = Response::new(ReplyBody::whole(text.as_bytes()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// A request to an origin; `None` where its target is none that can be sent.
pub fn outgoing(asked: OutgoingRequest, body: RequestBody) -> Option<Request<RequestBody>> {
    let uri = Uri::try_from(asked.path_and_query).ok()?;
    let bodiless = body.is_empty();
    let mut request = Request::new(body);
    *request.method_mut() = asked.method;
    *request.uri_mut() = uri;
    *request.headers_mut() = asked.headers;
    if bodiless {
        // Without a body its length would be a promise that nobody keeps, and the origin would wait for it.
        request.headers_mut().remove(header::CONTENT_LENGTH);
        request.headers_mut().remove(header::EXPECT);
    }
    Some(request)
}

/// Notes for whom we ask, after those who asked us for them.
pub fn note_visitor(headers: &mut HeaderMap, peer: IpAddr) {
    let before = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let chain: Vec<&str> = before.collect();
    let chain = if chain.is_empty() { peer.to_string() } else { format!("{}, {peer}", chain.join(", ")) };
    if let Ok(value) = HeaderValue::try_from(chain) {
        headers.insert(FORWARDED_FOR, value);
    }
}

/// Where a visitor is, as far as the load balancer says so in the header that its operator named.
pub fn place(headers: &HeaderMap, named: Option<&HeaderName>) -> Place {
    let country = named.and_then(|name| headers.get(name)).and_then(|value| value.to_str().ok());
    let known = country.filter(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic()));
    Place { country: known.unwrap_or_default().to_ascii_uppercase(), ..Place::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host_of(target: &str, hosts: &[&str]) -> Option<String> {
        let request = hosts.iter().fold(Request::get(target), |request, host| request.header("host", *host));
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        request_head(&parts).map(|head| head.host)
    }

    #[test]
    fn a_request_has_one_host_or_is_none() {
        assert_eq!(host_of("/a", &["a.test:81"]).as_deref(), Some("a.test:81"));
        assert_eq!(host_of("http://b.test/a", &["a.test"]).as_deref(), Some("b.test"));
        assert_eq!(host_of("/a", &[]).as_deref(), Some(""));
        assert_eq!(host_of("/a", &["a.test", "b.test"]), None);
        assert_eq!(host_of("/a", &["\u{e4}.test"]), None);
    }

    #[test]
    fn a_visitor_is_noted_behind_those_who_asked_for_them() {
        let mut headers = HeaderMap::new();
        let peer: IpAddr = [192, 0, 2, 1].into();
        note_visitor(&mut headers, peer);
        assert_eq!(headers[FORWARDED_FOR], "192.0.2.1");
        headers.append(FORWARDED_FOR, HeaderValue::from_static("198.51.100.7"));
        note_visitor(&mut headers, peer);
        assert_eq!(headers[FORWARDED_FOR], "192.0.2.1, 198.51.100.7, 192.0.2.1");
    }

    #[test]
    fn a_country_is_two_letters_of_the_trusted_header() {
        let name = HeaderName::from_static("x-country");
        for (value, expect) in [("DE", "DE"), ("de", "DE"), ("XXX", ""), ("T1", ""), ("", "")] {
            let mut headers = HeaderMap::new();
            headers.insert(&name, HeaderValue::from_static(value));
            assert_eq!(place(&headers, Some(&name)).country, expect, "{value}");
            assert_eq!(place(&headers, None), Place::default());
        }
    }
}
