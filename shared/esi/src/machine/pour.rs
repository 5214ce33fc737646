//! Fragments that are shown piece by piece, while they arrive.

use super::fetch::Fill;
use super::{CallId, Fragment, Inclusion, Machine, Piece};
use crate::dialect::IncludeFailure;

impl Machine {
    /// The fragment that sending waits for.
    pub fn first_in_line(&self) -> Option<CallId> {
        let (level, at) = self.levels.last()?;
        let Piece::Include(index) = self.pieces(*level).get(*at)? else { return None };
        let waits = matches!(self.inclusions.get(*index)?.fill, Fill::Waiting);
        waits.then_some(CallId(*index))
    }

    /// Whether a fragment with these headers may be shown while it arrives: it is put in as it is, and if it failed in its
    /// midst nothing would stand in its place.
    pub fn streams(&self, id: CallId, headers: &[(String, String)]) -> bool {
        let Some(inclusion) = self.inclusions.get(id.0) else { return false };
        self.dialect.include_failure == IncludeFailure::Nothing
            && self.dialect.failure_marker.is_empty()
            && inclusion.stands_alone()
            && !self.runs(inclusion.unit, inclusion.dca, headers)
    }

    /// Appends a piece of a fragment that [streams](Self::streams). False where the page may not grow by it: the include is
    /// over, then.
    pub fn pour(&mut self, id: CallId, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        let fits = self.may_add(bytes.len());
        let Some(inclusion) = self.inclusions.get_mut(id.0) else { return true };
        if fits {
            inclusion.poured += bytes.len();
            out.extend_from_slice(bytes);
        } else {
            inclusion.fill = Fill::Empty;
        }
        fits
    }

    /// What is left of a fragment of which a part was sent; `None` where it failed.
    pub(super) fn pour_rest(&mut self, id: CallId, fragment: Option<Fragment>) {
        let poured = self.inclusions.get(id.0).map_or(0, |inclusion| inclusion.poured);
        let rest = fragment.and_then(|fragment| {
            let from = poured.min(fragment.body.len());
            Some(fragment.body.slice(from..)).filter(|rest| self.may_add(rest.len()))
        });
        if let Some(inclusion) = self.inclusions.get_mut(id.0) {
            inclusion.fill = rest.map_or(Fill::Empty, Fill::Ready);
        }
    }
}

impl Inclusion {
    /// Whether a failure leaves nothing, and whatever arrives is shown where it stands.
    fn stands_alone(&self) -> bool {
        let only = self.alt.is_none() && self.body.is_none() && self.part.is_none();
        only && !self.eval && !self.collected
    }
}
