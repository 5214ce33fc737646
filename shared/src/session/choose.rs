//! What stands in each slot, and what has to be fetched for it.

use std::borrow::Cow;
use std::sync::Arc;

use super::arriving::Pieces;
use super::esi::EsiRun;
use super::fragment::{Caching, FRAGMENT_TIMEOUT_MS, FetchId, Fragment, FragmentFailure, FragmentRequest};
use super::{MAX_FRAGMENTS, PageSession};
use crate::esi::CallId;
use crate::facts::Facts;
use crate::http::{FragmentTarget, RequestHead, resolve_fragment};
use crate::kill_switch::KillSwitch;
use crate::pack::{BlockIndex, Choice, Content, Evaluation, Pack, Rendering, SlotIndex};
use crate::page::{Insertion, Node, PagePlan, Place};
use crate::site::Site;
use crate::sorted::Sorted;

/// Most fragments that one failure can bring about.
const MAX_STANDINS: usize = 8;

/// What a fetch is counted against. What a page needs is counted in document order, what a failure brings about by
/// itself, so that it does not matter which answer came first.
#[derive(Clone, Copy)]
enum Budget {
    Page,
    Failure { left: usize },
}

/// Longest chain of fallbacks that is followed, so that a pack whose blocks fall back in a circle ends.
const MAX_FALLBACKS: u8 = 8;

/// What makes a page this visitor's.
#[derive(Clone, Debug)]
pub struct Personalization {
    /// The rules; `None` where none arrived in time, and every slot shows its default.
    pub pack: Option<Arc<Pack>>,
    /// What the rules may see.
    pub facts: Arc<Facts>,
    /// What the operator has turned off.
    pub kill: KillSwitch,
    /// The site, for where fragments may come from.
    pub site: Arc<Site>,
    /// Configured host of the page.
    pub host: String,
    /// What fragments have to do with caches.
    pub caching: Caching,
    /// Path of the page, which relative URLs of fragments start from.
    pub path: String,
    /// The request, for what ESI may see of it.
    pub request: Arc<RequestHead>,
}

impl Personalization {
    /// The text of an inline block.
    pub(super) fn inline(&self, block: BlockIndex, insertion: &Insertion) -> Cow<'_, str> {
        match self.pack.as_deref().map(|pack| pack.block(block).content) {
            Some(Content::Inline(text)) => text.into(),
            Some(Content::Template(template)) => {
                let rendering = match insertion {
                    Insertion::Markup => Rendering::Markup,
                    Insertion::Attribute { .. } | Insertion::AttributeValue => Rendering::Text,
                    // A fallback; nothing of a visitor is put there.
                    Insertion::Raw => return "".into(),
                };
                template.render(&self.facts, rendering).into()
            }
            _ => "".into(),
        }
    }
}

/// What stands in a slot, or in the place of an include.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fill {
    Default,
    Nothing,
    Inline(BlockIndex),
    Fetched {
        id: FetchId,
        then: Then,
    },
    /// A construct of ESI, by the number under which it was entered.
    Esi(usize),
}

/// What is tried where a fetch fails.
#[derive(Clone, Copy, Debug)]
pub(super) enum Then {
    /// A fallback block, and else the default.
    Block { fallback: Option<BlockIndex>, hops: u8 },
    /// The `alt` of this include, and else nothing.
    Alt(u32),
    /// Nothing is left to try.
    Nothing,
}

pub(super) struct Fetch {
    pub(super) request: FragmentRequest,
    /// Whether the page needs it though nothing has failed; [`MAX_FRAGMENTS`] counts these.
    pub(super) planned: bool,
    /// How often it was elsewhere.
    pub(super) moves: u8,
    /// Who of the page's ESI waits for it.
    pub(super) calls: Vec<CallId>,
    /// What has arrived of it before all of it has.
    pub(super) pieces: Option<Pieces>,
    pub(super) outcome: Option<Result<Fragment, FragmentFailure>>,
}

impl PageSession {
    /// Looks through the nodes that were added since the last time, as far as they can be reached.
    pub(super) fn scout(&mut self) {
        let known = self.source.plan().map_or(0, |plan| plan.nodes().len());
        if self.scouted < known {
            self.scouted = self.scout_range(self.scouted, known, Budget::Page);
        }
    }

