//! The HTTP clients against servers that follow what the providers document.

mod api;
mod origin;
mod settings;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::{Api, Provider};

use super::*;

const TOKEN: &str = "hush-hush-token";

/// A store of a provider, and how long it waited between attempts.
fn store(api: &Api, token: &str) -> (Store, Arc<Mutex<Vec<Duration>>>) {
    let waited = Arc::<Mutex<Vec<Duration>>>::default();
    let noted = Arc::clone(&waited);
    let pause: Pause = Box::new(move |pause| noted.lock().unwrap().push(pause));
    let token = Secret::new(token.to_owned());
    let store = match api.provider {
        Provider::Fastly => Store::Fastly(FastlyKv::new(&api.url(), "st/ore", &token, pause).unwrap()),
        Provider::Cloudflare => {
            let base = format!("{}/client/v4", api.url());
            Store::Cloudflare(CloudflareKv::new(&base, "acc", "name space", &token, pause).unwrap())
        }
    };
    (store, waited)
}

fn on_each(check: impl Fn(Api)) {
    for provider in [Provider::Fastly, Provider::Cloudflare] {
        check(Api::start(provider, TOKEN));
    }
}

#[test]
fn what_was_put_is_got_byte_for_byte() {
    on_each(|api| {
        let (store, _) = store(&api, TOKEN);
        let every_byte: Vec<u8> = (0..=255).collect();
        for (key, value) in
            [("acme/pointer", every_byte.as_slice()), ("acme/pack/0123", b""), ("ä b?c#d%2F", b"x")]
        {
            assert_eq!(store.get(key).unwrap(), None, "{key}");
            store.put(key, value).unwrap();
            assert_eq!(store.get(key).unwrap().as_deref(), Some(value), "{key}");
        }
        let large = vec![7; 3 << 20];
        store.put("acme/pack/large", &large).unwrap();
        assert_eq!(store.get("acme/pack/large").unwrap(), Some(large));
    });
}

#[test]
fn who_watches_is_told_how_much_of_a_value_has_gone_out() {
    on_each(|api| {
        let (mut store, _) = store(&api, TOKEN);
        let told = Arc::<Mutex<Vec<(usize, usize)>>>::default();
        let noted = Arc::clone(&told);
        store.watch(Arc::new(move |sent, of| noted.lock().unwrap().push((sent, of))));
        let large: Vec<u8> = (0..3 << 20).map(|index| index as u8).collect();
        store.put("acme/pack/large", &large).unwrap();
        assert_eq!(store.get("acme/pack/large").unwrap().as_deref(), Some(large.as_slice()));
        let told = told.lock().unwrap();
        assert!(told.len() > 3 && told.is_sorted() && told.iter().all(|(_, of)| *of == large.len()));
        assert_eq!(told.last(), Some(&(large.len(), large.len())));
        store.put("empty", b"").unwrap();
    });
}

#[test]
fn a_draft_is_forgotten_a_day_later() {
    on_each(|api| {
        let (store, _) = store(&api, TOKEN);
        store.put("acme/pack/1", b"one").unwrap();
        store.put_draft("acme/draft/1", b"one").unwrap();
        assert_eq!(store.get("acme/draft/1").unwrap().as_deref(), Some(&b"one"[..]));
        let lives: Vec<(String, u64)> = api.state().lives.clone().into_iter().collect();
        assert_eq!(lives, [("acme/draft/1".to_owned(), 25 * 60 * 60)]);
    });
}

#[test]
fn several_values_go_in_one_request() {
    on_each(|api| {
        let (store, _) = store(&api, TOKEN);
        let values =
            [("acme/pack/1".to_owned(), &b"one"[..]), ("acme/pack/2".to_owned(), &[0xff, 0, 0x0a][..])];
        store.put_all(&values).unwrap();
        assert_eq!(api.asked(), 1);
        for (key, value) in values {
            assert_eq!(store.get(&key).unwrap().as_deref(), Some(value));
        }
    });
}

