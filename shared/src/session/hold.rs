//! How long the head of an answer is held back, since something may still change it, and how long a page takes at most.

use super::gather::Gathering;
use super::{Extent, PageSession, Source};
use crate::esi::Budgets;

/// What is waited for before the head is certain.
#[derive(Default)]
pub(super) struct Hold {
    /// The head may still change.
    pub(super) held: bool,
    pub(super) gathering: Option<Gathering>,
    /// Reasons are asked for, and not all slots are known.
    pub(super) unnoted: bool,
    /// The page's ESI has run, and what it makes of the answer is in the head.
    pub(super) answered: bool,
    /// Functions that have not arrived are not waited for any more.
    hurried: bool,
    /// Fragments are not waited for any more.
    pub(super) late: bool,
}

impl Hold {
    pub(super) fn over(source: &Source, budgets: &Budgets) -> Hold {
        let may_come = source.has_esi() && budgets.hold_ms > 0;
        Hold { held: may_come || source.changes_answer(), ..Hold::default() }
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

    /// After how many milliseconds since its beginning the session wants to be told of the [time](Self::passed).
    pub fn alarm_ms(&self) -> Option<u32> {
        let budgets = &self.personal.site.esi.budgets;
        if self.hold.held && !self.hold.hurried && !self.source.is_settled() && !self.gathers() {
            return Some(budgets.hold_ms);
        }
        let waits = !self.hold.late && self.fetches.iter().any(|fetch| fetch.outcome.is_none());
        (waits && self.runs_esi()).then_some(budgets.page_ms)
    }

    /// So many milliseconds have passed since the session began. A head is then held no longer for what has not arrived of
    /// the page, or what is outstanding of it has failed.
    #[cold]
    pub fn passed(&mut self, ms: u64) {
        let site = std::sync::Arc::clone(&self.personal.site);
        self.hold.hurried |= ms >= site.esi.budgets.hold_ms.into();
        if ms >= site.esi.budgets.page_ms.into() && self.runs_esi() {
            self.hold.late = true;
            self.give_up_on_fragments();
        }
        if self.is_held() {
            self.let_go();
        }
    }

    /// Whether the page's ESI asks for fragments, or may.
    fn runs_esi(&self) -> bool {
        self.source.has_esi() || self.source.plan().is_some_and(|plan| plan.has_fragments())
    }

    /// Whether what the page's ESI makes of the answer is yet to be found out, whatever is sent of the page itself.
    pub(super) fn answer_is_in_the_page(&self) -> bool {
        self.hold.held && (self.source.changes_answer() || self.gathers())
    }

    /// Stops holding when nothing is left to wait for.
    #[cold]
    pub(super) fn let_go(&mut self) {
        let is_cut = self.source.is_cut();
        if self.hold.unnoted && (self.source.is_settled() || is_cut) {
            self.note_decisions();
        }
        let may_come = self.source.has_esi() && !self.source.is_settled() && !self.hold.hurried;
        let may_change = self.source.changes_answer() && !self.hold.answered;
        let gathers = !self.hold.answered && self.gathers();
        self.hold.held &= (may_come || may_change || gathers) && !is_cut && !self.explains_instead();
    }
}
