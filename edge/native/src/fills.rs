//! Fills: one fetch for a key at a time. The first who needs it leads, and the others wait for what it brings; where it
//! takes too long, a few of them at a time fetch beside it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep_until};

/// Most who fetch the same key beside its leader.
const MOST_BESIDE: usize = 4;

/// The keys that somebody is fetching.
#[derive(Default)]
pub struct Fills(Mutex<HashMap<Arc<str>, Following>>);

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
    failed: watch::Sender<bool>,
}

/// A wait for whoever leads.
#[derive(Clone)]
pub struct Following {
    failed: watch::Receiver<bool>,
    places: Arc<Semaphore>,
}

/// What a wait comes to.
pub enum Waited {
    /// The leader is done.
    Done,
    /// The leader is done, and the origin failed.
    Failed,
    /// The leader takes too long.
    Turn(Turn),
}

/// The right to fetch a key, alone or beside others.
pub enum Turn {
    /// For everybody.
    Lead(Lead),
    /// Beside a leader who takes too long. Dropping it lets another do so.
    Beside {
        /// One of the few.
        _place: OwnedSemaphorePermit,
    },
}

impl Fills {
    /// Leads where nobody does, and else follows.
    pub fn claim(self: &Arc<Self>, key: &str) -> Claim {
        let mut leaders = self.leaders();
        if let Some(leader) = leaders.get(key) {
            return Claim::Follow(leader.clone());
        }
        let (lead_failed, failed) = watch::channel(false);
        let key: Arc<str> = key.into();
        let places = Arc::new(Semaphore::new(MOST_BESIDE));
        leaders.insert(Arc::clone(&key), Following { failed, places });
        Claim::Lead(Lead { fills: Arc::clone(self), key, failed: lead_failed })
    }

    fn leaders(&self) -> MutexGuard<'_, HashMap<Arc<str>, Following>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Following {
    /// Ends when the leader is done. What it brought, if anything, is in the cache.
    pub async fn done(mut self) {
        // Whatever is sent, the end of the leader is what is waited for.
        while self.failed.changed().await.is_ok() {}
    }

    /// The same, or from `patience` on a turn beside the leader, as soon as there is one.
    pub async fn done_or_turn(self, patience: Instant) -> Waited {
        let (places, failed) = (Arc::clone(&self.places), self.failed.clone());
        let place = async {
            sleep_until(patience).await;
            places.acquire_owned().await
        };
        tokio::select! {
            () = self.done() => if *failed.borrow() { Waited::Failed } else { Waited::Done },
            place = place => place.map_or(Waited::Done, |place| Waited::Turn(Turn::Beside { _place: place })),
        }
    }
}

impl Turn {
    /// Gives it back, and tells those who wait that there is nothing to be had.
    pub fn fail(self) {
        if let Turn::Lead(lead) = self {
            lead.failed.send_replace(true);
        }
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
    async fn a_few_at_a_time_go_beside_a_leader_who_takes_too_long() {
        let fills = Arc::new(Fills::default());
        let leader = lead(&fills, "k");
        let turn = || follow(&fills, "k").done_or_turn(Instant::now());
        let mut turns = Vec::new();
        for _ in 0..MOST_BESIDE {
            turns.push(timeout(LONG, turn()).await.expect("in time"));
        }
        assert_eq!(follow(&fills, "k").places.available_permits(), 0);
        turns.pop();
        turns.push(timeout(LONG, turn()).await.expect("in time"));
        let last = turn();
        let patient = follow(&fills, "k").done_or_turn(Instant::now() + LONG);
        drop(leader);
        assert!(matches!(timeout(LONG, last).await.expect("woken"), Waited::Done));
        assert!(matches!(timeout(LONG, patient).await.expect("woken"), Waited::Done));
    }

    #[tokio::test]
    async fn those_who_wait_are_told_that_their_leader_failed() {
        let fills = Arc::new(Fills::default());
        let leader = lead(&fills, "k");
        let following = follow(&fills, "k").done_or_turn(Instant::now() + LONG);
        Turn::Lead(leader).fail();
        assert!(matches!(timeout(LONG, following).await.expect("woken"), Waited::Failed));
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