    /// Fills the slots and includes from node `from` up to `to`; the node to go on with.
    fn scout_range(&mut self, from: usize, to: usize, budget: Budget) -> usize {
        let PageSession { source, personal, fills, fetches, to_start, learned, esi, .. } = self;
        let Some(plan) = source.plan() else { return from };
        // A plan that grows has not all of its places yet.
        let known = personal.pack.as_deref().filter(|_| source.is_complete());
        let numbers = known.and_then(|pack| {
            plan.numbers(pack.hash().bytes(), |place| pack.slot_of(place).map(|SlotIndex(slot)| slot))
        });
        let mut scout = Scout { personal, evaluation: None, fetches, to_start, budget };
        // A page asks for one fragment in many places.
        let mut asked: Sorted<u32, Fill> = Sorted::default();
        let mut at = from;
        while let Some(node) = plan.nodes().get(at).filter(|_| at < to) {
            scout.budget = match budget {
                Budget::Page => Budget::Page,
                Budget::Failure { .. } => scout.budget,
            };
            at = match *node {
                Node::Literal(_) | Node::Skip(_) => at + 1,
                Node::Include { include: index, .. } => {
                    let page = matches!(budget, Budget::Page);
                    if let Some(fill) = asked.get(index).filter(|_| page) {
                        fills.insert(at, fill);
                    } else if let Some(include) = plan.includes().get(index as usize) {
                        let then = if include.alt.is_some() { Then::Alt(at as u32) } else { Then::Nothing };
                        let fill = scout.fetch_or_next(&include.src, FRAGMENT_TIMEOUT_MS, None, then, plan);
                        asked.insert(index, fill);
                        fills.insert(at, fill);
                    }
                    at + 1
                }
                Node::Esi { start, end, .. } => {
                    let run = esi.get_or_insert_with(|| EsiRun::new(personal, plan.charset()));
                    fills.insert(at, Fill::Esi(run.enter(start, end)));
                    at + 1
                }
                Node::Slot { place, end, .. } => {
                    let number = numbers.and_then(|numbers| numbers.get(place as usize));
                    let fill = plan
                        .places()
                        .get(place as usize)
                        .map_or(Fill::Default, |place| scout.slot(place, number.copied(), plan));
                    fills.insert(at, fill);
                    if matches!(fill, Fill::Default) { at + 1 } else { end as usize }
                }
            };
        }
        if let Some(evaluation) = &scout.evaluation {
            learned.append(evaluation.learned());
        }
        at
    }

    /// A fetch has failed: what waited for it gets the next best.
    pub(super) fn refill(&mut self, failed: FetchId) {
        let waiting: Vec<(usize, Then)> = self
            .fills
            .iter()
            .filter_map(|(node, fill)| match fill {
                Fill::Fetched { id, then } if id == failed => Some((node, then)),
                _ => None,
            })
            .collect();
        for (node, then) in waiting {
            let PageSession { source, personal, fetches, to_start, .. } = self;
            let Some(plan) = source.plan() else { return };
            let budget = Budget::Failure { left: MAX_STANDINS };
            let mut scout = Scout { personal, evaluation: None, fetches, to_start, budget };
            let fill = scout.next(then, plan);
            self.fills.insert(node, fill);
            let default = plan.nodes().get(node).and_then(|slot| match *slot {
                Node::Slot { end, .. } if matches!(fill, Fill::Default) => Some(end as usize),
                _ => None,
            });
            if let Some(end) = default {
                self.scout_range(node + 1, end, Budget::Failure { left: MAX_STANDINS });
            }
        }
    }

    /// A fetch that is known to be needed and has not been started.
    pub(super) fn next_fetch(&mut self) -> Option<FragmentRequest> {
        self.run_esi();
        if self.hold.late {
            self.give_up_on_fragments();
        }
        let id = self.to_start.pop_front()?;
        self.fetches.get(id.0).map(|fetch| fetch.request.clone())
    }
}

/// Whether facts stand in a block, which is then for markup alone.
fn is_template(pack: &Pack, block: BlockIndex) -> bool {
    matches!(pack.block(block).content, Content::Template(_))
}

/// The parts of a session that choosing works on.
struct Scout<'s> {
    personal: &'s Personalization,
    evaluation: Option<Evaluation<'s>>,
    fetches: &'s mut Vec<Fetch>,
    to_start: &'s mut std::collections::VecDeque<FetchId>,
    budget: Budget,
}

