//! The visitor of one request: what they are answered, at once or piece by piece.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::http::{HeaderValue, StatusCode, header};
use hemstitch::http::ResponseHead;
use wasm_bindgen::JsValue;

use crate::convert;
use crate::origin::Arrived;
use crate::platform::{self, Promised, js};

/// Who waits for the answer of a task.
#[derive(Clone, Copy)]
pub struct Visitor(u32);

/// A body that is being sent.
pub struct Sending {
    writer: JsValue,
    /// Ends when they go away, even while nothing is sent.
    gone: Promised,
    /// One piece at a time: the platform keeps none back.
    under_way: Option<Promised>,
}

impl Visitor {
    pub fn new(task: u32) -> Visitor {
        Visitor(task)
    }

    /// Answers with a head, and a body that is here.
    pub fn send(self, head: &ResponseHead, body: &[u8]) {
        // Statuses that have no body may not even have an empty one.
        let body = if body.is_empty() { JsValue::NULL } else { platform::array(body).into() };
        // What is refused here is answered by `tasks.js`, as what was never answered.
        let _ = js::reply(self.0, head.status.as_u16(), convert::pairs(&head.headers), &body);
    }

    /// Answers with a head; the body follows.
    pub fn stream(self, head: &ResponseHead) -> Option<Sending> {
        let writer = js::stream(self.0, head.status.as_u16(), convert::pairs(&head.headers)).ok()?;
        let gone = js::closed(&writer).into();
        Some(Sending { writer, gone, under_way: None })
    }

    /// Answers with what the origin answered, but for the headers that are not in `head`.
    pub fn relay(self, arrived: Arrived, head: &ResponseHead, bodiless: bool) {
        let gone = arrived.head.headers.keys().filter(|name| !head.headers.contains_key(*name));
        let without = gone.map(|name| name.as_str().to_owned()).collect();
        let _ = js::relay(self.0, &arrived.response, without, bodiless);
    }

    /// A small answer of ours.
    pub fn plain(self, status: StatusCode, text: &str) {
        let mut head = ResponseHead { status, headers: Default::default() };
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        head.headers.insert(header::CONTENT_TYPE, plain);
        head.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self.send(&head, text.as_bytes());
    }

    /// What they get where the origin does not answer and nothing is stored.
    pub fn unreachable_origin(self) {
        self.plain(StatusCode::BAD_GATEWAY, "the origin does not answer\n");
    }
}

impl Sending {
    /// Whether the last piece has been taken; an error says that they went away.
    pub fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<Result<(), JsValue>> {
        if let Poll::Ready(Err(gone)) = Pin::new(&mut self.gone).poll(context) {
            return Poll::Ready(Err(gone));
        }
        let Some(under_way) = &mut self.under_way else { return Poll::Ready(Ok(())) };
        let done = Pin::new(under_way).poll(context);
        if done.is_ready() {
            self.under_way = None;
        }
        done.map_ok(drop)
    }

    /// Sends a piece. Only when idle.
    pub fn write(&mut self, piece: &[u8]) {
        self.under_way = Some(js::write(&self.writer, platform::array(piece)).into());
    }

    /// Ends the body. Only when idle.
    pub fn close(&mut self) {
        self.under_way = Some(js::close(&self.writer).into());
    }

    /// Breaks the connection off: they must not take what was sent for the whole page.
    pub fn abort(self) {
        js::abort(&self.writer);
    }
}
