//! Asking a server that knows us by a secret: over TLS or on this machine, again where it says so.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};

/// Attempts of one request.
const ATTEMPTS: u32 = 5;
/// What is waited after the first failure, and twice as long after each that follows.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longer is not waited, whatever the server says.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(10);
/// One attempt, with whatever is sent and received.
const ATTEMPT: Duration = Duration::from_secs(120);
/// Longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: u64 = 128 << 20;

/// A text that is shown to nobody but the server that it is for.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
    pub fn new(text: String) -> Secret {
        Secret(text)
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// How is waited between attempts.
pub type Pause = Box<dyn Fn(Duration) + Send + Sync>;

/// Is told how many bytes of a body have gone out, and of how many.
pub type Progress = Arc<dyn Fn(usize, usize) + Send + Sync>;

/// A server, and how it is asked.
pub struct Remote {
    agent: ureq::Agent,
    base: String,
    pause: Pause,
    progress: Option<Progress>,
}

/// A body on its way.
struct Sent<'b> {
    body: &'b [u8],
    done: usize,
    progress: &'b Progress,
}

impl Read for Sent<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.body.get(self.done..).unwrap_or_default().read(into)?;
        if read > 0 {
            self.done += read;
            (self.progress)(self.done, self.body.len());
        }
        Ok(read)
    }
}

/// What a server answered.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub body: Vec<u8>,
}

/// Why a server did not do what it was asked. No secret is in it.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// Its URL would show the secret to everybody on the way.
    #[error("{0} is neither https nor on this machine, and a token would be seen on the way")]
    Open(String),
    /// The secret cannot stand in a header.
    #[error("the token has characters that no token has")]
    Token,
    /// There is no answer.
    #[error("{url} does not answer: {why}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What went wrong, by the last attempt.
        why: String,
    },
    /// It asks for fewer requests, again and again.
    #[error("{url} takes no more requests for now")]
    Limited {
        /// What was asked for.
        url: String,
    },
    /// It refuses.
    #[error("{url} answered {status}{}", if said.is_empty() { String::new() } else { format!(": {said}") })]
    Refused {
        /// What was asked for.
        url: String,
        /// The status.
        status: StatusCode,
        /// What it says.
        said: String,
    },
}

impl Remote {
    /// The server at a URL, to which paths are added.
    pub fn new(base: &str, pause: Pause) -> Result<Remote, RemoteError> {
        let base = base.trim_end_matches('/');
        let open = || RemoteError::Open(base.to_owned());
        let url: http::Uri = base.parse().map_err(|_| open())?;
        let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
        let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        match url.scheme_str() {
            Some("https") if !host.is_empty() => {}
            Some("http") if here => {}
            _ => return Err(open()),
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // A redirect would take the secret elsewhere.
            .max_redirects(0)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(ATTEMPT))
            .user_agent(concat!("hemstitch/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Remote { agent, base: base.to_owned(), pause, progress: None })
    }

    /// Has somebody told of what goes out.
    pub fn watch(&mut self, progress: Progress) {
        self.progress = Some(progress);
    }

    /// Asks, and asks again where the server could not or says that it will. Only what may be done twice is asked so.
    pub fn ask(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Reply, RemoteError> {
        let url = format!("{}{path}", self.base);
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let last = attempt >= ATTEMPTS;
            match self.once(method, &url, headers, body) {
                Ok((reply, answered)) => match reply.status {
                    StatusCode::TOO_MANY_REQUESTS if last => return Err(RemoteError::Limited { url }),
                    status if may_pass(status) && !last => {
                        (self.pause)(told(&answered).unwrap_or(pause).min(LONGEST_PAUSE));
                    }
                    _ => return Ok(reply),
                },
                Err(error) if last => return Err(RemoteError::Unreachable { url, why: error.to_string() }),
                Err(_) => (self.pause)(pause),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        unreachable!("the last attempt returns")
    }

    fn once(
        &self,
        method: &Method,
        url: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(Reply, HeaderMap), ureq::Error> {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let (parts, mut body) = match &self.progress {
            _ if method == Method::GET => self.agent.run(request.body(())?)?.into_parts(),
            None => self.agent.run(request.body(body)?)?.into_parts(),
            Some(progress) => {
                let request = request.header(header::CONTENT_LENGTH, body.len());
                let mut sent = Sent { body, done: 0, progress };
                self.agent.run(request.body(ureq::SendBody::from_reader(&mut sent))?)?.into_parts()
            }
        };
        let body = body.with_config().limit(MAX_ANSWER_BYTES).read_to_vec()?;
        Ok((Reply { status: parts.status, body }, parts.headers))
    }

    /// Waits for a moment.
    pub fn wait(&self) {
        (self.pause)(Duration::from_secs(1));
    }

    /// What to say of an answer that is a refusal.
    pub fn refused(&self, path: &str, status: StatusCode, said: String) -> RemoteError {
        RemoteError::Refused { url: format!("{}{path}", self.base), status, said }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("base", &self.base).finish_non_exhaustive()
    }
}

/// A header that holds a secret, after some words.
pub(super) fn secret_header(before: &str, secret: &Secret) -> Result<HeaderValue, RemoteError> {
    let text = format!("{before}{}", secret.reveal().trim());
    let mut value = HeaderValue::try_from(text).map_err(|_| RemoteError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Whether the same request may do better later.
fn may_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504)
}

/// How long the server says to wait: `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3), or the second in
/// which Fastly's rate limit starts anew.
fn told(headers: &HeaderMap) -> Option<Duration> {
    let now = SystemTime::now();
    let until = |then: SystemTime| then.duration_since(now).unwrap_or_default();
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(after) = text(header::RETRY_AFTER.as_str()) {
        return match after.parse::<u64>() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => httpdate::parse_http_date(after).ok().map(until),
        };
    }
    let reset: u64 = text("fastly-ratelimit-reset")?.parse().ok()?;
    Some(until(SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(reset))?))
}

/// A key as one segment of a path.
pub(super) fn segment(key: &str) -> String {
    percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC).to_string()
}
