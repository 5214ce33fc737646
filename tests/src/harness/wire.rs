//! HTTP/1.1 framing, written out so that a test sees every byte and every way to end.

use std::io::{self, BufRead, Read};

/// A start line and its headers, in order, names in lower case.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The request line or the status line, without its line end.
    pub start: String,
    /// Names are in lower case, values trimmed.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// Reads a head; `None` at a clean end before its first byte.
    pub fn read(from: &mut impl BufRead) -> io::Result<Option<Head>> {
        let Some(start) = line(from)? else { return Ok(None) };
        let mut headers = Vec::new();
        loop {
            let line = line(from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if line.is_empty() {
                return Ok(Some(Head { start, headers }));
            }
            let (name, value) = line.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_string()));
        }
    }

    /// The first value of a header; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// How a body's end is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Framing {
    /// This many more bytes.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// The end of the connection.
    UntilClose,
}

impl Framing {
    /// The framing that the headers tell, or `otherwise`.
    pub fn told_by(head: &Head, otherwise: Framing) -> Framing {
        if head.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            return Framing::Chunked;
        }
        match head.header("content-length").and_then(|value| value.parse().ok()) {
            Some(length) => Framing::Length(length),
            None => otherwise,
        }
    }

    /// Reads what has arrived of a body, at least one byte. `None` at its end. An early end is `UnexpectedEof`.
    pub fn read_some(&mut self, from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
        match self {
            Framing::Length(0) => Ok(None),
            Framing::Length(left) => {
                let piece = available(from, *left)?.ok_or(io::ErrorKind::UnexpectedEof)?;
                *left -= piece.len() as u64;
                Ok(Some(piece))
            }
            Framing::UntilClose => available(from, u64::MAX),
            Framing::Chunked => {
                let size = line(from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
                let digits = size.split(';').next().unwrap_or_default().trim();
                let size = u64::from_str_radix(digits, 16).map_err(|_| io::ErrorKind::InvalidData)?;
                let mut piece = vec![0; usize::try_from(size).map_err(|_| io::ErrorKind::InvalidData)?];
                from.read_exact(&mut piece)?;
                while !line(from)?.ok_or(io::ErrorKind::UnexpectedEof)?.is_empty() {
                    if size > 0 {
                        return Err(io::ErrorKind::InvalidData.into());
                    }
                }
                Ok((size > 0).then_some(piece))
            }
        }
    }
}

fn available(from: &mut impl BufRead, at_most: u64) -> io::Result<Option<Vec<u8>>> {
    let buffer = from.fill_buf()?;
    let size = buffer.len().min(usize::try_from(at_most).unwrap_or(usize::MAX));
    let piece = buffer[..size].to_vec();
    from.consume(size);
    Ok((!piece.is_empty()).then_some(piece))
}

fn line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    from.take(1 << 20).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
