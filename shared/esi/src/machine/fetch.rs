//! Includes: what is asked for, and what becomes of the answer.

use std::sync::Arc;

use bytes::Bytes;

use super::{Fiber, Machine, Notice, Space, Unit};
use crate::compile::{Origin, compile_in};
use crate::dialect::{FragmentEsi, FragmentFunctions, HttpsIncludes};
use crate::excerpt::excerpt;
use crate::medium::Medium;
use crate::program::{Dca, Field, IncludeSpec, OnError, Place};
use crate::value::{Taint, Text, Value};

/// Stands for a status where the URL is refused: that fails an attempt, but no document.
pub(super) const REFUSED: u16 = 1;

/// Names one fetch of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallId(pub usize);

/// A fragment to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What to hand back with the answer.
    pub id: CallId,
    /// Its URL, as the page says it, variables replaced. It is not judged yet.
    pub url: String,
    /// The URL of the document that it stands in.
    pub base: Arc<str>,
    /// `GET`, unless the page says otherwise.
    pub method: String,
    /// What to send.
    pub entity: Option<Bytes>,
    /// Changes to the headers, in order.
    pub headers: Vec<HeaderEdit>,
    /// How long it may be kept, in seconds, where the page says so.
    pub ttl_s: Option<u32>,
    /// Whether it must not be kept.
    pub no_store: bool,
    /// How long to wait for it, in milliseconds.
    pub wait_ms: u32,
    /// Whether its URL or headers say something of the visitor that the page's cache key does not: then it is not shared.
    pub personal: bool,
}

/// A change to a request's headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderEdit {
    /// This one instead of those of its name.
    Set(String, String),
    /// This one as well.
    Append(String, String),
    /// None of this name.
    Remove(String),
}

/// A fragment that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body, decoded.
    pub body: Bytes,
}

/// Why there is no fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchFailure {
    /// Nobody answered, or not all of it came.
    #[error("the fragment did not arrive")]
    Unreachable,
    /// It took too long.
    #[error("the fragment took too long")]
    Timeout,
    /// It may not be fetched.
    #[error("the fragment's URL is refused")]
    Refused,
    /// It has more bytes than a fragment may.
    #[error("the fragment is too large")]
    TooLarge,
}

/// An include in the course of being filled.
pub(super) struct Inclusion {
    pub(super) fill: Fill,
    /// The status that failed it.
    pub(super) code: u16,
    pub(super) unit: usize,
    pub(super) alt: Option<Text>,
    call: Call,
    on_error: OnError,
    pub(super) dca: Dca,
    pub(super) eval: bool,
    place: Place,
    pub(super) body: Option<usize>,
    /// The part that is wanted, and what to put for parts of it.
    pub(super) part: Option<String>,
    replaced: Vec<(String, String)>,
    space: Arc<Space>,
    arguments: Vec<Value>,
    /// What it shows is collected: for a value, or until an attempt has succeeded.
    pub(super) collected: bool,
    /// How many bytes of the fragment that is still arriving were sent.
    pub(super) poured: usize,
}

/// What stands in an include's place.
pub(super) enum Fill {
    Waiting,
    Ready(Bytes),
    /// The fragment's own ESI runs in this fiber.
    Nested(usize),
    /// The include's own body.
    Body(usize),
    Empty,
    Failed,
}

impl Machine {
    /// A fragment arrived, or will not.
    pub fn fragment(&mut self, id: CallId, outcome: Result<Fragment, FetchFailure>) {
        let waiting = |inclusion: &&Inclusion| matches!(inclusion.fill, Fill::Waiting);
        let Some(inclusion) = self.inclusions.get(id.0).filter(waiting) else { return };
        if inclusion.poured > 0 {
            return self.pour_rest(id, outcome.ok());
        }
        let (unit, dca, eval) = (inclusion.unit, inclusion.dca, inclusion.eval);
        let space = match self.dialect.inherit_variables {
            true => inclusion.space.clone(),
            false => Arc::new(Space::default()),
        };
        let fragment = match outcome {
            Ok(fragment) if self.dialect.good_status.accepts(fragment.status) => fragment,
            Ok(fragment) => return self.fail(id.0, fragment.status),
            Err(FetchFailure::Refused) => return self.fail(id.0, REFUSED),
            Err(_) => return self.fail(id.0, 0),
        };
        let medium = Medium::of_fragment(inclusion.place, &fragment.headers);
        let body =
            match inclusion.part.as_ref().map(|part| excerpt(&fragment.body, part, &inclusion.replaced)) {
                None => fragment.body,
                Some(Some(part)) => part.into(),
                Some(None) => return self.fail(id.0, 404),
            };
        if !self.may_add(body.len()) {
            return self.fail(id.0, 0);
        }
        let processed = if eval { dca == Dca::Esi } else { self.runs(unit, dca, &fragment.headers) };
        let fill = if processed {
            let url = inclusion_url(&self.inclusions, id.0);
            let unit = self.load(unit, (body, medium), url, true);
            if let Some(unit) = self.units.get_mut(unit) {
                unit.apart |= self.dialect.fragment_functions == FragmentFunctions::Drop;
            }
            Fill::Nested(self.spawn(unit, 0, space, Vec::new()))
        } else {
            Fill::Ready(body)
        };
        if let Some(inclusion) = self.inclusions.get_mut(id.0) {
            inclusion.fill = fill;
        }
    }

