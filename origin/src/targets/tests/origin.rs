//! The record at an origin, over HTTP.

use std::net::SocketAddr;
use std::thread;

use hemstitch::pack::PackHash;
use hemstitch::pointer::{Pointer, draft_key};
use hemstitch::record::PERMIT;
use hemstitch::site::Site;
use hemstitch::token::{Capability, CapabilityToken, Claims, Keyring, PreviewToken};
use hemstitch::visit::Keys;
use hemstitch_native::KeyRings;
use serde_json::{Map, json};
use tempfile::TempDir;

use super::*;
use crate::keys::{SigningKeyFile, keyring_json};
use crate::record::{Offer, Offered, Record, Version};
use crate::visits::now;
use crate::{Folder, Origin, Rules, RulesetFile, Settings, Setup, serve};

fn ring(seed: u8) -> Keyring {
    Keyring::parse(keyring_json("k1", &[seed; 32]).as_bytes()).unwrap()
}

fn key() -> SigningKeyFile {
    SigningKeyFile::new("p1".to_owned(), &[7; 32])
}

/// An origin that records. Its thread ends with the process of the tests.
fn origin() -> (TempDir, SocketAddr) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "<p data-hs-slot=one>default</p>").unwrap();
    let record = Arc::new(Record::open(&folder.path().join("record.db")).unwrap());
    let written = json!({
        "site": "acme", "hosts": ["127.0.0.1"], "origin": "o", "pointer_keys": [key().public_json()],
    });
    let keys = Keys {
        profile: ring(1),
        facts: None,
        explain: None,
        preview: Some(ring(4)),
        operator: Some(ring(2)),
        edge: Some(ring(3)),
    };
    let setup = Setup {
        folder: Folder::open(folder.path()).unwrap(),
        settings: Settings::default(),
        site: Site::parse(written.to_string().as_bytes()).unwrap(),
        keys: KeyRings::fixed(Some(keys)),
        rules: Arc::new(Rules::of_record(Arc::clone(&record), "acme").unwrap()),
        kill: Default::default(),
        kv: None,
        record: Some(record),
    };
    let (told, address) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            told.send(listener.local_addr().unwrap()).unwrap();
            serve(listener, Arc::new(Origin::new(setup)), std::future::pending()).await.unwrap();
        });
    });
    (folder, address.recv().unwrap())
}

fn ledger(address: SocketAddr, seed: u8, name: &str) -> Ledger {
    let url = format!("http://{address}");
    Ledger::Origin(OriginRecord::with_key(&url, "acme", ring(seed), name, Box::new(|_| {})).unwrap())
}

