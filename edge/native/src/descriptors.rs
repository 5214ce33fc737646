//! File descriptors: every connection takes one, and a visitor's often a second one, to the origin.

use crate::journal;

/// What is kept for the listener, the store, the files and the idle connections to origins.
const KEPT: u64 = 128;

/// Raises this process's limit as far as it goes, and says how many of the `configured` connections there is room for.
pub fn connections(configured: usize) -> usize {
    let limit = match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => limit,
        Err(error) => {
            journal::warn(&format!("the limit of open files cannot be raised: {error}"));
            match rlimit::getrlimit(rlimit::Resource::NOFILE) {
                Ok((soft, _)) => soft,
                Err(_) => return configured,
            }
        }
    };
    let share = usize::try_from(share(limit)).unwrap_or(usize::MAX);
    if share < configured {
        journal::warn(&format!(
            "max_connections is {share}, not {configured}: this process may open {limit} files, \
             and half of them are for the origin"
        ));
    }
    configured.min(share)
}

/// The connections of visitors among so many descriptors; one at least.
fn share(limit: u64) -> u64 {
    (limit.saturating_sub(KEPT) / 2).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_visitor_leaves_a_descriptor_for_the_origin() {
        for (limit, expect) in
            [(0, 1), (128, 1), (1024, 448), (65_536, 32_704), (u64::MAX, (u64::MAX - KEPT) / 2)]
        {
            assert_eq!(share(limit), expect, "{limit}");
        }
    }

    #[test]
    fn no_more_is_allowed_than_is_configured() {
        assert_eq!(connections(1), 1);
    }
}
