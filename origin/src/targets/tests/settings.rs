//! Kill switches at servers that do what Fastly and Cloudflare document of their settings' HTTP APIs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hemstitch::kill_switch::KillSwitch;
use serde_json::{Value, json};

use super::api::{Answer, Api, Asked, Provider, State, decoded, done, error};
use super::{Pause, Secret, TOKEN};
use crate::setting::{Setting, SettingError};
use crate::targets::{ConfigItem, RemoteError, WorkerError, WorkerVariable};

const KEY: &str = "personalization.acme";
const NAME: &str = "HEMSTITCH_PERSONALIZATION_ACME";

/// `GET|PUT /resources/stores/config/{store}/item/{key}`.
pub fn item(state: &mut State, key: &str, asked: &Asked) -> Answer {
    if asked.method == "PUT" {
        assert_eq!(asked.headers["content-type"], "application/x-www-form-urlencoded");
        let form = String::from_utf8(asked.body.clone()).unwrap();
        let fields: BTreeMap<&str, String> = form
            .split('&')
            .map(|field| field.split_once('=').unwrap())
            .map(|(k, v)| (k, decoded(v)))
            .collect();
        assert_eq!(fields["item_key"], key);
        let value = fields["item_value"].clone();
        if value.chars().count() > 8_000 {
            return error(Provider::Fastly, 400, 0, "item_value is too long");
        }
        state.items.insert(key.to_owned(), value);
    }
    match state.items.get(key) {
        Some(value) => {
            let item =
                json!({ "store_id": "con/fig", "item_key": key, "item_value": value, "created_at": "" });
            (200, item.to_string().into_bytes())
        }
        None => error(Provider::Fastly, 404, 0, "Resource Not Found"),
    }
}

/// `GET|PATCH /accounts/{account}/workers/scripts/{script}/settings`.
pub fn worker(state: &mut State, asked: &Asked) -> Answer {
    if asked.method == "PATCH" {
        let Some(settings) = part(asked, "settings") else {
            return error(Provider::Cloudflare, 400, 10_201, "Missing settings part in multipart upload.");
        };
        let settings: Value = serde_json::from_str(&settings).unwrap();
        let mut kept = Vec::new();
        for binding in settings["bindings"].as_array().unwrap() {
            match binding["type"].as_str().unwrap() {
                "inherit" => {
                    let held = state.bindings.iter().find(|held| held["name"] == binding["name"]);
                    kept.push(held.expect("what is inherited is there").clone());
                }
                _ => kept.push(binding.clone()),
            }
        }
        state.bindings = kept;
    }
    // Nobody is told a secret.
    let mut shown = state.bindings.clone();
    for binding in shown.iter_mut().filter(|binding| binding["type"] == "secret_text") {
        binding.as_object_mut().unwrap().remove("text");
    }
    done(json!({ "bindings": shown, "compatibility_date": "2026-11-01", "usage_model": "standard" }))
}

/// A part of a form of several parts (RFC 7578).
fn part(asked: &Asked, name: &str) -> Option<String> {
    let kind = asked.headers["content-type"].as_str();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=")?;
    let body = std::str::from_utf8(&asked.body).unwrap();
    let inner = body.strip_suffix(&format!("\r\n--{boundary}--\r\n")).expect("the form ends");
    inner.split(&format!("--{boundary}\r\n")).skip(1).find_map(|part| {
        let (head, value) = part.split_once("\r\n\r\n").expect("a head, and what it is of");
        let is_it = head.contains(&format!("Content-Disposition: form-data; name=\"{name}\""));
        is_it.then(|| value.to_owned())
    })
}

fn setting(api: &Api, token: &str) -> (Setting, Arc<Mutex<Vec<Duration>>>) {
    setting_of(api, token, "con/fig", "the-edge")
}

fn setting_of(api: &Api, token: &str, store: &str, script: &str) -> (Setting, Arc<Mutex<Vec<Duration>>>) {
    let waited = Arc::<Mutex<Vec<Duration>>>::default();
    let noted = Arc::clone(&waited);
    let pause: Pause = Box::new(move |pause| noted.lock().unwrap().push(pause));
    let token = Secret::new(token.to_owned());
    let setting = match api.provider {
        Provider::Fastly => {
            Setting::FastlyItem(ConfigItem::new(&api.url(), store, KEY.to_owned(), &token, pause).unwrap())
        }
        Provider::Cloudflare => {
            let base = format!("{}/client/v4", api.url());
            let variable = WorkerVariable::new(&base, "acc", script, NAME.to_owned(), &token, pause);
            Setting::WorkerVariable(variable.unwrap())
        }
    };
    (setting, waited)
}

/// What a Worker may be bound to besides.
fn bindings() -> Vec<Value> {
    vec![
        json!({ "type": "kv_namespace", "name": "HEMSTITCH_KV", "namespace_id": "abc" }),
        json!({ "type": "secret_text", "name": "ACME_KEYS", "text": "hush-hush" }),
        json!({ "type": "plain_text", "name": "HEMSTITCH_PERSONALIZATION", "text": "on" }),
    ]
}

