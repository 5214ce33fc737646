//! GrowthBook's SDK for JavaScript, which rules are compared with.

use crate::npm::{Package, Proof};

/// As the tests expect it.
pub const GROWTHBOOK: Package = Package {
    name: "growthbook",
    about: "what rules are compared with",
    package: "@growthbook/growthbook",
    version: "1.8.0",
    file: "@growthbook/growthbook/dist/cjs/core.js",
    proof: Proof::Exists,
};
