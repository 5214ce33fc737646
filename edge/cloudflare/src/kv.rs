//! The KV namespace `HEMSTITCH_KV`.

use std::future::Future;

use worker::Env;

use crate::platform::{self, Promised, js};

/// A value; `None` where there is none, or no store. The platform begins to look it up at once.
pub fn value(env: &Env, key: &str) -> impl Future<Output = Option<Vec<u8>>> + use<> {
    let asked = Promised::from(js::kv(env, key));
    async { asked.await.ok().and_then(platform::bytes) }
}
