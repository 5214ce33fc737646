//! Asks origins: for pages, for what passes, and for fragments.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::http::{HeaderName, header};
use hemstitch::http::{OutgoingRequest, ResponseHead};
use hemstitch::site::Site;
use wasm_bindgen::JsValue;
use worker::Env;

use crate::convert;
use crate::platform::{Promised, bytes, js};

/// How long a page or a fragment may take to begin, in milliseconds.
pub const FIRST_BYTE_MS: u32 = 15_000;
/// How long whatever is passed on untouched may take to begin: a report or an upload is slower than a page.
pub const PASS_FIRST_BYTE_MS: u32 = 60_000;

/// Who was asked, where the platform tells an origin its own name instead.
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// An answer whose body is still arriving.
pub struct Arrived {
    /// Status and headers.
    pub head: ResponseHead,
    /// The platform's own.
    pub response: JsValue,
}

/// A body as it arrives, decoded if it was gzip.
pub struct OriginBody {
    body: JsValue,
    reading: Option<Promised>,
}

/// The body broke off.
pub struct Cut;

/// Asks. `source` is a URL, or the name of a binding, or, where there is none of that name, stands for what the
/// platform has behind the visitor's own URL. What the platform sends as `Host` is the host of that URL. `None` where no answer comes in time.
pub async fn ask(
    env: &Env,
    mut outgoing: OutgoingRequest,
    site: &Site,
    source: &str,
    body: JsValue,
    within_ms: u32,
) -> Option<Arrived> {
    let host = outgoing.headers.get(header::HOST)?.clone();
    let name = host.to_str().ok()?;
    let is_url = source.starts_with("http://") || source.starts_with("https://");
    let binding = (!is_url && js_sys::Reflect::has(env, &source.into()).unwrap_or(false)).then_some(source);
    let base = match is_url {
        true => source.trim_end_matches('/').to_owned(),
        false => format!("{}://{name}", site.scheme.as_str()),
    };
    if is_url {
        outgoing.headers.insert(FORWARDED_HOST, host);
    }
    let url = format!("{base}{}", outgoing.path_and_query);
    let pairs = convert::pairs(&outgoing.headers);
    let asked = js::ask(env, binding, &url, outgoing.method.as_str(), pairs, &body, within_ms);
    let response = Promised::from(asked).await.ok()?;
    let head = convert::response_head(&response)?;
    Some(Arrived { head, response })
}

impl Arrived {
    /// Its body.
    pub fn body(self) -> OriginBody {
        OriginBody { body: js::reader(&self.response).unwrap_or(JsValue::NULL), reading: None }
    }
}

impl OriginBody {
    /// The next bytes, perhaps none of them; `None` at the end.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Vec<u8>, Cut>>> {
        if self.body.is_null() {
            return Poll::Ready(None);
        }
        let reading = self.reading.get_or_insert_with(|| js::read(&self.body).into());
        let read = ready!(Pin::new(reading).poll(context));
        self.reading = None;
        Poll::Ready(match read {
            Ok(end) if end.is_undefined() => None,
            Ok(piece) => bytes(piece).map(Ok),
            Err(_) => Some(Err(Cut)),
        })
    }

    /// The whole of a body; `Err(None)` where it is larger than `most`.
    pub async fn all(self, most: usize) -> Result<Vec<u8>, Option<Cut>> {
        self.all_telling(most, |_| ()).await
    }

    /// The same, and each piece of it is told as soon as it is here.
    pub async fn all_telling(mut self, most: usize, tell: impl Fn(&[u8])) -> Result<Vec<u8>, Option<Cut>> {
        let mut all = Vec::new();
        while let Some(piece) = std::future::poll_fn(|context| self.poll_next(context)).await {
            let piece = piece.map_err(Some)?;
            all.extend_from_slice(&piece);
            if all.len() > most {
                return Err(None);
            }
            tell(&piece);
        }
        Ok(all)
    }
}

impl Drop for OriginBody {
    fn drop(&mut self) {
        if !self.body.is_null() {
            js::cancel(&self.body);
        }
    }
}
