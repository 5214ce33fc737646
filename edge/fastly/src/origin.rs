//! Asks backends: for pages, for what passes, for fragments within their time, and for what was published.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::thread;
use std::time::{Duration, Instant};

use ::http::StatusCode;
use fastly::handle::{BodyHandle, PendingRequestHandle, PollHandleResult, ResponseHandle};
use fastly::{Backend, Response};
use hemstitch::http::{OutgoingRequest, ResponseHead};

use crate::convert;

/// How often is looked whether an answer has begun: the library does not wait for a time.
const TICK: Duration = Duration::from_millis(1);
/// Longest publication that is read, in bytes, as from KV.
const MAX_VALUE: u64 = 25 * 1024 * 1024;

/// Whether the platform takes gzip off an answer.
#[derive(Clone, Copy, PartialEq)]
pub enum Gzip {
    Decoded,
    Kept,
}

/// An answer whose body may still be arriving.
pub struct Arrived {
    pub head: ResponseHead,
    pub body: BodyHandle,
}

impl From<(ResponseHandle, BodyHandle)> for Arrived {
    fn from((head, body): (ResponseHandle, BodyHandle)) -> Self {
        let response = Response::from_handles(head, body);
        Arrived { head: convert::response_head(&response), body: response.into_body().into_handle() }
    }
}

/// Asks a backend; `None` where no answer comes.
pub fn fetch(
    outgoing: OutgoingRequest,
    backend: &str,
    body: Option<BodyHandle>,
    gzip: Gzip,
) -> Option<Arrived> {
    let request = convert::request(outgoing, gzip)?;
    request.send(body.unwrap_or_else(BodyHandle::new), backend).ok().map(Arrived::from)
}

/// Starts to ask for a fragment.
pub fn begin(outgoing: OutgoingRequest, entity: &[u8], backend: &Backend) -> Option<PendingRequestHandle> {
    let mut body = BodyHandle::new();
    body.write_all(entity).ok()?;
    convert::request(outgoing, Gzip::Decoded)?.send_async_to_backend(body, backend).ok()
}

/// A publication that was asked for where it is recorded.
pub struct RecordLookup(PendingRequestHandle);

/// How such a look-up ended within its time.
pub enum RecordOutcome {
    Value(Vec<u8>),
    /// It is not recorded there, or there is no answer.
    Nothing,
    /// Not yet: it may be waited for again.
    Late(RecordLookup),
}

/// Starts to ask where publications are recorded; `None` where there is no such backend.
pub fn look_up(outgoing: OutgoingRequest, backend: &str) -> Option<RecordLookup> {
    let request = convert::request(outgoing, Gzip::Decoded)?;
    request.send_async(BodyHandle::new(), backend).ok().map(RecordLookup)
}

impl RecordLookup {
    /// Waits for the answer to begin until `deadline`; the rest of it then follows.
    pub fn wait_until(self, deadline: Instant) -> RecordOutcome {
        let mut pending = self.0;
        let arrived = loop {
            match pending.poll() {
                PollHandleResult::Done(arrived) => break arrived,
                PollHandleResult::Pending(late) if Instant::now() >= deadline => {
                    return RecordOutcome::Late(RecordLookup(late));
                }
                PollHandleResult::Pending(still) => pending = still,
            }
            thread::sleep(TICK);
        };
        let Ok((head, body)) = arrived else { return RecordOutcome::Nothing };
        let mut value = Vec::new();
        let read = body.take(MAX_VALUE + 1).read_to_end(&mut value);
        let is_whole = read.is_ok_and(|read| read as u64 <= MAX_VALUE);
        match is_whole && head.get_status() == StatusCode::OK {
            true => RecordOutcome::Value(value),
            false => RecordOutcome::Nothing,
        }
    }
}

/// Hands a WebSocket over to a backend, for good; `None` where the service may not.
pub fn hand_off(outgoing: OutgoingRequest, backend: &str) -> Option<()> {
    convert::request(outgoing, Gzip::Kept)?.handoff_websocket(backend).ok()
}

/// Backends for fragments. The time-outs of a request are those of its backend, so that each backend is registered
/// again under each time-out that fragments have.
#[derive(Default)]
pub struct FragmentBackends(HashMap<(String, u32), Backend>);

/// More than these are not registered; the rest makes do with the backend's own time-outs.
const MAX_BACKENDS: usize = 64;

impl FragmentBackends {
    /// The backend of this name, but that none of its answers stalls for longer than a time.
    pub fn within(&mut self, name: &str, timeout_ms: u32) -> Option<Backend> {
        let key = (name.to_owned(), timeout_ms);
        if let Some(backend) = self.0.get(&key) {
            return Some(backend.clone());
        }
        let plain = Backend::from_name(name).ok().filter(Backend::exists)?;
        let room = self.0.len() < MAX_BACKENDS;
        let backend = room.then(|| register(&plain, timeout_ms)).flatten().unwrap_or(plain);
        if room {
            self.0.insert(key, backend.clone());
        }
        Some(backend)
    }

    /// Makes do with the backend as it is configured: its TLS is set up in a way that could not be repeated.
    pub fn distrust(&mut self, name: &str) {
        let Ok(plain) = Backend::from_name(name) else { return };
        self.0.iter_mut().filter(|((of, _), _)| of == name).for_each(|(_, backend)| *backend = plain.clone());
    }
}

/// `None` where the service may not register backends.
fn register(plain: &Backend, timeout_ms: u32) -> Option<Backend> {
    let timeout = Duration::from_millis(timeout_ms.into());
    let (host, name) = (plain.get_host(), format!("{}~{timeout_ms}", plain.name()));
    let named = plain.get_host_override().and_then(|host| host.to_str().ok().map(str::to_owned));
    let builder = Backend::builder(&name, format!("{host}:{}", plain.get_port()))
        .connect_timeout(timeout)
        .first_byte_timeout(timeout)
        .between_bytes_timeout(timeout);
    let builder = match &named {
        Some(named) => builder.override_host(named),
        None => builder,
    };
    let certified = named.as_deref().unwrap_or(&host);
    let builder = match plain.is_ssl() {
        true => builder.enable_ssl().sni_hostname(certified).check_certificate(certified),
        false => builder.disable_ssl(),
    };
    match builder.finish() {
        Ok(backend) => Some(backend),
        Err(fastly::backend::BackendCreationError::NameInUse) => Backend::from_name(&name).ok(),
        Err(_) => None,
    }
}
