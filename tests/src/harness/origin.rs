//! The origin of a test: answers by script, and notes everything that it was asked.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use super::listen::Listener;
use super::patience::eventually;
use super::script::Script;

/// A request as the origin saw it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The method.
    pub method: String,
    /// The `Host` header.
    pub host: String,
    /// Path and query, as on the wire.
    pub path: String,
    /// Names are in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body, decoded from its framing.
    pub body: Vec<u8>,
}

impl Asked {
    /// The first value of a header; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {} on {}", self.method, self.path, self.host)?;
        for (name, value) in &self.headers {
            writeln!(f, "  {name}: {value}")?;
        }
        f.write_str(&String::from_utf8_lossy(&self.body))
    }
}

type Answer = Arc<dyn Fn(&Asked) -> Script + Send + Sync>;

/// What the listener's threads share with the test.
#[derive(Default)]
pub(super) struct Book {
    answers: Mutex<HashMap<(String, String), Answer>>,
    asked: Mutex<Vec<Asked>>,
}

impl Book {
    /// Notes a request and finds its answer: 404 where the test gave none.
    pub(super) fn answer(&self, asked: Asked) -> Script {
        let key = (asked.host.clone(), asked.path.clone());
        self.asked.lock().expect("no holder of the lock panics").push(asked.clone());
        let answer = self.answers.lock().expect("no holder of the lock panics").get(&key).cloned();
        match answer {
            Some(answer) => answer(&asked),
            None => Script::status(404).header("content-type", "text/plain").body("no such page"),
        }
    }
}

/// An HTTP/1.1 server on loopback that serves many hosts. Stops when dropped.
pub struct TestOrigin {
    book: Arc<Book>,
    listener: Listener,
}

impl TestOrigin {
    /// Listens on a free port.
    pub fn start() -> io::Result<TestOrigin> {
        let book = Arc::new(Book::default());
        Ok(TestOrigin { listener: Listener::start(Arc::clone(&book))?, book })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// From now on, this is what a host's path (with its query) answers.
    pub fn answer(&self, host: &str, path: &str, script: Script) {
        self.answer_by(host, path, move |_| script.clone());
    }

    /// From now on, the answer depends on the request.
    pub fn answer_by(
        &self,
        host: &str,
        path: &str,
        answer: impl Fn(&Asked) -> Script + Send + Sync + 'static,
    ) {
        let key = (host.to_string(), path.to_string());
        self.book.answers.lock().expect("no holder of the lock panics").insert(key, Arc::new(answer));
    }

    /// Everything that was asked of a host, oldest first.
    pub fn asked(&self, host: &str) -> Vec<Asked> {
        let asked = self.book.asked.lock().expect("no holder of the lock panics");
        asked.iter().filter(|asked| asked.host == host).cloned().collect()
    }

    /// How often a path (with its query) of a host was asked.
    pub fn count(&self, host: &str, path: &str) -> usize {
        let asked = self.book.asked.lock().expect("no holder of the lock panics");
        asked.iter().filter(|asked| asked.host == host && asked.path == path).count()
    }

    /// Waits until a path was asked at least so often.
    pub fn wait_until_asked(&self, host: &str, path: &str, times: usize) {
        eventually(&format!("{host}{path} asked {times} times"), || {
            (self.count(host, path) >= times).then_some(())
        });
    }

    /// Panics when anything that the origin was ever asked, on whatever host, holds the marker.
    pub fn assert_never_heard(&self, marker: &str) {
        for asked in self.book.asked.lock().expect("no holder of the lock panics").iter() {
            let text = asked.to_string();
            assert!(!text.contains(marker), "the origin was told {marker}:\n{text}");
        }
    }
}
