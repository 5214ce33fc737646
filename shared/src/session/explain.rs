//! Reasons: what each slot of a page shows to this visitor, and why. Instead of the page as JSON, or beside it in headers.

use std::fmt::Write as _;

use ::http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::{PageSession, Step};
use crate::http::ResponseHead;
use crate::kill_switch::KillSwitch;
use crate::pack::{Choice, Evaluation, GateIndex, Pack, SlotIndex, reason_word};
use crate::page::Place;

/// Most bytes of a header that notes decisions.
const MOST_NOTE_BYTES: usize = 2_048;

/// Where reasons are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Explained {
    /// In headers, beside the page.
    Beside,
    /// Instead of the page.
    Instead,
}

/// A report that is on its way.
pub(super) struct Report {
    told: Explained,
    /// The entries of `Server-Timing` that are about slots.
    slots: String,
    cost_us: Option<u64>,
    sent: bool,
}

impl PageSession {
    /// Has the session answer with reasons. The page is compiled and stored all the same.
    ///
    /// Headers say `hs-pack`, `Server-Timing` and `hs-decisions`: a list of RFC 9651, one string for each slot. The head of a
    /// page that still arrives is held until all its slots are known.
    #[cold]
    pub(crate) fn explain(&mut self, told: Explained) {
        if told == Explained::Instead {
            make_reasons(&mut self.head);
        }
        keep_nowhere(&mut self.head);
        self.explaining = Some(Report { told, slots: String::new(), cost_us: None, sent: false });
        match self.source.is_settled() {
            true => self.note_decisions(),
            false => self.hold.unnoted = true,
        }
    }

    /// Says in the head what is decided for the slots that are known.
    #[cold]
    pub(super) fn note_decisions(&mut self) {
        self.hold.unnoted = false;
        let notes = self.notes();
        let mut insert = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::try_from(value)
                && !value.is_empty()
            {
                self.head.headers.insert(name, value);
            }
        };
        insert("hs-pack", &notes.pack);
        insert("hs-decisions", &notes.decisions);
        insert("server-timing", &notes.timing);
        if let Some(report) = &mut self.explaining {
            report.slots = notes.timing;
        }
    }

    /// Says what the page has cost at the edge so far, in microseconds, if reasons are asked for (Server Timing, W3C).
    pub fn note_cost(&mut self, microseconds: u64) {
        let Some(report) = &mut self.explaining else { return };
        report.cost_us = Some(microseconds);
        let comma = if report.slots.is_empty() { "" } else { ", " };
        let (ms, us) = (microseconds / 1_000, microseconds % 1_000);
        let timing = format!("hs;dur={ms}.{us:03}{comma}{}", report.slots);
        if let Ok(timing) = HeaderValue::try_from(timing) {
            self.head.headers.insert("server-timing", timing);
        }
    }

    pub(super) fn explains_instead(&self) -> bool {
        self.explaining.as_ref().is_some_and(|report| report.told == Explained::Instead)
    }

    pub(super) fn advance_report(&mut self, out: &mut Vec<u8>) -> Step {
        self.source.drop_overflow();
        let step = self.source.step_at_end();
        let sent = self.explaining.as_mut().map(|report| &mut report.sent);
        if let Some(sent) = sent.filter(|sent| step == Step::Done && !**sent) {
            *sent = true;
            out.extend_from_slice(self.reasons().to_string().as_bytes());
        }
        step
    }

    fn reasons(&self) -> Value {
        let places = self.source.plan().map(|plan| plan.places()).unwrap_or_default();
        let slots: Vec<Value> = places.iter().map(|place| self.reason(place)).collect();
        let mut reasons = json!({ "path": self.personal.path, "gates": self.gates(), "slots": slots });
        let cost = self.explaining.as_ref().and_then(|report| report.cost_us);
        if let (Some(cost), Some(members)) = (cost, reasons.as_object_mut()) {
            members.insert("edge_us".to_owned(), cost.into());
        }
        reasons
    }

    /// The gates that this visitor passed.
    fn gates(&self) -> Value {
        let personal = &self.personal;
        match personal.pack.as_deref() {
            Some(pack) => {
                pack.gates_json(&pack.explain_gates(&personal.path, &personal.facts, &personal.kill))
            }
            None => json!({ "passed": [] }),
        }
    }

    fn reason(&self, place: &Place) -> Value {
        let kind = if place.edit { "edit" } else { "slot" };
        let pack = self.personal.pack.as_deref();
        match (pack, self.slot_of(place)) {
            (Some(pack), Some(slot)) => {
                let explained = pack.explain(slot, &self.personal.facts, &self.personal.kill);
                pack.place_json(kind, &place.name, &explained)
            }
            (pack, _) => {
                let why = match (pack, &self.personal.kill) {
                    (_, KillSwitch::Off) => "off",
                    (None, _) => "no-pack",
                    (Some(_), _) => "no-rule",
                };
                json!({ "slot": place.name, "kind": kind, "shows": "default", "reason": why })
            }
        }
    }

    fn slot_of(&self, place: &Place) -> Option<SlotIndex> {
        let pack = self.personal.pack.as_deref()?;
        if place.edit { pack.edit_slot(&place.name) } else { pack.slot(&place.name) }
    }

    /// What is decided for the slots of a plan that is known, and how many instructions each decision took.
    #[cold]
    fn notes(&self) -> Notes {
        let personal = &self.personal;
        let Some(pack) = personal.pack.as_deref() else { return Notes::default() };
        let mut notes = Notes { pack: pack.hash().to_string(), ..Notes::default() };
        let Some(plan) = self.source.plan() else { return notes };
        let mut evaluation = Evaluation::new(pack, &personal.facts, &personal.kill);
        for (index, place) in plan.places().iter().enumerate() {
            let before = evaluation.instructions();
            let decision = self.slot_of(place).map(|slot| evaluation.decide(slot));
            let steps = evaluation.instructions().saturating_sub(before);
            let shows = match decision.map(|decision| decision.choice) {
                None | Some(Choice::Default) => "default",
                Some(Choice::Nothing) => "nothing",
                Some(Choice::Block(block)) => pack.block(block).id,
            };
            let rule = decision.and_then(|decision| decision.rule).map(|rule| pack.rule_id(rule));
            let why = decision.map_or("no-rule", |decision| reason_word(decision.reason));
            notes.add(index, place, (shows, rule, why), steps);
        }
        notes
    }
}

