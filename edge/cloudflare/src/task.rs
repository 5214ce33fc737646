//! Tasks: one for each request, polled by `tasks.js`, each by itself.
//!
//! A panic cannot be caught here: it traps, and whoever polls sees the trap. So a task is out of the table while it is
//! polled, and what it has borrowed of an instance it borrows for no longer than a look.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use wasm_bindgen::prelude::*;

use crate::platform::js;

type Task = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    static TASKS: RefCell<HashMap<u32, Task>> = RefCell::default();
}

struct Bell(u32);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        js::ring(self.0);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        js::ring(self.0);
    }
}

/// Has a future polled under a number that `tasks.js` gave.
pub fn spawn(id: u32, future: impl Future<Output = ()> + 'static) {
    put(id, Box::pin(future));
    js::ring(id);
}

/// Takes a task as far as it goes; whether it is over.
#[wasm_bindgen]
pub fn poll(id: u32) -> bool {
    let task = TASKS.with(|tasks| tasks.try_borrow_mut().ok()?.remove(&id));
    let Some(mut task) = task else { return true };
    let waker = Waker::from(Arc::new(Bell(id)));
    match task.as_mut().poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(()) => true,
        Poll::Pending => {
            put(id, task);
            false
        }
    }
}

/// Drops a task whose request is over for the platform, so that nothing will ever wake it.
#[wasm_bindgen]
pub fn forget(id: u32) {
    drop(TASKS.with(|tasks| tasks.try_borrow_mut().ok()?.remove(&id)));
}

/// How many there are, but for the one that is being polled.
#[cfg(feature = "forced-panic")]
pub fn count() -> usize {
    TASKS.with(|tasks| tasks.try_borrow().map_or(0, |tasks| tasks.len()))
}

fn put(id: u32, task: Task) {
    TASKS.with(|tasks| {
        if let Ok(mut tasks) = tasks.try_borrow_mut() {
            tasks.insert(id, task);
        }
    });
}
