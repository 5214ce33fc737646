//! The KV folder: pointers and packs, which edges can read from the origin.

use std::fs;
use std::net::SocketAddr;

use hemstitch::pointer::draft_key;
use hemstitch::record::PERMIT;
use hemstitch::time::UnixTime;
use hemstitch::token::{Keyring, PreviewToken};
use http::HeaderMap;

use crate::folder::Folder;

/// A KV folder, and who may read it. It holds what marketers published, unpublished dates included, but no secret.
#[derive(Debug)]
pub struct Kv {
    folder: Folder,
    readers: KvReaders,
}

/// Who may read a KV folder over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KvReaders {
    /// Programs of the same machine: connections from loopback that no proxy made for somebody else.
    Loopback,
    /// Everybody who reaches the origin.
    Everybody,
}

impl Kv {
    /// A KV in this folder.
    pub fn new(folder: Folder, readers: KvReaders) -> Kv {
        Kv { folder, readers }
    }

    /// Whether a request from `peer` may read. A peer that is not known is nobody.
    pub fn lets(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> bool {
        let forwarded =
            ["forwarded", "x-forwarded-for", "via"].iter().any(|name| headers.contains_key(*name));
        match self.readers {
            KvReaders::Everybody => true,
            KvReaders::Loopback => {
                peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback()) && !forwarded
            }
        }
    }

    /// Whether a key is that of a draft, which is for who shows a token for it and for nobody else.
    pub fn is_draft(key: &str) -> bool {
        key.split('/').any(|segment| segment == "draft")
    }

    /// The value under a key such as `acme/pointer`; `None` where there is none. Blocks on IO.
    pub fn value(&self, key: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.file(&format!("/{key}"))?.file).ok()
    }
}

/// Whether a request shows a preview token, in the header `hs-preview`, for the draft under this key.
pub fn permits_draft(
    headers: &HeaderMap,
    key: &str,
    ring: Option<&Keyring>,
    site: &str,
    now: UnixTime,
) -> bool {
    let token = headers.get(PERMIT).map(|token| token.as_bytes()).unwrap_or_default();
    let shows = ring.and_then(|ring| PreviewToken::decode(token, ring, site, now).ok());
    shows.is_some_and(|shows| key == draft_key(site, &shows.draft))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(readers: KvReaders, peer: Option<&str>, header: Option<&'static str>, expect: bool) {
        let root = tempfile::tempdir().unwrap();
        let kv = Kv::new(Folder::open(root.path()).unwrap(), readers);
        let mut headers = HeaderMap::new();
        if let Some(name) = header {
            headers.insert(name, "1.2.3.4".parse().unwrap());
        }
        let peer = peer.map(|peer| peer.parse().unwrap());
        assert_eq!(kv.lets(peer, &headers), expect, "{readers:?} {peer:?} {header:?}");
    }

    #[test]
    fn only_programs_of_this_machine_read_unless_everybody_may() {
        check(KvReaders::Loopback, Some("127.0.0.1:5"), None, true);
        check(KvReaders::Loopback, Some("[::1]:5"), None, true);
        check(KvReaders::Loopback, Some("[::ffff:127.0.0.1]:5"), None, true);
        check(KvReaders::Loopback, Some("10.0.0.1:5"), None, false);
        check(KvReaders::Loopback, None, None, false);
        check(KvReaders::Loopback, Some("127.0.0.1:5"), Some("x-forwarded-for"), false);
        check(KvReaders::Everybody, Some("10.0.0.1:5"), None, true);
    }

    #[test]
    fn a_draft_is_for_who_shows_a_token_for_it() {
        let secret = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE";
        let ring = format!(r#"{{"keys":[{{"kid":"a","secret":"{secret}"}}]}}"#);
        let ring = Keyring::parse(ring.as_bytes()).unwrap();
        let (now, draft) = (UnixTime(1_800_000_000), hemstitch::pack::PackHash::of(b"draft"));
        let (persona, variations, at) = (None, serde_json::Map::new(), None);
        let expires = now.plus_seconds(60);
        let token = PreviewToken { issued: now, expires, draft, persona, variations, at };
        let mut headers = HeaderMap::new();
        let key = draft_key("acme", &draft);
        let permits =
            |headers: &HeaderMap, key: &str, now| permits_draft(headers, key, Some(&ring), "acme", now);
        assert!(!permits(&headers, &key, now));
        headers.insert(PERMIT, token.encode(&ring, "acme").unwrap().parse().unwrap());
        assert!(permits(&headers, &key, now) && !permits(&headers, &key, expires));
        assert!(!permits_draft(&headers, &key, None, "acme", now));
        for other in
            ["acme/pointer", &draft_key("other", &draft), &format!("{key}/"), &format!("acme//{key}")]
        {
            assert!(!permits(&headers, other, now), "{other}");
        }
        assert!(Kv::is_draft(&key) && Kv::is_draft("acme//draft/x") && !Kv::is_draft("acme/pack/x"));
    }

    #[test]
    fn a_key_names_one_file_of_the_folder() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("acme")).unwrap();
        fs::write(root.path().join("acme/pointer"), "signed").unwrap();
        let kv = Kv::new(Folder::open(root.path()).unwrap(), KvReaders::Loopback);
        assert_eq!(kv.value("acme/pointer").as_deref(), Some(&b"signed"[..]));
        for key in ["acme", "acme/", "", "/acme/pointer", "../acme/pointer", "acme/none"] {
            assert_eq!(kv.value(key), None, "{key}");
        }
    }
}
