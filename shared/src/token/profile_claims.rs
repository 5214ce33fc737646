//! The claims of a profile cookie: what of a profile travels, and what of a stranger's claims is believed.

use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::claims::{Audience, CLOCK_SKEW_S, ClaimsError, NumericDate, Registered};
use super::json::{self, Text};
use super::profile_cookie::{CookieError, ProfileCookie};
use crate::profile::{
    MAX_BUCKETS, MAX_INTERESTS, MAX_NAME_BYTES, MAX_SHOWN, MAX_TRAITS, Named, Profile, Shown, VisitorId,
    is_entry_name,
};
use crate::time::UnixTime;

#[derive(Deserialize)]
struct ReadClaims<'a> {
    #[serde(borrow)]
    sub: Option<Text<'a>>,
    #[serde(borrow)]
    aud: Option<Audience<'a>>,
    exp: Option<NumericDate>,
    iat: Option<NumericDate>,
    nbf: Option<NumericDate>,
    v: Option<NumericDate>,
    fs: Option<NumericDate>,
    ls: Option<NumericDate>,
    #[serde(rename = "in", default, deserialize_with = "interests")]
    interests: Named<f64>,
    #[serde(rename = "tr", default, deserialize_with = "traits")]
    traits: Named<Value>,
    #[serde(rename = "bk", default, deserialize_with = "buckets")]
    buckets: Named<String>,
    #[serde(rename = "sh", default, deserialize_with = "shown")]
    shown: Named<Shown>,
}

