//! Decoding of gzip as it streams (RFC 1952).

use std::io::{self, Write};

use flate2::write::GzDecoder;
use http::{HeaderMap, HeaderValue, header};

/// How a member begins (RFC 1952, section 2.3.1).
const MEMBER: [u8; 3] = [0x1f, 0x8b, 8];

/// A decoder for one body.
pub struct Gunzip {
    decoder: GzDecoder<Vec<u8>>,
    stage: Stage,
}

enum Stage {
    /// Nothing has come.
    Start,
    /// Within a member.
    Member,
    /// A member is complete, and these bytes, fewer than it takes to tell, came after it.
    Between(Vec<u8>),
    /// What comes is padding, or whatever else nobody is meant to see.
    Over,
}

impl Gunzip {
    /// A decoder at the start of a body.
    pub fn new() -> Gunzip {
        Gunzip { decoder: GzDecoder::new(Vec::new()), stage: Stage::Start }
    }

    /// Adds what the next bytes decode to. Where they cannot be decoded, what came before is added all the same.
    pub fn decode(&mut self, coded: &[u8], decoded: &mut Vec<u8>) -> io::Result<()> {
        let done = self.feed(coded, decoded);
        // An error leaves bytes in the decoder, which are moved on when it is called again, whatever it says then.
        if done.is_err() {
            let _ = self.decoder.write(&[]);
        }
        decoded.append(self.decoder.get_mut());
        done
    }

    fn feed(&mut self, mut coded: &[u8], decoded: &mut Vec<u8>) -> io::Result<()> {
        while !coded.is_empty() {
            match &mut self.stage {
                Stage::Start => self.stage = Stage::Member,
                Stage::Member => match self.decoder.write(coded)? {
                    0 => {
                        self.decoder.try_finish()?;
                        decoded.append(self.decoder.get_mut());
                        self.decoder = GzDecoder::new(Vec::new());
                        self.stage = Stage::Between(Vec::new());
                    }
                    taken => coded = coded.get(taken..).unwrap_or_default(),
                },
                Stage::Between(seen) => {
                    let (next, rest) = coded.split_at(coded.len().min(MEMBER.len() - seen.len()));
                    seen.extend_from_slice(next);
                    coded = rest;
                    if !MEMBER.starts_with(seen) {
                        self.stage = Stage::Over;
                    } else if seen.len() == MEMBER.len() {
                        self.stage = Stage::Member;
                        self.decoder.write_all(&MEMBER)?;
                    }
                }
                Stage::Over => return Ok(()),
            }
        }
        match self.stage {
            // What the decoder holds back between its steps is due now: a page must not wait for its own end.
            Stage::Member => self.decoder.flush(),
            _ => Ok(()),
        }
    }

    /// Errs where the body was not complete; one without any byte is, as servers send it.
    pub fn finish(mut self) -> io::Result<()> {
        match self.stage {
            Stage::Member => self.decoder.try_finish(),
            Stage::Start | Stage::Between(_) | Stage::Over => Ok(()),
        }
    }
}

/// Whether the content is coded by gzip, and by nothing else.
pub fn is_gzip(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let first = codings.next().and_then(|coding| coding.to_str().ok()).unwrap_or_default().trim();
    codings.next().is_none() && (first.eq_ignore_ascii_case("gzip") || first.eq_ignore_ascii_case("x-gzip"))
}

