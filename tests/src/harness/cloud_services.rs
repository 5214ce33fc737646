//! What workerd asks others for: a KV namespace and a cache, over the plain HTTP in which it asks.
//!
//! KV: `GET /key`, percent-encoded; 404 is nothing. Cache: `GET`, `PUT` of a whole response, `PURGE`, of absolute URLs.

use std::collections::HashMap;
use std::io::{self, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::wire::{Framing, Head};

/// Both services, each on a port of its own. They stop when dropped.
pub(super) struct CloudServices {
    /// The KV namespace.
    pub(super) kv: Service,
    /// The cache.
    pub(super) cache: Service,
}

/// How a service of the platform fails.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Fault {
    /// Not at all.
    #[default]
    None,
    /// It answers 500, with a body.
    Error,
    /// It answers 200, with bytes that mean nothing.
    Garbage,
    /// It ends the connection instead of an answer.
    HangUp,
    /// It takes the question and does not answer.
    Silence,
}

/// One service: values by key.
pub(super) struct Service {
    address: SocketAddr,
    values: Values,
    fault: Arc<Mutex<Fault>>,
    closing: Arc<AtomicBool>,
}

type Values = Arc<Mutex<HashMap<String, Vec<u8>>>>;
type Answer = fn(&Values, &Head, Vec<u8>) -> Vec<u8>;

impl CloudServices {
    pub(super) fn start() -> io::Result<CloudServices> {
        Ok(CloudServices { kv: Service::start(kv)?, cache: Service::start(cache)? })
    }
}

impl Service {
    fn start(answer: Answer) -> io::Result<Service> {
        let socket = TcpListener::bind("127.0.0.1:0")?;
        let address = socket.local_addr()?;
        let (values, closing) = (Values::default(), Arc::new(AtomicBool::new(false)));
        let fault = Arc::new(Mutex::new(Fault::None));
        let (shared, stop, failing) = (Arc::clone(&values), Arc::clone(&closing), Arc::clone(&fault));
        thread::spawn(move || {
            for connection in socket.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (values, fault) = (Arc::clone(&shared), Arc::clone(&failing));
                // A client that goes away has no more questions.
                thread::spawn(move || drop(serve(&connection, &values, &fault, answer)));
            }
        });
        Ok(Service { address, values, fault, closing })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn fail(&self, fault: Fault) {
        *self.fault.lock().expect("no holder of the lock panics") = fault;
    }

    pub(super) fn put(&self, key: &str, value: &[u8]) {
        self.values.lock().expect("no holder of the lock panics").insert(key.to_string(), value.to_vec());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, which then sees the flag.
        drop(TcpStream::connect(self.address));
    }
}

fn serve(
    mut connection: &TcpStream,
    values: &Values,
    fault: &Mutex<Fault>,
    answer: Answer,
) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::new(connection);
    while let Some(head) = Head::read(&mut reader)? {
        let mut framing = Framing::told_by(&head, Framing::Length(0));
        let mut body = Vec::new();
        while let Some(piece) = framing.read_some(&mut reader)? {
            body.extend(piece);
        }
        let fault = *fault.lock().expect("no holder of the lock panics");
        let bytes = match fault {
            Fault::None => answer(values, &head, body),
            Fault::Error => with_length("500 Internal Server Error", b"the platform failed"),
            Fault::Garbage => with_length("200 OK", &[0xff; 3_000]),
            Fault::HangUp => return Ok(()),
            Fault::Silence => continue,
        };
        connection.write_all(&bytes)?;
    }
    Ok(())
}

fn kv(values: &Values, head: &Head, _: Vec<u8>) -> Vec<u8> {
    let path = head.start.split(' ').nth(1).unwrap_or_default();
    let key = decoded(path.split('?').next().unwrap_or_default().trim_start_matches('/'));
    match values.lock().expect("no holder of the lock panics").get(&key) {
        Some(value) => with_length("200 OK", value),
        None => with_length("404 Not Found", b""),
    }
}

fn cache(values: &Values, head: &Head, body: Vec<u8>) -> Vec<u8> {
    let mut words = head.start.split(' ');
    let (method, url) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().to_string());
    let mut values = values.lock().expect("no holder of the lock panics");
    match (method, values.get(&url)) {
        ("PUT", _) => {
            values.insert(url, body);
            with_length("204 No Content", b"")
        }
        ("PURGE", _) => {
            let status = if values.remove(&url).is_some() { "200 OK" } else { "404 Not Found" };
            with_length(status, b"")
        }
        (_, Some(stored)) => {
            let end = stored.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            let (status, rest) = stored.split_at(end);
            [status, b"cf-cache-status: HIT\r\n", rest].concat()
        }
        (_, None) => {
            b"HTTP/1.1 504 Gateway Timeout\r\ncf-cache-status: MISS\r\ncontent-length: 0\r\n\r\n".to_vec()
        }
    }
}

fn with_length(status: &str, body: &[u8]) -> Vec<u8> {
    let framing =
        if status.starts_with("204") { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    [format!("HTTP/1.1 {status}\r\n{framing}\r\n").as_bytes(), body].concat()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = tail
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
