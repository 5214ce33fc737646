//! The sockets of the test's origin: a thread for each connection, stopped with the listener.

use std::collections::HashMap;
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::origin::{Asked, Book};
use super::script::{Script, Step};
use super::wire::{Framing, Head};

/// Accepts until dropped; then closes every connection.
pub(super) struct Listener {
    address: SocketAddr,
    closing: Arc<AtomicBool>,
    open: Arc<Mutex<HashMap<usize, TcpStream>>>,
}

impl Listener {
    pub(super) fn start(book: Arc<Book>) -> io::Result<Listener> {
        let socket = TcpListener::bind("127.0.0.1:0")?;
        let address = socket.local_addr()?;
        let closing = Arc::new(AtomicBool::new(false));
        let open = Arc::new(Mutex::new(HashMap::new()));
        let (stop, kept) = (Arc::clone(&closing), Arc::clone(&open));
        thread::spawn(move || {
            for (number, connection) in socket.incoming().flatten().enumerate() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                if let (Ok(handle), Ok(mut kept)) = (connection.try_clone(), kept.lock()) {
                    kept.insert(number, handle);
                }
                let (book, kept) = (Arc::clone(&book), Arc::clone(&kept));
                thread::spawn(move || {
                    // A client that goes away is the business of the test, which sees it at its own end.
                    let _ = serve(&connection, &book);
                    let _ = connection.shutdown(Shutdown::Both);
                    kept.lock().map(|mut kept| kept.remove(&number)).ok();
                });
            }
        });
        Ok(Listener { address, closing, open })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, which then sees the flag.
        drop(TcpStream::connect(self.address));
        let open = self.open.lock().map(|mut open| std::mem::take(&mut *open)).unwrap_or_default();
        for connection in open.into_values() {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

enum After {
    Next,
    Close,
}

fn serve(connection: &TcpStream, book: &Book) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::new(connection);
    while let Some(head) = Head::read(&mut reader)? {
        let asked = request(head, &mut reader)?;
        let is_head = asked.method == "HEAD";
        let script = book.answer(asked);
        if let After::Close = perform(&script, is_head, connection, &mut reader)? {
            break;
        }
    }
    Ok(())
}

fn request(head: Head, reader: &mut BufReader<&TcpStream>) -> io::Result<Asked> {
    let mut words = head.start.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut framing = Framing::told_by(&head, Framing::Length(0));
    let mut body = Vec::new();
    while let Some(piece) = framing.read_some(reader)? {
        body.extend(piece);
    }
    Ok(Asked {
        method: method.to_string(),
        host: head.header("host").unwrap_or_default().to_string(),
        path: path.to_string(),
        headers: head.headers,
        body,
    })
}

fn perform(
    script: &Script,
    is_head: bool,
    mut connection: &TcpStream,
    reader: &mut BufReader<&TcpStream>,
) -> io::Result<After> {
    let chunked = script.is_chunked();
    for step in &script.steps {
        match step {
            Step::Head => connection.write_all(&head_of(script))?,
            Step::Wait(gate) => gate.pass(),
            Step::Pause(time) => thread::sleep(*time),
            Step::Cut => return Ok(After::Close),
            Step::Send(_) if is_head => {}
            Step::Send(piece) if chunked && piece.is_empty() => {}
            Step::Send(piece) if chunked => {
                let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
                chunk.extend(piece);
                chunk.extend(b"\r\n");
                connection.write_all(&chunk)?;
            }
            Step::Send(piece) => connection.write_all(piece)?,
            Step::Echo => {
                let mut buffer = [0; 4096];
                loop {
                    match reader.read(&mut buffer)? {
                        0 => return Ok(After::Close),
                        size => connection.write_all(&buffer[..size])?,
                    }
                }
            }
        }
    }
    if !script.has_head() {
        connection.write_all(&head_of(script))?;
    }
    if chunked && !is_head {
        connection.write_all(b"0\r\n\r\n")?;
    }
    Ok(After::Next)
}

fn head_of(script: &Script) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Scripted\r\n", script.status);
    for (name, value) in &script.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let bodiless = matches!(script.status, 100..=199 | 204 | 304);
    let framed =
        script.headers.iter().any(|(name, _)| name == "content-length" || name == "transfer-encoding");
    if !framed && !bodiless {
        head.push_str("content-length: 0\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::{Ask, End, Gate, TestOrigin};
    use super::*;

    fn check(script: Script, expected: &[u8], end: End) {
        let origin = TestOrigin::start().unwrap();
        origin.answer("a.test", "/x?y", script);
        let mut reply = Ask::get(origin.address(), "a.test", "/x?y").send();
        assert_eq!(reply.read_to_end(), end);
        assert_eq!(reply.so_far(), expected);
        assert_eq!(origin.count("a.test", "/x?y"), 1);
    }

    #[test]
    fn a_body_with_a_length_and_one_in_chunks_arrive_whole() {
        check(Script::page("page"), b"page", End::Clean);
        check(Script::streamed_page().send("pa").send("ge"), b"page", End::Clean);
        check(Script::status(404), b"", End::Clean);
    }

    #[test]
    fn a_cut_body_is_seen_as_cut() {
        check(Script::streamed_page().send("pa").cut(), b"pa", End::Cut);
        check(Script::streamed_page().header("content-length", "9").send("pa").cut(), b"pa", End::Cut);
    }

    #[test]
    fn what_is_behind_a_gate_waits_for_it() {
        let origin = TestOrigin::start().unwrap();
        let gate = Gate::default();
        origin.answer("a.test", "/", Script::streamed_page().send("first").wait(&gate).send("second"));
        let mut reply = Ask::get(origin.address(), "a.test", "/").send();
        reply.read_until("first");
        assert_eq!(reply.so_far(), b"first");
        gate.open();
        assert_eq!(reply.text(), "firstsecond");
    }

    #[test]
    fn a_connection_that_ends_without_an_answer_is_an_error() {
        let origin = TestOrigin::start().unwrap();
        origin.answer("a.test", "/", Script::hang_up());
        assert!(Ask::get(origin.address(), "a.test", "/").try_send().is_err());
    }

    #[test]
    fn a_body_of_the_client_is_noted() {
        let origin = TestOrigin::start().unwrap();
        Ask::get(origin.address(), "a.test", "/form").method("POST").body("a=b").send().whole();
        let asked = origin.asked("a.test");
        assert_eq!((asked[0].method.as_str(), asked[0].body.as_slice()), ("POST", b"a=b".as_slice()));
    }
}
