//! HTTP as the core sees it: the cache contract, as pure functions over requests and responses.
//!
//! The rule behind all of it: what may be shared is made from the cache key alone, and what is made for one visitor is
//! never shared. Terms and rules are those of RFC 9110 and RFC 9111 unless a function says otherwise.

mod address;
mod fragment;
mod freshness;
mod headers;
mod kind;
mod marker;
mod reply;
mod request;
mod route;
mod target;

pub use address::{HostKind, host_kind};
pub use fragment::{
    FragmentRefusal, FragmentSource, FragmentTarget, fragment_freshness, is_good_fragment, resolve_fragment,
};
pub(crate) use freshness::modified;
pub use freshness::{Freshness, Storable, WhyNot, storable};
pub use headers::{HeaderSource, RequestHeaders};
pub use kind::{Esi, Kind, is_identity, kind};
pub(crate) use kind::{asks_for_esi, edge_control_dca, may_be_followed};
pub use marker::Marker;
pub use reply::redirect_reply;
pub use reply::{Altered, block_reply, not_modified, personal_reply, shared_reply, untouched_reply};
pub(crate) use reply::{PreviewCookie, make_previewed, preview_reply, refusal_reply};
pub(crate) use reply::{change_answer, merged_reply};
pub(crate) use request::edit_fragment_header;
pub use request::{OutgoingRequest, fragment_request, needs_own_fetch, own_fetch, pass_request, shared_fill};
pub use route::{CacheKey, Lookup, OwnPath, Route, route};
pub(crate) use route::{EXPLAIN_PARAMETER, cookie, cookie_pairs, has_cookie, only_cookie};
pub use target::{clean_target, is_normal, own_parameter, target_of};
pub(crate) use target::{form_decoded, local_target};

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

/// What the answer is for, as browsers say (Fetch Metadata, W3C).
pub(crate) const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// A request as it arrived, but for its body.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// Its method.
    pub method: Method,
    /// Its `Host`, as received: it may carry a port.
    pub host: String,
    /// Path and query, in origin form (RFC 9112, section 3.2.1).
    pub path_and_query: String,
    /// Its headers.
    pub headers: RequestHeaders,
}

/// A response, but for its body.
#[derive(Clone, Debug, PartialEq)]
pub struct ResponseHead {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
}

impl Eq for ResponseHead {}

/// All items of a list header (RFC 9110, section 5.6.1) that has these values, trimmed, in order.
fn list<'h>(values: impl IntoIterator<Item = &'h HeaderValue>) -> impl Iterator<Item = &'h str> {
    let lines = values.into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|item| !item.is_empty())
}
