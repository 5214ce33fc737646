//! What rules do to elements without a slot.

/// What an edit does to an element, or beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditAction {
    /// The block stands instead of the element.
    Replace,
    /// The block stands instead of the element's content.
    Inner,
    /// The block stands in front of the element.
    Before,
    /// The block stands behind the element.
    After,
    /// The block comes first in the element's content.
    Prepend,
    /// The block comes last in the element's content.
    Append,
    /// The element goes.
    Remove,
    /// The block's text is the value of one of the element's attributes.
    SetAttribute,
}

impl EditAction {
    /// A number that stands for it in stored forms, and never changes.
    pub fn code(self) -> u8 {
        match self {
            EditAction::Replace => 0,
            EditAction::Inner => 1,
            EditAction::Before => 2,
            EditAction::After => 3,
            EditAction::Prepend => 4,
            EditAction::Append => 5,
            EditAction::Remove => 6,
            EditAction::SetAttribute => 7,
        }
    }
}
