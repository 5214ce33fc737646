//! The run of a page's ESI: what it may see, what it asks for, and what it is handed.

use std::sync::Arc;

use ::http::StatusCode;

use super::choose::{Fetch, Personalization};
use super::fragment::{Caching, FetchId, FragmentFailure, FragmentForm, FragmentRequest};
use super::{MAX_FRAGMENTS, PageSession, seen};
use crate::esi::{self, Answer, Call, CallId, FetchFailure, Machine, Root, Sent};
use crate::http::{self, resolve_fragment};
use crate::page::Charset;

/// The run of a page's ESI.
pub(super) struct EsiRun {
    machine: Machine,
    url: Arc<str>,
}

impl EsiRun {
    pub(super) fn new(personal: &Personalization, charset: Charset) -> Box<EsiRun> {
        let url = format!("{}://{}{}", personal.site.scheme.as_str(), personal.host, personal.path);
        let machine =
            Machine::of_page(Arc::clone(&personal.site.esi), seen::facts(personal), &url).in_charset(charset);
        Box::new(EsiRun { machine, url: url.into() })
    }

    pub(super) fn has_personal_fragment(&self) -> bool {
        self.machine.has_personal_fragment()
    }

    pub(super) fn enter(&mut self, start: u32, end: u32) -> usize {
        self.machine.enter(start, end)
    }

    pub(super) fn send(&mut self, section: usize, root: Root<'_>, out: &mut Vec<u8>) -> Sent {
        self.machine.send_section(section, root, out)
    }

    /// Whether the fragment of this call may be shown while it arrives.
    pub(super) fn streams(&self, call: CallId, form: FragmentForm) -> bool {
        self.machine.streams(call, &form.headers())
    }

    /// Appends what there is of the fragment that sending waits for, which is `first` then. False where the page may not grow
    /// by it, and goes on without the rest.
    pub(super) fn pour(
        &mut self,
        fetches: &mut [Fetch],
        sends_pieces: bool,
        first: &mut Option<FetchId>,
        out: &mut Vec<u8>,
    ) -> bool {
        let Some(call) = self.machine.first_in_line() else { return true };
        let Some(fetch) = fetches.iter_mut().find(|fetch| fetch.calls.contains(&call)) else { return true };
        *first = Some(fetch.request.id);
        match fetch.pour(|form| sends_pieces && self.streams(call, form)) {
            Some(bytes) => self.machine.pour(call, &bytes, out),
            None => true,
        }
    }
}

impl PageSession {
    /// Runs the page's ESI as far as it goes, and queues what it asks for.
    pub(super) fn run_esi(&mut self) {
        loop {
            let PageSession { source, esi, .. } = self;
            let (Some(run), Some(plan)) = (esi, source.plan()) else { return };
            let root = Root { program: plan.program(), document: source.page(), whole: source.is_settled() };
            run.machine.run_ahead(root);
            let Some(call) = run.machine.next_call() else { return };
            let url = Arc::clone(&run.url);
            self.ask_for(call, &url);
        }
    }

    /// What the log should say of the page's ESI when the page has been sent: a line for each budget that it used up, and for
    /// what had no value or did not arrive.
    pub fn complaints(&self) -> Vec<String> {
        let Personalization { site, host, path, .. } = &*self.personal;
        let mut lines: Vec<String> = Vec::new();
        let mut say = |what: &dyn std::fmt::Display| {
            lines.push(format!("{}://{host}{path}: {what}", site.scheme.as_str()));
        };
        if let Some(run) = &self.esi {
            run.machine.notices().iter().for_each(|notice| say(notice));
            if !self.hold.answered && *run.machine.answer() != Answer::default() {
                say(&"esi: the page changes its answer, whose head had gone out before that arrived");
            }
        }
        for fetch in &self.fetches {
            if let Some((sent, failure)) = fetch.broke_off() {
                let url = fetch.request.target.url();
                say(&format_args!("esi: {url} broke off behind {sent} bytes that were sent: {failure}"));
            }
        }
        if self.hold.late {
            say(&"esi: the page took too long; the fragments that were outstanding have failed");
        }
        lines
    }

