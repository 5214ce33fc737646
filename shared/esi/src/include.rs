//! `include` and `eval`: their attributes become operands.

use super::builder::Builder;
use super::diagnostic::Mistake;
use super::element::{Attributes, Kind, unescape};
use super::expression;
use super::program::{Dca, Field, IncludeSpec, OnError, Op};
use super::read::{Event, What};

/// What stands between the tags of an include.
#[derive(Debug, Default)]
pub(super) struct Inside {
    /// How many events, its end tag with them.
    pub(super) events: usize,
    /// Whether there is more than white space and parameters.
    pub(super) has_body: bool,
    parameters: Vec<Attributes>,
    /// Parts of the fragment, and what stands in their place.
    replaced: Vec<(String, String)>,
}

impl Inside {
    pub(super) fn of(document: &[u8], from: usize, following: &[Event]) -> Inside {
        let mut inside = Inside::default();
        let (mut depth, mut at) = (0, from);
        for event in following {
            let between = document.get(at..event.range.start).unwrap_or_default();
            inside.has_body |= depth == 0 && !between.trim_ascii().is_empty();
            inside.events += 1;
            at = event.range.end;
            match &event.what {
                What::Close(_) if depth == 0 => break,
                What::Close(_) => depth -= 1,
                What::Leaf(Kind::Param, attributes) if depth == 0 => {
                    inside.parameters.push(attributes.clone())
                }
                What::Raw(Kind::Replace, attributes, content) if depth == 0 => {
                    let text = document.get(content.clone()).unwrap_or_default();
                    let part = attributes.get("fragment").unwrap_or_default().to_owned();
                    inside.replaced.push((part, String::from_utf8_lossy(text).into_owned()));
                }
                what => {
                    inside.has_body = true;
                    depth += i32::from(matches!(what, What::Open(..)));
                }
            }
        }
        inside
    }
}

/// Emits the include, and says where its instruction is.
pub(super) fn emit(builder: &mut Builder, kind: Kind, attributes: &Attributes, inside: &Inside) -> usize {
    let mut spec =
        IncludeSpec { has_body: inside.has_body, eval: kind == Kind::Eval, ..IncludeSpec::default() };
    for (name, value) in attributes.iter() {
        let field = match name {
            "src" => Field::Src,
            "alt" => Field::Alt,
            "ttl" => Field::Ttl,
            "no-store" | "nostore" => Field::NoStore,
            "maxwait" | "timeout" => Field::MaxWait,
            "method" => Field::Method,
            "entity" => Field::Entity,
            "fragment" => Field::Part,
            "setheader" | "setheaders" => Field::SetHeader,
            "appendheader" | "appendheaders" => Field::AppendHeader,
            "removeheader" | "removeheaders" => Field::RemoveHeader,
            "onerror" => {
                spec.on_error = match value.trim() {
                    "continue" => OnError::Continue,
                    "abort" => OnError::Abort,
                    _ => OnError::Unsaid,
                };
                continue;
            }
            "dca" => {
                spec.dca = match value.trim() {
                    "esi" => Dca::Esi,
                    "none" => Dca::None,
                    _ => Dca::Unsaid,
                };
                continue;
            }
            _ => continue,
        };
        let url = matches!(field, Field::Src | Field::Alt);
        let text = if url { unescape(value) } else { value.to_owned() };
        spec.constant |= field == Field::Src && !text.contains('$');
        operand(builder, &mut spec, field, &text, url);
    }
    for parameter in &inside.parameters {
        let (name, value) =
            (parameter.get("name").unwrap_or_default(), parameter.get("value").unwrap_or_default());
        operand(builder, &mut spec, Field::ParamName, name, false);
        if expression::whole(builder, value).is_err() {
            expression::template(builder, value, false);
        }
        spec.fields.push(Field::ParamValue);
        spec.constant = false;
    }
    for (part, text) in &inside.replaced {
        operand(builder, &mut spec, Field::ReplaceName, part, false);
        builder.push_str(text);
        spec.fields.push(Field::ReplaceText);
    }
    if attributes.get("src").is_none_or(|src| src.trim().is_empty()) {
        builder.report(Mistake::MissingAttribute);
    }
    let index = builder.program.includes.len() as u32;
    builder.program.includes.push(spec);
    let op = builder.emit(Op::Include { spec: index, end: 0 });
    builder.land(op);
    op
}

fn operand(builder: &mut Builder, spec: &mut IncludeSpec, field: Field, text: &str, url: bool) {
    expression::template(builder, text, url);
    spec.fields.push(field);
}
