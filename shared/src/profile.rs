//! What is known of one visitor, apart from how it travels (see [`crate::token::ProfileCookie`]).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

pub use crate::esi::named::Named;
use crate::pack::Learned;
use crate::time::UnixTime;

/// A visitor who comes back after this many seconds or more begins a new visit (30 minutes).
pub const VISIT_GAP_S: u64 = 30 * 60;
/// Most interests that a profile cookie carries.
pub const MAX_INTERESTS: usize = 32;
/// Most traits that a profile cookie carries.
pub const MAX_TRAITS: usize = 32;
/// Most experiments whose variation a profile cookie keeps.
pub const MAX_BUCKETS: usize = 32;
/// Most rules whose showings a profile cookie counts.
pub const MAX_SHOWN: usize = 32;
/// Longest name of an interest or a trait, in bytes of UTF-8; the shortest is 1.
pub const MAX_NAME_BYTES: usize = 64;

/// Who a visitor is to us: an opaque name. Invariant: 1..=128 bytes, all ASCII graphic, since SDKs disagree on
/// how anything else is hashed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VisitorId(String);

impl VisitorId {
    /// Longest id, in bytes.
    pub const MAX_BYTES: usize = 128;

    /// The id that is spelled `text`. Errs when it is empty, too long, or not ASCII graphic throughout.
    pub fn parse(text: &str) -> Result<Self, VisitorIdError> {
        if text.is_empty() || text.len() > Self::MAX_BYTES {
            return Err(VisitorIdError::Length { bytes: text.len() });
        }
        match text.bytes().position(|byte| !byte.is_ascii_graphic()) {
            Some(at) => Err(VisitorIdError::Character { at }),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// An id of 128 bits, which must come from a cryptographic random source: 22 characters of base64url.
    #[must_use]
    pub fn from_entropy(entropy: [u8; 16]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(entropy))
    }

    /// The id as it stands in the cookie and in hashing.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VisitorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a visitor id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VisitorIdError {
    /// Empty, or longer than [`VisitorId::MAX_BYTES`].
    #[error("a visitor id has 1 to {} bytes, not {bytes}", VisitorId::MAX_BYTES)]
    Length {
        /// Length of the text.
        bytes: usize,
    },
    /// A space, a control character or anything outside ASCII.
    #[error("byte {at} of the visitor id is not ASCII graphic")]
    Character {
        /// Offset of the first such byte.
        at: usize,
    },
}

/// What is known of one visitor. It holds nothing that names a person, ever.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Who this is.
    pub id: VisitorId,
    /// Visits so far, the present one included; 0 before the first arrival of a profile that the origin minted.
    pub visits: u32,
    /// When the first visit began.
    pub first_seen: UnixTime,
    /// When the latest visit began.
    pub last_seen: UnixTime,
    /// Affinity to a topic, 0..=1. What lies outside, and what is beyond [`MAX_INTERESTS`], is not put in a cookie.
    pub interests: Named<f64>,
    /// Whatever else the origin knows, as plain JSON. What is beyond [`MAX_TRAITS`] is not put in a cookie.
    pub traits: Named<Value>,
    /// The key of the variation that a visitor keeps, by experiment and version of its buckets. What is beyond
    /// [`MAX_BUCKETS`] is not put in a cookie.
    pub buckets: Named<String>,
    /// How often rules have been shown that are capped, by their ids. What is beyond [`MAX_SHOWN`] is not put in a cookie.
    pub shown: Named<Shown>,
}

/// How often something was shown, and since when that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// How often.
    pub times: u32,
    /// When it was first shown of these times.
    pub since: UnixTime,
}

/// What an arrival did to a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a profile that changed has to be written to the cookie"]
pub enum Change {
    /// Nothing: the cookie that the visitor holds still says it all.
    Unchanged,
    /// A new visit began, and the cookie has to be written.
    NewVisit,
}

impl Profile {
    /// A visitor nobody has seen before, in their first visit. `entropy` as for [`VisitorId::from_entropy`].
    #[must_use]
    pub fn new(entropy: [u8; 16], now: UnixTime) -> Self {
        Self {
            id: VisitorId::from_entropy(entropy),
            visits: 1,
            first_seen: now,
            last_seen: now,
            interests: Named::default(),
            traits: Named::default(),
            buckets: Named::default(),
            shown: Named::default(),
        }
    }

