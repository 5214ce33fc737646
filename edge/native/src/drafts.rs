//! Drafts: packs that nobody published, looked up for the browser that holds a token for one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hemstitch::draft::Drafts;
use hemstitch::pack::Pack;
use hemstitch::visit::{DRAFT_DEADLINE_MS, Draft};
use tokio::time::timeout;

use crate::config::Kv;
use crate::journal;
use crate::origin::Origins;
use crate::store::{self, LookUpError};

/// The drafts of one site.
pub struct DraftStore {
    site: String,
    kv: Kv,
    origins: Arc<Origins>,
    held: Mutex<Drafts>,
}

impl DraftStore {
    /// None yet.
    pub fn new(site: String, kv: Kv, origins: Arc<Origins>) -> DraftStore {
        DraftStore { site, kv, origins, held: Mutex::default() }
    }

    /// The draft, if it is there within its time.
    pub async fn find(&self, draft: &Draft) -> Option<Arc<Pack>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).held(&draft.hash);
        if held.is_some() {
            return held;
        }
        let looking = self.look_up(draft);
        let found = timeout(Duration::from_millis(DRAFT_DEADLINE_MS), looking).await;
        match found {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                journal::warn(&format!("site {}: draft {}: {error}", self.site, draft.hash));
                None
            }
            Err(_) => None,
        }
    }

    async fn look_up(&self, draft: &Draft) -> Result<Option<Arc<Pack>>, LookUpError> {
        let Some(bytes) = store::read(&self.kv, &self.origins, &draft.key, Some(&draft.token)).await? else {
            return Ok(None);
        };
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Some(held.arrived(&draft.hash, bytes)?))
    }
}
