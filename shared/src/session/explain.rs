//! Reasons instead of a page: what each of its slots shows to this visitor, and why.

use ::http::{HeaderValue, header};
use serde_json::{Value, json};

use super::{PageSession, Step};
use crate::kill_switch::KillSwitch;
use crate::page::Place;

/// A report that is on its way.
#[derive(Default)]
pub(super) struct Report {
    cost_us: Option<u64>,
    sent: bool,
}

impl PageSession {
    /// Has the session answer with reasons. The page is compiled and stored all the same.
    pub(crate) fn explain(&mut self) {
        self.head.headers.remove(header::CONTENT_LENGTH);
        self.head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.head.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        self.explaining = Some(Report::default());
    }

    /// Says what the page has cost at the edge so far, in microseconds, if reasons are asked for (Server Timing, W3C).
    pub fn note_cost(&mut self, microseconds: u64) {
        let Some(report) = &mut self.explaining else { return };
        report.cost_us = Some(microseconds);
        let timing = format!("hs;dur={}.{:03}", microseconds / 1_000, microseconds % 1_000);
        if let Ok(timing) = HeaderValue::try_from(timing) {
            self.head.headers.insert("server-timing", timing);
        }
    }

    pub(super) fn advance_report(&mut self, out: &mut Vec<u8>) -> Step {
        self.source.drop_overflow();
        let step = self.source.step_at_end();
        if matches!(step, Step::Done) && !std::mem::replace(&mut self.report().sent, true) {
            out.extend_from_slice(self.reasons().to_string().as_bytes());
        }
        step
    }

    fn report(&mut self) -> &mut Report {
        self.explaining.get_or_insert_default()
    }

    fn reasons(&self) -> Value {
        let places = self.source.plan().map(|plan| plan.places()).unwrap_or_default();
        let slots: Vec<Value> = places.iter().map(|place| self.reason(place)).collect();
        let mut reasons = json!({ "path": self.personal.path, "slots": slots });
        let cost = self.explaining.as_ref().and_then(|report| report.cost_us);
        if let (Some(cost), Some(members)) = (cost, reasons.as_object_mut()) {
            members.insert("edge_us".to_owned(), cost.into());
        }
        reasons
    }

    fn reason(&self, place: &Place) -> Value {
        let kind = if place.edit { "edit" } else { "slot" };
        let pack = self.personal.pack.as_deref();
        let slot = pack.and_then(|pack| match place.edit {
            true => pack.edit_slot(&place.name),
            false => pack.slot(&place.name),
        });
        match (pack, slot) {
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
}
