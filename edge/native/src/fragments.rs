//! Fragments: from the cache, or from whoever serves them, in the time that a page waits for them.

use std::sync::Arc;
use std::time::Duration;

use ::http::header;
use bytes::Bytes;
use hemstitch::http::{self, Freshness, Marker};
use hemstitch::page::Life;
use hemstitch::session::{
    Caching, FetchId, Fragment, FragmentFailure, FragmentForm, FragmentNews, FragmentRequest,
    MAX_FRAGMENT_BYTES,
};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::timeout;

use crate::body::{BodyError, RequestBody};
use crate::cache::{Found, Refresh};
use crate::clock::unix_now;
use crate::convert;
use crate::fills::Claim;
use crate::gunzip::{Gunzip, is_gzip};
use crate::origin::FIRST_BYTE;
use crate::origin_body::OriginBody;
use crate::serving::{ServedSite, Serving};

/// One fragment that a page waits for.
#[derive(Clone)]
pub struct FragmentFetch {
    /// What all requests share.
    pub serving: Arc<Serving>,
    /// The site of the page.
    pub site: Arc<ServedSite>,
    /// What is asked for.
    pub request: FragmentRequest,
}

/// Who is told of the pieces of a fragment while it arrives. No more of them wait than the fragment may have bytes.
pub type Told = UnboundedSender<(FetchId, FragmentNews)>;

/// How long a fragment that failed is left alone, in seconds: those who waited for it must not ask one by one.
const FAILURE_S: u64 = 2;
/// What stands in the cache for a fragment that may not be stored, and for one that failed.
const NOT_SHARED: Marker = Marker::Own;
const FAILED: Marker = Marker::Pass;

/// What the cache says of a fragment.
enum Known {
    Here(Fragment),
    /// It may not be stored, so nobody need wait for another's.
    NotShared,
    /// It has just failed, and is left alone for a moment.
    Failed,
    No,
}

impl FragmentFetch {
    /// The fragment, where the cache holds it fresh: a page whose fragments are all at hand needs no task, and is sent at
    /// once.
    pub fn at_hand(&self) -> Option<Fragment> {
        match self.known(self.request.target.cache_key().as_str()) {
            Known::Here(fragment) => Some(fragment),
            Known::NotShared | Known::Failed | Known::No => None,
        }
    }

    /// The fragment, or why it is not there.
    pub async fn run(self, told: Told) -> Result<Fragment, FragmentFailure> {
        if self.request.caching == Caching::Apart {
            let within = Duration::from_millis(self.request.timeout_ms.into());
            let asked = timeout(within, self.fetch(Some(&told))).await;
            return asked.unwrap_or(Err(FragmentFailure::Unreachable)).map(|(fragment, _)| fragment);
        }
        let key = self.request.target.cache_key();
        let fallback = match self.serving.cache.find(key.as_str(), unix_now()) {
            Found::Stale { object, refresh } => {
                if let Some(fragment) = Fragment::decode(&object) {
                    if refresh == Refresh::Due {
                        self.refresh(key.as_str());
                    }
                    return Ok(fragment);
                }
                None
            }
            Found::IfError(object) => Fragment::decode(&object),
            Found::Fresh(_) | Found::Nothing => None,
        };
        // Where an old one would stand for it, it is shown when all of it is there.
        let told = Some(&told).filter(|_| fallback.is_none());
        let within = Duration::from_millis(self.request.timeout_ms.into());
        let outcome = timeout(within, self.find_or_ask(key.as_str(), told)).await.unwrap_or_else(|_| {
            self.failed(key.as_str());
            Err(FragmentFailure::Unreachable)
        });
        match (outcome, fallback) {
            (Err(_), Some(fragment)) => Ok(fragment),
            (outcome, _) => outcome,
        }
    }

    /// Asks, or waits for another who does; where that one failed, asks in its turn.
    async fn find_or_ask(&self, key: &str, told: Option<&Told>) -> Result<Fragment, FragmentFailure> {
        loop {
            match self.known(key) {
                Known::Here(fragment) => return Ok(fragment),
                Known::NotShared => return self.ask(key, told).await,
                Known::Failed => return Err(FragmentFailure::Unreachable),
                Known::No => {}
            }
            match self.serving.fills.claim(key) {
                Claim::Follow(following) => following.done().await,
                Claim::Lead(_lead) => {
                    // Another may have finished between the look and the claim.
                    return match self.known(key) {
                        Known::Here(fragment) => Ok(fragment),
                        Known::Failed => Err(FragmentFailure::Unreachable),
                        Known::NotShared | Known::No => self.ask(key, told).await,
                    };
                }
            }
        }
    }

