//! The page plan: a page as a program of parts, in document order.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::Charset;
use hemstitch_esi::Program;

/// What to send, in document order. Invariant: the parts' bytes tile the page exactly once.
///
/// A slot's default is not nested but follows it, up to the node `end`: choosing a block is a jump over it, showing
/// the default is going on. So a plan is flat, and a partial one (of a page that still arrives) is a prefix of the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// So many bytes of the page, as they are.
    Literal(u32),
    /// So many bytes of the page that nobody gets: ESI markup and what it removes.
    Skip(u32),
    /// A place that can be personalized; its default is the nodes up to `end`.
    Slot {
        /// Index into [`PagePlan::places`].
        place: u32,
        /// The node after the default.
        end: u32,
        /// Bytes of the page that the default's nodes cover.
        covers: u32,
    },
    /// A fragment to include; `covers` bytes of markup stood here. `include` is an index into [`PagePlan::includes`].
    Include {
        /// Index into [`PagePlan::includes`].
        include: u32,
        /// Bytes of the page that the element took.
        covers: u32,
    },
    /// A construct of ESI, which the plan's program runs.
    Esi {
        /// The first of its instructions.
        start: u32,
        /// The instruction after them.
        end: u32,
        /// Bytes of the page that the construct took.
        covers: u32,
    },
}

/// Who decides what stands in a slot node, and how it is inserted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The name of a slot, or the id of an edit.
    pub name: String,
    /// Whether `name` is an edit's.
    pub edit: bool,
    /// How a block's bytes become bytes of the page.
    pub insertion: Insertion,
}

/// How a block's bytes become bytes of the page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Insertion {
    /// Markup, as it is.
    Markup,
    /// As it is, in a script, a style sheet or wherever else it is not read as markup, so that nothing of a visitor is
    /// put there.
    Raw,
    /// Text inside a double-quoted attribute value.
    AttributeValue,
    /// A whole attribute of this name, after `lead` (a space, or nothing), its value quoted and escaped.
    Attribute {
        /// What separates it from what stands before.
        lead: String,
        /// The attribute's name.
        name: String,
    },
}

/// Whether this can name a slot: 1 to 64 of `A-Z a-z 0-9 _ . -`.
pub fn is_slot_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

/// The name in `/_hs/blocks/NAME`: an include of it is a slot.
pub fn own_block_name(src: &str) -> Option<&str> {
    let path = src.split(['?', '#']).next().unwrap_or_default();
    path.strip_prefix("/_hs/blocks/").filter(|name| is_slot_name(name))
}

/// An ESI include (ESI Language Specification 1.0, section 3.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Include {
    /// What to insert, resolved against the page's URL.
    pub src: String,
    /// What to insert where `src` fails.
    pub alt: Option<String>,
}

/// The compiled form of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PagePlan {
    nodes: Vec<Node>,
    places: Vec<Place>,
    includes: Vec<Include>,
    program: Program,
    charset: Charset,
    numbers: Numbers,
}

/// Numbers by which places are known somewhere else. They are no part of a plan, and are worked out once for one that is held.
#[derive(Debug, Default)]
struct Numbers(OnceLock<Numbered>);

/// The hash of that something, and a number for each place.
type Numbered = ([u8; 32], Box<[Option<u32>]>);

impl Clone for Numbers {
    fn clone(&self) -> Numbers {
        Numbers::default()
    }
}

impl PartialEq for Numbers {
    fn eq(&self, _: &Numbers) -> bool {
        true
    }
}

impl Eq for Numbers {}

impl PagePlan {
    /// The numbers of its places in something with that hash: `number` is asked once for each place, the first time. `None`
    /// where the plan has been asked for those in something else before, and its places have to be looked up one by one.
    pub fn numbers(&self, hash: &[u8; 32], number: impl Fn(&Place) -> Option<u32>) -> Option<&[Option<u32>]> {
        let (of, numbers) = self.numbers.0.get_or_init(|| (*hash, self.places.iter().map(number).collect()));
        (of == hash).then_some(&**numbers)
    }

    /// The parts in document order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The distinct places of the page's slots and edits.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The distinct includes.
    pub fn includes(&self) -> &[Include] {
        &self.includes
    }

    /// Whether the page's ESI may change status and headers of the answer.
    pub fn changes_answer(&self) -> bool {
        self.program.traits().answers
    }

    /// What runs the page's constructs of ESI.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// What inserted text is encoded in.
    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// Whether the page can differ from visitor to visitor: then it never enters a shared cache, defaults or not.
    pub fn is_personal(&self) -> bool {
        !self.places.is_empty() || self.program.traits().personal
    }

