//! Reads HTML far enough to say what a place in it is: the tokenizer of the HTML Standard, section 13.2.5.
//!
//! A browser's tree builder decides whether the content of `<title>`, `<style>` and the like is text: not in SVG,
//! MathML or an older `<select>`, and `<noscript>` only with scripting. Where that is open, a second reading takes it
//! for markup, and from where the two come to differ nothing is certain any more.

use super::aside::{Aside, End};
use super::attribute::Value;
use super::escape::Escape;
use super::problem::ProblemKind;
use super::tag::{Attention, Progress, Tag, TagKind, is_blank};
use crate::seek;

/// Elements whose content is text without character references.
const RAW_TEXT: [&str; 8] =
    ["script", "style", "iframe", "noembed", "noframes", "noscript", "xmp", "plaintext"];
/// Whether what stands directly in an element of that name, in lower case, is read as markup, or as text with character
/// references, in which no value can do harm.
pub fn is_markup_in(element: &str) -> bool {
    !RAW_TEXT.contains(&element)
}

/// Elements whose content is text with character references.
const ESCAPABLE_TEXT: [&str; 2] = ["title", "textarea"];
/// Elements in which those are not, or not always, special. `<svg>` is another, but its end is certain where none of
/// these are in it: HTML elements within SVG, that would hide it, stand only in the first three, or a title.
const UNUSUAL: [&str; 6] = ["foreignobject", "desc", "annotation-xml", "math", "select", "frameset"];

#[derive(Clone, Copy, Debug)]
enum State {
    Data,
    /// In an element whose content is text; so many bytes of its end tag are there.
    Text(usize),
    TagOpen,
    EndTagOpen,
    /// In a tag, which is `tag`.
    Tag,
    Aside(Aside),
    /// The whole input is one value, which is `value`.
    Value,
}

/// Where in a text one is.
#[derive(Debug)]
pub(super) struct Tokenizer {
    reading: Reading,
    state: State,
    /// The last tag. There is one for all of them, since to make one takes longer than to read it.
    tag: Tag,
    value: Value,
    /// Whether the last of it is `&`, or that and a part of a reference's name.
    reference: bool,
    /// The element whose content is text.
    text: &'static str,
    /// What of `<!--`, and then of `<script`, a script has.
    hiding: (&'static [u8], usize),
    /// Whether one of [`UNUSUAL`] has begun. It may end unseen, so this stays.
    unusual: bool,
    /// How many `<svg>` may be open.
    svgs: usize,
    doubtful: bool,
    /// The second reading of the content of `text`.
    second: Option<Box<Tokenizer>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    First,
    /// Takes for markup what may be text, and has seen tags in it or not.
    Second {
        tags: bool,
    },
}

impl Tokenizer {
    /// Reads markup.
    pub(super) fn new(attention: Attention) -> Self {
        Tokenizer {
            reading: Reading::First,
            state: State::Data,
            tag: Tag::new(attention),
            value: Value::Plain,
            reference: false,
            text: "",
            hiding: (b"<!--", 0),
            unusual: false,
            svgs: 0,
            doubtful: false,
            second: None,
        }
    }

    /// Reads the text of one attribute value.
    pub(super) fn in_value(element: Option<&str>, attribute: &str) -> Self {
        let element = element.map(str::to_ascii_lowercase);
        let value = Value::of(element.as_deref(), &attribute.to_ascii_lowercase());
        Tokenizer { state: State::Value, value, ..Tokenizer::new(Attention::Facts) }
    }

    /// Reads on, in whatever superset of ASCII.
    pub(super) fn read(&mut self, mut rest: &[u8]) {
        while let [byte, after @ ..] = rest {
            let (passed, beyond) = rest.split_at(self.run(rest));
            rest = match passed {
                [] => {
                    self.push(*byte);
                    after
                }
                _ => {
                    self.pass(passed);
                    beyond
                }
            };
        }
    }

    /// Reads at once what most of a page is, but for whether a reference has begun: text up to the next tag and with its
    /// first letter, a tag up to its `>`. How many bytes that were.
    fn run(&mut self, bytes: &[u8]) -> usize {
        if self.second.is_some() {
            return 0;
        }
        match self.state {
            State::Data => {
                let Some(open) = seek::byte(b'<', bytes) else { return bytes.len() };
                let (kind, letter) = match bytes.get(open + 1..) {
                    Some([b'/', letter, ..]) => (TagKind::End, letter),
                    Some([letter, ..]) => (TagKind::Start, letter),
                    _ => return open,
                };
                if !letter.is_ascii_alphabetic() {
                    return open;
                }
                self.state = self.tag(kind, *letter);
                open + 2 + usize::from(kind == TagKind::End)
            }
            State::Text(0) if self.hiding.1 == 0 => seek::byte(b'<', bytes).unwrap_or(bytes.len()),
            State::Tag => {
                let run = self.tag.read_on(bytes);
                if run == bytes.len() {
                    return run;
                }
                self.state = self.closed();
                run + 1
            }
            _ => 0,
        }
    }

    fn pass(&mut self, passed: &[u8]) {
        if let Some(last) = passed.iter().rfind(|byte| !is_of_reference(**byte)) {
            self.reference = *last == b'&';
        }
    }

    /// Goes past a fact. Where facts are taken, their value is no more than a letter to HTML.
    pub(super) fn read_fact(&mut self) {
        self.push(b'x');
    }

    /// Whether this is between tags, for certain.
    pub(super) fn is_in_data(&self) -> bool {
        !self.doubtful && matches!(self.state, State::Data)
    }

