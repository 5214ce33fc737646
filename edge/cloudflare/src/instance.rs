//! What an instance keeps from one request to the next. It is borrowed for a look, never across a wait.

use std::cell::RefCell;
use std::rc::Rc;

use worker::Env;

use crate::config::{Config, ServedSite};
use crate::fills::Fills;
use crate::memory::Memory;

/// Of the 128 MB that the platform gives an isolate, in bytes. Packs and pages under way need the rest.
const MEMORY_BYTES: usize = 32 * 1024 * 1024;

/// What all requests share.
pub struct Instance {
    /// Pages, fragments and markers, in front of the data centre's cache.
    pub memory: Memory,
    /// Who is fetching what.
    pub fills: Rc<Fills>,
    config: RefCell<Option<Rc<Config>>>,
}

thread_local! {
    static INSTANCE: Rc<Instance> = Rc::new(Instance {
        memory: Memory::new(MEMORY_BYTES),
        fills: Rc::default(),
        config: RefCell::default(),
    });
}

impl Instance {
    /// The instance.
    pub fn present() -> Rc<Instance> {
        INSTANCE.with(Rc::clone)
    }

    /// The site of a `Host` header. Variables and secrets are read once: to change one is to deploy, and a deployment
    /// starts new isolates.
    pub fn site(&self, host: &str, env: &Env) -> Option<Rc<ServedSite>> {
        let mut held = self.config.try_borrow_mut().ok()?;
        held.get_or_insert_with(|| Rc::new(Config::read(env))).site(host)
    }
}