fn ruleset(slot: &str) -> String {
    format!(r#"{{"slots": {{"{slot}": {{"rules": [{{"id": "r", "block": "nothing"}}]}}}}}}"#)
}

fn offer(sequence: u64, seen: Option<u64>, slot: &str) -> Offer {
    let hash = PackHash::of(&RulesetFile::of(ruleset(slot)).compile().unwrap());
    let pointer = Pointer::new("acme".to_owned(), sequence, hash, None).sign(key().key(), "p1");
    Offer { pointer, seen, message: format!("shows {slot}"), what: Offered::Ruleset(ruleset(slot)) }
}

#[test]
fn a_publication_is_recorded_with_the_name_and_the_address_of_who_sent_it() {
    let (_folder, address) = origin();
    let ann = ledger(address, 2, "ann");
    assert_eq!(ann.latest("acme").unwrap(), None);
    let added = ann.add("acme", offer(1, None, "one")).unwrap();
    assert_eq!((added.sequence, added.operator.as_str(), added.peer.as_str()), (1, "ann", "127.0.0.1"));
    assert_eq!(ann.version("acme", 1).unwrap(), Some((added.clone(), ruleset("one"))));
    assert_eq!(ann.version("acme", 2).unwrap(), None);
    assert_eq!(PackHash::of(&ann.pack("acme", &added.pack).unwrap().unwrap()), added.pack);
    // As when the answer was lost on the way, and the client asks again.
    assert_eq!(ann.add("acme", offer(1, None, "one")).unwrap(), added);
    let wrong = ann.add("acme", Offer { what: Offered::Ruleset("{".to_owned()), ..offer(2, Some(1), "two") });
    assert!(wrong.unwrap_err().to_string().contains("the ruleset has 1 error"));
}

#[test]
fn two_publishers_race_a_hundred_times_and_no_update_is_lost_unnoticed() {
    let (_folder, address) = origin();
    let mut won: Vec<Version> = Vec::new();
    for round in 0..100_u64 {
        let racers = ["ann", "bob"].map(|name| {
            let seen = won.last().map(|version| version.sequence);
            thread::spawn(move || ledger(address, 2, name).add("acme", offer(round + 1, seen, name)))
        });
        let outcomes = racers.map(|racer| racer.join().unwrap());
        let [first, second] = &outcomes;
        match (first, second) {
            (Ok(winner), Err(LedgerError::Overtaken { latest: Some(latest) }))
            | (Err(LedgerError::Overtaken { latest: Some(latest) }), Ok(winner)) => {
                assert_eq!(latest.as_ref(), winner, "the loser is told who won");
                won.push(winner.clone());
            }
            _ => panic!("round {round}: {outcomes:?}"),
        }
    }
    let mut recorded = ledger(address, 2, "cleo").versions("acme", u64::MAX, 1_000).unwrap();
    recorded.reverse();
    assert_eq!(recorded, won);
}

#[test]
fn only_operators_write_and_only_operators_and_edges_read() {
    let (_folder, address) = origin();
    ledger(address, 2, "ann").add("acme", offer(1, None, "one")).unwrap();
    for (who, seed) in [("another key", 9), ("the key of edges", 3), ("the key of cookies", 1)] {
        let stranger = ledger(address, seed, who);
        for refused in [
            stranger.latest("acme").unwrap_err(),
            stranger.add("acme", offer(2, Some(1), "two")).unwrap_err(),
            stranger.version("acme", 1).unwrap_err(),
        ] {
            assert!(refused.to_string().contains("401"), "{who}: {refused}");
        }
    }
    let get = |path: &str, token: Option<(Capability, u8)>| {
        let remote = Remote::new(&format!("http://{address}"), Box::new(|_| {})).unwrap();
        let mut headers = http::HeaderMap::new();
        if let Some((capability, seed)) = token {
            let claims =
                Claims { issued: now(), expires: now().plus_seconds(60), id: None, private: Map::new() };
            let token = CapabilityToken::encode(&claims, capability, &ring(seed), "acme").unwrap();
            headers.insert(http::header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        }
        remote.ask(&http::Method::GET, path, &headers, b"").unwrap().status.as_u16()
    };
    for (path, token, expect) in [
        ("/_hs/kv/acme/pointer", Some((Capability::Edge, 3)), 200),
        ("/_hs/kv/acme/pointer", None, 401),
        ("/_hs/kv/acme/pointer", Some((Capability::Edge, 2)), 401),
        ("/_hs/kv/acme/pointer", Some((Capability::Facts, 3)), 401),
        ("/_hs/kv/other/pointer", Some((Capability::Edge, 3)), 404),
        ("/_hs/publications", Some((Capability::Edge, 3)), 401),
        // Nobody in particular: the record wants to know who.
        ("/_hs/publications", Some((Capability::Operator, 2)), 401),
        ("/_hs/publications", None, 401),
    ] {
        assert_eq!(get(path, token), expect, "{path} {token:?}");
    }
}

#[test]
fn an_operator_keeps_a_draft_and_an_edge_reads_it_for_whoever_shows_its_token() {
    let (_folder, address) = origin();
    let pack = RulesetFile::of(ruleset("one")).compile().unwrap();
    let hash = PackHash::of(&pack);
    for (who, seed) in [("another key", 9), ("the key of edges", 3), ("the key of previews", 4)] {
        let refused = ledger(address, seed, who).put_draft("acme", &pack).unwrap_err();
        assert!(refused.to_string().contains("401"), "{who}: {refused}");
    }
    let ann = ledger(address, 2, "ann");
    let refused = ann.put_draft("acme", b"no pack").unwrap_err().to_string();
    assert!(refused.contains("422") && refused.contains("it is not the pack"), "{refused}");
    ann.put_draft("acme", &pack).unwrap();
    ann.put_draft("acme", &pack).unwrap();

    let permit = |draft: PackHash, seed: u8| {
        let (issued, expires) = (now(), now().plus_seconds(600));
        let token =
            PreviewToken { issued, expires, draft, persona: None, variations: Default::default(), at: None };
        token.encode(&ring(seed), "acme").unwrap()
    };
    let remote = Remote::new(&format!("http://{address}"), Box::new(|_| {})).unwrap();
    let get = |key: &str, edge: Option<u8>, permit: Option<&str>| {
        let mut headers = http::HeaderMap::new();
        if let Some(seed) = edge {
            let claims =
                Claims { issued: now(), expires: now().plus_seconds(60), id: None, private: Map::new() };
            let token = CapabilityToken::encode(&claims, Capability::Edge, &ring(seed), "acme").unwrap();
            headers.insert(http::header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        }
        headers.extend(permit.map(|permit| (PERMIT, permit.parse().unwrap())));
        let reply = remote.ask(&http::Method::GET, &format!("/_hs/kv/{key}"), &headers, b"").unwrap();
        (reply.status.as_u16(), reply.body)
    };
    let (key, its, of_another) = (draft_key("acme", &hash), permit(hash, 4), permit(PackHash::of(b"x"), 4));
    assert_eq!(get(&key, Some(3), Some(&its)), (200, pack));
    for (edge, shown) in [
        (Some(3), None),
        (None, Some(its.as_str())),
        (Some(9), Some(&its)),
        (Some(3), Some(&of_another)),
        (Some(3), Some(&permit(hash, 3))),
    ] {
        assert_eq!(get(&key, edge, shown).0, 404, "{edge:?} {shown:?}");
    }
    assert_eq!(get(&draft_key("acme", &PackHash::of(b"x")), Some(3), Some(&of_another)).0, 404);
}
