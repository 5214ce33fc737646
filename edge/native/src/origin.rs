//! Asking origins: a pool of HTTP/1.1 connections, with a bound on every wait.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use crate::body::RequestBody;
use crate::gunzip;

const CONNECT: Duration = Duration::from_secs(2);
/// A connection that has been idle for longer is not used again: the origin is about to close it, if it has not.
const IDLE: Duration = Duration::from_secs(20);
/// Most idle connections to one origin.
const MOST_IDLE: usize = 128;
/// Largest head of an answer, in bytes.
const MOST_HEAD_BYTES: usize = 64 * 1024;
/// Most headers of an answer.
const MOST_HEADERS: usize = 256;
/// Bytes of an answer that are read ahead of who takes them.
const MOST_BUFFERED: usize = 256 * 1024;

/// How long a page, a fragment or a publication may take to begin.
pub const FIRST_BYTE: Duration = Duration::from_secs(15);
/// How long a page may be silent.
pub const SILENCE: Duration = Duration::from_secs(15);
/// How long whatever is passed on untouched may take to begin: a report or an upload is slower than a page.
pub const PASS_FIRST_BYTE: Duration = Duration::from_secs(60);
/// How long it may be silent: event streams rest between events.
pub const PASS_SILENCE: Duration = Duration::from_secs(300);

/// A server that is asked by plain HTTP: host and port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Upstream(Arc<str>);

/// Why a text names no such server.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// It has another scheme.
    #[error(
        "{0:?} is not a URL of plain HTTP; write http://host:port, and for an origin that speaks TLS alone put a proxy before it"
    )]
    Scheme(String),
    /// It has more than a host and a port, or no host.
    #[error("{0:?} is not a host and a port; write http://host:port, without path, query and credentials")]
    Authority(String),
}

impl Upstream {
    /// Reads `http://host:port`.
    pub fn parse(url: &str) -> Result<Upstream, UpstreamError> {
        let Some(rest) = url.strip_prefix("http://") else {
            return Err(UpstreamError::Scheme(url.to_owned()));
        };
        let written = rest.strip_suffix('/').unwrap_or(rest);
        let refused = || UpstreamError::Authority(url.to_owned());
        let authority: http::uri::Authority = written.parse().map_err(|_| refused())?;
        let host = authority.host();
        let port = match authority.as_str().strip_prefix(host).filter(|_| !host.is_empty()) {
            Some("") => 80,
            // Credentials stand before the host, so that nothing that has them gets here.
            Some(rest) => {
                rest.strip_prefix(':').and_then(|port| port.parse::<u16>().ok()).ok_or_else(refused)?
            }
            None => return Err(refused()),
        };
        Ok(Upstream(format!("{host}:{port}").into()))
    }

