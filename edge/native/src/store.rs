//! The store of publications, and the pack of each site that is held in memory.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hemstitch::http::OutgoingRequest;
use hemstitch::keeper::{Holding, Keeper, KeeperError, Want};
use hemstitch::pack::{Pack, PackError};
use hemstitch::record;
use hemstitch::site::Site;
use http::{HeaderValue, StatusCode, header};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::body::{BodyError, RequestBody};
use crate::clock::unix_now;
use crate::config::Kv;
use crate::convert;
use crate::journal;
use crate::keys::KeyRings;
use crate::origin::{FIRST_BYTE, OriginError, Origins, Upstream};
use crate::origin_body::OriginBody;

/// Largest value that is read, in bytes. A pack has at most 20 MB.
const MOST_VALUE_BYTES: usize = 25 * 1024 * 1024;
/// How often it is looked whether something is to be looked up; how often that is, the keeper knows.
const LOOK: Duration = Duration::from_millis(250);

/// What is known of a site's pack.
#[derive(Clone, Default)]
enum Held {
    /// The first look-up is not over.
    #[default]
    Unknown,
    /// The last good one, or none.
    Known(Option<Arc<Pack>>),
}

/// The pack of one site, kept up to date by a [`Watch`].
#[derive(Clone)]
pub struct Packs {
    held: watch::Receiver<Held>,
    holding: watch::Receiver<Holding>,
}

impl Packs {
    /// What is held, for operators.
    pub fn holding(&self) -> Holding {
        *self.holding.borrow()
    }

    /// The pack in memory, at once; before the first look-up is over, that is waited for until `deadline_ms`.
    pub async fn current(&self, deadline_ms: u64) -> Option<Arc<Pack>> {
        if let Held::Known(pack) = &*self.held.borrow() {
            return pack.clone();
        }
        let mut held = self.held.clone();
        let known = held.wait_for(|held| matches!(held, Held::Known(_)));
        match timeout(Duration::from_millis(deadline_ms), known).await {
            Ok(Ok(held)) => match &*held {
                Held::Known(pack) => pack.clone(),
                Held::Unknown => None,
            },
            _ => None,
        }
    }
}

/// Looks after the pack of one site, away from all requests.
pub struct Watch {
    keeper: Keeper,
    site: Arc<Site>,
    sources: Vec<Source>,
    /// One of them shows the record that it is asked by an edge of the site.
    keys: KeyRings,
    origins: Arc<Origins>,
    held: watch::Sender<Held>,
    holding: watch::Sender<Holding>,
    started: Instant,
    complaint: Option<String>,
}

/// How long a source is waited for; the next one is asked then.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where publications and drafts are looked up, one after the other until one has something that can be used.
#[derive(Clone)]
pub enum Source {
    /// Files.
    Folder(PathBuf),
    /// An origin.
    Origin(Upstream),
}

/// The sources of a site: its KV, and the record for what that lacks.
pub fn sources(kv: Kv, record: Option<Upstream>) -> Vec<Source> {
    let first = match kv {
        Kv::Folder(folder) => Source::Folder(folder),
        Kv::Origin(upstream) => Source::Origin(upstream),
    };
    [Some(first), record.map(Source::Origin)].into_iter().flatten().collect()
}

/// What a source had.
#[derive(Clone, Copy, PartialEq)]
enum Found {
    Usable,
    Nothing,
}

