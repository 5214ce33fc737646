//! Asks backends: for pages, for what passes, and for fragments within their time.

use std::collections::HashMap;
use std::time::Duration;

use fastly::handle::{BodyHandle, PendingRequestHandle, ResponseHandle};
use fastly::{Backend, Response};
use hemstitch::http::{OutgoingRequest, ResponseHead};

use crate::convert;

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
pub fn begin(outgoing: OutgoingRequest, backend: &Backend) -> Option<PendingRequestHandle> {
    convert::request(outgoing, Gzip::Decoded)?.send_async_to_backend(BodyHandle::new(), backend).ok()
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