    /// Whether a fragment's own ESI runs.
    pub(super) fn runs(&self, unit: usize, dca: Dca, headers: &[(String, String)]) -> bool {
        let header = |name: &str| headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        match dca {
            Dca::Esi => return true,
            Dca::None => return false,
            Dca::Unsaid => {}
        }
        let parent = self.units.get(unit).is_some_and(|unit| unit.processed);
        if self.dialect.edge_control
            && let Some((_, control)) = header("edge-control")
        {
            match control.split(',').filter_map(|part| part.trim().strip_prefix("dca=")).next() {
                Some("esi") => return true,
                Some("none" | "noop") => return false,
                _ => {}
            }
        }
        if self.dialect.inherit_dca && parent {
            return true;
        }
        match self.dialect.fragments {
            FragmentEsi::Dca => false,
            FragmentEsi::Always => true,
            FragmentEsi::Header => {
                let control = header("surrogate-control").is_some_and(|(_, value)| value.contains("ESI/1.0"));
                control || header("x-esi").is_some() || header("x-process-esi").is_some()
            }
        }
    }

    /// Makes a unit of a fragment.
    pub(super) fn load(
        &mut self,
        parent: usize,
        (body, medium): (Bytes, Medium),
        url: Arc<str>,
        processed: bool,
    ) -> usize {
        self.spend(body.len() / 64);
        let (program, _) = compile_in(&body, &self.dialect, medium, Origin::Fragment);
        let (depth, apart) = self.units.get(parent).map_or((0, false), |unit| (unit.depth, unit.apart));
        let code = Some((Arc::new(program), body));
        self.units.push(Unit { code, url, depth: depth + 1, processed, apart, numbers: Vec::new() });
        self.units.len() - 1
    }

    /// The next thing that an include has in its place: the alternative, its body, nothing.
    pub(super) fn fail(&mut self, index: usize, code: u16) {
        let Some(inclusion) = self.inclusions.get_mut(index) else { return };
        inclusion.code = code;
        if let Some(alt) = inclusion.alt.take() {
            inclusion.fill = Fill::Waiting;
            return self.request(index, &alt);
        }
        if let Some(body) = inclusion.body.take() {
            let (unit, space, arguments) =
                (inclusion.unit, inclusion.space.clone(), inclusion.arguments.clone());
            let fiber = self.spawn(unit, body, space, arguments);
            if let Some(inclusion) = self.inclusions.get_mut(index) {
                inclusion.fill = Fill::Body(fiber);
            }
            return;
        }
        let quiet = inclusion.on_error == OnError::Continue;
        inclusion.fill = if quiet { Fill::Empty } else { Fill::Failed };
        self.notice(Notice::Include);
    }

