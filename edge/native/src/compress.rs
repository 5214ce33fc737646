//! Compression of what is sent to a visitor, as they ask for it and as it streams.

use std::io::{self, Write};

use brotli::enc::BrotliEncoderParams;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, header};

/// Moderate, since a page that is one visitor's is coded for each of them anew.
const BROTLI_QUALITY: i32 = 5;
/// 256 KB: most pages are smaller, and every stream takes a few times this much memory.
const BROTLI_WINDOW_BITS: i32 = 18;
const GZIP_LEVEL: u32 = 6;

/// How an answer is coded (RFC 9110, section 8.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    Identity,
    /// By gzip.
    Gzip,
    /// By brotli.
    Brotli,
}

impl Coding {
    /// The best coding that a visitor accepts (RFC 9110, section 12.5.3). Without the header it is identity.
    pub fn negotiate(headers: &HeaderMap) -> Coding {
        let quality = |name| accepts(headers, name);
        let best = [("br", Coding::Brotli), ("gzip", Coding::Gzip)]
            .map(|(name, coding)| (quality(name), coding))
            .into_iter()
            .filter(|(quality, _)| *quality > 0)
            .reduce(|best, next| if next.0 > best.0 { next } else { best });
        match best {
            Some((quality, coding)) if quality >= accepts(headers, "identity") => coding,
            _ => Coding::Identity,
        }
    }

    /// Says in the head of a page how it is coded; identity for one that must not be transformed or is coded already.
    pub fn announce(self, headers: &mut HeaderMap) -> Coding {
        let fixed = items(headers, header::CACHE_CONTROL.as_str()).any(|item| item == "no-transform");
        if fixed || headers.contains_key(header::CONTENT_ENCODING) {
            return Coding::Identity;
        }
        vary_by_encoding(headers);
        let name = match self {
            Coding::Identity => return self,
            Coding::Gzip => "gzip",
            Coding::Brotli => "br",
        };
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        headers.remove(header::CONTENT_LENGTH);
        weaken(headers);
        self
    }
}

/// Whether a visitor takes gzip as it is.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    accepts(headers, "gzip") > 0
}

/// Adds `Vary: Accept-Encoding` where it is missing.
pub fn vary_by_encoding(headers: &mut HeaderMap) {
    let told = items(headers, header::VARY.as_str()).any(|name| name == "*" || name == "accept-encoding");
    if !told {
        headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
}

/// Makes the entity tag a weak one: the bytes are no longer those that the origin named by it.
pub fn weaken(headers: &mut HeaderMap) {
    let strong = headers.get(header::ETAG).filter(|tag| tag.as_bytes().starts_with(b"\""));
    let weak = strong.and_then(|tag| HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat()).ok());
    if let Some(weak) = weak {
        headers.insert(header::ETAG, weak);
    }
}

/// How much a visitor wants a coding, in thousandths; 0 is not at all.
fn accepts(headers: &HeaderMap, coding: &str) -> u32 {
    let mut any = None;
    for item in items(headers, header::ACCEPT_ENCODING.as_str()) {
        let (name, parameters) = item.split_once(';').unwrap_or((&item, ""));
        let quality = thousandths(parameters);
        match name.trim() {
            name if name == coding || name == "x-gzip" && coding == "gzip" => return quality,
            "*" => any = Some(quality),
            _ => {}
        }
    }
    // Identity is always acceptable, but only wished for where it is named.
    if coding == "identity" { 0 } else { any.unwrap_or(0) }
}

fn thousandths(parameters: &str) -> u32 {
    let quality = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("q="));
    let Some(quality) = quality else { return 1000 };
    let weight: f32 = quality.trim().parse().unwrap_or(0.0);
    (weight.clamp(0.0, 1.0) * 1000.0).round() as u32
}

/// All items of a list header, in lower case.
fn items<'h>(headers: &'h HeaderMap, name: &'h str) -> impl Iterator<Item = String> + 'h {
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(|item| item.trim().to_ascii_lowercase())
}

/// Codes a body piece by piece.
pub enum Encoder {
    /// As it is.
    Identity,
    /// By gzip.
    Gzip(Box<GzEncoder<Vec<u8>>>),
    /// By brotli.
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
}

