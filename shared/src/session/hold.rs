//! How long the head of an answer is held back, since something may still change it.

use super::{Extent, PageSession, Source};

/// What is waited for before the head is certain.
#[derive(Default)]
pub(super) struct Hold {
    /// The head may still change.
    held: bool,
    /// Reasons are asked for, and not all slots are known.
    pub(super) unnoted: bool,
    /// The page's ESI has run, and what it makes of the answer is in the head.
    pub(super) answered: bool,
}

impl Hold {
    pub(super) fn over(source: &Source) -> Hold {
        Hold { held: matches!(source, Source::Stored { .. }) && source.changes_answer(), ..Hold::default() }
    }
}

impl PageSession {
    /// Whether status, headers and body may still change, because the page's ESI may change the answer or because reasons
    /// are asked for and not all of the page is known. The driver sends nothing until they may not, or until
    /// [`Step::Abort`](super::Step::Abort). Once it is not held it never is again.
    pub fn is_held(&self) -> bool {
        self.hold.held || self.hold.unnoted
    }

    /// Whether the answer is the head alone, as HEAD asks for it.
    pub fn is_bodiless(&self) -> bool {
        self.extent == Extent::Head
    }

    /// Whether what the page's ESI makes of the answer is yet to be found out, whatever is sent of the page itself.
    pub(super) fn answer_is_in_the_page(&self) -> bool {
        self.hold.held && self.source.changes_answer()
    }

    /// Stops holding when nothing is left to wait for.
    #[cold]
    pub(super) fn let_go(&mut self) {
        if self.hold.unnoted && (self.source.is_settled() || self.source.is_cut()) {
            self.note_decisions();
        }
        let may_change = self.source.changes_answer() && !self.hold.answered && !self.source.is_cut();
        self.hold.held = self.hold.held && may_change && !self.explains_instead();
    }
}
