//! The KV namespace `HEMSTITCH_KV`.

use worker::Env;

use crate::platform::{self, Promised, js};

/// A value; `None` where there is none, or no store.
pub async fn value(env: &Env, key: &str) -> Option<Vec<u8>> {
    Promised::from(js::kv(env, key)).await.ok().and_then(platform::bytes)
}
