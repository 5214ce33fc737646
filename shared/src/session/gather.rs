//! What fragments add to the head of a page: how long it may be kept, when it was changed, cookies, and where they are.

use ::http::header;

use super::PageSession;
use super::fragment::{Caching, FetchId};
use crate::esi::{self, FragmentCookies, FragmentDates, FragmentRedirects};
use crate::http::{self, ResponseHead, resolve_fragment};
use crate::time::UnixTime;

/// How often a fragment may say that it is elsewhere.
const MAX_MOVES: u8 = 3;

/// What is gathered of fragments before the head is certain.
pub(super) struct Gathering {
    /// The page as the origin sent it, and its age in seconds, where it may become one for everybody.
    page: Option<(ResponseHead, u64)>,
    now: UnixTime,
}

impl PageSession {
    /// Has the head say what the page's fragments add to it, as the site's ESI is set. `page`: its head as the origin sent it,
    /// and its age in seconds, where it may be kept for everybody if its fragments may.
    pub(crate) fn gather(&mut self, page: Option<(ResponseHead, u64)>, now: UnixTime) {
        let passes = self.personal.site.esi.fragment_cookies == FragmentCookies::Pass;
        if page.is_some() || passes {
            self.hold.gathering = Some(Gathering { page, now });
            self.hold.held |= self.gathers();
        }
    }

    /// Whether fragments may still add something to the head.
    pub(super) fn gathers(&self) -> bool {
        let Some(gathering) = &self.hold.gathering else { return false };
        let plan = self.source.plan();
        let passes = self.personal.site.esi.fragment_cookies == FragmentCookies::Pass;
        let merges =
            gathering.page.is_some() && plan.is_none_or(|plan| !plan.is_personal() && !plan.changes_answer());
        (passes || merges) && (!self.source.is_settled() || plan.is_some_and(|plan| plan.has_fragments()))
    }

    /// Puts into the head what the fragments add, now that all of them are here.
    pub(super) fn put_gathered(&mut self) {
        if !self.gathers() {
            return;
        }
        let Some(Gathering { page, now }) = self.hold.gathering.take() else { return };
        let dialect = &self.personal.site.esi;
        let arrived = self.fetches.iter().filter_map(|fetch| fetch.outcome.as_ref()?.as_ref().ok());
        if dialect.fragment_cookies == FragmentCookies::Pass {
            for cookie in arrived.flat_map(|fragment| &fragment.cookies) {
                http::change_answer(&mut self.head.headers, &header::SET_COOKIE, cookie);
            }
        }
        let nobodys = self.esi.as_ref().is_none_or(|run| !run.has_personal_fragment());
        let Some((page, age_s)) = page.filter(|_| nobodys) else { return };
        let (mut until, mut most, mut changed) = (u64::MAX, u64::MAX, Some(0));
        for fetch in &self.fetches {
            let Some(Ok(fragment)) = &fetch.outcome else { return };
            if fetch.request.caching == Caching::Apart || fragment.fresh_until == 0 {
                return;
            }
            (until, most) = (until.min(fragment.fresh_until), most.min(fragment.fresh_s));
            let known = Some(fragment.modified).filter(|modified| *modified > 0);
            changed = changed.zip(known).map(|(one, other)| one.max(other));
        }
        let changed = changed.filter(|_| dialect.fragment_dates == FragmentDates::Latest);
        if let Some(head) = http::merged_reply(&page, age_s, until.saturating_sub(now.0).min(most), changed) {
            self.head = head;
        }
    }

    /// Asks for a fragment where it says that it is, if that may be fetched.
    pub(super) fn follow(&mut self, id: FetchId, to: &str) -> bool {
        let personal = &self.personal;
        let Some(fetch) = self.fetches.get_mut(id.0) else { return false };
        let may = personal.site.esi.fragment_redirects == FragmentRedirects::Follow
            && fetch.moves < MAX_MOVES
            && fetch.request.entity.is_none();
        if !may || self.hold.late {
            return false;
        }
        let url = esi::absolute(&fetch.request.target.url(), to);
        let target = resolve_fragment(&url, &personal.host, &personal.path, &personal.site);
        let Ok(target) = target else { return false };
        if target.host() != fetch.request.target.host() {
            fetch.request.headers.clear();
        }
        fetch.request.target = target;
        fetch.moves += 1;
        self.to_start.push_back(id);
        true
    }
}