    /// What stands in a `Host` header for it.
    pub fn authority(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an origin gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    /// There is no connection to it.
    #[error("no connection: {0}")]
    Connect(#[from] std::io::Error),
    /// There was none within two seconds.
    #[error("no connection in time")]
    ConnectTimeout,
    /// No answer began in time.
    #[error("no answer in time")]
    FirstByteTimeout,
    /// What is asked for is no target that can be sent.
    #[error("no target that can be sent")]
    Target,
    /// What came is no answer.
    #[error("no answer: {0}")]
    Exchange(#[from] hyper::Error),
}

/// The origins, and the idle connections to them.
#[derive(Default)]
pub struct Origins {
    idle: Mutex<HashMap<Upstream, Vec<Idle>>>,
}

struct Idle {
    sender: SendRequest<RequestBody>,
    since: Instant,
}

impl Origins {
    /// Asks an origin and waits until its answer begins, at most `first_byte` from when the request has been `sent`.
    pub async fn ask(
        self: &Arc<Self>,
        upstream: &Upstream,
        request: Request<RequestBody>,
        sent: oneshot::Receiver<()>,
        first_byte: Duration,
    ) -> Result<Response<Incoming>, OriginError> {
        let too_late = async {
            // Whether it was sent or dropped, the body is no longer what is waited for.
            let _ = sent.await;
            sleep(first_byte).await;
        };
        tokio::select! {
            answer = self.exchange(upstream, request) => answer.map(|mut answer| {
                gunzip::take_for_content(answer.headers_mut());
                answer
            }),
            () = too_late => Err(OriginError::FirstByteTimeout),
        }
    }

    async fn exchange(
        self: &Arc<Self>,
        upstream: &Upstream,
        mut request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, OriginError> {
        if let Some(mut sender) = self.take_idle(upstream) {
            let again = copy_of(&request);
            match sender.try_send_request(request).await {
                Ok(answer) => return Ok(self.keep(upstream, sender, answer)),
                // The origin may close an idle connection just when it is used: then nothing has happened there yet,
                // or nothing that must not happen twice (RFC 9110, section 9.2.2).
                Err(mut failed) => match failed.take_message().or(again) {
                    Some(unsent) => request = unsent,
                    None => return Err(failed.into_error().into()),
                },
            }
        }
        let mut sender = connect(upstream).await?;
        let answer = sender.send_request(request).await?;
        Ok(self.keep(upstream, sender, answer))
    }

    fn take_idle(&self, upstream: &Upstream) -> Option<SendRequest<RequestBody>> {
        let mut pool = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = pool.get_mut(upstream)?;
        while let Some(Idle { sender, since }) = idle.pop() {
            if since.elapsed() > IDLE {
                idle.clear();
            } else if sender.is_ready() {
                return Some(sender);
            }
        }
        None
    }

    /// Puts the connection back when the answer has been read.
    fn keep(
        self: &Arc<Self>,
        upstream: &Upstream,
        mut sender: SendRequest<RequestBody>,
        answer: Response<Incoming>,
    ) -> Response<Incoming> {
        let (origins, upstream) = (Arc::clone(self), upstream.clone());
        tokio::spawn(async move {
            if sender.ready().await.is_ok() {
                let mut pool = origins.idle.lock().unwrap_or_else(PoisonError::into_inner);
                let idle = pool.entry(upstream).or_default();
                if idle.len() < MOST_IDLE {
                    idle.push(Idle { sender, since: Instant::now() });
                }
            }
        });
        answer
    }
}

fn connect(upstream: &Upstream) -> impl Future<Output = Result<SendRequest<RequestBody>, OriginError>> {
    let connecting = async {
        let stream = TcpStream::connect(upstream.authority()).await?;
        stream.set_nodelay(true)?;
        let mut builder = http1::Builder::new();
        builder.max_header_size(MOST_HEAD_BYTES).max_headers(MOST_HEADERS).max_buf_size(MOST_BUFFERED);
        // What other proxies accept of old servers, too.
        builder
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .ignore_invalid_headers_in_responses(true);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection.with_upgrades());
        Ok(sender)
    };
    async { timeout(CONNECT, connecting).await.unwrap_or(Err(OriginError::ConnectTimeout)) }
}

/// The same request again, if it may be made twice.
fn copy_of(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD);
    if !safe || !request.body().is_empty() {
        return None;
    }
    let (body, _) = RequestBody::new(None);
    let mut copy = Request::new(body);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_a_host_and_a_port() {
        for (url, expect) in [
            ("http://10.0.0.5:8080", Some("10.0.0.5:8080")),
            ("http://origin.test/", Some("origin.test:80")),
            ("http://[::1]:81", Some("[::1]:81")),
            ("https://origin.test", None),
            ("origin.test:80", None),
            ("http://", None),
            ("http://origin.test/shop", None),
            ("http://origin.test?x", None),
            ("http://user@origin.test", None),
            ("http://origin.test:80000", None),
            ("", None),
        ] {
            let upstream = Upstream::parse(url).ok();
            assert_eq!(upstream.as_ref().map(Upstream::authority), expect, "{url}");
        }
    }
}