    /// Makes an include of its operands, and asks for it. `None` where it shows nothing.
    pub(super) fn include(&mut self, fiber: &mut Fiber, spec: &IncludeSpec, body: usize) -> Option<usize> {
        let values = fiber.pop_many(spec.fields.len());
        let unit = self.units.get(fiber.unit)?;
        if unit.depth >= self.dialect.budgets.depth {
            self.notice(Notice::Depth);
            return None;
        }
        let id = CallId(self.inclusions.len());
        let mut call = Call {
            id,
            url: String::new(),
            base: unit.url.clone(),
            method: "GET".to_owned(),
            entity: None,
            headers: Vec::new(),
            ttl_s: None,
            no_store: false,
            wait_ms: self.dialect.budgets.wait_ms,
            personal: false,
        };
        let (mut src, mut alt, mut parameter) = (Text::default(), None, String::new());
        let (mut part, mut replaced) = (None, Vec::new());
        let mut query = Vec::new();
        for (field, value) in spec.fields.iter().zip(&values) {
            let printed = self.print(value);
            call.personal |= printed.taint.has(Taint::PERSONAL) && *field != Field::Alt;
            let text = String::from_utf8_lossy(&printed.bytes).trim().to_owned();
            match field {
                Field::Src => src = printed,
                Field::Alt => alt = Some(printed),
                Field::Ttl => call.ttl_s = duration(&text),
                Field::NoStore => call.no_store = matches!(text.as_str(), "on" | "yes" | "true"),
                Field::MaxWait => call.wait_ms = text.parse().unwrap_or(call.wait_ms).min(60_000),
                Field::Method if matches!(text.as_str(), "POST" | "post") => call.method = "POST".to_owned(),
                Field::Method => {}
                Field::Entity => call.entity = Some(printed.bytes),
                Field::SetHeader => call.headers.extend(header(&text).map(|(n, v)| HeaderEdit::Set(n, v))),
                Field::AppendHeader => {
                    call.headers.extend(header(&text).map(|(n, v)| HeaderEdit::Append(n, v)))
                }
                Field::RemoveHeader => {
                    let names = text.split(',').map(|name| name.trim().to_owned());
                    call.headers.extend(names.filter(|name| is_token(name)).map(HeaderEdit::Remove));
                }
                Field::Part => part = Some(text),
                Field::ReplaceText => {
                    replaced.push((
                        std::mem::take(&mut parameter),
                        String::from_utf8_lossy(&printed.bytes).into_owned(),
                    ));
                }
                Field::ParamName | Field::ReplaceName => parameter = text,
                Field::ParamValue => {
                    crate::escape::component(parameter.as_bytes(), &mut query);
                    query.push(b'=');
                    crate::escape::component(&printed.bytes, &mut query);
                    query.push(b'&');
                }
            }
        }
        if !query.is_empty() {
            query.pop();
            let joint: &[u8] = if src.bytes.contains(&b'?') { b"&" } else { b"?" };
            src = Text::new([&src.bytes, joint, &query].concat(), src.taint);
        }
        let dca = spec.dca;
        self.inclusions.push(Inclusion {
            fill: Fill::Waiting,
            code: 0,
            unit: fiber.unit,
            alt,
            call,
            on_error: spec.on_error,
            dca,
            eval: spec.eval,
            place: spec.place,
            body: spec.has_body.then_some(body),
            part,
            replaced,
            space: fiber.space.clone(),
            arguments: fiber.arguments.clone(),
            collected: fiber.outs.len() > 1,
            poured: 0,
        });
        self.request(id.0, &src);
        Some(id.0)
    }

    fn request(&mut self, index: usize, url: &Text) {
        let mut written = Vec::new();
        crate::escape::url(url.bytes.trim_ascii(), &mut written);
        let mut text = String::from_utf8_lossy(&written).into_owned();
        if let Some(inlined) = self.inlined.get(&text).cloned() {
            let headers = Vec::new();
            return self.fragment(CallId(index), Ok(Fragment { status: 200, headers, body: inlined }));
        }
        let secure = text.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
        match self.dialect.https_includes {
            HttpsIncludes::AsHttp if secure => text = format!("http://{}", &text[8..]),
            HttpsIncludes::Refuse if secure => return self.fail(index, 0),
            _ => {}
        }
        if text.is_empty() {
            return self.fail(index, 0);
        }
        if self.requests >= self.dialect.budgets.requests {
            self.notice(Notice::Requests);
            return self.fail(index, 0);
        }
        self.requests += 1;
        let Some(inclusion) = self.inclusions.get_mut(index) else { return };
        inclusion.call.url = text;
        inclusion.call.personal |= url.taint.has(Taint::PERSONAL);
        self.to_start.push_back(inclusion.call.clone());
    }
}

fn inclusion_url(inclusions: &[Inclusion], index: usize) -> Arc<str> {
    inclusions
        .get(index)
        .map_or_else(|| "".into(), |inclusion| absolute(&inclusion.call.base, &inclusion.call.url).into())
}

/// `reference` as seen from `base`, far enough to be a base itself; it is judged elsewhere.
pub fn absolute(base: &str, reference: &str) -> String {
    let authority_end = base
        .find("://")
        .map_or(0, |at| base[at + 3..].find(['/', '?']).map_or(base.len(), |slash| at + 3 + slash));
    let (origin, path) = base.split_at(authority_end);
    let scheme_end = origin.find("://").unwrap_or(0);
    let has_scheme = reference.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    });
    if has_scheme {
        return reference.to_owned();
    }
    if reference.starts_with("//") {
        return format!("{}:{reference}", &origin[..scheme_end]);
    }
    if reference.starts_with('/') {
        return format!("{origin}{reference}");
    }
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if reference.starts_with('?') {
        return format!("{origin}{}{reference}", if path.is_empty() { "/" } else { path });
    }
    let directory = path.rfind('/').map_or("/", |slash| &path[..=slash]);
    format!("{origin}{directory}{reference}")
}

/// `90`, `90s`, `5m`, `2h`, `1d`: seconds.
fn duration(text: &str) -> Option<u32> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let seconds = match unit.trim() {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    number.parse::<u32>().ok()?.checked_mul(seconds)
}

fn is_token(name: &str) -> bool {
    http::HeaderName::from_bytes(name.as_bytes()).is_ok()
}

/// `Name: value`, where both are fit for a header.
fn header(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once(':')?;
    let (name, value) = (name.trim(), value.trim());
    let fit = is_token(name) && http::HeaderValue::from_str(value).is_ok();
    fit.then(|| (name.to_owned(), value.to_owned()))
}
