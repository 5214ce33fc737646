//! Fills: one fetch for a key at a time. The first who needs it leads, and the others wait for what it brings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The keys that somebody is fetching.
#[derive(Default)]
pub struct Fills(Mutex<HashMap<Arc<str>, watch::Receiver<()>>>);

/// What whoever needs a key is to do.
pub enum Claim {
    /// Fetch it, and drop this when it is in the cache or will not be.
    Lead(Lead),
    /// Wait.
    Follow(Following),
}

/// The right to fetch a key for everybody. Dropping it, for whatever reason, wakes all who wait.
pub struct Lead {
    fills: Arc<Fills>,
    key: Arc<str>,
    _done: watch::Sender<()>,
}

/// A wait for whoever leads.
pub struct Following(watch::Receiver<()>);

impl Fills {
    /// Leads where nobody does, and else follows.
    pub fn claim(self: &Arc<Self>, key: &str) -> Claim {
        let mut leaders = self.leaders();
        if let Some(leader) = leaders.get(key) {
            return Claim::Follow(Following(leader.clone()));
        }
        let (done, leader) = watch::channel(());
        let key: Arc<str> = key.into();
        leaders.insert(Arc::clone(&key), leader);
        Claim::Lead(Lead { fills: Arc::clone(self), key, _done: done })
    }

    fn leaders(&self) -> MutexGuard<'_, HashMap<Arc<str>, watch::Receiver<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Following {
    /// Ends when the leader is done. What it brought, if anything, is in the cache.
    pub async fn done(mut self) {
        // Nothing is ever sent: the end of the leader is what is waited for.
        while self.0.changed().await.is_ok() {}
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.fills.leaders().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    fn lead(fills: &Arc<Fills>, key: &str) -> Lead {
        match fills.claim(key) {
            Claim::Lead(lead) => lead,
            Claim::Follow(_) => panic!("somebody leads {key} already"),
        }
    }

    fn follow(fills: &Arc<Fills>, key: &str) -> Following {
        match fills.claim(key) {
            Claim::Lead(_) => panic!("nobody leads {key}"),
            Claim::Follow(following) => following,
        }
    }

    #[tokio::test]
    async fn all_others_follow_the_first_and_wake_when_it_is_done() {
        let fills = Arc::new(Fills::default());
        let leader = lead(&fills, "k");
        let others: Vec<Following> = (0..100).map(|_| follow(&fills, "k")).collect();
        let elsewhere = lead(&fills, "another");
        drop(leader);
        for other in others {
            timeout(LONG, other.done()).await.expect("woken");
        }
        drop((lead(&fills, "k"), elsewhere));
        assert!(fills.leaders().is_empty());
    }

    #[tokio::test]
    async fn a_leader_whose_task_dies_wakes_those_who_wait() {
        for panics in [true, false] {
            let fills = Arc::new(Fills::default());
            let leader = lead(&fills, "k");
            let following = follow(&fills, "k");
            let task = tokio::spawn(async move {
                let _leader = leader;
                assert!(!panics, "the leader dies");
                std::future::pending::<()>().await;
            });
            tokio::task::yield_now().await;
            task.abort();
            timeout(LONG, following.done()).await.expect("woken");
            drop(lead(&fills, "k"));
        }
    }
}
