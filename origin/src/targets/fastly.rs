//! A KV store of Fastly, by its HTTP API.
//!
//! Paths, headers, statuses and limits are those of Fastly's reference, "KV store item" and "Rate limiting":
//! `GET|PUT /resources/stores/kv/{store}/keys/{key}`, `PUT /resources/stores/kv/{store}/batch` with a JSON object in each
//! line, `Fastly-Key`, `time_to_live_sec`, errors as `{"title": …, "detail": …}` or `{"msg": …, "detail": …}`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use super::StoreError;
use super::remote::{Pause, Progress, Remote, RemoteError, Reply, Secret, secret_header, segment};

/// Where it is.
pub const API: &str = "https://api.fastly.com";
/// The variable of the environment that holds the token.
pub(super) const TOKEN: &str = "FASTLY_API_TOKEN";
/// Longest value, in bytes.
pub(super) const MAX_VALUE_BYTES: usize = 25 << 20;
/// Longest body of a batch, in bytes; what does not fit goes into the next.
const MAX_BATCH_BYTES: usize = 50 << 20;

const KEY: HeaderName = HeaderName::from_static("fastly-key");
const TIME_TO_LIVE: HeaderName = HeaderName::from_static("time_to_live_sec");

/// A store, and the token that may write it.
#[derive(Debug)]
pub struct FastlyKv {
    remote: Remote,
    headers: HeaderMap,
    store: String,
}

impl FastlyKv {
    /// The store of that id.
    pub fn new(api: &str, store: &str, token: &Secret, pause: Pause) -> Result<FastlyKv, RemoteError> {
        let mut headers = headers(token)?;
        let accepted = HeaderValue::from_static("application/json, application/octet-stream");
        headers.insert(header::ACCEPT, accepted);
        Ok(FastlyKv { remote: Remote::new(api, pause)?, headers, store: segment(store) })
    }

    pub(super) fn watch(&mut self, progress: Progress) {
        self.remote.watch(progress);
    }

    pub(super) fn wait(&self) {
        self.remote.wait();
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path(key);
        let reply = self.remote.ask(&Method::GET, &path, &self.headers, b"")?;
        match reply.status {
            // The store may be what is not there; writing tells.
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(reply.body)),
            _ => Err(self.refused(&path, &reply)),
        }
    }

    /// Puts a value, for so many seconds where it is not for ever.
    pub(super) fn put_for(&self, key: &str, value: &[u8], seconds: Option<u64>) -> Result<(), StoreError> {
        let path = self.path(key);
        let mut headers = self.headers.clone();
        headers.extend(seconds.map(|seconds| (TIME_TO_LIVE, HeaderValue::from(seconds))));
        let reply = self.remote.ask(&Method::PUT, &path, &headers, value)?;
        if reply.status.is_success() { Ok(()) } else { Err(self.refused(&path, &reply)) }
    }

    pub(super) fn put_all(&self, values: &[(String, &[u8])]) -> Result<(), StoreError> {
        let path = format!("/resources/stores/kv/{}/batch", self.store);
        let mut headers = self.headers.clone();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        let mut batch = String::new();
        for (key, value) in values {
            let line = format!("{}\n", json!({ "key": key, "value": STANDARD.encode(value) }));
            if !batch.is_empty() && batch.len() + line.len() > MAX_BATCH_BYTES {
                self.put_batch(&path, &headers, &batch)?;
                batch.clear();
            }
            batch.push_str(&line);
        }
        self.put_batch(&path, &headers, &batch)
    }

    fn put_batch(&self, path: &str, headers: &HeaderMap, batch: &str) -> Result<(), StoreError> {
        let reply = self.remote.ask(&Method::PUT, path, headers, batch.as_bytes())?;
        if reply.status.is_success() { Ok(()) } else { Err(self.refused(path, &reply)) }
    }

    fn path(&self, key: &str) -> String {
        format!("/resources/stores/kv/{}/keys/{}", self.store, segment(key))
    }

    fn refused(&self, path: &str, reply: &Reply) -> StoreError {
        refused(&self.remote, path, reply).into()
    }
}

/// What shows the API who asks.
pub(super) fn headers(token: &Secret) -> Result<HeaderMap, RemoteError> {
    Ok(HeaderMap::from_iter([(KEY, secret_header("", token)?)]))
}

/// What to say of an answer that is a refusal.
pub(super) fn refused(remote: &Remote, path: &str, reply: &Reply) -> RemoteError {
    remote.refused(path, reply.status, said(&reply.body))
}

fn said(body: &[u8]) -> String {
    let Ok(error) = serde_json::from_slice::<Value>(body) else { return String::new() };
    let texts = ["title", "msg", "detail"].iter().filter_map(|name| error.get(name)?.as_str());
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ")
}
