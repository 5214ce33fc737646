//! What can be wrong with an interpolation, and what to write instead.

use thiserror::Error;

/// One interpolation that cannot be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Byte offset in the text: of what is wrong in the braces, or of the braces where their place is wrong.
    pub at: usize,
    /// What is wrong.
    pub kind: ProblemKind,
}

impl Problem {
    /// Whether what stands in the braces is wrong, and not the place where they stand.
    pub fn is_of_syntax(&self) -> bool {
        use ProblemKind::*;
        matches!(
            self.kind,
            Unclosed | Empty | Unexpected | FactName(_) | UnknownFilter(_) | DefaultText | NotBraces
        )
    }
}

/// What is wrong; displays as a sentence about it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProblemKind {
    /// No `}}` belongs to it.
    #[error("`{{{{` is not closed")]
    Unclosed,
    /// Nothing in the braces.
    #[error("`{{{{ }}}}` is empty")]
    Empty,
    /// Something that is neither a fact's name nor what can follow one.
    #[error("this cannot stand in `{{{{ }}}}`")]
    Unexpected,
    /// A name with an empty segment.
    #[error("`{0}` is not a fact's name")]
    FactName(String),
    /// A filter other than `default`.
    #[error("there is no filter `{0}`")]
    UnknownFilter(String),
    /// The argument of `default` is not one JSON string.
    #[error("`default` takes one text in quotes")]
    DefaultText,
    /// Text that is more than braces.
    #[error("a text in `{{{{ }}}}` can only be braces")]
    NotBraces,
    /// In an element whose content is not markup.
    #[error("a fact cannot stand in <{0}>")]
    RawText(String),
    /// In `<!-- -->`.
    #[error("a fact cannot stand in a comment")]
    Comment,
    /// In `<!…>` or `<?…>`.
    #[error("a fact cannot stand in a declaration")]
    Declaration,
    /// In, or where it would become, the name of a tag.
    #[error("a fact cannot be a part of a tag's name")]
    TagName,
    /// Between the attributes of a tag.
    #[error("a fact cannot be an attribute or a part of its name")]
    AttributeName,
    /// In an end tag.
    #[error("a fact cannot stand in an end tag")]
    EndTag,
    /// In a value without quotes.
    #[error("a fact cannot stand in an attribute value without quotes")]
    Unquoted,
    /// In an attribute that runs, loads or steers something.
    #[error("a fact cannot stand in the attribute `{attribute}` of <{element}>")]
    Attribute {
        /// Name of the element, in small letters; `*` where it is not known.
        element: String,
        /// Name of the attribute, in small letters.
        attribute: String,
    },
    /// In a URL attribute, of an element that an edit's selector does not name.
    #[error("whether a fact can stand in `{0}` depends on the element")]
    UnknownElement(String),
    /// In a URL whose scheme and host are not settled before it.
    #[error("the address before the fact does not settle where it leads")]
    UrlStart,
    /// Behind `&`, or the begin of a character reference.
    #[error("the fact would become a part of the character reference before it")]
    AfterAmpersand,
    /// Behind `%`, or `%` and one digit.
    #[error("the fact would become a part of the `%` before it")]
    AfterPercent,
    /// Where browsers, or their settings, differ in what this place is.
    #[error("what this place is depends on where the block stands, or on the browser")]
    Doubtful,
}

impl ProblemKind {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Unclosed => {
                r#"close it with `}}`, or write `{{ "{{" }}` where the page shall show two braces"#
            }
            Self::Empty => "name a fact: `{{ place.city }}`",
            Self::Unexpected => r#"write `{{ fact }}` or `{{ fact | default("text") }}`"#,
            Self::FactName(_) => {
                "a name is letters, digits, `_` and `-`, joined by single dots: `trait.first_name`"
            }
            Self::UnknownFilter(_) => r#"the only filter is `default("text")`"#,
            Self::DefaultText => {
                r#"write `default("text")` or `default('text')`, with the quotes as they are and `\` before one that belongs to the text"#
            }
            Self::NotBraces => r#"write other text outside of the braces; `{{ "{{" }}` is for braces alone"#,
            Self::RawText(_) => "put the fact into a `data-` attribute, and read it from there",
            Self::Comment | Self::Declaration => "take it out",
            Self::TagName | Self::AttributeName | Self::EndTag => {
                "use the fact in text or in a quoted attribute value"
            }
            Self::Unquoted => r#"put the value into quotes: `title="{{ fact }}"`"#,
            Self::Attribute { .. } => "write the value out, with a block for each value that it can have",
            Self::UnknownElement(_) => "name the element in the edit's selector: `a.buy` instead of `.buy`",
            Self::UrlStart => {
                "begin the address with `/`, `./`, `?`, `#` or `https://host/`, before the fact and without character references"
            }
            Self::AfterAmpersand => "write `&amp;` for the `&`",
            Self::AfterPercent => "write `%25` for the `%`",
            Self::Doubtful => {
                "move the fact before the element that leaves the doubt, or into a block of its own"
            }
        }
    }
}
