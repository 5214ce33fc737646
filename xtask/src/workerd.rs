//! workerd, Cloudflare's runtime.

use crate::npm::{Package, Proof};

/// As the tests and `hemstitch demo` expect it.
pub const WORKERD: Package = Package {
    name: "workerd",
    about: "Cloudflare's runtime",
    package: "@cloudflare/workerd-linux-64",
    version: "1.20261117.1",
    file: "@cloudflare/workerd-linux-64/bin/workerd",
    proof: Proof::Runs,
};