    /// How a fact at this place is escaped.
    pub(super) fn escape(&mut self) -> Result<Escape, ProblemKind> {
        if self.doubtful {
            return Err(ProblemKind::Doubtful);
        }
        let escape = match self.state {
            State::Data => Escape::Text,
            State::Text(_) if RAW_TEXT.contains(&self.text) => {
                return Err(ProblemKind::RawText(self.text.to_owned()));
            }
            State::Text(0) => match &self.second {
                Some(second) if second.doubtful || !matches!(second.state, State::Data) => {
                    return Err(ProblemKind::Doubtful);
                }
                _ => Escape::Text,
            },
            State::Tag => self.tag.escape()?,
            State::Value => return self.value.escape(),
            State::Text(_) | State::TagOpen | State::EndTagOpen => return Err(ProblemKind::TagName),
            State::Aside(aside) => return Err(aside.problem()),
        };
        if self.reference { Err(ProblemKind::AfterAmpersand) } else { Ok(escape) }
    }

    pub(super) fn push(&mut self, byte: u8) {
        if let Some(second) = &mut self.second {
            second.push(byte);
        }
        self.reference = byte == b'&' || (self.reference && is_of_reference(byte));
        if matches!(self.state, State::Tag) && self.tag.read(byte) == Progress::Within {
            return;
        }
        self.state = match self.state {
            State::Text(matched) => self.in_text(matched, byte),
            State::Tag => self.closed(),
            State::Aside(aside) => self.in_aside(aside, byte),
            State::Value => {
                self.value.read(byte);
                State::Value
            }
            State::Data | State::TagOpen if byte == b'<' => State::TagOpen,
            State::Data => State::Data,
            State::TagOpen => match byte {
                b'!' => State::Aside(Aside::Bang),
                b'?' => State::Aside(Aside::Declaration),
                b'/' => State::EndTagOpen,
                b'a'..=b'z' | b'A'..=b'Z' => self.tag(TagKind::Start, byte),
                _ => State::Data,
            },
            State::EndTagOpen => match byte {
                b'>' => State::Data,
                b'a'..=b'z' | b'A'..=b'Z' => self.tag(TagKind::End, byte),
                _ => State::Aside(Aside::Declaration),
            },
        };
    }

    fn in_aside(&mut self, aside: Aside, byte: u8) -> State {
        match aside.read(byte) {
            End::Within(aside) => State::Aside(aside),
            End::Closed => State::Data,
            End::ClosedInHtml => {
                self.doubtful = true;
                State::Data
            }
        }
    }

    fn tag(&mut self, kind: TagKind, letter: u8) -> State {
        self.tag.begin(kind, &[letter]);
        State::Tag
    }

    fn closed(&mut self) -> State {
        match self.tag.kind {
            TagKind::Start => self.start(),
            TagKind::End => {
                self.end();
                State::Data
            }
        }
    }

    fn end(&mut self) {
        if let Some(second) = self.second.take() {
            let tags = second.reading == Reading::Second { tags: true };
            let markup = matches!(second.state, State::Data);
            self.doubtful |= second.doubtful || !markup || (self.is_unusual() && tags);
            self.unusual |= second.is_unusual();
        }
        if self.tag.name() == b"svg" {
            self.svgs = self.svgs.saturating_sub(1);
        }
    }

    fn is_unusual(&self) -> bool {
        self.unusual || self.svgs > 0
    }

    fn start(&mut self) -> State {
        let name = self.tag.name();
        self.unusual |= UNUSUAL.iter().any(|unusual| unusual.as_bytes() == name);
        self.svgs += usize::from(name == b"svg");
        let text = RAW_TEXT.iter().chain(&ESCAPABLE_TEXT).find(|text| text.as_bytes() == name);
        if self.reading != Reading::First {
            self.reading = Reading::Second { tags: true };
            self.doubtful |= text.is_some();
            return State::Data;
        }
        let Some(text) = text else { return State::Data };
        self.text = text;
        if self.is_unusual() || self.text == "noscript" {
            let reading = Reading::Second { tags: false };
            let second = Tokenizer { reading, ..Tokenizer::new(self.tag.attention()) };
            self.second = Some(Box::new(second));
        }
        self.hiding = (b"<!--", 0);
        State::Text(0)
    }

    fn in_text(&mut self, matched: usize, byte: u8) -> State {
        if matched == self.text.len() + 2 && (is_blank(byte) || matches!(byte, b'/' | b'>')) {
            self.tag.begin(TagKind::End, self.text.as_bytes());
            return match self.tag.read(byte) {
                Progress::Within => State::Tag,
                Progress::Closed => self.closed(),
            };
        }
        let small = byte.to_ascii_lowercase();
        if self.text == "script" {
            self.in_script(small);
        }
        let expected = match matched {
            0 => Some(b'<'),
            1 => Some(b'/'),
            _ if self.text == "plaintext" => None, // Nothing ends it.
            _ => self.text.as_bytes().get(matched - 2).copied(),
        };
        State::Text(if expected == Some(small) { matched + 1 } else { usize::from(byte == b'<') })
    }

    /// Behind `<!--` and `<script` the next end tag may be one of the script's text: what follows it is left open.
    fn in_script(&mut self, byte: u8) {
        let (pattern, matched) = self.hiding;
        let matched =
            if pattern.get(matched) == Some(&byte) { matched + 1 } else { usize::from(byte == b'<') };
        self.hiding = (pattern, matched);
        if matched == pattern.len() {
            self.doubtful |= pattern == b"<script";
            self.hiding = (b"<script", 0);
        }
    }
}

/// Whether it can be of a reference's name, behind the `&`.
fn is_of_reference(byte: u8) -> bool {
    byte == b'#' || byte.is_ascii_alphanumeric()
}