    /// Whether it has fragments, whose lifetimes are their own.
    pub fn has_fragments(&self) -> bool {
        !self.includes.is_empty() || self.program.traits().includes
    }

    /// Whether what is sent can differ from the page's own bytes.
    pub fn is_altered(&self) -> bool {
        self.nodes.iter().any(|node| !matches!(node, Node::Literal(_)))
    }

    /// A page that is nothing but one slot with an empty default: what `/_hs/blocks/{name}` answers.
    pub fn single_slot(name: &str) -> PagePlan {
        let mut draft = PlanDraft::new(Charset::UTF_8);
        let slot = draft.open(Place { name: name.to_owned(), edit: false, insertion: Insertion::Markup });
        draft.close(slot, 0);
        draft.plan
    }

    /// A page of so many bytes that is the same for everybody.
    pub fn literal(bytes: u32) -> PagePlan {
        let mut draft = PlanDraft::new(Charset::UTF_8);
        draft.plan.nodes.extend((bytes > 0).then_some(Node::Literal(bytes)));
        draft.plan
    }

    /// A plan for a page of `body` bytes, as it was stored; `None` where the parts contradict each other.
    pub fn from_parts(
        nodes: Vec<Node>,
        places: Vec<Place>,
        includes: Vec<Include>,
        program: Program,
        charset: Charset,
        body: u32,
    ) -> Option<PagePlan> {
        let plan = PagePlan { nodes, places, includes, program, charset, numbers: Numbers::default() };
        (plan.tiles(body) == Some(true)).then_some(plan)
    }

    /// Whether the nodes cover `body` bytes exactly and nest properly; `None` where sums overflow or indices point nowhere.
    fn tiles(&self, body: u32) -> Option<bool> {
        let mut covered = 0u32;
        let mut open: Vec<(u32, u32)> = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            while let Some(&(end, expect)) = open.last() {
                if end as usize != index {
                    break;
                }
                if covered != expect {
                    return Some(false);
                }
                open.pop();
            }
            match *node {
                Node::Literal(len) | Node::Skip(len) => covered = covered.checked_add(len)?,
                Node::Include { include, covers } => {
                    self.includes.get(include as usize)?;
                    covered = covered.checked_add(covers)?;
                }
                Node::Esi { start, end, covers } => {
                    if start >= end || end as usize > self.program.len() {
                        return Some(false);
                    }
                    covered = covered.checked_add(covers)?;
                }
                Node::Slot { place, end, covers } => {
                    self.places.get(place as usize)?;
                    let within = open.last().is_none_or(|&(outer, _)| end <= outer);
                    if end as usize <= index || end as usize > self.nodes.len() || !within {
                        return Some(false);
                    }
                    open.push((end, covered.checked_add(covers)?));
                }
            }
        }
        let closed = open.iter().all(|&(end, expect)| end as usize == self.nodes.len() && expect == covered);
        Some(closed && covered == body)
    }
}

/// A plan that grows. Adjacent literals (and skips) become one, so the result does not depend on how bytes arrived.
pub(super) struct PlanDraft {
    pub(super) plan: PagePlan,
    place_index: HashMap<Place, u32>,
    include_index: HashMap<Include, u32>,
    /// Below this node nothing may be merged into: a slot opened or closed there.
    barrier: usize,
}

impl PlanDraft {
    pub(super) fn new(charset: Charset) -> PlanDraft {
        let (nodes, places, includes) = (Vec::new(), Vec::new(), Vec::new());
        let plan = PagePlan {
            nodes,
            places,
            includes,
            program: Program::default(),
            charset,
            numbers: Numbers::default(),
        };
        PlanDraft { plan, place_index: HashMap::new(), include_index: HashMap::new(), barrier: 0 }
    }

    pub(super) fn literal(&mut self, len: usize) {
        self.extend(
            len,
            |node| match node {
                Node::Literal(len) => Some(len),
                _ => None,
            },
            Node::Literal,
        );
    }

    pub(super) fn skip(&mut self, len: usize) {
        self.extend(
            len,
            |node| match node {
                Node::Skip(len) => Some(len),
                _ => None,
            },
            Node::Skip,
        );
    }

    fn extend(&mut self, len: usize, same: fn(&mut Node) -> Option<&mut u32>, new: fn(u32) -> Node) {
        let len = len as u32;
        if len == 0 {
            return;
        }
        let mergeable = self.plan.nodes.len() > self.barrier;
        match self.plan.nodes.last_mut().filter(|_| mergeable).and_then(same) {
            Some(last) => *last += len,
            None => self.plan.nodes.push(new(len)),
        }
    }

