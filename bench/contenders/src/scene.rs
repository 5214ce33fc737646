//! One site and one visitor, as a driver of the core has them at hand when a request arrives.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bench_job::NOW;
use hemstitch::facts::Place;
use hemstitch::http::RequestHead;
use hemstitch::kill_switch::KillSwitch;
use hemstitch::pack::Pack;
use hemstitch::profile::Profile;
use hemstitch::site::Site;
use hemstitch::time::UnixTime;
use hemstitch::token::{Keyring, ProfileCookie};
use hemstitch::visit::{KeyPurpose, Keys, Visit};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// Longer ago than a visit lasts, so that the profile learns of a new one and is signed again.
const LAST_SEEN: UnixTime = UnixTime(NOW.0 - 86_400);
const SITE: &str = r#"{"site":"bench","hosts":["www.bench.test"],"scheme":"http","origin":"origin"}"#;
/// What a browser sends.
const HEADERS: [(&str, &str); 11] = [
    ("host", "www.bench.test"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("accept-language", "de-AT,de;q=0.8,en-US;q=0.5,en;q=0.3"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("referer", "http://www.bench.test/pricing"),
    ("upgrade-insecure-requests", "1"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-site", "same-origin"),
    ("priority", "u=0, i"),
];

/// What every request of the visitor has in common.
pub struct Scene {
    site: Arc<Site>,
    keys: Keys,
    request: RequestHead,
    place: Place,
}

impl Default for Scene {
    fn default() -> Scene {
        let secret = URL_SAFE_NO_PAD.encode([7; 32]);
        let keyring = format!(r#"{{"keys":[{{"kid":"2026-11","secret":"{secret}"}}]}}"#);
        let profile = Keyring::parse(keyring.as_bytes()).expect("a keyring that was just written");
        let mut headers: HeaderMap = HEADERS
            .iter()
            .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        headers.insert(http::header::COOKIE, cookie(&profile));
        Scene {
            site: Arc::new(Site::parse(SITE.as_bytes()).expect("a configuration of ours")),
            keys: Keys::gather(|purpose| (purpose == KeyPurpose::Profile).then(|| profile.clone()))
                .expect("the ring of the profile cookie"),
            request: RequestHead {
                method: Method::GET,
                host: "www.bench.test".to_owned(),
                path_and_query: "/".to_owned(),
                headers: headers.into(),
            },
            place: Place {
                country: "AT".to_owned(),
                region: "9".to_owned(),
                city: "Vienna".to_owned(),
                continent: "EU".to_owned(),
                utc_offset_s: Some(3_600),
            },
        }
    }
}

impl Scene {
    /// The visitor arrives where there are no rules.
    pub fn visit_without_rules(&self) -> Visit {
        let (site, request) = (Arc::clone(&self.site), self.request.clone());
        let mut visit =
            Visit::arrive(site, Some(&self.keys), request, self.place.clone(), NOW, || Some([9; 16]));
        visit.equip(None, KillSwitch::On);
        visit
    }

    /// The visitor arrives and is given the rules.
    pub fn visit(&self, pack: &Arc<Pack>) -> Visit {
        let (site, request) = (Arc::clone(&self.site), self.request.clone());
        let mut visit =
            Visit::arrive(site, Some(&self.keys), request, self.place.clone(), NOW, || Some([9; 16]));
        visit.equip(Some(Arc::clone(pack)), KillSwitch::On);
        visit
    }
}

fn cookie(keyring: &Keyring) -> HeaderValue {
    let mut profile = Profile::new([3; 16], LAST_SEEN);
    profile.visits = 4;
    for (topic, weight) in [("finance", 0.7), ("travel", 0.25), ("housing", 0.4)] {
        profile.interests.insert(topic.to_owned(), weight);
    }
    profile.traits.insert("plan".to_owned(), "gold".into());
    profile.buckets.insert("headline__1".to_owned(), "variation-b".to_owned());
    let set =
        ProfileCookie::encode(&profile, keyring, "bench", LAST_SEEN).expect("a profile of a few claims");
    let pair = set.split(';').next().unwrap_or_default();
    HeaderValue::try_from(format!("consent=all; {pair}; theme=dark")).expect("a token is ASCII")
}
