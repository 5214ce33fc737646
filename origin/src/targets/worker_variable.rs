//! A variable of a Worker, by Cloudflare's HTTP API. To change one is to deploy the same code with other settings.
//!
//! Paths and form are those of Cloudflare's reference, "Script and version settings": `GET|PATCH
//! /accounts/{account}/workers/scripts/{script}/settings`, where a `PATCH` is a form of several parts with the JSON part
//! `settings`. Its `bindings` take the place of all that there were, and one of type `inherit` stays what it is, which is
//! how secrets stay that nobody can read.

use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Value, json};

use super::cloudflare;
use super::remote::{Pause, Remote, RemoteError, Secret, secret_header, segment};

/// Between the parts of the form. The JSON in it has no line breaks, so no line of it can be this.
const BOUNDARY: &str = "hemstitch-settings";

/// One variable, and the token that may write it.
#[derive(Debug)]
pub struct WorkerVariable {
    remote: Remote,
    headers: HeaderMap,
    path: String,
    name: String,
}

/// Why a variable of a Worker was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The server.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// There is a binding of that name that is no text.
    #[error("{name} is a binding of type {kind}, and no variable")]
    Kind {
        /// The name.
        name: String,
        /// What it is.
        kind: String,
    },
    /// The answer is not of the documented form, so what is not understood could be lost by writing.
    #[error("the Worker's settings are not of the documented form")]
    Form,
}

impl WorkerVariable {
    /// The variable of that name of a script.
    pub fn new(
        api: &str,
        account: &str,
        script: &str,
        name: String,
        token: &Secret,
        pause: Pause,
    ) -> Result<WorkerVariable, RemoteError> {
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, secret_header("Bearer ", token)?)]);
        let path = format!("/accounts/{}/workers/scripts/{}/settings", segment(account), segment(script));
        Ok(WorkerVariable { remote: Remote::new(api, pause)?, headers, path, name })
    }

    pub(crate) fn read(&self) -> Result<Option<String>, WorkerError> {
        let bindings = self.bindings()?;
        let Some(binding) = bindings.iter().find(|binding| binding["name"] == *self.name) else {
            return Ok(None);
        };
        match (binding["type"].as_str().unwrap_or_default(), binding["text"].as_str()) {
            ("plain_text", Some(text)) => Ok(Some(text.to_owned())),
            (kind, _) => Err(WorkerError::Kind { name: self.name.clone(), kind: kind.to_owned() }),
        }
    }

    pub(crate) fn write(&self, value: &str) -> Result<(), WorkerError> {
        let mut bindings = Vec::new();
        for binding in self.bindings()? {
            let name = binding["name"].as_str().ok_or(WorkerError::Form)?;
            if name != self.name {
                bindings.push(json!({ "type": "inherit", "name": name }));
            }
        }
        bindings.push(json!({ "type": "plain_text", "name": self.name, "text": value }));
        let settings = json!({ "bindings": bindings });
        let form = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"settings\"\r\nContent-Type: application/json\r\n\r\n\
             {settings}\r\n--{BOUNDARY}--\r\n"
        );
        let mut headers = self.headers.clone();
        let kind = HeaderValue::from_static("multipart/form-data; boundary=hemstitch-settings");
        headers.insert(header::CONTENT_TYPE, kind);
        let reply = self.remote.ask(&Method::PATCH, &self.path, &headers, form.as_bytes())?;
        Ok(cloudflare::succeeded(&self.remote, &self.path, &reply)?)
    }

    fn bindings(&self) -> Result<Vec<Value>, WorkerError> {
        let reply = self.remote.ask(&Method::GET, &self.path, &self.headers, b"")?;
        cloudflare::succeeded(&self.remote, &self.path, &reply)?;
        let answer: Value = serde_json::from_slice(&reply.body).map_err(|_| WorkerError::Form)?;
        // A Worker without any has none to list.
        match &answer["result"]["bindings"] {
            Value::Array(bindings) => Ok(bindings.clone()),
            Value::Null if answer["result"].is_object() => Ok(Vec::new()),
            _ => Err(WorkerError::Form),
        }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }
}
