//! wrangler, with which a Worker is tried and deployed.

use crate::npm::Program;

/// The newest that runs on Node 20.
pub const WRANGLER: Program = Program {
    name: "wrangler",
    about: "Cloudflare's command line",
    package: "wrangler",
    version: "4.86.0",
    file: "wrangler/bin/wrangler.js",
};
