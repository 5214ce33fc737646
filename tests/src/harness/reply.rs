//! An answer as it arrives at the client.

use std::io::{self, BufReader, Read};
use std::net::TcpStream;

use super::patience::PATIENCE;
use super::wire::{Framing, Head};

/// How a body ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// As its framing says.
    Clean,
    /// The connection ended first.
    Cut,
}

/// An answer, its body still arriving.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    head: Head,
    framing: Framing,
    body: Vec<u8>,
    reader: BufReader<TcpStream>,
}

impl Reply {
    /// Reads the head. A connection that ends before it is an error of kind `UnexpectedEof`.
    pub(super) fn read(connection: TcpStream, method: &str) -> io::Result<Reply> {
        connection.set_read_timeout(Some(PATIENCE))?;
        let mut reader = BufReader::new(connection);
        let head = Head::read(&mut reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = head
            .start
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .ok_or(io::ErrorKind::InvalidData)?;
        let bodiless = method == "HEAD" || matches!(status, 204 | 304);
        let framing =
            if bodiless { Framing::Length(0) } else { Framing::told_by(&head, Framing::UntilClose) };
        Ok(Reply { status, head, framing, body: Vec::new(), reader })
    }

    /// The first value of a header; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// Every value of a header; the name in lower case.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        self.head.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// All headers, in order, names in lower case.
    pub fn all_headers(&self) -> &[(String, String)] {
        &self.head.headers
    }

    /// Whether the answer forbids shared caches to keep it.
    pub fn is_private(&self) -> bool {
        self.header("cache-control").is_some_and(|value| value.contains("private"))
    }

    /// What has been read of the body so far.
    pub fn so_far(&self) -> &[u8] {
        &self.body
    }

    /// Reads until the body holds `marker`, and no further than what has arrived. Panics when it ends first.
    pub fn read_until(&mut self, marker: &str) {
        while !self.holds(marker) {
            match self.framing.read_some(&mut self.reader) {
                Ok(Some(piece)) => self.body.extend(piece),
                Ok(None) => panic!("the body ended without {marker:?}: {}", self.text_so_far()),
                Err(error) => panic!("waiting for {marker:?}: {error}; so far: {}", self.text_so_far()),
            }
        }
    }

    /// Reads to the end of the body, clean or not. Panics when nothing more comes and nothing ends.
    pub fn read_to_end(&mut self) -> End {
        loop {
            match self.framing.read_some(&mut self.reader) {
                Ok(Some(piece)) => self.body.extend(piece),
                Ok(None) => return End::Clean,
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    panic!("the body neither goes on nor ends after: {}", self.text_so_far())
                }
                Err(_) => return End::Cut,
            }
        }
    }

    /// The whole body. Panics unless it ends cleanly.
    pub fn whole(mut self) -> Vec<u8> {
        assert_eq!(self.read_to_end(), End::Clean, "after: {}", self.text_so_far());
        self.body
    }

    /// The whole body as text. Panics unless it ends cleanly and is UTF-8.
    pub fn text(self) -> String {
        String::from_utf8(self.whole()).expect("a body of UTF-8")
    }

    /// The whole body with its `Content-Encoding` taken off.
    pub fn decoded(self) -> Vec<u8> {
        let encoding = self.header("content-encoding").unwrap_or("identity").to_string();
        let body = self.whole();
        let mut decoded = Vec::new();
        match encoding.as_str() {
            "identity" => return body,
            "gzip" => flate2::read::MultiGzDecoder::new(body.as_slice()).read_to_end(&mut decoded),
            "br" => brotli::Decompressor::new(body.as_slice(), 4096).read_to_end(&mut decoded),
            other => panic!("unexpected content-encoding {other}"),
        }
        .expect("a body that is what its content-encoding says");
        decoded
    }

    /// The connection, for what follows a 101, and whatever of it was already read.
    pub fn into_connection(self) -> (TcpStream, Vec<u8>) {
        let rest = self.reader.buffer().to_vec();
        (self.reader.into_inner(), rest)
    }

    fn holds(&self, marker: &str) -> bool {
        self.body.windows(marker.len()).any(|window| window == marker.as_bytes())
    }

    fn text_so_far(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