/// Why a look-up brought nothing that can be used.
#[derive(Debug, thiserror::Error)]
pub enum LookUpError {
    #[error("store: {0}")]
    File(#[from] std::io::Error),
    #[error("store: {0}")]
    Origin(#[from] OriginError),
    #[error("store: {0}")]
    Body(#[from] BodyError),
    #[error("store: status {0}")]
    Status(StatusCode),
    #[error("store: no answer in time")]
    Late,
    #[error("{0}")]
    Refused(#[from] KeeperError),
    #[error("{0}")]
    Draft(#[from] PackError),
}

impl Watch {
    /// A watch over a site, and what it holds.
    pub fn new(
        site: Arc<Site>,
        sources: Vec<Source>,
        keys: KeyRings,
        origins: Arc<Origins>,
    ) -> (Watch, Packs) {
        let (held, packs) = watch::channel(Held::Unknown);
        let (holding, held_for_operators) = watch::channel(Holding::default());
        let keeper = Keeper::new(site.name.clone(), site.pointer_keys.clone());
        let started = Instant::now();
        let watch = Watch { keeper, site, sources, keys, origins, held, holding, started, complaint: None };
        (watch, Packs { held: packs, holding: held_for_operators })
    }

    /// Looks things up for as long as it is polled.
    pub async fn run(mut self) {
        loop {
            while let Some(want) = self.keeper.wants(self.now_ms()) {
                for source in 0..self.sources.len() {
                    let outcome = self.look_up(&want, source).await;
                    let is_over = matches!(outcome, Ok(Found::Usable));
                    self.complain(outcome.err());
                    if is_over {
                        break;
                    }
                }
            }
            self.keeper.tick(unix_now());
            self.publish();
            sleep(LOOK).await;
        }
    }

    async fn look_up(&mut self, want: &Want, source: usize) -> Result<Found, LookUpError> {
        let (Want::Pointer(key) | Want::Pack(key, _)) = want;
        let looking = async {
            match &self.sources[source] {
                Source::Folder(folder) => read_file(folder.join(key)).await,
                Source::Origin(upstream) => {
                    let keys = self.keys.now();
                    let edge = keys.as_ref().and_then(|keys| keys.edge.as_ref());
                    let asked = record::request(&self.site, edge, key, unix_now());
                    ask(&self.origins, upstream, asked).await
                }
            }
        };
        let found = timeout(PATIENCE, looking).await.unwrap_or(Err(LookUpError::Late));
        let (bytes, failure) = match found {
            Ok(bytes) => (bytes, None),
            Err(error) => (None, Some(error)),
        };
        let usable = if bytes.is_some() { Found::Usable } else { Found::Nothing };
        match want {
            Want::Pointer(_) => {
                self.keeper.pointer_arrived(bytes.as_deref(), self.now_ms(), unix_now())?;
            }
            Want::Pack(_, hash) => self.keeper.pack_arrived(hash, bytes, self.now_ms(), unix_now())?,
        }
        failure.map_or(Ok(usable), Err)
    }

    fn publish(&self) {
        self.holding.send_replace(self.keeper.holding());
        let current = self.keeper.current();
        self.held.send_if_modified(|held| {
            let same = match (&*held, &current) {
                (Held::Known(Some(held)), Some(current)) => Arc::ptr_eq(held, current),
                (Held::Known(None), None) => true,
                _ => false,
            };
            if !same {
                *held = Held::Known(current);
            }
            !same
        });
    }

    /// Says once what is wrong, however often it is found.
    fn complain(&mut self, error: Option<LookUpError>) {
        let Some(error) = error else { return };
        let complaint = error.to_string();
        if self.complaint.as_ref() != Some(&complaint) {
            journal::warn(&format!("site {}: {complaint}", self.site.name));
            self.complaint = Some(complaint);
        }
    }

    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }
}

/// What is under a key at an origin; `None` where there is nothing.
pub async fn ask(
    origins: &Arc<Origins>,
    upstream: &Upstream,
    mut asked: OutgoingRequest,
) -> Result<Option<Vec<u8>>, LookUpError> {
    if let Ok(host) = HeaderValue::try_from(upstream.authority()) {
        asked.headers.insert(header::HOST, host);
    }
    let (body, sent) = RequestBody::new(None);
    let Some(request) = convert::outgoing(asked, body) else { return Ok(None) };
    let (parts, body) = origins.ask(upstream, request, sent, FIRST_BYTE).await?.into_parts();
    match parts.status {
        StatusCode::OK => Ok(Some(OriginBody::new(body, None).all(MOST_VALUE_BYTES).await?)),
        StatusCode::NOT_FOUND => Ok(None),
        status => Err(LookUpError::Status(status)),
    }
}

/// What is in a file; `None` where there is none.
pub async fn read_file(path: PathBuf) -> Result<Option<Vec<u8>>, LookUpError> {
    match tokio::fs::metadata(&path).await {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
        Ok(file) if file.len() > MOST_VALUE_BYTES as u64 => return Err(BodyError::TooLarge.into()),
        // A pipe would never end.
        Ok(file) if !file.is_file() => return Err(std::io::Error::from(ErrorKind::InvalidInput).into()),
        Ok(_) => {}
    }
    match tokio::fs::read(&path).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