fn on_each(check: impl Fn(Api)) {
    for provider in [Provider::Fastly, Provider::Cloudflare] {
        let api = Api::start(provider, TOKEN);
        api.state().bindings = bindings();
        check(api);
    }
}

#[test]
fn a_switch_is_turned_and_read_again_and_nothing_else_changes() {
    on_each(|api| {
        api.state().items.insert("host.acme.test".to_owned(), "{}".to_owned());
        let (setting, _) = setting(&api, TOKEN);
        assert_eq!(setting.read().unwrap(), KillSwitch::On, "one that is not there is on");
        for text in ["off", "off:experiment.prix & qualité=1,a+b", "on"] {
            let switch = KillSwitch::parse(text).unwrap();
            setting.write(&switch).unwrap();
            assert_eq!(setting.read().unwrap(), switch);
        }
        let state = api.state();
        assert_eq!(state.items["host.acme.test"], "{}");
        assert_eq!(state.bindings[..3], bindings(), "the secret stays too");
        match api.provider {
            Provider::Fastly => assert_eq!(state.items[KEY], "on"),
            Provider::Cloudflare => {
                assert_eq!(state.bindings[3], json!({ "type": "plain_text", "name": NAME, "text": "on" }));
            }
        }
    });
}

#[test]
fn what_nobody_understands_is_not_built_on() {
    on_each(|api| {
        api.state().items.insert(KEY.to_owned(), "offf".to_owned());
        api.state().bindings.push(json!({ "type": "plain_text", "name": NAME, "text": "offf" }));
        let (setting, _) = setting(&api, TOKEN);
        assert!(matches!(setting.read(), Err(SettingError::Unknown(text)) if text == "offf"));
        setting.write(&KillSwitch::Off).unwrap();
        assert_eq!(setting.read().unwrap(), KillSwitch::Off);
    });
}

#[test]
fn a_refusal_says_what_the_server_says_and_no_secret() {
    on_each(|api| {
        let (strange, waited) = setting(&api, "another-hush-token");
        for error in [strange.read().unwrap_err(), strange.write(&KillSwitch::Off).unwrap_err()] {
            let said = format!("{error} {error:?}");
            assert!(said.contains("401") || said.contains("403"), "{said}");
            assert!(said.contains("redentials") || said.contains("Authentication"), "{said}");
            assert!(!said.contains("hush"), "{said}");
        }
        assert!(waited.lock().unwrap().is_empty(), "to ask again would not help");
        assert!(!format!("{strange:?}").contains("hush"));
        let (nowhere, _) = setting_of(&api, TOKEN, "none", "none");
        let said = nowhere.write(&KillSwitch::Off).unwrap_err().to_string();
        assert!(said.contains("404 Not Found: "), "{said}");
    });
}

#[test]
fn a_rate_limit_and_a_moment_of_failure_are_waited_out() {
    on_each(|api| {
        let (setting, waited) = setting(&api, TOKEN);
        api.fail(&[(429, "retry-after: 7"), (500, ""), (0, "")]);
        setting.write(&KillSwitch::Off).unwrap();
        assert_eq!(setting.read().unwrap(), KillSwitch::Off);
        let [seven, one, two] = [7_000, 1_000, 2_000].map(Duration::from_millis);
        assert_eq!(*waited.lock().unwrap(), [seven, one, two]);
        api.fail(&[(429, "retry-after: 1"); 9]);
        let limited = match setting.read().unwrap_err() {
            SettingError::Remote(error) | SettingError::Worker(WorkerError::Remote(error)) => error,
            error => panic!("{error}"),
        };
        assert!(matches!(limited, RemoteError::Limited { .. }));
    });
}

#[test]
fn a_list_that_the_platform_does_not_take_is_not_sent() {
    let api = Api::start(Provider::Fastly, TOKEN);
    let (setting, _) = setting(&api, TOKEN);
    let long = KillSwitch::Without(vec!["a".repeat(8_000)]);
    assert!(matches!(setting.write(&long), Err(SettingError::TooLong(8_004))));
    assert_eq!(api.asked(), 0);
}

#[test]
fn a_secret_of_the_name_is_no_variable_and_an_unknown_form_is_not_written_over() {
    let api = Api::start(Provider::Cloudflare, TOKEN);
    api.state().bindings = vec![json!({ "type": "secret_text", "name": NAME, "text": "off" })];
    let (setting, _) = setting(&api, TOKEN);
    let said = setting.read().unwrap_err().to_string();
    assert!(said.contains("a binding of type secret_text"), "{said}");
    api.state().bindings = vec![json!({ "type": "assets" })];
    let unknown = setting.write(&KillSwitch::Off).unwrap_err();
    assert!(matches!(unknown, SettingError::Worker(WorkerError::Form)), "{unknown}");
    assert_eq!(api.state().bindings, [json!({ "type": "assets" })]);
}
