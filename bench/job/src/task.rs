//! The tasks.

use serde::{Deserialize, Serialize};

/// Something to measure. The texts are names of inputs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Task {
    /// Nothing: what the measuring itself costs.
    Nothing,
    /// Copies a page, of the length that stitching it would give.
    Copy {
        /// The page as it is sent.
        page: String,
    },
    /// Stitches along a plan, with everything decided.
    Stitch {
        /// The stored page.
        object: String,
        /// The pack.
        pack: String,
    },
    /// All that the core does for a hit: from the arrived request to the last byte.
    Hit {
        /// The stored page.
        object: String,
        /// The pack.
        pack: String,
    },
    /// Compiles a page.
    Compile {
        /// The page as the origin sends it.
        page: String,
    },
    /// lol_html reads a page and looks for nothing.
    LolScan {
        /// The page.
        page: String,
    },
    /// lol_html reads a page and looks for one selector.
    LolSelect {
        /// The page.
        page: String,
    },
    /// lol_html fills the slots of a page.
    LolRewrite {
        /// The page, with slots as elements.
        page: String,
    },
    /// The crate `esi` puts the fragments into a page.
    Esi {
        /// The page, with includes of `/b/{index}.html`.
        page: String,
    },
    /// Runs the ESI of a stored page, its fragments at hand.
    RunEsi {
        /// The stored page.
        object: String,
        /// How many bytes are sent.
        sent: usize,
    },
    /// The crate `esi` runs the same page.
    RunEsiCrate {
        /// The page.
        page: String,
        /// How many bytes are sent.
        sent: usize,
    },
    /// Decides the slots `b-0` to `b-{slots - 1}` with a pack that is open.
    Decide {
        /// The pack.
        pack: String,
        /// How many slots.
        slots: usize,
    },
    /// Opens a pack that is trusted, and decides with it.
    Load {
        /// The pack.
        pack: String,
        /// How many slots.
        slots: usize,
    },
    /// Asks the keeper what it holds, and whether something is to be looked up, as an instance does for each request.
    Keep {
        /// The pack that it holds.
        pack: String,
    },
    /// Checks the hash of a pack and the signature of the pointer that names it.
    Verify {
        /// The pack.
        pack: String,
    },
    /// Parses a ruleset as JSON, and no more.
    ParseJson {
        /// The ruleset.
        ruleset: String,
    },
}
