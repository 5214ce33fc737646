//! Drafts: packs that nobody published, looked up for the browser that holds a token for one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hemstitch::draft::Drafts;
use hemstitch::pack::Pack;
use hemstitch::record;
use hemstitch::site::Site;
use hemstitch::token::Keyring;
use hemstitch::visit::{DRAFT_DEADLINE_MS, Draft};
use tokio::time::timeout;

use crate::clock::unix_now;
use crate::journal;
use crate::origin::Origins;
use crate::store::{self, LookUpError, Source};

/// The drafts of one site.
pub struct DraftStore {
    site: Arc<Site>,
    sources: Vec<Source>,
    origins: Arc<Origins>,
    held: Mutex<Drafts>,
}

impl DraftStore {
    /// None yet.
    pub fn new(site: Arc<Site>, sources: Vec<Source>, origins: Arc<Origins>) -> DraftStore {
        DraftStore { site, sources, origins, held: Mutex::default() }
    }

    /// The draft, if it is there within its time, of which each source has its share. `edge` is what an origin knows us by.
    pub async fn find(&self, draft: &Draft, edge: Option<&Keyring>) -> Option<Arc<Pack>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).held(&draft.hash);
        if held.is_some() {
            return held;
        }
        let share = Duration::from_millis(DRAFT_DEADLINE_MS) / self.sources.len().try_into().unwrap_or(1);
        for source in &self.sources {
            match timeout(share, self.look_up(source, draft, edge)).await {
                Ok(Ok(Some(found))) => return Some(found),
                Ok(Ok(None)) | Err(_) => {}
                Ok(Err(error)) => {
                    journal::warn(&format!("site {}: draft {}: {error}", self.site.name, draft.hash));
                }
            }
        }
        None
    }

    async fn look_up(
        &self,
        source: &Source,
        draft: &Draft,
        edge: Option<&Keyring>,
    ) -> Result<Option<Arc<Pack>>, LookUpError> {
        let found = match source {
            Source::Folder(folder) => store::read_file(folder.join(&draft.key)).await?,
            Source::Origin(upstream) => {
                let asked = record::draft_request(&self.site, edge, draft, unix_now());
                store::ask(&self.origins, upstream, asked).await?
            }
        };
        let Some(bytes) = found else { return Ok(None) };
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Some(held.arrived(&draft.hash, bytes)?))
    }
}
