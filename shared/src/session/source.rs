//! Where a session's page comes from: the cache, or an origin that is still sending it.

use std::sync::Arc;

use super::Step;
use crate::http::ResponseHead;
use crate::page::{CompileOptions, Life, PageCompiler, PagePlan, PageWarning, StoredPage, compiled_digest};

/// How a page is stored when it is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Status and headers as the origin sent them.
    pub head: ResponseHead,
    /// How long it may be served.
    pub life: Life,
}

pub(super) enum Source {
    Stored { page: Arc<StoredPage>, plan: Arc<PagePlan> },
    Compiling(Box<Compiling>),
}

pub(super) struct Compiling {
    compiler: PageCompiler,
    options: CompileOptions,
    keep: Option<Keep>,
    max_page_bytes: usize,
    /// What arrived beyond `max_page_bytes`: sent as it is, after everything else.
    overflow: Vec<u8>,
    arrival: Arrival,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Arrival {
    Going,
    /// The rest is not compiled.
    Overflowing,
    Complete,
    Cut,
}

impl Source {
    pub(super) fn stored(page: Arc<StoredPage>, plan: Arc<PagePlan>) -> Source {
        Source::Stored { page, plan }
    }

    pub(super) fn compiling(options: CompileOptions, max_page_bytes: usize, keep: Option<Keep>) -> Source {
        Source::Compiling(Box::new(Compiling {
            compiler: PageCompiler::new(options.clone()),
            options,
            keep,
            max_page_bytes,
            overflow: Vec::new(),
            arrival: Arrival::Going,
        }))
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        let Source::Compiling(compiling) = self else { return };
        if compiling.arrival == Arrival::Going {
            let room = compiling.max_page_bytes.saturating_sub(compiling.compiler.page().len());
            if bytes.len() <= room {
                return compiling.compiler.write(bytes);
            }
            let (compiled, rest) = bytes.split_at(room);
            compiling.compiler.write(compiled);
            compiling.compiler.finish();
            compiling.arrival = Arrival::Overflowing;
            compiling.keep = None;
            compiling.overflow.extend_from_slice(rest);
        } else if compiling.arrival == Arrival::Overflowing {
            compiling.overflow.extend_from_slice(bytes);
        }
    }

    pub(super) fn end(&mut self) {
        let Source::Compiling(compiling) = self else { return };
        if matches!(compiling.arrival, Arrival::Going | Arrival::Overflowing) {
            compiling.compiler.finish();
            compiling.arrival = Arrival::Complete;
        }
    }

    pub(super) fn cut(&mut self) {
        let Source::Compiling(compiling) = self else { return };
        if compiling.arrival != Arrival::Complete {
            compiling.arrival = Arrival::Cut;
            compiling.keep = None;
        }
    }

    pub(super) fn is_cut(&self) -> bool {
        matches!(self, Source::Compiling(compiling) if compiling.arrival == Arrival::Cut)
    }

    pub(super) fn is_complete(&self) -> bool {
        match self {
            Source::Stored { .. } => true,
            Source::Compiling(compiling) => compiling.arrival == Arrival::Complete,
        }
    }

    /// Whether the page is compiled here, with its ESI.
    pub(super) fn has_esi(&self) -> bool {
        matches!(self, Source::Compiling(compiling) if compiling.options.esi)
    }

    /// Whether the page's ESI may change the answer, as far as the plan goes.
    pub(super) fn changes_answer(&self) -> bool {
        self.plan().is_some_and(PagePlan::changes_answer)
    }

    /// Whether the plan does not grow any more.
    pub(super) fn is_settled(&self) -> bool {
        match self {
            Source::Stored { .. } => true,
            Source::Compiling(compiling) => {
                matches!(compiling.arrival, Arrival::Complete | Arrival::Overflowing)
            }
        }
    }

    pub(super) fn page(&self) -> &[u8] {
        match self {
            Source::Stored { page, .. } => page.page(),
            Source::Compiling(compiling) => compiling.compiler.page(),
        }
    }

    pub(super) fn plan(&self) -> Option<&PagePlan> {
        match self {
            Source::Stored { plan, .. } => Some(plan),
            Source::Compiling(compiling) => compiling.compiler.plan(),
        }
    }

    pub(super) fn warnings(&self) -> &[PageWarning] {
        match self {
            Source::Stored { .. } => &[],
            Source::Compiling(compiling) => compiling.compiler.warnings(),
        }
    }

    /// What there is to do when everything that can be sent has been.
    pub(super) fn step_at_end(&self) -> Step {
        if self.is_cut() {
            Step::Abort
        } else if self.is_complete() {
            Step::Done
        } else {
            Step::Wait
        }
    }

    /// Forgets what nobody is going to be sent.
    pub(super) fn drop_overflow(&mut self) {
        if let Source::Compiling(compiling) = self {
            compiling.overflow = Vec::new();
        }
    }

    /// How much has arrived that waits behind what cannot be sent.
    pub(super) fn overflow_len(&self) -> usize {
        match self {
            Source::Stored { .. } => 0,
            Source::Compiling(compiling) => compiling.overflow.len(),
        }
    }

    pub(super) fn send_overflow(&mut self, out: &mut Vec<u8>) {
        if let Source::Compiling(compiling) = self {
            out.append(&mut compiling.overflow);
        }
    }

    pub(super) fn take_object(&mut self) -> Option<Vec<u8>> {
        let Source::Compiling(compiling) = self else { return None };
        if compiling.arrival != Arrival::Complete {
            return None;
        }
        let Keep { head, life } = compiling.keep.take()?;
        let (plan, page) = (compiling.compiler.plan()?, compiling.compiler.page());
        let digest = compiled_digest(&compiling.options.edits, &compiling.options.dialect);
        Some(StoredPage::encode(&head, &life, compiling.options.esi, plan, &digest, page))
    }
}