impl<'s> Scout<'s> {
    /// What stands in a place, whose number in the pack is `known`, perhaps.
    fn slot(&mut self, place: &Place, known: Option<Option<u32>>, plan: &PagePlan) -> Fill {
        let personal: &'s Personalization = self.personal;
        let Some(pack) = personal.pack.as_deref() else { return Fill::Default };
        let slot = known.map_or_else(|| pack.slot_of(place), |number| number.map(SlotIndex));
        let Some(slot) = slot else { return Fill::Default };
        let evaluation =
            self.evaluation.get_or_insert_with(|| Evaluation::new(pack, &personal.facts, &personal.kill));
        match evaluation.decide(slot).choice {
            Choice::Default => Fill::Default,
            Choice::Nothing => Fill::Nothing,
            Choice::Block(block) if place.insertion == Insertion::Raw && is_template(pack, block) => {
                Fill::Default
            }
            Choice::Block(block) => self.block(block, 0, plan),
        }
    }

    fn block(&mut self, index: BlockIndex, hops: u8, plan: &PagePlan) -> Fill {
        let personal: &'s Personalization = self.personal;
        let Some(pack) = personal.pack.as_deref().filter(|_| hops < MAX_FALLBACKS) else {
            return Fill::Default;
        };
        let block = pack.block(index);
        match block.content {
            Content::Inline(_) | Content::Template(_) => Fill::Inline(index),
            Content::Fragment(fragment) => {
                let then = Then::Block { fallback: block.fallback, hops: hops + 1 };
                self.fetch_or_next(fragment.url, fragment.timeout_ms, fragment.ttl_s, then, plan)
            }
        }
    }

    /// What comes after a failure.
    fn next(&mut self, then: Then, plan: &PagePlan) -> Fill {
        match then {
            Then::Nothing => Fill::Nothing,
            Then::Block { fallback: None, .. } => Fill::Default,
            Then::Block { fallback: Some(block), hops } => self.block(block, hops, plan),
            Then::Alt(node) => {
                let include = match plan.nodes().get(node as usize) {
                    Some(Node::Include { include, .. }) => plan.includes().get(*include as usize),
                    _ => None,
                };
                match include.and_then(|include| include.alt.as_deref()) {
                    Some(alt) => self.fetch_or_next(alt, FRAGMENT_TIMEOUT_MS, None, Then::Nothing, plan),
                    None => Fill::Nothing,
                }
            }
        }
    }

    /// Waits for the fragment at `url`; where it may not be fetched, or is known to have failed, for what comes next.
    fn fetch_or_next(
        &mut self,
        url: &str,
        timeout_ms: u32,
        ttl_s: Option<u32>,
        then: Then,
        plan: &PagePlan,
    ) -> Fill {
        let personal = self.personal;
        let target = resolve_fragment(url, &personal.host, &personal.path, &personal.site);
        match target.ok().and_then(|target| self.fetch(target, timeout_ms, ttl_s)) {
            Some(id) => Fill::Fetched { id, then },
            None => self.next(then, plan),
        }
    }

    /// A fetch of this target, the same one for everybody who asks; `None` where there is none to wait for.
    fn fetch(&mut self, target: FragmentTarget, timeout_ms: u32, ttl_s: Option<u32>) -> Option<FetchId> {
        let caching = self.personal.caching;
        let known = self.fetches.iter().position(|fetch| fetch.request.is_plain(&target, caching));
        let planned = matches!(self.budget, Budget::Page);
        if !self.spend(known) {
            return None;
        }
        let index = known.unwrap_or(self.fetches.len());
        if let Some(fetch) = self.fetches.get_mut(index) {
            fetch.planned |= planned;
            if matches!(fetch.outcome, Some(Err(_))) {
                self.budget = Budget::Failure { left: MAX_STANDINS };
                return None;
            }
        } else {
            let mut request = FragmentRequest::plain(FetchId(index), target, timeout_ms, caching);
            request.ttl_s = ttl_s;
            self.fetches.push(Fetch {
                request,
                planned,
                moves: 0,
                calls: Vec::new(),
                pieces: None,
                outcome: None,
            });
            self.to_start.push_back(FetchId(index));
        }
        Some(FetchId(index))
    }

    /// Whether one more fetch may be waited for.
    fn spend(&mut self, known: Option<usize>) -> bool {
        match &mut self.budget {
            Budget::Failure { left: 0 } => false,
            Budget::Failure { left } => {
                *left -= 1;
                true
            }
            Budget::Page => {
                let counted =
                    known.and_then(|index| self.fetches.get(index)).is_some_and(|fetch| fetch.planned);
                counted || self.fetches.iter().filter(|fetch| fetch.planned).count() < MAX_FRAGMENTS
            }
        }
    }
}
