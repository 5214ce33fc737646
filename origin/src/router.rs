//! The one list of routes.

use std::sync::Arc;

use axum::Router;
use axum::routing::{any, get};

use crate::actions;
use crate::origin::Origin;

/// Everything that an origin answers. Serve it with the address of the peer (`ConnectInfo<SocketAddr>`), without
/// which nobody may read the KV.
pub fn router(origin: Arc<Origin>) -> Router {
    Router::new()
        .route("/_hs/blocks/{slot}", get(actions::block))
        .route("/_hs/kv/{*key}", get(actions::kv::get).put(actions::kv::put))
        .route("/_hs/publications", get(actions::publications::list).post(actions::publications::add))
        .route("/_hs/publications/{sequence}", get(actions::publications::one))
        .route("/_hs/{*rest}", any(actions::unknown))
        .fallback(actions::page)
        .with_state(origin)
}
