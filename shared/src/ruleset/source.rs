//! JSON with positions: what serde_json accepted, as a tree that knows where everything stands.
//!
//! serde_json decides what JSON is and reads every scalar; this walk only finds where values begin and end.

use super::code;
use super::diagnostic::Findings;
use serde::de::IgnoredAny;
use std::collections::BTreeSet;

/// Arrays and objects may be nested this deep. Bounds the recursion of everything that walks the tree.
pub(super) const MAX_DEPTH: usize = 64;

/// A value and the byte offset at which it begins.
pub(super) struct Node {
    pub(super) at: usize,
    pub(super) value: Json,
}

pub(super) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Object(Vec<Member>),
}

/// One key of an object with its value; `at` is where the key begins.
pub(super) struct Member {
    pub(super) key: String,
    pub(super) at: usize,
    pub(super) value: Node,
    repeated: bool,
}

impl Node {
    /// The tree of a text, or `None` (and a finding) where it is not JSON.
    pub(super) fn read(text: &str, findings: &mut Findings) -> Option<Node> {
        if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
            let line_start: usize =
                text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
            let at = line_start + error.column().saturating_sub(1);
            findings.report(code::SYNTAX, at, said_by(&error));
            return None;
        }
        Walk { text, at: 0, findings }.value(0)
    }

    /// The members of an object, the first of those with the same key; none of anything else.
    pub(super) fn members(&self) -> impl Iterator<Item = &Member> {
        let members = if let Json::Object(members) = &self.value { members.as_slice() } else { &[] };
        members.iter().filter(|member| !member.repeated)
    }

    /// The RFC 6901 pointer to the value or key that begins at an offset.
    pub(super) fn pointer_to(&self, at: usize) -> String {
        let mut pointer = String::new();
        let mut node = self;
        while node.at < at {
            match &node.value {
                Json::List(items) => {
                    let after = items.partition_point(|item| item.at <= at);
                    let Some(index) = after.checked_sub(1) else { break };
                    let Some(item) = items.get(index) else { break };
                    pointer.push_str(&format!("/{index}"));
                    node = item;
                }
                Json::Object(members) => {
                    let after = members.partition_point(|member| member.at <= at);
                    let Some(member) = after.checked_sub(1).and_then(|last| members.get(last)) else { break };
                    pointer.push('/');
                    pointer.push_str(&member.key.replace('~', "~0").replace('/', "~1"));
                    node = &member.value;
                }
                _ => break,
            }
        }
        pointer
    }

    /// Where the last value or key in it begins.
    pub(super) fn last_at(&self) -> usize {
        match &self.value {
            Json::List(items) => items.last().map_or(self.at, Node::last_at),
            Json::Object(members) => members.last().map_or(self.at, |member| member.value.last_at()),
            _ => self.at,
        }
    }

    /// Calls `see` with every text in it.
    pub(super) fn texts<'n>(&'n self, see: &mut impl FnMut(&'n str)) {
        match &self.value {
            Json::Text(text) => see(text),
            Json::List(items) => items.iter().for_each(|item| item.texts(see)),
            Json::Object(members) => members.iter().for_each(|member| member.value.texts(see)),
            _ => {}
        }
    }

    /// The same value without positions.
    pub(super) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Json::Null => serde_json::Value::Null,
            Json::Bool(yes) => (*yes).into(),
            Json::Number(number) => (*number).into(),
            Json::Text(text) => text.as_str().into(),
            Json::List(items) => items.iter().map(Node::to_json).collect(),
            Json::Object(_) => {
                self.members().map(|member| (member.key.clone(), member.value.to_json())).collect()
            }
        }
    }

    /// What to call the value's type in a message.
    pub(super) fn type_name(&self) -> &'static str {
        match &self.value {
            Json::Null => "null",
            Json::Bool(_) => "true or false",
            Json::Number(_) => "a number",
            Json::Text(_) => "a text",
            Json::List(_) => "a list",
            Json::Object(_) => "an object",
        }
    }
}

