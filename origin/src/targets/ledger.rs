//! The record, as a publisher reaches it: in a file of this machine, or at an origin.

use std::time::Duration;

use hemstitch::pack::PackHash;
use hemstitch::pointer::{PointerKeys, draft_key, pack_key};
use hemstitch::token::{Capability, CapabilityError, CapabilityToken, Claims, Keyring};
use http::{HeaderMap, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::remote::{Pause, Progress, Remote, RemoteError, Reply, Secret, secret_header};
use crate::record::{Draft, DraftError, Offer, Origins, PreviewError, Record, RecordError, Version};
use crate::visits::now;

/// How long a token holds that is made for one request.
const TOKEN: Duration = Duration::from_secs(300);

/// The record.
#[derive(Debug)]
pub enum Ledger {
    /// In a file.
    File {
        /// The record.
        record: Record,
        /// Who publishes.
        operator: String,
        /// What the site's pointers are signed with.
        keys: PointerKeys,
    },
    /// At an origin.
    Origin(OriginRecord),
}

/// An origin, and what an operator is known by there.
#[derive(Debug)]
pub struct OriginRecord {
    remote: Remote,
    credential: Credential,
    site: String,
}

#[derive(Debug)]
enum Credential {
    Token(Secret),
    Key(Keyring, String),
}

/// Why the record did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Something was published that the publisher had not seen.
    #[error("{}", match latest { Some(latest) => format!("number {} was published in between", latest.sequence), None => "nothing is published".to_owned() })]
    Overtaken {
        /// What is the last publication.
        latest: Option<Box<Version>>,
    },
    /// The offer does not hold together.
    #[error(transparent)]
    Draft(#[from] DraftError),
    /// The file.
    #[error(transparent)]
    Record(RecordError),
    /// A draft that is none.
    #[error(transparent)]
    Preview(#[from] PreviewError),
    /// The origin.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The operator's key makes no token.
    #[error(transparent)]
    Token(#[from] CapabilityError),
    /// What the origin answers is not what it should be.
    #[error("{0} is no origin that records publications, or one of another version")]
    Strange(String),
}

impl From<RecordError> for LedgerError {
    fn from(error: RecordError) -> LedgerError {
        match error {
            RecordError::Overtaken { latest } => LedgerError::Overtaken { latest },
            error => LedgerError::Record(error),
        }
    }
}

impl Ledger {
    /// Has somebody told of what goes out to a server.
    pub fn watch(&mut self, progress: Progress) {
        match self {
            Ledger::File { .. } => {}
            Ledger::Origin(origin) => origin.remote.watch(progress),
        }
    }

    /// The last publication of a site.
    pub fn latest(&self, site: &str) -> Result<Option<Version>, LedgerError> {
        Ok(self.versions(site, u64::MAX, 1)?.into_iter().next())
    }

    /// Its publications below a number, the last one first.
    pub fn versions(&self, site: &str, below: u64, most: u32) -> Result<Vec<Version>, LedgerError> {
        match self {
            Ledger::File { record, .. } => Ok(record.versions(site, below, most)?),
            Ledger::Origin(origin) => origin.versions(below, most),
        }
    }

    /// The publication of that number, with its ruleset.
    pub fn version(&self, site: &str, sequence: u64) -> Result<Option<(Version, String)>, LedgerError> {
        match self {
            Ledger::File { record, .. } => {
                Ok(record.version(site, sequence)?.zip(record.ruleset(site, sequence)?))
            }
            Ledger::Origin(origin) => origin.version(sequence),
        }
    }

    /// A pack that was published.
    pub fn pack(&self, site: &str, hash: &PackHash) -> Result<Option<Vec<u8>>, LedgerError> {
        match self {
            Ledger::File { record, .. } => Ok(record.pack(site, hash)?),
            Ledger::Origin(origin) => origin.pack(hash),
        }
    }

    /// Keeps a draft for previews.
    pub fn put_draft(&self, site: &str, pack: &[u8]) -> Result<(), LedgerError> {
        let hash = PackHash::of(pack);
        match self {
            Ledger::File { record, .. } => Ok(record.keep_draft(site, &hash, pack.to_vec(), now())?),
            Ledger::Origin(origin) => origin.put_draft(&hash, pack),
        }
    }

    /// Adds a publication.
    pub fn add(&self, site: &str, offer: Offer) -> Result<Version, LedgerError> {
        match self {
            Ledger::File { record, operator, keys } => {
                let seen = offer.seen;
                let draft = Draft::check(offer, site, keys, record)?;
                let by = Origins { operator: operator.clone(), peer: "local".to_owned(), at: now() };
                Ok(record.add(&draft, seen, &by)?)
            }
            Ledger::Origin(origin) => origin.add(&offer),
        }
    }
}

impl OriginRecord {
    /// The origin at a URL, and a token that somebody made.
    pub fn with_token(
        url: &str,
        site: &str,
        token: Secret,
        pause: Pause,
    ) -> Result<OriginRecord, RemoteError> {
        let credential = Credential::Token(token);
        Ok(OriginRecord { remote: Remote::new(url, pause)?, credential, site: site.to_owned() })
    }

    /// The origin at a URL, and the key that makes tokens of somebody of this name.
    pub fn with_key(
        url: &str,
        site: &str,
        key: Keyring,
        name: &str,
        pause: Pause,
    ) -> Result<OriginRecord, RemoteError> {
        let credential = Credential::Key(key, name.to_owned());
        Ok(OriginRecord { remote: Remote::new(url, pause)?, credential, site: site.to_owned() })
    }

    fn versions(&self, below: u64, most: u32) -> Result<Vec<Version>, LedgerError> {
        #[derive(Deserialize)]
        struct Listed {
            versions: Vec<Version>,
        }
        let path = format!("/_hs/publications?below={below}&most={most}");
        let listed: Listed = self.read(&path, &self.get(&path)?)?;
        Ok(listed.versions)
    }

    fn version(&self, sequence: u64) -> Result<Option<(Version, String)>, LedgerError> {
        #[derive(Deserialize)]
        struct Whole {
            version: Version,
            ruleset: String,
        }
        let path = format!("/_hs/publications/{sequence}");
        let reply = self.get(&path)?;
        if reply.status == StatusCode::NOT_FOUND && serde_json::from_slice::<Value>(&reply.body).is_ok() {
            return Ok(None);
        }
        let Whole { version, ruleset } = self.read(&path, &reply)?;
        Ok(Some((version, ruleset)))
    }

    fn pack(&self, hash: &PackHash) -> Result<Option<Vec<u8>>, LedgerError> {
        let path = format!("/_hs/kv/{}", pack_key(&self.site, hash));
        let reply = self.get(&path)?;
        match reply.status {
            StatusCode::OK => Ok(Some(reply.body)),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(self.refused(&path, &reply)),
        }
    }

    fn put_draft(&self, hash: &PackHash, pack: &[u8]) -> Result<(), LedgerError> {
        let path = format!("/_hs/kv/{}", draft_key(&self.site, hash));
        let reply = self.remote.ask(&Method::PUT, &path, &self.headers()?, pack)?;
        match reply.status {
            StatusCode::NO_CONTENT => Ok(()),
            StatusCode::OK => Err(LedgerError::Strange(path)),
            _ => Err(self.refused(&path, &reply)),
        }
    }

    fn add(&self, offer: &Offer) -> Result<Version, LedgerError> {
        #[derive(Deserialize)]
        struct Overtaken {
            latest: Option<Box<Version>>,
        }
        let path = "/_hs/publications";
        let body = serde_json::to_vec(offer).map_err(|_| LedgerError::Strange(path.to_owned()))?;
        let reply = self.remote.ask(&Method::POST, path, &self.headers()?, &body)?;
        if reply.status != StatusCode::CONFLICT {
            return self.read(path, &reply);
        }
        let Overtaken { latest } = parse(path, &reply.body)?;
        match latest {
            // The answer to the first attempt was lost, and it was asked again.
            Some(latest) if latest.pointer == offer.pointer => Ok(*latest),
            latest => Err(LedgerError::Overtaken { latest }),
        }
    }

    fn get(&self, path: &str) -> Result<Reply, LedgerError> {
        Ok(self.remote.ask(&Method::GET, path, &self.headers()?, b"")?)
    }

    fn headers(&self) -> Result<HeaderMap, LedgerError> {
        let token = match &self.credential {
            Credential::Token(token) => token.clone(),
            Credential::Key(key, name) => operator_token(key, &self.site, name)?,
        };
        Ok(HeaderMap::from_iter([(header::AUTHORIZATION, secret_header("Bearer ", &token)?)]))
    }

    fn read<T: serde::de::DeserializeOwned>(&self, path: &str, reply: &Reply) -> Result<T, LedgerError> {
        match reply.status.is_success() {
            true => parse(path, &reply.body),
            false => Err(self.refused(path, reply)),
        }
    }

    fn refused(&self, path: &str, reply: &Reply) -> LedgerError {
        let answer = serde_json::from_slice::<Value>(&reply.body).unwrap_or_default();
        let said = answer["error"].as_str().unwrap_or_default().to_owned();
        self.remote.refused(path, reply.status, said).into()
    }
}

fn parse<T: serde::de::DeserializeOwned>(path: &str, body: &[u8]) -> Result<T, LedgerError> {
    serde_json::from_slice(body).map_err(|_| LedgerError::Strange(path.to_owned()))
}

/// A token of an operator, for five minutes.
pub fn operator_token(key: &Keyring, site: &str, name: &str) -> Result<Secret, CapabilityError> {
    let private = Map::from_iter([("sub".to_owned(), Value::from(name))]);
    let (issued, expires) = (now(), now().plus_seconds(TOKEN.as_secs()));
    let claims = Claims { issued, expires, id: None, private };
    Ok(Secret::new(CapabilityToken::encode(&claims, Capability::Operator, key, site)?))
}

/// What an instance of an edge says of itself at `/_hs/status`.
pub fn ask_edge(url: &str, site: &str, key: &Keyring, name: &str) -> Result<Value, LedgerError> {
    let remote = Remote::new(url, Box::new(std::thread::sleep))?;
    let bearer = secret_header("Bearer ", &operator_token(key, site, name)?)?;
    let path = "/_hs/status";
    let reply =
        remote.ask(&Method::GET, path, &HeaderMap::from_iter([(header::AUTHORIZATION, bearer)]), b"")?;
    match reply.status {
        StatusCode::OK => parse(path, &reply.body),
        status => Err(remote.refused(path, status, String::new()).into()),
    }
}
