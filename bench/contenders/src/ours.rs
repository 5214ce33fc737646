//! Hemstitch at work.

use std::sync::Arc;

use bench_job::{NOW, block, esi_fragment};
use bytes::Bytes;
use ed25519_dalek::SigningKey;
use hemstitch::http::ResponseHead;
use hemstitch::keeper::Keeper;
use hemstitch::kill_switch::KillSwitch;
use hemstitch::pack::{Choice, Evaluation, Pack, PackHash};
use hemstitch::page::{CompileOptions, PageCompiler};
use hemstitch::pointer::{Pointer, PointerKeys};
use hemstitch::session::{Fragment, PageSession, Step};
use hemstitch::visit::{Cached, Visit};

use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::run::Bench;
use crate::scene::Scene;

/// How often a short task is done in a round.
const SHORT: u32 = 32;
/// The same for one that takes longer.
const SOME: u32 = 8;

fn open(pack: &Bytes) -> Arc<Pack> {
    Arc::new(Pack::open(pack.to_vec()).expect("a pack that was just compiled"))
}

fn session(visit: &Visit, object: Bytes) -> Box<PageSession> {
    match visit.from_cache(object) {
        Cached::Page { session, .. } => session,
        _ => panic!("a page was stored"),
    }
}

fn finish(session: &mut PageSession, out: &mut Vec<u8>) {
    let step = session.advance(out);
    assert_eq!(step, Step::Done, "a page with nothing to fetch is sent at once");
}

pub fn stitch<'i>(object: &'i Bytes, pack: &Bytes) -> Bench<'i> {
    let (scene, pack, mut out) = (Scene::default(), open(pack), Vec::new());
    Box::new(move |watch| {
        let mut sessions: Vec<_> = (0..SHORT).map(|_| session(&scene.visit(&pack), object.clone())).collect();
        watch.time(|| {
            for session in &mut sessions {
                out.clear();
                finish(session, &mut out);
                std::hint::black_box(&out);
            }
        });
        SHORT
    })
}

pub fn hit<'i>(object: &'i Bytes, pack: &Bytes) -> Bench<'i> {
    let (scene, pack, mut out) = (Scene::default(), open(pack), Vec::new());
    Box::new(move |watch| {
        watch.time(|| {
            for _ in 0..SOME {
                out.clear();
                let mut session = session(&scene.visit(&pack), object.clone());
                finish(&mut session, &mut out);
            }
        });
        SOME
    })
}

pub fn run_esi(object: &Bytes, sent: usize) -> Bench<'_> {
    let (scene, mut out) = (Scene::default(), Vec::new());
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("text/html"))]);
    let head = ResponseHead { status: StatusCode::OK, headers };
    let visit = scene.visit_without_rules();
    Box::new(move |watch| {
        watch.time(|| {
            for _ in 0..SOME {
                out.clear();
                let mut session = session(&visit, object.clone());
                while let Step::Fetch(request) = session.advance(&mut out) {
                    let content = block(esi_fragment(request.target.path_and_query())).into_bytes();
                    session.fragment(request.id, Fragment::from_response(&head, content));
                }
            }
        });
        assert_eq!(out.len(), sent, "it sends what the page asks for");
        SOME
    })
}

pub fn compile(page: &Bytes) -> Bench<'_> {
    let options =
        CompileOptions { charset: Some("utf-8".to_owned()), esi: true, ..CompileOptions::default() };
    Box::new(move |watch| {
        let (page, options) = (page.to_vec(), options.clone());
        watch.time(|| PageCompiler::compile(page, options));
        1
    })
}

/// Everything that deciding is, from the facts on; each slot has to show a block.
fn decide_all(pack: &Pack, visit: &Visit, names: &[String]) {
    let mut evaluation = Evaluation::new(pack, visit.facts(), &KillSwitch::On);
    for name in names {
        let slot = pack.slot(name).expect("the slot is in the ruleset");
        let choice = evaluation.decide(slot).choice;
        assert!(matches!(choice, Choice::Block(_)), "the last rule of {name} matches");
    }
}

fn names(slots: usize) -> Vec<String> {
    (0..slots).map(|slot| format!("b-{slot}")).collect()
}

pub fn decide<'i>(pack: &Bytes, slots: usize) -> Bench<'i> {
    let (scene, pack, names) = (Scene::default(), open(pack), names(slots));
    let visit = scene.visit(&pack);
    Box::new(move |watch| {
        watch.time(|| (0..SHORT).for_each(|_| decide_all(&pack, &visit, &names)));
        SHORT
    })
}

pub fn load(pack: &Bytes, slots: usize) -> Bench<'_> {
    let (scene, names) = (Scene::default(), names(slots));
    let visit = scene.visit(&open(pack));
    Box::new(move |watch| {
        let bytes = pack.to_vec();
        watch.time(|| {
            let pack = Pack::open(bytes).expect("a pack that was just compiled");
            decide_all(&pack, &visit, &names);
            pack
        });
        1
    })
}

/// The pointer was looked up just now, so that nothing is wanted, as nearly always.
pub fn keep<'i>(pack: &Bytes) -> Bench<'i> {
    let (key, hash) = (SigningKey::from_bytes(&[7; 32]), PackHash::of(pack));
    let public = PointerKeys::encode(&key);
    let keys = PointerKeys::new([("p1", public.as_str())]).expect("a key that was just written");
    let pointer = Pointer::new("bench".to_owned(), 1, hash, None).sign(&key, "p1");
    let mut keeper = Keeper::new("bench".to_owned(), keys);
    keeper.pointer_arrived(Some(&pointer), 0, NOW).expect("a pointer that was just signed");
    keeper.pack_arrived(&hash, Some(pack.to_vec()), 0, NOW).expect("the pack that it names");
    Box::new(move |watch| {
        watch.time(|| {
            for _ in 0..SHORT {
                keeper.tick(std::hint::black_box(NOW));
                std::hint::black_box(keeper.current());
                std::hint::black_box(keeper.wants(std::hint::black_box(1)));
            }
        });
        SHORT
    })
}

pub fn verify(pack: &Bytes) -> Bench<'_> {
    let key = SigningKey::from_bytes(&[7; 32]);
    let public = PointerKeys::encode(&key);
    let keys = PointerKeys::new([("p1", public.as_str())]).expect("a key that was just written");
    let pointer = Pointer::new("bench".to_owned(), 1, PackHash::of(pack), None).sign(&key, "p1");
    Box::new(move |watch| {
        watch.time(|| {
            let pointer = Pointer::verify(&pointer, &keys, "bench").expect("a pointer that was just signed");
            assert_eq!(*pointer.pack(), PackHash::of(pack));
        });
        1
    })
}
