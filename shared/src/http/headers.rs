//! The headers of a request: all at hand, or read from the platform when somebody asks for them, since each costs a call
//! there and most of them nobody asks for.

use std::fmt;
use std::sync::{Arc, OnceLock};

use ::http::{HeaderMap, HeaderName, HeaderValue};

/// Where values of headers are read from. What it says of a name must not change.
pub trait HeaderSource: Send + Sync {
    /// All values of a header that the request has, in order.
    fn values(&self, name: &HeaderName) -> Vec<HeaderValue>;
}

/// The headers of a request.
#[derive(Clone)]
pub struct RequestHeaders(Kept);

#[derive(Clone)]
enum Kept {
    AtHand(HeaderMap),
    Behind { lines: Vec<Line>, source: Arc<dyn HeaderSource>, all: OnceLock<HeaderMap> },
}

#[derive(Clone)]
struct Line {
    name: HeaderName,
    values: OnceLock<Vec<HeaderValue>>,
}

impl RequestHeaders {
    /// Headers of these names, each once, with the values that `source` has for them.
    pub fn behind(
        names: impl IntoIterator<Item = HeaderName>,
        source: Arc<dyn HeaderSource>,
    ) -> RequestHeaders {
        let lines = names.into_iter().map(|name| Line { name, values: OnceLock::new() }).collect();
        RequestHeaders(Kept::Behind { lines, source, all: OnceLock::new() })
    }

    /// Whether the request has a header of this name.
    pub fn contains(&self, name: &HeaderName) -> bool {
        match &self.0 {
            Kept::AtHand(headers) => headers.contains_key(name),
            Kept::Behind { lines, .. } => lines.iter().any(|line| line.name == *name),
        }
    }

    /// All values of a header, in order.
    pub fn get_all(&self, name: &HeaderName) -> impl Iterator<Item = &HeaderValue> {
        let (at_hand, read) = match &self.0 {
            Kept::AtHand(headers) => (Some(headers.get_all(name)), None),
            Kept::Behind { lines, source, .. } => {
                let line = lines.iter().find(|line| line.name == *name);
                (None, line.map(|line| line.values.get_or_init(|| source.values(name))))
            }
        };
        at_hand.into_iter().flatten().chain(read.into_iter().flatten())
    }

    /// The first value of a header.
    pub fn get(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.get_all(name).next()
    }

    /// All of them, read to the last.
    pub fn all(&self) -> &HeaderMap {
        match &self.0 {
            Kept::AtHand(headers) => headers,
            Kept::Behind { lines, all, .. } => all.get_or_init(|| {
                let mut headers = HeaderMap::with_capacity(lines.len());
                for Line { name, .. } in lines {
                    self.get_all(name).for_each(|value| {
                        headers.append(name, value.clone());
                    });
                }
                headers
            }),
        }
    }
}

impl From<HeaderMap> for RequestHeaders {
    fn from(headers: HeaderMap) -> RequestHeaders {
        RequestHeaders(Kept::AtHand(headers))
    }
}

/// Says which there are, and of what was sent nothing more.
impl fmt::Debug for RequestHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kept::AtHand(headers) => f.debug_list().entries(headers.keys()).finish(),
            Kept::Behind { lines, .. } => {
                f.debug_list().entries(lines.iter().map(|line| &line.name)).finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use ::http::header;

    use super::*;

    /// Two values for each name, and a note of who was asked for.
    #[derive(Default)]
    struct Platform(Mutex<Vec<HeaderName>>);

    impl HeaderSource for Platform {
        fn values(&self, name: &HeaderName) -> Vec<HeaderValue> {
            self.0.lock().expect("no holder panics").push(name.clone());
            ["1", "2"].map(HeaderValue::from_static).to_vec()
        }
    }

    #[test]
    fn what_is_behind_a_platform_is_read_once_and_when_asked_for() {
        let platform = Arc::new(Platform::default());
        let asked = || platform.0.lock().expect("no holder panics").clone();
        let headers = RequestHeaders::behind([header::COOKIE, header::ACCEPT], platform.clone());
        assert!(headers.contains(&header::COOKIE) && !headers.contains(&header::RANGE));
        assert_eq!(headers.get(&header::RANGE), None);
        assert!(asked().is_empty());
        for _ in 0..2 {
            assert_eq!(headers.get_all(&header::COOKIE).collect::<Vec<_>>(), ["1", "2"]);
        }
        assert_eq!(asked(), [header::COOKIE]);
        assert_eq!(headers.all(), headers.clone().all());
        assert_eq!(headers.all().len(), 4);
        assert_eq!(asked(), [header::COOKIE, header::ACCEPT]);
    }

    #[test]
    fn headers_at_hand_and_behind_a_platform_are_the_same() {
        let behind = RequestHeaders::behind([header::COOKIE, header::ACCEPT], Arc::new(Platform::default()));
        let at_hand = RequestHeaders::from(behind.all().clone());
        for name in [header::COOKIE, header::ACCEPT, header::RANGE] {
            let values = |headers: &RequestHeaders| headers.get_all(&name).cloned().collect::<Vec<_>>();
            assert_eq!(values(&behind), values(&at_hand));
            assert_eq!(behind.get(&name), at_hand.get(&name));
            assert_eq!(behind.contains(&name), at_hand.contains(&name));
        }
        assert_eq!(format!("{behind:?}"), r#"["cookie", "accept"]"#);
    }
}