/// serde_json's words without its own line and column.
fn said_by(error: &serde_json::Error) -> String {
    let said = error.to_string();
    said.rsplit_once(" at line ").map(|(words, _)| words.to_owned()).unwrap_or(said)
}

struct Walk<'t, 'f> {
    text: &'t str,
    at: usize,
    findings: &'f mut Findings,
}

impl<'t> Walk<'t, '_> {
    fn value(&mut self, depth: usize) -> Option<Node> {
        let byte = self.peek()?;
        let at = self.at;
        let value = match byte {
            b'{' | b'[' if depth >= MAX_DEPTH => {
                let message = format!("nested deeper than {MAX_DEPTH} levels");
                self.findings.report(code::TOO_DEEP, at, message);
                self.pass_container();
                Json::Null
            }
            b'{' => Json::Object(self.members(depth)?),
            b'[' => Json::List(self.items(depth)?),
            b'"' => Json::Text(self.text()?),
            b't' | b'f' | b'n' => match self.token(|byte| byte.is_ascii_alphabetic()) {
                "true" => Json::Bool(true),
                "false" => Json::Bool(false),
                _ => Json::Null,
            },
            _ => {
                let token = self.token(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
                Json::Number(self.scalar(at, token)?)
            }
        };
        Some(Node { at, value })
    }

    fn members(&mut self, depth: usize) -> Option<Vec<Member>> {
        let mut members = Vec::new();
        self.at += 1;
        while self.peek()? != b'}' {
            let at = self.at;
            let key = self.text()?;
            self.peek()?;
            self.at += 1;
            let value = self.value(depth + 1)?;
            members.push(Member { key, at, value, repeated: false });
            if self.peek()? == b',' {
                self.at += 1;
            }
        }
        self.at += 1;
        self.mark_repeated(&mut members);
        Some(members)
    }

    fn items(&mut self, depth: usize) -> Option<Vec<Node>> {
        let mut items = Vec::new();
        self.at += 1;
        while self.peek()? != b']' {
            items.push(self.value(depth + 1)?);
            if self.peek()? == b',' {
                self.at += 1;
            }
        }
        self.at += 1;
        Some(items)
    }

    fn mark_repeated(&mut self, members: &mut [Member]) {
        let mut seen = BTreeSet::new();
        for member in members {
            if !seen.insert(member.key.as_str()) {
                member.repeated = true;
                let message = format!("`{}` is already in this object", member.key);
                self.findings.report_with_help(code::DUPLICATE_KEY, member.at, message, "keep one of them");
            }
        }
    }

    fn text(&mut self) -> Option<String> {
        let at = self.at;
        self.pass_text();
        let token = self.text.get(at..self.at)?;
        self.scalar(at, token)
    }

    /// A scalar as serde_json reads it: a lone surrogate or a number beyond all bounds only shows here.
    fn scalar<T: serde::de::DeserializeOwned + Default>(&mut self, at: usize, token: &str) -> Option<T> {
        Some(serde_json::from_str(token).unwrap_or_else(|error| {
            self.findings.report(code::SYNTAX, at, said_by(&error));
            T::default()
        }))
    }

    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at)? {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                byte => return Some(*byte),
            }
        }
    }

    fn token(&mut self, belongs: fn(u8) -> bool) -> &'t str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.bytes().position(|byte| !belongs(byte)).unwrap_or(rest.len()).max(1);
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn pass_text(&mut self) {
        self.at += 1;
        while let Some(byte) = self.text.as_bytes().get(self.at) {
            self.at += if *byte == b'\\' { 2 } else { 1 };
            if *byte == b'"' {
                return;
            }
        }
    }

    fn pass_container(&mut self) {
        let mut open = 0usize;
        while let Some(byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b'"' => {
                    self.pass_text();
                    continue;
                }
                b'{' | b'[' => open += 1,
                b'}' | b']' => open = open.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return;
            }
        }
    }
}
