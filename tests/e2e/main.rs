//! Every test drives real processes over HTTP, or the core in-process with the same cases.

mod bad_input;
mod broken_store;
mod browser;
mod cache_contract;
mod cache_key;
mod corpus;
mod demo;
mod esi_conformance;
mod fragments;
mod growthbook_cases;
mod growthbook_sdk;
mod in_process;
mod kill_switch;
mod origin_alone;
mod page_cases;
mod passthrough;
mod profile_cookie;
mod stale;
mod stampede;
mod streaming;
mod upstream_privacy;
mod worker_aborts;
mod worker_faults;
mod worker_isolate;
mod worker_place;
mod worker_wrangler;
