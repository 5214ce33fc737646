//! wrangler, with which a Worker is tried and deployed.

use crate::npm::{Package, Proof};

/// The newest that runs on Node 20.
pub const WRANGLER: Package = Package {
    name: "wrangler",
    about: "Cloudflare's command line",
    package: "wrangler",
    version: "4.86.0",
    file: "wrangler/bin/wrangler.js",
    proof: Proof::Runs,
};
