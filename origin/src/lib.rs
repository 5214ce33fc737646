//! The origin: serves the pages of a folder, and does an edge's work where no edge is in front.
//!
//! ```text
//!  request ─► router ─┬─► /_hs/blocks/{slot} ─► Visit::block ───────────────────► stitch
//!                     ├─► /_hs/kv/{key} ─► the KV folder, for edges
//!                     └─► page ─► Folder::find ─┬─► an edge asks: the page as authored
//!                                               └─► nobody in front: Shelf ─► Visit::from_cache ─► stitch
//! ```
//! It decides nothing about visitors: that is done by the crate `hemstitch`, here as on every edge.

mod actions;
mod authored;
mod body;
mod capability;
mod content_type;
mod drafts;
mod folder;
mod fragments;
pub mod growthbook;
mod in_front;
mod keyring_file;
mod keys;
mod kv;
mod origin;
pub mod publishing;
pub mod record;
mod router;
mod rules;
mod ruleset_file;
mod server;
mod setting;
mod settings;
mod shelf;
mod stitch;
pub mod targets;
mod visits;
mod write_whole;

pub use content_type::content_type;
pub use folder::{Document, Folder, FolderError};
pub use keyring_file::{
    Force, KeyRecord, KeyRole, KeyUse, KeyringFile, KeyringFileError, RetireError, write_bundle,
};
pub use keys::{KeyFileError, SigningKeyFile, keyring_json, write_secret};
pub use kv::{Kv, KvReaders};
pub use origin::{Origin, Setup};
pub use router::router;
pub use rules::{Rules, RulesError};
pub use ruleset_file::{RulesetFile, Unpublishable, read_text};
pub use server::serve;
pub use setting::{Setting, SettingError};
pub use settings::{FileSettings, Settings, SettingsError};