#[derive(Serialize)]
pub(super) struct WrittenClaims<'a> {
    sub: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
    v: u32,
    fs: u64,
    ls: u64,
    #[serde(rename = "in", skip_serializing_if = "Vec::is_empty", serialize_with = "as_map")]
    interests: Vec<(&'a str, f64)>,
    #[serde(rename = "tr", skip_serializing_if = "Vec::is_empty", serialize_with = "as_map")]
    traits: Vec<(&'a str, &'a Value)>,
    #[serde(rename = "bk", skip_serializing_if = "Vec::is_empty", serialize_with = "as_map")]
    buckets: Vec<(&'a str, &'a str)>,
    #[serde(rename = "sh", skip_serializing_if = "Vec::is_empty", serialize_with = "as_map")]
    shown: Vec<(&'a str, (u32, u64))>,
}

/// Entries that are sorted, as an object.
fn as_map<T: Serialize, S: Serializer>(entries: &[(&str, T)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(entries.iter().map(|(name, value)| (name, value)))
}

/// The profile in the payload of a cookie whose signature holds, if its claims hold for `audience` now.
pub(super) fn read(payload: &str, audience: &str, now: UnixTime) -> Result<Profile, CookieError> {
    let claims: ReadClaims<'_> = json::object(payload).ok_or(ClaimsError::Malformed)?;
    let ReadClaims { sub, aud, exp, iat, nbf, v, fs, ls, interests, traits, buckets, shown } = claims;
    let expires = Registered { aud, exp, iat, nbf }.check(audience, now)?;
    let seconds = expires.seconds_since(now);
    if seconds > ProfileCookie::MAX_LIFETIME_S + CLOCK_SKEW_S {
        return Err(ClaimsError::Lifetime { seconds, limit_s: ProfileCookie::MAX_LIFETIME_S }.into());
    }
    let id = VisitorId::parse(sub.ok_or(CookieError::NoVisitor)?.as_str())?;
    let past = |date: Option<NumericDate>| date.map(|NumericDate(at)| at.min(now));
    Ok(Profile {
        id,
        visits: v.map_or(0, |NumericDate(UnixTime(count))| u32::try_from(count).unwrap_or(u32::MAX)),
        first_seen: past(fs).or(past(iat)).unwrap_or(now),
        last_seen: past(ls).unwrap_or_default(),
        interests,
        traits,
        buckets,
        shown,
    })
}

/// The claims that say `profile` for 400 days from `now`, without what [`read`] would ignore.
pub(super) fn written<'a>(profile: &'a Profile, audience: &'a str, now: UnixTime) -> WrittenClaims<'a> {
    let interests = profile.interests.iter().filter(|(name, value)| is_interest(name, **value));
    let interests = interests.map(|(name, value)| (name.as_str(), four_decimals(*value)));
    let traits = profile.traits.iter().filter(|(name, _)| is_entry_name(name));
    let buckets = profile.buckets.iter().filter(|(name, key)| is_bucket_name(name) && is_entry_name(key));
    let shown = profile.shown.iter().filter(|(rule, _)| is_entry_name(rule));
    WrittenClaims {
        sub: profile.id.as_str(),
        aud: audience,
        iat: now.0,
        exp: now.plus_seconds(ProfileCookie::MAX_LIFETIME_S).0,
        v: profile.visits,
        fs: profile.first_seen.0,
        ls: profile.last_seen.0,
        interests: interests.take(MAX_INTERESTS).collect(),
        traits: traits.take(MAX_TRAITS).map(|(name, value)| (name.as_str(), value)).collect(),
        buckets: buckets.take(MAX_BUCKETS).map(|(name, key)| (name.as_str(), key.as_str())).collect(),
        shown: shown
            .take(MAX_SHOWN)
            .map(|(rule, shown)| (rule.as_str(), (shown.times, shown.since.0)))
            .collect(),
    }
}

fn is_interest(name: &str, value: f64) -> bool {
    is_entry_name(name) && (0.0..=1.0).contains(&value)
}

/// Short in the cookie, and few enough digits that reading and writing again gives the same number.
fn four_decimals(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

fn interests<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Named<f64>, D::Error> {
    let accept = |name: &str, value: &Value| value.as_f64().is_some_and(|value| is_interest(name, value));
    let entries = deserializer.deserialize_any(Entries { most: MAX_INTERESTS, accept: &accept })?;
    Ok(each(entries, |value| value.as_f64()))
}

fn traits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Named<Value>, D::Error> {
    let accept = |name: &str, _: &Value| is_entry_name(name);
    let entries = deserializer.deserialize_any(Entries { most: MAX_TRAITS, accept: &accept })?;
    Ok(each(entries, Some))
}

fn buckets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Named<String>, D::Error> {
    let accept =
        |name: &str, value: &Value| is_bucket_name(name) && value.as_str().is_some_and(is_entry_name);
    let entries = deserializer.deserialize_any(Entries { most: MAX_BUCKETS, accept: &accept })?;
    Ok(each(entries, |value| value.as_str().map(str::to_owned)))
}

/// An entry is how often, and since when.
fn shown<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Named<Shown>, D::Error> {
    let accept = |name: &str, value: &Value| is_entry_name(name) && showings(value).is_some();
    let entries = deserializer.deserialize_any(Entries { most: MAX_SHOWN, accept: &accept })?;
    Ok(each(entries, |value| showings(&value)))
}

fn showings(value: &Value) -> Option<Shown> {
    let [times, since] = value.as_array()?.as_slice() else { return None };
    Some(Shown { times: times.as_u64()?.try_into().ok()?, since: UnixTime(since.as_u64()?) })
}

/// The key of an experiment, a digest and a version.
fn is_bucket_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES + 16).contains(&name.len())
}

/// Reads the entries that are acceptable, up to `most`, and passes over the others: one bad entry shall not cost us
/// the visitor. A name that is accepted twice is refused all the same, since it has no one meaning.
struct Entries<'f> {
    most: usize,
    accept: &'f dyn Fn(&str, &Value) -> bool,
}

