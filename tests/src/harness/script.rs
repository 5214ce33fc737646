//! What the origin answers, step by step.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::gate::Gate;

/// One step of an answer.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Head,
    Send(Vec<u8>),
    Wait(Gate),
    Pause(Duration),
    /// Closes the connection without an end of the body.
    Cut,
    /// Sends back what the client sends, until it stops: what follows a 101.
    Echo,
}

/// An answer of the origin. Built in the order in which it goes out.
#[derive(Clone, Debug)]
pub struct Script {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) steps: Vec<Step>,
}

impl Script {
    /// A status and headers of your own; the body follows by [`Script::body`] or [`Script::send`].
    pub fn status(status: u16) -> Script {
        Script { status, headers: Vec::new(), steps: Vec::new() }
    }

    /// A page that may be stored for ten minutes.
    pub fn page(body: impl Into<Vec<u8>>) -> Script {
        Script::streamed_page().body(body)
    }

    /// The head of a page that may be stored for ten minutes; its body follows by [`Script::send`].
    pub fn streamed_page() -> Script {
        Script::status(200)
            .header("content-type", "text/html; charset=utf-8")
            .header("cache-control", "max-age=600")
    }

    /// A page without any word on caching.
    pub fn silent_page(body: impl Into<Vec<u8>>) -> Script {
        Script::status(200).header("content-type", "text/html; charset=utf-8").body(body)
    }

    /// Closes the connection instead of answering.
    pub fn hang_up() -> Script {
        Script { steps: vec![Step::Cut], ..Script::status(0) }
    }

    /// Takes the request and answers only after the gate opens: with one that nobody opens, never.
    pub fn never(gate: &Gate) -> Script {
        Script { steps: vec![Step::Wait(gate.clone()), Step::Cut], ..Script::status(0) }
    }

    /// Adds a header, or another one of the same name.
    pub fn header(mut self, name: &str, value: &str) -> Script {
        self.headers.push((name.to_string(), value.to_string()));
        self
    }

    /// Replaces every header of that name.
    pub fn only_header(mut self, name: &str, value: &str) -> Script {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.header(name, value)
    }

    /// Removes every header of that name.
    pub fn without_header(mut self, name: &str) -> Script {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// The whole body, with its length.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Script {
        let body = body.into();
        self.only_header("content-length", &body.len().to_string()).step(Step::Send(body))
    }

    /// The whole body, gzipped, with its length and `Content-Encoding`.
    pub fn gzip_body(self, body: &[u8]) -> Script {
        self.header("content-encoding", "gzip").body(gzip(body))
    }

    /// A piece of a body whose length is not told: chunked, unless a `Content-Length` is set by hand.
    pub fn send(self, piece: impl Into<Vec<u8>>) -> Script {
        let known =
            self.headers.iter().any(|(name, _)| name == "content-length" || name == "transfer-encoding");
        let script = if known { self } else { self.header("transfer-encoding", "chunked") };
        script.step(Step::Send(piece.into()))
    }

    /// Withholds what follows: before the first piece, the head too.
    pub fn wait(mut self, gate: &Gate) -> Script {
        self.steps.push(Step::Wait(gate.clone()));
        self
    }

    /// Withholds everything, the head too, of an answer that is already written.
    pub fn first_wait(mut self, gate: &Gate) -> Script {
        self.steps.insert(0, Step::Wait(gate.clone()));
        self
    }

    /// Sends the head at this point, so that a [`Script::wait`] after it withholds the body only.
    pub fn head(mut self) -> Script {
        if !self.has_head() {
            self.steps.push(Step::Head);
        }
        self
    }

    /// Lets time pass before what follows.
    pub fn pause(mut self, time: Duration) -> Script {
        self.steps.push(Step::Pause(time));
        self
    }

    /// Closes the connection where the body should go on.
    pub fn cut(self) -> Script {
        self.step(Step::Cut)
    }

    /// Switches to an echo of whatever the client sends.
    pub fn echo(self) -> Script {
        self.step(Step::Echo)
    }

    fn step(self, step: Step) -> Script {
        let mut script = self.head();
        script.steps.push(step);
        script
    }

    pub(super) fn has_head(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Head))
    }

    pub(super) fn is_chunked(&self) -> bool {
        self.headers.iter().any(|(name, _)| name == "transfer-encoding")
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).expect("writing to memory does not fail");
    encoder.finish().expect("writing to memory does not fail")
}