/// Makes a content coding of a transfer coding other than `chunked`. Nobody asked for one (RFC 9110, section 10.1.4),
/// but where it comes all the same, its bytes must not be taken for the content.
pub fn take_for_content(headers: &mut HeaderMap) {
    if !headers.contains_key(header::TRANSFER_ENCODING) {
        return;
    }
    let list =
        |name| headers.get_all(name).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let framing = |coding: &[u8]| {
        coding.is_empty()
            || coding.eq_ignore_ascii_case(b"chunked")
            || coding.eq_ignore_ascii_case(b"identity")
    };
    let transfer = list(header::TRANSFER_ENCODING).map(<[u8]>::trim_ascii).filter(|coding| !framing(coding));
    let transfer: Vec<&[u8]> = transfer.collect();
    let content = list(header::CONTENT_ENCODING).map(<[u8]>::trim_ascii);
    let all = (!transfer.is_empty()).then(|| content.chain(transfer).collect::<Vec<_>>().join(&b", "[..]));
    headers.remove(header::TRANSFER_ENCODING);
    // It says nothing where there is a transfer coding (RFC 9112, section 6.3).
    headers.remove(header::CONTENT_LENGTH);
    if let Some(Ok(codings)) = all.map(|all| HeaderValue::from_bytes(&all)) {
        headers.insert(header::CONTENT_ENCODING, codings);
    }
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

    /// What pieces decode to, and whether they were complete.
    fn gunzip(pieces: &[&[u8]]) -> (Vec<u8>, bool) {
        let (mut gunzip, mut decoded) = (Gunzip::new(), Vec::new());
        for piece in pieces {
            if gunzip.decode(piece, &mut decoded).is_err() {
                return (decoded, false);
            }
        }
        (decoded, gunzip.finish().is_ok())
    }

    #[test]
    fn what_has_arrived_is_decoded_at_once() {
        let coded = gzip(&["head", "body"]);
        let (mut gunzip, mut decoded) = (Gunzip::new(), Vec::new());
        for (piece, expect) in coded.iter().zip(["head", "headbody", "headbody"]) {
            gunzip.decode(piece, &mut decoded).expect("gzip");
            assert_eq!(decoded, expect.as_bytes());
        }
        gunzip.finish().expect("complete");
    }

    #[test]
    fn members_follow_each_other_what_follows_them_does_not_count_and_all_may_be_split_at_any_byte() {
        let member = gzip(&["head", "body"]).concat();
        for (after, expect) in [
            (&b""[..], &b"headbody"[..]),
            (b"\0\0\0\0\0\0\0\0\0\0\0\0", b"headbody"),
            (b"\n<!-- served by -->", b"headbody"),
            (b"\x1f", b"headbody"),
            (b"\x1f\x8b\0\0", b"headbody"),
            (&member, b"headbodyheadbody"),
            (&[&member, &b"\0\0\0"[..]].concat(), b"headbodyheadbody"),
        ] {
            let coded = [&member, after].concat();
            for at in 0..=coded.len() {
                let decoded = gunzip(&[&coded[..at], &coded[at..]]);
                assert_eq!(decoded, (expect.to_vec(), true), "{after:?} at {at}");
            }
        }
    }

    #[test]
    fn a_body_that_was_cut_is_an_error() {
        let coded = gzip(&["head", "body"]).concat();
        for at in 1..coded.len() {
            assert!(!gunzip(&[&coded[..at]]).1, "{at}");
        }
        assert_eq!(gunzip(&[]), (Vec::new(), true));
        assert_eq!(gunzip(&[b"not gzip at all"]), (Vec::new(), false));
    }

    #[test]
    fn what_stands_before_an_error_is_decoded() {
        let coded = gzip(&["head", "body"]);
        let cut = [&coded[0][..], &coded[1]].concat();
        assert_eq!(gunzip(&[&cut]), (b"headbody".to_vec(), false));
        let corrupt = [&coded[0][..], &[0xff; 20]].concat();
        assert_eq!(gunzip(&[&corrupt]), (b"head".to_vec(), false));
        let mut other_sum = coded.concat();
        let at = other_sum.len() - 8;
        other_sum[at] ^= 1;
        other_sum.push(0);
        assert_eq!(gunzip(&[&other_sum]), (b"headbody".to_vec(), false));
    }

    #[test]
    fn a_transfer_coding_is_not_taken_for_the_content() {
        for (transfer, content, expect, gzip) in [
            (&["chunked"][..], None, None, false),
            (&["identity"], Some("br"), Some("br"), false),
            (&["gzip, chunked"], None, Some("gzip"), true),
            (&["gzip", "Chunked"], None, Some("gzip"), true),
            (&["deflate,chunked"], None, Some("deflate"), false),
            (&["gzip, chunked"], Some("gzip"), Some("gzip, gzip"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("7"));
            for value in transfer {
                headers.append(header::TRANSFER_ENCODING, HeaderValue::from_static(value));
            }
            content
                .map(|content| headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(content)));
            take_for_content(&mut headers);
            let found = headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes);
            assert_eq!(found, expect.map(str::as_bytes), "{transfer:?}");
            assert_eq!(is_gzip(&headers), gzip, "{transfer:?}");
            assert!(headers.len() <= 1, "neither a transfer coding nor a length is left");
        }
    }
}