/// The entries, each as what it stands for.
fn each<T>(entries: Vec<(String, Value)>, meaning: impl Fn(Value) -> Option<T>) -> Named<T> {
    entries.into_iter().filter_map(|(name, value)| Some((name, meaning(value)?))).collect()
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(name) = access.next_key::<String>()? {
            if entries.len() == self.most {
                access.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = access.next_value()?;
            if !(self.accept)(&name, &value) {
                continue;
            }
            if entries.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom("a name stands twice"));
            }
            entries.push((name, value));
        }
        Ok(entries)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    /// PHP writes an empty map as `[]`.
    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        match access.next_element::<IgnoredAny>()? {
            None => Ok(Vec::new()),
            Some(_) => Err(A::Error::custom("an array with elements")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Change;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn with(more: &str) -> Result<Profile, CookieError> {
        read(&format!(r#"{{"sub":"ann","aud":"acme","exp":1800000100,{more}}}"#), "acme", NOW)
    }

    #[test]
    fn a_lifetime_of_400_days_is_allowed_and_a_minute_for_the_clocks() {
        for (seconds, allowed) in [(34_560_000, true), (34_560_060, true), (34_560_061, false)] {
            let claims = format!(r#"{{"sub":"a","aud":["x","acme"],"exp":{}}}"#, NOW.0 + seconds);
            assert_eq!(read(&claims, "acme", NOW).is_ok(), allowed, "{seconds}");
        }
    }

    #[test]
    fn a_minted_profile_without_history_begins_its_first_visit_on_arrival() {
        let mut profile = with(r#""iat":1799999000.5,"unknown":{"a":[1]},"unknown":2"#).unwrap();
        let seen = |profile: &Profile| (profile.visits, profile.first_seen.0, profile.last_seen.0);
        assert_eq!(seen(&profile), (0, 1_799_999_000, 0));
        assert_eq!(profile.arrive(NOW), Change::NewVisit);
        assert_eq!(seen(&profile), (1, 1_799_999_000, NOW.0));
        let future = with(r#""v":1e20,"fs":1.9e9,"ls":1.9e9"#).unwrap();
        assert_eq!(seen(&future), (u32::MAX, NOW.0, NOW.0));
    }

    #[test]
    fn a_bad_entry_is_ignored_and_the_visitor_is_kept() {
        let name = "n".repeat(65);
        let interests = format!(
            r#""in":{{"ok":0.5,"zero":0,"one":1,"low":-0.1,"high":1.1,"text":"0.5","none":null,"":0.5,"{name}":0.5}}"#
        );
        let kept: Vec<_> = with(&interests).unwrap().interests.into_iter().collect();
        assert_eq!(kept, [("ok".into(), 0.5), ("one".into(), 1.0), ("zero".into(), 0.0)]);

        let traits = format!(r#""tr":{{"plan":"pro","tags":["a"],"gone":null,"":1,"{name}":1}}"#);
        let kept = with(&traits).unwrap().traits;
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["gone", "plan", "tags"]);

        let many: Vec<_> = (0..40).map(|n| format!(r#""n{n:02}":1"#)).collect();
        let both = with(&format!(r#""in":{{{0}}},"tr":{{{0}}}"#, many.join(","))).unwrap();
        assert_eq!(both.interests.keys().next_back().map(String::as_str), Some("n31"));
        assert_eq!((both.interests.len(), both.traits.len()), (32, 32));

        for none in [r#""in":[],"tr":[]"#, r#""in":null,"tr":null,"v":null"#] {
            assert_eq!(with(none).map(|profile| profile.interests.len() + profile.traits.len()), Ok(0));
        }
        for bad in [r#""in":[1]"#, r#""in":"x""#, r#""tr":7"#, r#""in":{"a":1,"a":0}"#, r#""v":"3""#] {
            assert_eq!(with(bad), Err(ClaimsError::Malformed.into()), "{bad}");
        }
    }

    #[test]
    fn what_reading_would_ignore_is_not_written() {
        let mut profile = Profile::new([1; 16], NOW);
        let entries = [("high", 1.5), ("nan", f64::NAN), ("", 0.5), ("fine", 0.123_456)];
        profile.interests.extend(entries.map(|(name, value)| (name.to_owned(), value)));
        profile.traits.extend((0..40).map(|n| (format!("{n:02}"), Value::from(n))));
        let claims = serde_json::to_string(&written(&profile, "acme", NOW)).unwrap();
        let again = read(&claims, "acme", NOW).unwrap();
        assert_eq!(again.interests.into_iter().collect::<Vec<_>>(), [("fine".to_owned(), 0.1235)]);
        assert_eq!(again.traits.len(), MAX_TRAITS);
    }
}