    /// Makes the changes to the answer that the page's functions asked for, once all of it has run. None of them can make a
    /// page of one visitor anybody else's.
    pub(super) fn settle_answer(&mut self, out: &mut Vec<u8>) {
        if self.explains_instead() || std::mem::replace(&mut self.hold.answered, true) {
            return;
        }
        self.put_gathered();
        let Some(run) = self.esi.as_ref() else { return };
        let answer = run.machine.answer();
        if let Some(status) = answer.status().and_then(|status| StatusCode::from_u16(status).ok()) {
            self.head.status = status;
        }
        for (name, value) in answer.headers() {
            http::change_answer(&mut self.head.headers, name, value);
        }
        if let Some(body) = answer.body() {
            out.clear();
            out.extend_from_slice(body);
        }
    }

    /// Finds or makes the fetch that a call waits for.
    fn ask_for(&mut self, call: Call, page: &str) {
        if self.hold.late {
            return self.refuse(call);
        }
        let personal = &self.personal;
        let elsewhere = (*call.base != *page).then(|| esi::absolute(&call.base, &call.url));
        let url = elsewhere.as_deref().unwrap_or(&call.url);
        let target = resolve_fragment(url, &personal.host, &personal.path, &personal.site);
        let Ok(target) = target else { return self.refuse(call) };
        let is_get = call.method == "GET";
        let apart = call.personal || call.no_store || !call.headers.is_empty() || !is_get;
        let caching = if apart { Caching::Apart } else { personal.caching };
        let is_known = |fetch: &Fetch| !apart && fetch.request.is_plain(&target, caching);
        let known = self.fetches.iter().position(is_known);
        if let Some(index) = known {
            if let Some(fetch) = self.fetches.get_mut(index) {
                fetch.calls.push(call.id);
            }
            return self.hand_to_esi(FetchId(index));
        }
        if self.fetches.iter().filter(|fetch| fetch.planned).count() >= MAX_FRAGMENTS {
            return self.refuse(call);
        }
        let id = FetchId(self.fetches.len());
        let request = FragmentRequest {
            id,
            target,
            timeout_ms: call.wait_ms,
            ttl_s: call.ttl_s,
            caching,
            headers: call.headers,
            entity: (!is_get).then(|| call.entity.unwrap_or_default()),
        };
        let calls = vec![call.id];
        self.fetches.push(Fetch { request, planned: true, moves: 0, calls, pieces: None, outcome: None });
        self.to_start.push_back(id);
    }

    fn refuse(&mut self, call: Call) {
        if let Some(run) = &mut self.esi {
            run.machine.fragment(call.id, Err(FetchFailure::Refused));
        }
    }

    /// Hands a fragment that has arrived, or will not, to whoever of the page's ESI waits for it.
    pub(super) fn hand_to_esi(&mut self, id: FetchId) {
        let PageSession { source, esi, fetches, .. } = self;
        let (Some(run), Some(plan), Some(fetch)) = (esi, source.plan(), fetches.get_mut(id.0)) else {
            return;
        };
        let Some(outcome) = &fetch.outcome else { return };
        for call in std::mem::take(&mut fetch.calls) {
            let outcome = match outcome {
                Ok(fragment) => Ok(fragment.document(plan.charset())),
                Err(FragmentFailure::Status(status)) => {
                    Ok(esi::Fragment { status: *status, headers: Vec::new(), body: bytes::Bytes::new() })
                }
                Err(FragmentFailure::TooLarge) => Err(FetchFailure::TooLarge),
                Err(FragmentFailure::NotAllowed) => Err(FetchFailure::Refused),
                Err(FragmentFailure::Unreachable | FragmentFailure::Encoding) => {
                    Err(FetchFailure::Unreachable)
                }
            };
            run.machine.fragment(call, outcome);
        }
    }
}
