//! What an instance keeps from one request to the next.

use crate::clock::Clock;
use crate::config::Config;
use crate::origin::FragmentBackends;

/// Bounded: sites and backends are as many as the operator configured, at most a few dozen.
#[derive(Default)]
pub struct Instance {
    pub clock: Clock,
    pub config: Config,
    pub backends: FragmentBackends,
}
