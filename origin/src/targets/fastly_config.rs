//! An item of a config store of Fastly, by its HTTP API.
//!
//! Paths, form and limits are those of Fastly's reference, "Config store item": `GET|PUT
//! /resources/stores/config/{store}/item/{key}`, where a `PUT` inserts or updates by the form fields `item_key` and
//! `item_value`, and both answer with `{"item_key": …, "item_value": …}`.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::Value;

use super::fastly;
use super::remote::{Pause, Remote, RemoteError, Secret, segment};

/// Longest value, in characters.
pub(crate) const MAX_VALUE: usize = 8_000;

/// One item, and the token that may write it.
#[derive(Debug)]
pub struct ConfigItem {
    remote: Remote,
    headers: HeaderMap,
    path: String,
    key: String,
}

impl ConfigItem {
    /// The item of that key in the store of that id.
    pub fn new(
        api: &str,
        store: &str,
        key: String,
        token: &Secret,
        pause: Pause,
    ) -> Result<ConfigItem, RemoteError> {
        let mut headers = fastly::headers(token)?;
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let path = format!("/resources/stores/config/{}/item/{}", segment(store), segment(&key));
        Ok(ConfigItem { remote: Remote::new(api, pause)?, headers, path, key })
    }

    pub(crate) fn read(&self) -> Result<Option<String>, RemoteError> {
        let reply = self.remote.ask(&Method::GET, &self.path, &self.headers, b"")?;
        if reply.status == StatusCode::NOT_FOUND {
            // The store may be what is not there; writing tells.
            return Ok(None);
        }
        let value = serde_json::from_slice::<Value>(&reply.body).ok();
        let value = value.as_ref().and_then(|item| item.get("item_value")?.as_str());
        match value.filter(|_| reply.status.is_success()) {
            Some(value) => Ok(Some(value.to_owned())),
            None => Err(fastly::refused(&self.remote, &self.path, &reply)),
        }
    }

    pub(crate) fn write(&self, value: &str) -> Result<(), RemoteError> {
        let mut headers = self.headers.clone();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let form = format!("item_key={}&item_value={}", segment(&self.key), segment(value));
        let reply = self.remote.ask(&Method::PUT, &self.path, &headers, form.as_bytes())?;
        match reply.status.is_success() {
            true => Ok(()),
            false => Err(fastly::refused(&self.remote, &self.path, &reply)),
        }
    }

    /// What it is called.
    pub fn key(&self) -> &str {
        &self.key
    }
}