impl Encoder {
    /// An encoder for one body.
    pub fn new(coding: Coding) -> Encoder {
        match coding {
            Coding::Identity => Encoder::Identity,
            Coding::Gzip => Encoder::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL)))),
            Coding::Brotli => {
                let params = BrotliEncoderParams {
                    quality: BROTLI_QUALITY,
                    lgwin: BROTLI_WINDOW_BITS,
                    ..BrotliEncoderParams::default()
                };
                Encoder::Brotli(Box::new(brotli::CompressorWriter::with_params(Vec::new(), 0, &params)))
            }
        }
    }

    /// Codes the next piece, so that whoever receives it can decode all of it at once.
    pub fn piece(&mut self, bytes: Vec<u8>) -> io::Result<Bytes> {
        if bytes.is_empty() {
            return Ok(Bytes::new());
        }
        let coded = match self {
            Encoder::Identity => bytes,
            Encoder::Gzip(encoder) => {
                encoder.write_all(&bytes)?;
                encoder.flush()?;
                std::mem::take(encoder.get_mut())
            }
            Encoder::Brotli(encoder) => {
                encoder.write_all(&bytes)?;
                encoder.flush()?;
                std::mem::take(encoder.get_mut())
            }
        };
        Ok(coded.into())
    }

    /// Codes the last piece and ends the body. Further pieces would be lost.
    pub fn last(&mut self, bytes: Vec<u8>) -> io::Result<Bytes> {
        let coded = match std::mem::replace(self, Encoder::Identity) {
            Encoder::Identity => bytes,
            Encoder::Gzip(mut encoder) => {
                encoder.write_all(&bytes)?;
                encoder.finish()?
            }
            Encoder::Brotli(mut encoder) => {
                encoder.write_all(&bytes)?;
                encoder.into_inner()
            }
        };
        Ok(coded.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use http::HeaderName;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn the_coding_is_the_one_the_visitor_likes_best() {
        for (accepted, expect) in [
            ("", Coding::Identity),
            ("gzip", Coding::Gzip),
            ("X-GZIP", Coding::Gzip),
            ("gzip, deflate, br, zstd", Coding::Brotli),
            ("br;q=0.5, gzip", Coding::Gzip),
            ("br;q=0.5 , gzip; q=0.4", Coding::Brotli),
            ("br;q=0, gzip;q=0", Coding::Identity),
            ("*", Coding::Brotli),
            ("br;q=0, *;q=0.1", Coding::Gzip),
            ("*;q=0", Coding::Identity),
            ("gzip;q=0.5, identity", Coding::Identity),
            ("gzip;q=1.0, identity;q=0.5", Coding::Gzip),
            ("gzip;q=high", Coding::Identity),
            ("zstd", Coding::Identity),
        ] {
            assert_eq!(Coding::negotiate(&headers(&[("accept-encoding", accepted)])), expect, "{accepted:?}");
        }
        assert_eq!(Coding::negotiate(&HeaderMap::new()), Coding::Identity);
    }

    #[test]
    fn a_coded_page_says_so_and_claims_nothing_of_the_plain_one() {
        let mut head = headers(&[("etag", "\"a\""), ("content-length", "9"), ("vary", "Cookie")]);
        assert_eq!(Coding::Gzip.announce(&mut head), Coding::Gzip);
        let expect = headers(&[
            ("etag", "W/\"a\""),
            ("vary", "Cookie"),
            ("vary", "Accept-Encoding"),
            ("content-encoding", "gzip"),
        ]);
        assert_eq!(head, expect);
    }

    #[test]
    fn a_page_varies_by_the_coding_even_where_it_has_none() {
        let mut head = headers(&[("content-length", "9")]);
        assert_eq!(Coding::Identity.announce(&mut head), Coding::Identity);
        assert_eq!(head, headers(&[("content-length", "9"), ("vary", "Accept-Encoding")]));
        assert_eq!(Coding::Identity.announce(&mut head), Coding::Identity);
        assert_eq!(head.get_all("vary").iter().count(), 1);
    }

    #[test]
    fn what_must_not_be_transformed_is_left_alone() {
        for fixed in [("cache-control", "max-age=5, No-Transform"), ("content-encoding", "zstd")] {
            let mut head = headers(&[fixed]);
            assert_eq!(Coding::Brotli.announce(&mut head), Coding::Identity);
            assert_eq!(head, headers(&[fixed]));
        }
    }

    fn decoded(coding: Coding, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        // A body that has not ended yet is an error behind what can be read of it.
        let _ = match coding {
            Coding::Identity => (&mut &*bytes).read_to_end(&mut out),
            Coding::Gzip => flate2::read::GzDecoder::new(bytes).read_to_end(&mut out),
            Coding::Brotli => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut out),
        };
        out
    }

    #[test]
    fn every_piece_can_be_read_when_it_arrives() {
        for coding in [Coding::Identity, Coding::Gzip, Coding::Brotli] {
            let mut encoder = Encoder::new(coding);
            let mut sent = encoder.piece(b"<h1>head</h1>".to_vec()).expect("coded").to_vec();
            assert_eq!(decoded(coding, &sent), b"<h1>head</h1>", "{coding:?}");
            assert!(encoder.piece(Vec::new()).expect("coded").is_empty());
            sent.extend(encoder.piece(b"<p>more".to_vec()).expect("coded"));
            assert_eq!(decoded(coding, &sent), b"<h1>head</h1><p>more", "{coding:?}");
            sent.extend(encoder.last(b"</p>".to_vec()).expect("coded"));
            assert_eq!(decoded(coding, &sent), b"<h1>head</h1><p>more</p>", "{coding:?}");
        }
    }
}
