//! Decoding of gzip as it streams (RFC 1952).

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use http::{HeaderMap, header};

/// A decoder for one body.
pub struct Gunzip {
    decoder: MultiGzDecoder<Vec<u8>>,
    fed: bool,
}

impl Gunzip {
    /// A decoder at the start of a body.
    pub fn new() -> Gunzip {
        Gunzip { decoder: MultiGzDecoder::new(Vec::new()), fed: false }
    }

    /// What the next bytes decode to.
    pub fn decode(&mut self, coded: &[u8]) -> io::Result<Vec<u8>> {
        self.fed |= !coded.is_empty();
        self.decoder.write_all(coded)?;
        // What the decoder holds back between its steps is due now: a page must not wait for its own end.
        self.decoder.flush()?;
        Ok(std::mem::take(self.decoder.get_mut()))
    }

    /// The rest. Errs where the body was not complete; one without any byte is, as servers send it.
    pub fn finish(mut self) -> io::Result<Vec<u8>> {
        if self.fed {
            self.decoder.try_finish()?;
        }
        Ok(std::mem::take(self.decoder.get_mut()))
    }
}

/// Whether the content is coded by gzip, and by nothing else.
pub fn is_gzip(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let first = codings.next().and_then(|coding| coding.to_str().ok()).unwrap_or_default().trim();
    codings.next().is_none() && (first.eq_ignore_ascii_case("gzip") || first.eq_ignore_ascii_case("x-gzip"))
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(pieces: &[&str]) -> Vec<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let mut coded = Vec::new();
        for piece in pieces {
            encoder.write_all(piece.as_bytes()).expect("written to memory");
            encoder.flush().expect("written to memory");
            coded.push(std::mem::take(encoder.get_mut()));
        }
        coded.push(encoder.finish().expect("written to memory"));
        coded
    }

    #[test]
    fn what_has_arrived_is_decoded_at_once() {
        let coded = gzip(&["head", "body"]);
        let mut gunzip = Gunzip::new();
        assert_eq!(gunzip.decode(&coded[0]).expect("gzip"), b"head");
        assert_eq!(gunzip.decode(&coded[1]).expect("gzip"), b"body");
        assert_eq!(gunzip.decode(&coded[2]).expect("gzip"), b"");
        assert_eq!(gunzip.finish().expect("complete"), b"");
    }

    #[test]
    fn a_body_may_be_split_at_any_byte() {
        let coded = gzip(&["head", "body"]).concat();
        for at in 0..=coded.len() {
            let mut gunzip = Gunzip::new();
            let mut decoded = gunzip.decode(&coded[..at]).expect("gzip");
            decoded.extend(gunzip.decode(&coded[at..]).expect("gzip"));
            decoded.extend(gunzip.finish().expect("complete"));
            assert_eq!(decoded, b"headbody", "{at}");
        }
    }

    #[test]
    fn a_body_that_was_cut_is_an_error() {
        let coded = gzip(&["head", "body"]).concat();
        for at in 1..coded.len() {
            let mut gunzip = Gunzip::new();
            let complete = gunzip.decode(&coded[..at]).and_then(|_| gunzip.finish());
            assert!(complete.is_err(), "{at}");
        }
        assert_eq!(Gunzip::new().finish().expect("empty"), b"");
        let mut gunzip = Gunzip::new();
        assert!(gunzip.decode(b"not gzip at all").and_then(|_| gunzip.finish()).is_err());
    }
}
