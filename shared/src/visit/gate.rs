//! What answers before any page is looked up.

use std::borrow::Cow;

use super::Visit;
use super::permits::Explains;
use super::preview::Exchange;
use crate::http;
use crate::kill_switch::KillSwitch;
use crate::pack::{Content, Evaluation, GateOutcome, Pack, Rendering};
use crate::page::PagePlan;
use crate::session::{PageSession, explain};

/// What a gate shows that has no block of its own.
pub(super) const REFUSAL: &str = "<!doctype html><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
    <title>Not available</title><p>This page is not available to you.";

impl Visit {
    /// What answers before any page is looked up: the exchange of a preview's token for its cookie, or the first gate
    /// that the request does not pass.
    pub fn gate(&self) -> Option<PageSession> {
        let enters = |exchange: &&Exchange| **exchange == Exchange::Leave || self.kill != KillSwitch::Off;
        if let Some(exchange) = self.permits.exchange.as_ref().filter(enters) {
            return self.page_of_ours(exchange.reply(&self.request), PagePlan::literal(0), b"");
        }
        let pack = self.pack.as_deref()?;
        let mut evaluation = Evaluation::new(pack, &self.facts, &self.kill);
        let (gate, outcome) = evaluation.gate(&self.path)?;
        if self.permits.explains == Explains::Instead {
            return self.gate_explained(pack);
        }
        let learned = evaluation.learned();
        let (mut head, page) = match outcome {
            GateOutcome::Redirect { status, to, keeps_query } => {
                let (_, query) = http::clean_target(&self.request.path_and_query);
                let query = query.filter(|_| keeps_query);
                (http::redirect_reply(status, to, query.as_deref()), Cow::Borrowed(""))
            }
            GateOutcome::Refuse { status, block } => {
                let shown = block.map(|block| pack.block(block).content);
                let page = match shown {
                    Some(Content::Inline(html)) => html.into(),
                    Some(Content::Template(template)) => {
                        template.render(&self.facts, Rendering::Markup).into()
                    }
                    _ => Cow::Borrowed(REFUSAL),
                };
                (http::refusal_reply(status), page)
            }
        };
        self.set_cookie(&mut head, &learned);
        if self.previewing().is_some() {
            http::make_previewed(&mut head);
        }
        if self.explains() {
            explain::note_gate(&mut head, pack, gate);
        }
        let is_refusal = !head.status.is_redirection();
        let plan = PagePlan::literal(page.len() as u32);
        let mut session = self.page_of_ours(head, plan, page.as_bytes())?;
        if is_refusal {
            self.mark(&mut session);
        }
        Some(session)
    }

    /// Why a gate answers, instead of its answer.
    #[cold]
    fn gate_explained(&self, pack: &Pack) -> Option<PageSession> {
        let told = pack.visit_json(&pack.explain_visit(&self.path, &self.facts, &self.kill)).to_string();
        let plan = PagePlan::literal(told.len() as u32);
        self.page_of_ours(explain::head(), plan, told.as_bytes())
    }
}