    fn known(&self, key: &str) -> Known {
        let Found::Fresh(object) = self.serving.cache.find(key, unix_now()) else { return Known::No };
        match Marker::decode(&object) {
            Some(NOT_SHARED) => Known::NotShared,
            Some(FAILED) => Known::Failed,
            None => Fragment::decode(&object).map_or(Known::No, Known::Here),
        }
    }

    async fn ask(&self, key: &str, told: Option<&Told>) -> Result<Fragment, FragmentFailure> {
        match self.fetch(told).await {
            Err(failure) => {
                self.failed(key);
                Err(failure)
            }
            Ok((fragment, Some(freshness))) => {
                self.store(key, fragment.encode(), freshness.life(unix_now()));
                Ok(fragment)
            }
            Ok((fragment, None)) => {
                self.mark(key, NOT_SHARED, self.site.site.marker_ttl_s.into());
                Ok(fragment)
            }
        }
    }

    fn failed(&self, key: &str) {
        match self.serving.cache.find(key, unix_now()) {
            Found::Nothing => self.mark(key, FAILED, FAILURE_S),
            // What is stale is better than nothing, and a marker would take its place.
            Found::Fresh(_) | Found::Stale { .. } | Found::IfError(_) => {
                self.serving.cache.pause(key, unix_now());
            }
        }
    }

    /// The fragment, and how long it may be shared.
    async fn fetch(&self, told: Option<&Told>) -> Result<(Fragment, Option<Freshness>), FragmentFailure> {
        let target = &self.request.target;
        let upstream = self.site.fragment_upstream(target).ok_or(FragmentFailure::NotAllowed)?;
        let (body, sent) = RequestBody::entity(self.request.entity.clone().unwrap_or_default());
        let request = convert::outgoing(self.request.outgoing(&self.site.site), body)
            .ok_or(FragmentFailure::NotAllowed)?;
        let answer = self.serving.origins.ask(upstream, request, sent, FIRST_BYTE).await;
        let (parts, body) = answer.map_err(|_| FragmentFailure::Unreachable)?.into_parts();
        let mut head = convert::response_head(parts);
        let gunzip = is_gzip(&head.headers).then(Gunzip::new);
        if gunzip.is_some() {
            head.headers.remove(header::CONTENT_ENCODING);
        }
        let told = told.zip(FragmentForm::of(&head));
        let tell = |piece| {
            if let Some((told, form)) = told {
                // Nobody listens any more where the visitor went away.
                let _ = told.send((self.request.id, FragmentNews::Piece(form, piece)));
            }
        };
        let body = OriginBody::new(body, gunzip).all_telling(MAX_FRAGMENT_BYTES, tell).await;
        let content = body.map_err(|error| match error {
            BodyError::TooLarge => FragmentFailure::TooLarge,
            _ => FragmentFailure::Unreachable,
        })?;
        let freshness = http::fragment_freshness(&head, self.request.ttl_s, unix_now());
        Ok((Fragment::from_response(&head, content)?.kept(freshness, unix_now()), freshness))
    }

    fn mark(&self, key: &str, marker: Marker, seconds: u64) {
        let now = unix_now();
        let until = now.plus_seconds(seconds);
        let life = Life { born: now, fresh_until: until, revalidate_until: until, stale_until: until };
        self.store(key, marker.encode(), life);
    }

    fn store(&self, key: &str, object: Vec<u8>, life: Life) {
        self.serving.cache.store(key, Bytes::from(object), life);
    }

    /// Fetches it again while the stale one is shown.
    fn refresh(&self, key: &str) {
        let Claim::Lead(lead) = self.serving.fills.claim(key) else { return };
        let (fetch, key) = (self.clone(), key.to_owned());
        tokio::spawn(async move {
            let _lead = lead;
            if timeout(FIRST_BYTE, fetch.ask(&key, None)).await.is_err() {
                fetch.failed(&key);
            }
        });
    }
}
