//! The form of a ruleset: which objects there are, their fields, and what these hold.
//!
//! ```text
//!  objects, operators, facts::VOCABULARY ─┬─► Fields::of: which fields the reader knows
//!                                         ├─► schema: docs/formats/ruleset.schema.json
//!                                         └─► reference: docs/formats/ruleset.md
//! ```

mod deciding;
mod examples;
mod experiments;
pub(crate) mod objects;
pub(crate) mod operators;
mod patterns;
mod reference;
mod schema;

pub use reference::reference;
pub use schema::schema;

use std::ops::RangeInclusive;

/// A kind of object in a ruleset.
pub(crate) struct Object {
    /// What the schema calls it.
    pub(crate) name: &'static str,
    /// What a message calls one of them: `a rule`.
    pub(crate) what: &'static str,
    /// What it is for.
    pub(crate) about: &'static str,
    pub(crate) fields: &'static [Field],
    /// What holds for its fields together.
    pub(crate) demands: &'static [Demand],
}

/// A field of an object.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) need: Need,
    pub(crate) shape: Shape,
    /// What it means, and what holds where it is left out.
    pub(crate) about: &'static str,
    /// A value, as JSON.
    pub(crate) example: &'static str,
}

/// Whether an object is one without the field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Required,
    Optional,
}

/// What a value looks like.
pub(crate) enum Shape {
    Text,
    /// A text of a certain form.
    Written(Written),
    /// One of these.
    Words(&'static [&'static str]),
    Flag,
    Number,
    /// A number from 0 to 1.
    Share,
    /// A whole number in a range.
    Whole(i64, i64),
    /// One of these numbers.
    Numbers(&'static [u32]),
    /// `[from, to]`, the smaller one first.
    Span,
    Anything,
    /// Anything but a list or an object.
    Scalar,
    /// Whatever a fact is compared with.
    Comparison,
    Condition,
    /// A condition on the items of a list.
    OfItem,
    List(&'static Shape),
    /// A list of at least that many, and at most that many where there is a limit.
    Counted(&'static Shape, usize, Option<usize>),
    /// An object whose keys people choose.
    Named(Written, &'static Shape),
    Object(&'static Object),
    Either(&'static [Shape]),
}

/// A form that a text has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    Id,
    Name,
    /// A name that is not one of the words that stand for no block.
    BlockName,
    DeclaredFact,
    UrlPattern,
    FragmentUrl,
    Target,
    Selector,
    Attribute,
    Host,
    Instant,
    TimeOfDay,
}

/// What holds for the fields of an object together.
pub(crate) enum Demand {
    /// Exactly one of these is there.
    OneOf(&'static [&'static str]),
    /// At least one of these is there.
    SomeOf(&'static [&'static str]),
    /// These come only with that one.
    OnlyWith(&'static str, &'static [&'static str]),
    /// The field has that word if, and only if, the other field is there.
    WhereWord { field: &'static str, word: &'static str, needs: &'static str },
}

impl Object {
    /// The names of its fields.
    pub(crate) fn known(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        self.fields.iter().map(|field| field.name)
    }
}

/// The field is there.
const fn required(name: &'static str, shape: Shape, about: &'static str, example: &'static str) -> Field {
    Field { name, need: Need::Required, shape, about, example }
}

/// The field may be left out.
const fn optional(name: &'static str, shape: Shape, about: &'static str, example: &'static str) -> Field {
    Field { name, need: Need::Optional, shape, about, example }
}

const fn whole(range: &RangeInclusive<u32>) -> Shape {
    Shape::Whole(*range.start() as i64, *range.end() as i64)
}
