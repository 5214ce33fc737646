//! A server that does what Fastly and Cloudflare document of their KVs' HTTP APIs.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::settings;

/// Whose API it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Fastly,
    Cloudflare,
}

/// A server. Its thread ends with the process of the tests.
pub struct Api {
    pub provider: Provider,
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(super) struct State {
    token: String,
    /// The items of the config store, by key.
    pub(super) items: BTreeMap<String, String>,
    /// The bindings of the Worker.
    pub(super) bindings: Vec<Value>,
    values: BTreeMap<String, Vec<u8>>,
    /// For how many seconds a value is kept, where that is not for ever.
    pub(super) lives: BTreeMap<String, u64>,
    /// A status and a header line for each of the next requests; 0 closes the connection.
    failures: VecDeque<(u16, &'static str)>,
    asked: usize,
}

pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

pub(super) type Answer = (u16, Vec<u8>);

impl Api {
    pub fn start(provider: Provider, token: &str) -> Api {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { token: token.to_owned(), ..State::default() }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || serve(provider, &state, stream));
            }
        });
        Api { provider, address, state }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn fail(&self, failures: &[(u16, &'static str)]) {
        self.state.lock().unwrap().failures = failures.iter().copied().collect();
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn asked(&self) -> usize {
        self.state.lock().unwrap().asked
    }
}

/// One request a connection.
fn serve(provider: Provider, state: &Mutex<State>, mut stream: TcpStream) {
    let Some(asked) = read(&stream) else { return };
    let mut state = state.lock().unwrap();
    state.asked += 1;
    let (status, header, body) = match state.failures.pop_front() {
        Some((0, _)) => return,
        Some((status, header)) => (status, header, error(provider, status, 10_001, "the test says so").1),
        None => {
            let (status, body) = match provider {
                Provider::Fastly => fastly(&mut state, asked),
                Provider::Cloudflare => cloudflare(&mut state, asked),
            };
            (status, "x-test: y", body)
        }
    };
    let header = if header.is_empty() { "x-test: y" } else { header };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\n{header}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    let _gone = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.to_owned()),
            None => break,
        };
    }
    assert!(!headers.contains_key("transfer-encoding"), "bodies have a length");
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { method, path, headers, body })
}

fn fastly(state: &mut State, asked: Asked) -> Answer {
    if asked.headers.get("fastly-key") != Some(&state.token) {
        return error(Provider::Fastly, 401, 0, "Provided credentials are missing or invalid");
    }
    if let Some(item) = asked.path.strip_prefix("/resources/stores/config/con%2Ffig/item/") {
        let key = decoded(item);
        return settings::item(state, &key, &asked);
    }
    let Some(rest) = asked.path.strip_prefix("/resources/stores/kv/st%2Fore/") else {
        return error(Provider::Fastly, 404, 0, "no such store");
    };
    match (asked.method.as_str(), rest.strip_prefix("keys/"), rest) {
        ("GET", Some(key), _) => match state.values.get(&decoded(key)) {
            Some(value) => (200, value.clone()),
            None => error(Provider::Fastly, 404, 0, "not found"),
        },
        ("PUT", Some(key), _) => {
            let seconds = asked.headers.get("time_to_live_sec").map(|seconds| seconds.parse().unwrap());
            state.lives.extend(seconds.map(|seconds| (decoded(key), seconds)));
            state.values.insert(decoded(key), asked.body);
            (200, Vec::new())
        }
        ("PUT", None, "batch") => {
            assert_eq!(asked.headers.get("content-type").map(String::as_str), Some("application/x-ndjson"));
            for line in String::from_utf8(asked.body).unwrap().lines() {
                let item: Value = serde_json::from_str(line).unwrap();
                let value = STANDARD.decode(item["value"].as_str().unwrap()).unwrap();
                state.values.insert(item["key"].as_str().unwrap().to_owned(), value);
            }
            (200, b"{}".to_vec())
        }
        _ => error(Provider::Fastly, 405, 0, "method not allowed"),
    }
}

fn cloudflare(state: &mut State, asked: Asked) -> Answer {
    if asked.headers.get("authorization") != Some(&format!("Bearer {}", state.token)) {
        return error(Provider::Cloudflare, 403, 10_000, "Authentication error");
    }
    if let Some(script) = asked.path.strip_prefix("/client/v4/accounts/acc/workers/scripts/") {
        return match script {
            "the%2Dedge/settings" => settings::worker(state, &asked),
            _ => error(Provider::Cloudflare, 404, 10_007, "This Worker does not exist on your account."),
        };
    }
    let Some(rest) = asked.path.strip_prefix("/client/v4/accounts/acc/storage/kv/namespaces/name%20space/")
    else {
        return error(Provider::Cloudflare, 404, 10_013, "namespace not found");
    };
    match (asked.method.as_str(), rest.strip_prefix("values/"), rest) {
        ("GET", Some(key), _) => match state.values.get(&decoded(key)) {
            Some(value) => (200, value.clone()),
            None => error(Provider::Cloudflare, 404, 10_009, "get: 'key not found'"),
        },
        ("PUT", Some(key), _) => {
            let (key, query) = key.split_once('?').unwrap_or((key, ""));
            let seconds = query.strip_prefix("expiration_ttl=").map(|seconds| seconds.parse().unwrap());
            state.lives.extend(seconds.map(|seconds| (decoded(key), seconds)));
            state.values.insert(decoded(key), asked.body);
            done(Value::Null)
        }
        ("PUT", None, "bulk") => {
            let pairs: Vec<Value> = serde_json::from_slice(&asked.body).unwrap();
            for pair in &pairs {
                assert_eq!(pair["base64"], true);
                let value = STANDARD.decode(pair["value"].as_str().unwrap()).unwrap();
                state.values.insert(pair["key"].as_str().unwrap().to_owned(), value);
            }
            done(json!({ "successful_key_count": pairs.len(), "unsuccessful_keys": [] }))
        }
        _ => error(Provider::Cloudflare, 405, 10_405, "method not allowed"),
    }
}

/// Cloudflare's answer where all is well.
pub(super) fn done(result: Value) -> Answer {
    let answer = json!({ "success": true, "errors": [], "messages": [], "result": result });
    (200, answer.to_string().into_bytes())
}

pub(super) fn error(provider: Provider, status: u16, code: u64, message: &str) -> Answer {
    let body = match provider {
        Provider::Fastly => json!({ "title": message, "status": status, "detail": "" }),
        Provider::Cloudflare => json!({
            "success": false, "errors": [{ "code": code, "message": message }], "messages": [], "result": null,
        }),
    };
    (status, body.to_string().into_bytes())
}

pub(super) fn decoded(key: &str) -> String {
    assert!(!key.contains('/'), "a key is one segment of the path");
    percent_decode_str(key).decode_utf8().unwrap().into_owned()
}
