//! `{{ fact | default("…") }}` in what marketers write: where it may stand, and how a value is escaped there.
//!
//! Interpolations are found before the HTML around them is read, so that quotes, `>` and tags inside of `{{ }}` are
//! never HTML. What is left is read as a browser would, and each interpolation gets the escape of its context or is
//! refused; no value can then change which elements and attributes there are.

mod aside;
mod attribute;
mod context;
mod escape;
mod expression;
mod problem;
#[cfg(test)]
mod properties;
mod tag;
#[cfg(test)]
mod tests;

pub use context::is_markup_in;
pub use escape::{Escape, escape_into};
pub use problem::Problem;

use context::Tokenizer;
use expression::Expression;
use tag::Attention;

/// A piece of a block, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// What the author wrote, as it is. Two of these never follow each other.
    Literal(String),
    /// A fact's value; the default, or nothing, where the fact is missing. Both are escaped.
    Fact {
        /// The dotted name.
        name: String,
        /// What stands for a missing fact.
        default: Option<String>,
        /// What [`escape_into`] has to do with the value.
        escape: Escape,
    },
}

/// Cuts a block's HTML at its interpolations. Linear in its length.
///
/// The block has to stand where markup can: not in a raw text element, an attribute, SVG or MathML of the page.
///
/// # Errors
/// All problems, by offset.
pub fn parse(html: &str) -> Result<Vec<Part>, Vec<Problem>> {
    cut(html, Tokenizer::new(Attention::Facts))
}

/// Cuts the text that an edit gives to an attribute. Its literals are text, not HTML: they are yet to be escaped.
///
/// `element` is the name of what the edit selects, where the selector says it. Without it no fact gets into a URL,
/// since the same attribute makes a link of one element and runs a script in another.
///
/// # Errors
/// All problems, by offset.
pub fn parse_value(text: &str, element: Option<&str>, attribute: &str) -> Result<Vec<Part>, Vec<Problem>> {
    cut(text, Tokenizer::in_value(element, attribute))
}

/// Reads a page as far as somebody wants to insert a value.
#[derive(Debug)]
pub struct Reader(Tokenizer);

impl Default for Reader {
    /// A reader of the beginning of a page.
    fn default() -> Reader {
        Reader(Tokenizer::new(Attention::Facts))
    }
}

impl Reader {
    /// The next bytes of the page, in whatever superset of ASCII.
    pub fn read(&mut self, bytes: &[u8]) {
        self.0.read(bytes);
    }

    /// How a value is escaped here; `None` where no escape would do. Where a value could choose what a URL leads to, or
    /// finish a reference, it is encoded so far that it cannot.
    pub fn escape(&mut self) -> Option<Escape> {
        use problem::ProblemKind::{AfterAmpersand, AfterPercent, UrlStart};
        match self.0.escape() {
            Ok(escape) => Some(escape),
            Err(UrlStart | AfterPercent | AfterAmpersand) => Some(Escape::Url),
            Err(_) => None,
        }
    }

    /// A value stands here.
    pub fn value(&mut self) {
        self.0.read_fact();
    }
}

/// Reads a page as far as somebody wants to insert a block that was [`parse`]d. It judges no attributes, so it cannot say
/// how a value is escaped.
#[derive(Debug)]
pub struct MarkupReader(Tokenizer);

impl Default for MarkupReader {
    /// A reader of the beginning of a page.
    fn default() -> MarkupReader {
        MarkupReader(Tokenizer::new(Attention::Markup))
    }
}

impl MarkupReader {
    /// The next bytes of the page, in whatever superset of ASCII.
    pub fn read(&mut self, bytes: &[u8]) {
        self.0.read(bytes);
    }

    /// Whether what stands here is read as markup.
    pub fn is_in_markup(&self) -> bool {
        self.0.is_in_data()
    }
}

fn cut(text: &str, mut tokenizer: Tokenizer) -> Result<Vec<Part>, Vec<Problem>> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut problems = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let before = memchr::memmem::find(rest.as_bytes(), b"{{").unwrap_or(rest.len());
        let (before, after) = rest.split_at(before);
        tokenizer.read(before.as_bytes());
        literal.push_str(before);
        if after.is_empty() {
            break;
        }
        let open = at + before.len();
        match expression::read(text, open) {
            Ok((Expression::Braces(braces), end)) => {
                tokenizer.read(braces.as_bytes());
                literal.push_str(&braces);
                at = end;
            }
            Ok((Expression::Fact { name, default }, end)) => {
                match tokenizer.escape() {
                    Ok(escape) => {
                        if !literal.is_empty() {
                            parts.push(Part::Literal(std::mem::take(&mut literal)));
                        }
                        parts.push(Part::Fact { name, default, escape });
                    }
                    Err(kind) => problems.push(Problem { at: open, kind }),
                }
                tokenizer.read_fact();
                at = end;
            }
            Err((problem, resume)) => {
                problems.push(problem);
                tokenizer.read_fact();
                at = resume;
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    Ok(parts)
}