/// The head of an answer that is reasons.
pub(crate) fn head() -> ResponseHead {
    let mut head = ResponseHead { status: StatusCode::OK, headers: HeaderMap::new() };
    make_reasons(&mut head);
    keep_nowhere(&mut head);
    head
}

/// Says beside a gate's answer which one it is: `hs-pack`, and in `hs-decisions` its id.
pub(crate) fn note_gate(head: &mut ResponseHead, pack: &Pack, gate: GateIndex) {
    keep_nowhere(head);
    for (name, value) in [
        ("hs-pack", pack.hash().to_string()),
        ("hs-decisions", format!("{};gate", quoted(pack.gate_id(gate)))),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            head.headers.insert(name, value);
        }
    }
}

fn make_reasons(head: &mut ResponseHead) {
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
}

fn keep_nowhere(head: &mut ResponseHead) {
    head.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
}

#[derive(Default)]
struct Notes {
    pack: String,
    decisions: String,
    timing: String,
}

impl Notes {
    fn add(
        &mut self,
        index: usize,
        place: &Place,
        (shows, rule, why): (&str, Option<&str>, &str),
        steps: u32,
    ) {
        let comma = if index == 0 { "" } else { ", " };
        let (slot, shows) = (quoted(&place.name), quoted(shows));
        let rule = rule.map(|rule| format!(";rule={}", quoted(rule))).unwrap_or_default();
        let edit = if place.edit { ";edit" } else { "" };
        let decision = format!("{comma}{slot}{edit};shows={shows}{rule};why={why};steps={steps}");
        if self.decisions.len() + decision.len() <= MOST_NOTE_BYTES {
            self.decisions += &decision;
            let said = quoted(&format!("{}: {why}, {steps} steps", place.name));
            // Writing to memory does not fail.
            let _ = write!(self.timing, "{comma}s{index};desc={said}");
        }
    }
}

/// A string of RFC 9651, section 3.3.3. What it cannot hold is `?`.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            ' '..='~' => out.push(character),
            _ => out.push('?'),
        }
    }
    out + "\""
}
