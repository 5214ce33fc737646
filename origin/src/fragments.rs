//! Fragments: out of the folder where they live there, and else from where the site says. Nothing is kept, since an
//! edge does that.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use hemstitch::http::{FragmentSource, OutgoingRequest, ResponseHead, is_good_fragment};
use hemstitch::session::{Fragment, FragmentFailure, FragmentRequest, MAX_FRAGMENT_BYTES};

use crate::authored;
use crate::origin::Origin;

/// The client for fragments from elsewhere. It speaks HTTP without TLS: an `https` source counts as unreachable.
#[derive(Debug)]
pub struct Remote {
    client: Client<HttpConnector, Body>,
}

/// Fetches one fragment.
pub async fn fetch(origin: &Arc<Origin>, request: FragmentRequest) -> Result<Fragment, FragmentFailure> {
    let fetched = async {
        match request.target.source() {
            FragmentSource::Origin => from_folder(origin, request.target.path_and_query()).await,
            FragmentSource::Host(base) => origin.remote.fetch(base, request.outgoing(&origin.site)).await,
        }
    };
    let limit = Duration::from_millis(request.timeout_ms.into());
    tokio::time::timeout(limit, fetched).await.unwrap_or(Err(FragmentFailure::Unreachable))
}

async fn from_folder(origin: &Arc<Origin>, path_and_query: &str) -> Result<Fragment, FragmentFailure> {
    let origin = Arc::clone(origin);
    let path = path_and_query.split('?').next().unwrap_or_default().to_owned();
    let read = move || {
        let document = origin.folder.find(&path).ok_or(FragmentFailure::Status(404))?;
        if document.len > MAX_FRAGMENT_BYTES as u64 {
            return Err(FragmentFailure::TooLarge);
        }
        let content = fs::read(&document.file).map_err(|_| FragmentFailure::Unreachable)?;
        Fragment::from_response(&authored::head(&document, &origin.settings.of(&document.name)), content)
    };
    tokio::task::spawn_blocking(read).await.unwrap_or(Err(FragmentFailure::Unreachable))
}

impl Remote {
    pub(crate) fn new() -> Remote {
        Remote { client: Client::builder(TokioExecutor::new()).build_http() }
    }

    async fn fetch(&self, base: &str, asked: OutgoingRequest) -> Result<Fragment, FragmentFailure> {
        let url = format!("{}{}", base.trim_end_matches('/'), asked.path_and_query);
        let uri: Uri = url.parse().map_err(|_| FragmentFailure::NotAllowed)?;
        let mut request = Request::new(Body::empty());
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) =
            (asked.method, uri, asked.headers);
        // What is not compressed need not be decoded.
        request.headers_mut().remove(http::header::ACCEPT_ENCODING);
        let response = self.client.request(request).await.map_err(|_| FragmentFailure::Unreachable)?;
        let (parts, body) = response.into_parts();
        if !is_good_fragment(parts.status) && !parts.status.is_redirection() {
            return Err(FragmentFailure::Status(parts.status.as_u16()));
        }
        let content = Limited::new(body, MAX_FRAGMENT_BYTES).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                FragmentFailure::TooLarge
            } else {
                FragmentFailure::Unreachable
            }
        })?;
        let head = ResponseHead { status: parts.status, headers: parts.headers };
        Fragment::from_response(&head, content.to_bytes().into())
    }
}
