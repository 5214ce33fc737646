//! All that a pack says to one visitor of one page.

use serde_json::Value;

use super::json::object;
use super::{Explanation, GatesExplanation};
use crate::facts::Facts;
use crate::kill_switch::KillSwitch;
use crate::pack::format::Section;
use crate::pack::{Pack, SlotIndex};

/// What the gates of a path say, and then each slot of the pack and each edit of the path.
#[derive(Clone, Debug, PartialEq)]
pub struct VisitExplanation<'p> {
    /// What the gates say. Where one answers, no page is looked up, and there are no places.
    pub gates: GatesExplanation<'p>,
    /// Slots by name, then edits as they apply.
    pub places: Vec<PlaceExplanation<'p>>,
}

/// What a slot or an edit shows, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaceExplanation<'p> {
    /// The slot's name, or the edit's id.
    pub name: &'p str,
    /// `slot` or `edit`.
    pub kind: &'static str,
    /// What it shows.
    pub explanation: Explanation,
}

impl Pack {
    /// Explains all that the pack says to a visitor of the page at a path.
    pub fn explain_visit<'p>(
        &'p self,
        path: &str,
        facts: &'p Facts,
        kill_switch: &'p KillSwitch,
    ) -> VisitExplanation<'p> {
        let gates = self.explain_gates(path, facts, kill_switch);
        let mut places = Vec::new();
        if gates.answer.is_none() {
            let slots = self.slots().map(|(name, slot)| ("slot", name, slot));
            let edits = self.edits_for(path).into_iter().map(|edit| ("edit", edit.id, edit.slot));
            places.extend(slots.chain(edits).map(|(kind, name, slot)| PlaceExplanation {
                name,
                kind,
                explanation: self.explain(slot, facts, kill_switch),
            }));
        }
        VisitExplanation { gates, places }
    }

    /// The slots that rules were written for, by name.
    pub fn slots(&self) -> impl Iterator<Item = (&str, SlotIndex)> {
        let name = |index| self.word(Section::Slots, index, 0).and_then(|name| self.text(name));
        (0..self.count(Section::Slots)).filter_map(move |index| Some((name(index)?, SlotIndex(index))))
    }

    /// An explanation as JSON.
    pub fn visit_json(&self, explained: &VisitExplanation) -> Value {
        let place = |place: &PlaceExplanation| self.place_json(place.kind, place.name, &place.explanation);
        let places = Value::Array(explained.places.iter().map(place).collect());
        object(vec![("gates", self.gates_json(&explained.gates)), ("slots", places)])
    }
}
