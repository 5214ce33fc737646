//! How a request becomes a visit.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::Request;
use hemstitch::facts::Place;
use hemstitch::http::RequestHead;
use hemstitch::time::UnixTime;
use hemstitch::visit::Visit;
use http::header;

use crate::origin::Origin;

/// The system has no source of random numbers.
#[derive(Debug, thiserror::Error)]
#[error("no random numbers: {0}")]
pub struct NoEntropy(getrandom::Error);

/// The head of a request, as the core sees it.
pub fn request_head(request: &Request) -> RequestHead {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = named.or_else(|| request.uri().authority().map(|authority| authority.as_str()));
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    RequestHead {
        method: request.method().clone(),
        host: host.unwrap_or_default().to_owned(),
        path_and_query: target.to_owned(),
        headers: request.headers().clone().into(),
    }
}

/// A request arrives. Where its visitor is, only an edge can tell: no place is known here.
pub fn arrive(origin: &Origin, request: RequestHead) -> Result<Visit, NoEntropy> {
    let mut entropy = [0; 16];
    getrandom::fill(&mut entropy).map_err(NoEntropy)?;
    let site = origin.site.clone();
    let keys = origin.keys.now();
    let mut visit = Visit::arrive(site, keys.as_deref(), request, Place::default(), now(), || Some(entropy));
    let pack = match visit.draft() {
        None => origin.rules.current(),
        Some(draft) => origin.draft(draft),
    };
    visit.equip(pack, origin.kill.clone());
    Ok(visit)
}

/// The time by the system's clock.
pub fn now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}