    pub(super) fn include(&mut self, include: Include, covers: usize) {
        let include = intern(&mut self.plan.includes, &mut self.include_index, include);
        self.plan.nodes.push(Node::Include { include, covers: covers as u32 });
    }

    pub(super) fn esi(&mut self, (start, end): (u32, u32), covers: usize) {
        self.plan.nodes.push(Node::Esi { start, end, covers: covers as u32 });
    }

    /// The program of the constructs, as far as it goes; the compiler of ESI has it while it adds to it.
    pub(super) fn program_mut(&mut self) -> &mut Program {
        &mut self.plan.program
    }

    /// Opens a slot; its default is what is added until [`close`](Self::close).
    pub(super) fn open(&mut self, place: Place) -> usize {
        let place = intern(&mut self.plan.places, &mut self.place_index, place);
        self.plan.nodes.push(Node::Slot { place, end: 0, covers: 0 });
        self.barrier = self.plan.nodes.len();
        self.barrier - 1
    }

    pub(super) fn close(&mut self, slot: usize, covered: usize) {
        let after = self.plan.nodes.len();
        self.barrier = after;
        if let Some(Node::Slot { end, covers, .. }) = self.plan.nodes.get_mut(slot) {
            *end = after as u32;
            *covers = covered as u32;
        }
    }
}

fn intern<T: Clone + Eq + std::hash::Hash>(all: &mut Vec<T>, index: &mut HashMap<T, u32>, item: T) -> u32 {
    *index.entry(item).or_insert_with_key(|item| {
        all.push(item.clone());
        (all.len() - 1) as u32
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_of_ours_is_known_by_its_path() {
        assert_eq!(own_block_name("/_hs/blocks/hero?x"), Some("hero"));
        assert_eq!(own_block_name("/_hs/blocks/a/b"), None);
        assert_eq!(own_block_name("/_hs/blocks/"), None);
        assert_eq!(own_block_name("https://acme.test/_hs/blocks/hero"), None);
    }

    fn place(name: &str) -> Place {
        Place { name: name.to_owned(), edit: false, insertion: Insertion::Markup }
    }

    fn draft() -> PlanDraft {
        let mut draft = PlanDraft::new(Charset::UTF_8);
        draft.literal(2);
        draft.literal(3);
        let outer = draft.open(place("outer"));
        draft.literal(4);
        let inner = draft.open(place("inner"));
        draft.close(inner, 0);
        draft.literal(1);
        draft.close(outer, 5);
        draft.literal(7);
        draft
    }

    #[test]
    fn adjacent_literals_merge_but_never_across_a_slot_boundary() {
        let nodes = draft().plan.nodes;
        assert_eq!(nodes.len(), 6);
        assert_eq!(nodes[0], Node::Literal(5));
        assert_eq!(nodes[1], Node::Slot { place: 0, end: 5, covers: 5 });
        assert_eq!(nodes[5], Node::Literal(7));
    }

    #[test]
    fn a_plan_that_does_not_tile_its_page_is_refused() {
        let plan = draft().plan;
        let rebuilt = |change: &dyn Fn(&mut Vec<Node>), body| {
            let mut nodes = plan.nodes.clone();
            change(&mut nodes);
            PagePlan::from_parts(nodes, plan.places.clone(), vec![], Program::default(), Charset::UTF_8, body)
        };
        assert_eq!(rebuilt(&|_| (), 17), Some(plan.clone()));
        assert_eq!(rebuilt(&|_| (), 18), None);
        assert_eq!(rebuilt(&|nodes| nodes[0] = Node::Literal(u32::MAX), 17), None);
        assert_eq!(rebuilt(&|nodes| nodes[1] = Node::Slot { place: 9, end: 5, covers: 5 }, 17), None);
        assert_eq!(rebuilt(&|nodes| nodes[1] = Node::Slot { place: 0, end: 4, covers: 5 }, 17), None);
        assert_eq!(rebuilt(&|nodes| nodes[1] = Node::Slot { place: 0, end: 1, covers: 0 }, 17), None);
        assert_eq!(rebuilt(&|nodes| nodes[3] = Node::Slot { place: 1, end: 6, covers: 8 }, 17), None);
        assert_eq!(rebuilt(&|nodes| nodes.truncate(2), 5), None);
    }
}