#[test]
fn a_token_that_is_refused_is_not_repeated_in_what_is_said() {
    on_each(|api| {
        let (store, waited) = store(&api, "another-hush-token");
        for error in [
            store.put("a", b"b").unwrap_err(),
            store.get("a").unwrap_err(),
            store.put_all(&[("a".to_owned(), b"b"), ("c".to_owned(), b"d")]).unwrap_err(),
        ] {
            let said = format!("{error} {error:?}");
            assert!(said.contains("401") || said.contains("403"), "{said}");
            assert!(said.contains("redentials") || said.contains("Authentication"), "{said}");
            assert!(!said.contains("hush"), "{said}");
        }
        assert!(!format!("{store:?}").contains("hush"));
        assert!(waited.lock().unwrap().is_empty(), "to ask again would not help");
    });
}

#[test]
fn a_rate_limit_is_waited_for_as_long_as_the_server_says() {
    on_each(|api| {
        let (store, waited) = store(&api, TOKEN);
        api.fail(&[(429, "retry-after: 7"), (429, "retry-after: 3600")]);
        store.put("a", b"b").unwrap();
        assert_eq!(*waited.lock().unwrap(), [Duration::from_secs(7), Duration::from_secs(60)]);
        waited.lock().unwrap().clear();
        api.fail(&[(429, "fastly-ratelimit-reset: 1"), (429, "retry-after: Sun, 06 Nov 1994 08:49:37 GMT")]);
        assert_eq!(store.get("a").unwrap().as_deref(), Some(&b"b"[..]));
        assert_eq!(*waited.lock().unwrap(), [Duration::ZERO, Duration::ZERO]);
        api.fail(&[(429, "retry-after: 1"); 9]);
        assert!(matches!(store.put("a", b"b"), Err(StoreError::Remote(RemoteError::Limited { .. }))));
    });
}

#[test]
fn a_server_that_fails_for_a_moment_is_asked_again() {
    on_each(|api| {
        let (store, waited) = store(&api, TOKEN);
        // 0: the connection is closed without an answer.
        api.fail(&[(500, ""), (0, ""), (503, "")]);
        store.put("a", b"b").unwrap();
        let [half, one, two] = [500, 1_000, 2_000].map(Duration::from_millis);
        assert_eq!(*waited.lock().unwrap(), [half, one, two]);
        api.fail(&[(502, ""); 9]);
        let error = store.get("a").unwrap_err().to_string();
        assert!(error.contains("502"), "{error}");
        assert_eq!(api.asked(), 4 + 5);
    });
}

#[test]
fn a_value_that_is_too_large_is_not_sent() {
    on_each(|api| {
        let (store, _) = store(&api, TOKEN);
        let error = store.put("acme/pack/x", &vec![0; (25 << 20) + 1]).unwrap_err();
        assert!(matches!(error, StoreError::TooLarge { limit, .. } if limit == 25 << 20));
        assert_eq!(api.asked(), 0);
    });
}

#[test]
fn a_refusal_says_what_the_server_says() {
    on_each(|api| {
        let (store, _) = store(&api, TOKEN);
        api.fail(&[(400, "")]);
        let error = store.put("a", b"b").unwrap_err().to_string();
        assert!(error.contains("400 Bad Request: ") && error.contains("the test says so"), "{error}");
        api.fail(&[(302, "location: http://elsewhere.test/")]);
        assert!(store.put("a", b"b").unwrap_err().to_string().contains("302"), "no redirect is followed");
    });
}

#[test]
fn a_namespace_that_is_not_there_is_not_taken_for_an_empty_one() {
    let api = Api::start(Provider::Cloudflare, TOKEN);
    let pause: Pause = Box::new(|_| {});
    let base = format!("{}/client/v4", api.url());
    let token = Secret::new(TOKEN.to_owned());
    let store = Store::Cloudflare(CloudflareKv::new(&base, "acc", "none", &token, pause).unwrap());
    assert!(store.get("a").unwrap_err().to_string().contains("namespace not found"));
}

#[test]
fn a_directory_can_be_listed_for_viceroy() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("stores/kv.json");
    let store = Store::Directory(Directory::new(folder.path().join("kv"), Some(list.clone())));
    store.put("acme/pack/1", b"one").unwrap();
    store.put("acme/pointer", b"two").unwrap();
    let listed: serde_json::Value = serde_json::from_slice(&std::fs::read(list).unwrap()).unwrap();
    for (key, value) in [("acme/pack/1", "one"), ("acme/pointer", "two")] {
        let file = listed[key]["file"].as_str().unwrap();
        assert_eq!(std::fs::read_to_string(file).unwrap(), value);
        assert_eq!(store.get(key).unwrap().as_deref(), Some(value.as_bytes()));
    }
}