    /// Takes note of what was decided. Of what is counted, the longest known goes where there is no room.
    pub fn learn(&mut self, learned: &Learned, now: UnixTime) {
        self.buckets.retain(|bucket| !learned.forgotten.iter().any(|gone| gone == bucket));
        self.buckets.extend(learned.buckets.iter().cloned());
        for showing in &learned.shown {
            let known = self.shown.get(&showing.rule).filter(|_| !showing.anew);
            let (times, since) = known.map_or((0, now), |known| (known.times, known.since));
            self.shown.insert(showing.rule.clone(), Shown { times: times.saturating_add(1), since });
        }
        while self.shown.len() > MAX_SHOWN {
            let oldest = self.shown.iter().min_by_key(|(_, shown)| shown.since).map(|(rule, _)| rule.clone());
            oldest.and_then(|rule| self.shown.remove(&rule));
        }
    }

    /// Takes note of a request. Within a visit nothing changes, so that most replies carry no `Set-Cookie`; the
    /// price is that a visit longer than [`VISIT_GAP_S`] counts again.
    pub fn arrive(&mut self, now: UnixTime) -> Change {
        if now.seconds_since(self.last_seen) < VISIT_GAP_S {
            return Change::Unchanged;
        }
        self.visits = self.visits.saturating_add(1);
        self.last_seen = now;
        Change::NewVisit
    }
}

/// Whether a name may stand among the interests or traits of a cookie.
pub(crate) fn is_entry_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::Showing;

    #[test]
    fn an_id_is_short_ascii_graphic_text() {
        let longest = "x".repeat(128);
        let too_long = "x".repeat(129);
        let cases = [
            ("a", Ok(())),
            ("!~", Ok(())),
            (longest.as_str(), Ok(())),
            ("", Err(VisitorIdError::Length { bytes: 0 })),
            (too_long.as_str(), Err(VisitorIdError::Length { bytes: 129 })),
            ("a b", Err(VisitorIdError::Character { at: 1 })),
            ("ab\n", Err(VisitorIdError::Character { at: 2 })),
            ("a\u{7f}", Err(VisitorIdError::Character { at: 1 })),
            ("zoë", Err(VisitorIdError::Character { at: 2 })),
        ];
        for (text, expect) in cases {
            assert_eq!(VisitorId::parse(text).map(|_| ()), expect, "{text:?}");
        }
    }

    #[test]
    fn an_id_from_entropy_is_a_valid_id() {
        for entropy in [[0; 16], [0xff; 16], *b"0123456789abcdef"] {
            let id = VisitorId::from_entropy(entropy);
            assert_eq!(id.as_str().len(), 22);
            assert_eq!(VisitorId::parse(id.as_str()), Ok(id));
        }
    }

    #[test]
    fn a_new_visit_begins_after_half_an_hour() {
        let begun = UnixTime(1_000_000);
        let cases = [
            (1_000_000, Change::Unchanged, 1),
            (1_000_000 + VISIT_GAP_S - 1, Change::Unchanged, 1),
            (1_000_000 + VISIT_GAP_S, Change::NewVisit, 2),
            (2_000_000, Change::NewVisit, 2),
            (999_000, Change::Unchanged, 1),
        ];
        for (now, change, visits) in cases {
            let mut profile = Profile::new([7; 16], begun);
            assert_eq!(profile.arrive(UnixTime(now)), change, "at {now}");
            assert_eq!(profile.visits, visits, "at {now}");
            let last_seen = if change == Change::NewVisit { UnixTime(now) } else { begun };
            assert_eq!((profile.first_seen, profile.last_seen), (begun, last_seen), "at {now}");
        }
    }

    #[test]
    fn what_was_shown_is_counted_and_room_is_made() {
        let mut profile = Profile::new([7; 16], UnixTime(0));
        let showing = |rule: &str, anew| Showing { rule: rule.to_owned(), anew };
        let learn = |profile: &mut Profile, showing, now| {
            let learned = Learned { shown: vec![showing], ..Learned::default() };
            profile.learn(&learned, UnixTime(now));
        };
        for (anew, now, times, since) in [(false, 5, 1, 5), (false, 6, 2, 5), (true, 9, 1, 9)] {
            learn(&mut profile, showing("r", anew), now);
            assert_eq!(profile.shown.get("r").copied(), Some(Shown { times, since: UnixTime(since) }));
        }
        for rule in 0..MAX_SHOWN as u64 {
            learn(&mut profile, showing(&rule.to_string(), false), 10 + rule);
        }
        assert_eq!((profile.shown.len(), profile.shown.contains_key("r")), (MAX_SHOWN, false));
    }

    #[test]
    fn the_count_of_visits_stops_at_its_end() {
        let mut profile = Profile::new([7; 16], UnixTime(0));
        profile.visits = u32::MAX;
        assert_eq!(profile.arrive(UnixTime(VISIT_GAP_S)), Change::NewVisit);
        assert_eq!(profile.visits, u32::MAX);
    }
}
