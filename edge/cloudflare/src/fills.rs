//! Fills: one fetch for a key at a time, in an isolate. The first who needs it leads, and the others wait.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::clock;

/// A leader who takes longer has met with an end that nobody was told of.
const LONGEST_MS: u64 = 40_000;

/// The keys that somebody is fetching.
#[derive(Default)]
pub struct Fills(RefCell<HashMap<Rc<str>, Fill>>);

struct Fill {
    since_ms: u64,
    leader: u64,
    waiting: Vec<Waker>,
}

/// What whoever needs a key is to do.
pub enum Claim {
    /// Fetch it, and drop this when it is in the cache or will not be.
    Lead(Lead),
    /// Wait.
    Follow(Following),
}

/// The right to fetch a key for everybody. Dropping it wakes all who wait.
pub struct Lead {
    fills: Rc<Fills>,
    key: Rc<str>,
    leader: u64,
}

/// A wait for whoever leads.
pub struct Following {
    fills: Rc<Fills>,
    key: Rc<str>,
    leader: u64,
}

thread_local! {
    static LEADERS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

impl Fills {
    /// Leads where nobody does, and else follows.
    pub fn claim(self: &Rc<Self>, key: &str) -> Claim {
        let (fills, key, now) = (Rc::clone(self), Rc::from(key), clock::ms());
        let led = self.look(|fills| {
            let fill = fills.get(&key).filter(|fill| now.saturating_sub(fill.since_ms) < LONGEST_MS)?;
            Some(fill.leader)
        });
        if let Some(leader) = led.flatten() {
            return Claim::Follow(Following { fills, key, leader });
        }
        let leader = LEADERS.get() + 1;
        LEADERS.set(leader);
        self.look(|fills| fills.insert(Rc::clone(&key), Fill { since_ms: now, leader, waiting: Vec::new() }));
        Claim::Lead(Lead { fills, key, leader })
    }

    fn look<T>(&self, look: impl FnOnce(&mut HashMap<Rc<str>, Fill>) -> T) -> Option<T> {
        self.0.try_borrow_mut().ok().map(|mut fills| look(&mut fills))
    }
}

impl Future for Following {
    type Output = ();

    /// Ends when the leader is done. What it brought, if anything, is in the cache.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let waits = self.fills.look(|fills| {
            let fill = fills.get_mut(&self.key).filter(|fill| fill.leader == self.leader)?;
            if !fill.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                fill.waiting.push(context.waker().clone());
            }
            Some(())
        });
        if waits.flatten().is_some() { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        let fill = self.fills.look(|fills| {
            let is_ours = fills.get(&self.key).is_some_and(|fill| fill.leader == self.leader);
            is_ours.then(|| fills.remove(&self.key)).flatten()
        });
        for waker in fill.flatten().into_iter().flat_map(|fill| fill.waiting) {
            waker.wake();
        }
    }
}
