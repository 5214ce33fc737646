//! A KV namespace of Cloudflare, by its HTTP API.
//!
//! Paths, headers, statuses and limits are those of Cloudflare's reference, "Workers KV":
//! `GET|PUT /accounts/{account}/storage/kv/namespaces/{namespace}/values/{key}` (`?expiration_ttl=`), `PUT …/bulk` with an array of at most 10,000
//! pairs and 100 MB, `Authorization: Bearer`, answers as `{"success": …, "errors": [{"code": …, "message": …}]}`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use super::StoreError;
use super::remote::{Pause, Progress, Remote, RemoteError, Reply, Secret, secret_header, segment};

/// Where it is.
pub const API: &str = "https://api.cloudflare.com/client/v4";
/// The variable of the environment that holds the token.
pub(super) const TOKEN: &str = "CLOUDFLARE_API_TOKEN";
/// Longest value, in bytes.
pub(super) const MAX_VALUE_BYTES: usize = 25 << 20;
/// Longest body, and most pairs, of a bulk write.
const MAX_BULK_BYTES: usize = 100_000_000;
const MAX_BULK_PAIRS: usize = 10_000;
/// The code of a key that is not there.
const NO_KEY: u64 = 10_009;

/// A namespace, and the token that may write it.
#[derive(Debug)]
pub struct CloudflareKv {
    remote: Remote,
    headers: HeaderMap,
    namespace: String,
}

impl CloudflareKv {
    /// The namespace of that id.
    pub fn new(
        api: &str,
        account: &str,
        namespace: &str,
        token: &Secret,
        pause: Pause,
    ) -> Result<CloudflareKv, RemoteError> {
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, secret_header("Bearer ", token)?)]);
        let namespace =
            format!("/accounts/{}/storage/kv/namespaces/{}", segment(account), segment(namespace));
        Ok(CloudflareKv { remote: Remote::new(api, pause)?, headers, namespace })
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
            StatusCode::NOT_FOUND if errors(&reply.body).iter().any(|(code, _)| *code == NO_KEY) => Ok(None),
            status if status.is_success() => Ok(Some(reply.body)),
            _ => Err(refused(&self.remote, &path, &reply).into()),
        }
    }

    /// Puts a value, for so many seconds where it is not for ever.
    pub(super) fn put_for(&self, key: &str, value: &[u8], seconds: Option<u64>) -> Result<(), StoreError> {
        let expires = seconds.map(|seconds| format!("?expiration_ttl={seconds}")).unwrap_or_default();
        let path = format!("{}{expires}", self.path(key));
        let mut headers = self.headers.clone();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        let reply = self.remote.ask(&Method::PUT, &path, &headers, value)?;
        self.succeeded(&path, &reply)
    }

    pub(super) fn put_all(&self, values: &[(String, &[u8])]) -> Result<(), StoreError> {
        let mut pairs: Vec<Value> = Vec::new();
        let mut bytes = 2;
        for (key, value) in values {
            let pair = json!({ "key": key, "value": STANDARD.encode(value), "base64": true });
            let length = pair.to_string().len() + 1;
            if !pairs.is_empty() && (bytes + length > MAX_BULK_BYTES || pairs.len() == MAX_BULK_PAIRS) {
                self.put_bulk(std::mem::take(&mut pairs))?;
                bytes = 2;
            }
            bytes += length;
            pairs.push(pair);
        }
        self.put_bulk(pairs)
    }

    fn put_bulk(&self, pairs: Vec<Value>) -> Result<(), StoreError> {
        let path = format!("{}/bulk", self.namespace);
        let mut headers = self.headers.clone();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = Value::Array(pairs).to_string();
        let reply = self.remote.ask(&Method::PUT, &path, &headers, body.as_bytes())?;
        self.succeeded(&path, &reply)?;
        let unsuccessful = serde_json::from_slice::<Value>(&reply.body).ok();
        let unsuccessful =
            unsuccessful.as_ref().and_then(|answer| answer["result"]["unsuccessful_keys"].as_array());
        match unsuccessful.is_none_or(Vec::is_empty) {
            true => Ok(()),
            false => {
                let said = "some keys were not written".to_owned();
                Err(self.remote.refused(&path, reply.status, said).into())
            }
        }
    }

    fn path(&self, key: &str) -> String {
        format!("{}/values/{}", self.namespace, segment(key))
    }

    fn succeeded(&self, path: &str, reply: &Reply) -> Result<(), StoreError> {
        Ok(succeeded(&self.remote, path, reply)?)
    }
}

/// A status of success and a body that denies it are a failure.
pub(super) fn succeeded(remote: &Remote, path: &str, reply: &Reply) -> Result<(), RemoteError> {
    let answer = serde_json::from_slice::<Value>(&reply.body).unwrap_or_default();
    match reply.status.is_success() && answer["success"].as_bool() == Some(true) {
        true => Ok(()),
        false => Err(refused(remote, path, reply)),
    }
}

fn refused(remote: &Remote, path: &str, reply: &Reply) -> RemoteError {
    let errors = errors(&reply.body);
    let said: Vec<String> = errors.iter().map(|(code, message)| format!("{message} ({code})")).collect();
    remote.refused(path, reply.status, said.join(", "))
}

fn errors(body: &[u8]) -> Vec<(u64, String)> {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let errors = answer["errors"].as_array().into_iter().flatten();
    errors
        .filter_map(|error| Some((error["code"].as_u64()?, error["message"].as_str()?.to_owned())))
        .collect()
}
