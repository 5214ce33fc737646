//! The one table of diagnostic codes.

use super::diagnostic::Severity;

/// What a diagnostic says in general. Its id never changes its meaning, and is not used again once retired.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// `HS` and four digits.
    pub id: &'static str,
    /// Whether a ruleset with such a finding can be published.
    pub severity: Severity,
    /// One sentence for a reader who has only the code.
    pub meaning: &'static str,
}

macro_rules! codes {
    ($($name:ident $id:literal $severity:ident $meaning:literal;)*) => {
        $(pub(super) const $name: &Code = &Code { id: $id, severity: Severity::$severity, meaning: $meaning };)*
        /// Every code there is, in order of their ids.
        pub const CODES: &[&Code] = &[$($name),*];
    };
}

codes! {
    SYNTAX "HS0001" Error "The text is not JSON.";
    DUPLICATE_KEY "HS0002" Error "A key occurs twice in one object.";
    TOO_DEEP "HS0003" Error "Values are nested too deeply.";
    TOO_LARGE "HS0004" Error "The ruleset is too large.";
    UNKNOWN_FIELD "HS0005" Error "The object has no such field.";
    MISSING_FIELD "HS0006" Error "A required field is not there.";
    WRONG_TYPE "HS0007" Error "The value is of another type than the field.";
    OUT_OF_RANGE "HS0008" Error "The number is out of its range.";
    PACK_TOO_LARGE "HS0009" Error "The pack would be larger than edges and their stores take.";
    BAD_SLOT_NAME "HS0101" Error "A slot's name has 1 to 64 of the characters A-Z a-z 0-9 _ . -";
    BAD_ID "HS0102" Error "The id of a rule or an edit has 1 to 64 of the characters A-Z a-z 0-9 _ . -";
    DUPLICATE_ID "HS0103" Error "Two rules, or two edits, have the same id.";
    BAD_NAME "HS0104" Error "The name of an audience or a block is empty, too long, or has control characters.";
    RESERVED_NAME "HS0105" Error "A block cannot be called `default` or `nothing`.";
    UNKNOWN_AUDIENCE "HS0201" Error "There is no audience of that name.";
    AUDIENCE_CYCLE "HS0202" Error "An audience refers to itself through others.";
    UNKNOWN_OPERATOR "HS0203" Error "Conditions have no such operator.";
    BAD_ARGUMENT "HS0204" Error "The operator cannot take that argument.";
    NEVER_MATCHES "HS0205" Warning "The comparison has the same answer for every visitor.";
    MIXED_KEYS "HS0206" Warning "Operators beside other keys are compared as plain JSON.";
    UNKNOWN_GROUP "HS0207" Error "There is no group of that name.";
    BAD_PATTERN "HS0208" Error "The pattern is no regular expression of JavaScript.";
    UNSUPPORTED_PATTERN "HS0209" Error "The pattern looks around or back, or is too large, and takes no bounded time.";
    BAD_NETWORK "HS0210" Error "A network is an address and the length of its prefix.";
    BAD_TIME "HS0211" Error "A time of the day is hours and minutes.";
    UNKNOWN_FACT "HS0212" Error "There is no such fact, and none was declared.";
    UNKNOWN_SLOT "HS0213" Error "The ruleset has no slot of that name.";
    EMPTY_AUDIENCE "HS0214" Warning "Nobody can be in the audience.";
    WHOLE_AUDIENCE "HS0215" Warning "Everybody is in the audience.";
    UNKNOWN_BLOCK "HS0301" Error "There is no block of that name.";
    FALLBACK_CYCLE "HS0302" Error "A block falls back to itself through others.";
    BLOCK_CONTENT "HS0303" Error "A block has exactly one of `html` and `fragment`.";
    FRAGMENT_URL "HS0304" Error "A fragment is a path on the site or an https URL.";
    BAD_INTERPOLATION "HS0305" Error "What stands in `{{ }}` is a fact's name, and at most a default.";
    UNSAFE_INTERPOLATION "HS0306" Error "A fact cannot be inserted safely where it stands.";
    UNUSED_BLOCK "HS0307" Warning "The block is never shown.";
    BAD_SELECTOR "HS0401" Error "The selector is not one that an edit can use.";
    UNKNOWN_ACTION "HS0402" Error "Edits have no such action.";
    ATTRIBUTE_NEEDED "HS0403" Error "`set-attribute` needs an attribute, and no other action has one.";
    BAD_ATTRIBUTE "HS0404" Error "That cannot be the name of an attribute.";
    EVENT_ATTRIBUTE "HS0405" Error "An edit cannot set an event handler.";
    BAD_URL_PATTERN "HS0406" Error "An edit's `url` is a path, in which `*` stands for any run of characters.";
    UNSUITABLE_BLOCK "HS0407" Error "The block does not suit where it is to be shown.";
    RULE_CONTENT "HS0501" Error "A rule shows exactly one of a block and what an experiment chooses.";
    BAD_INSTANT "HS0502" Error "An instant is date, time and offset (RFC 3339).";
    EMPTY_SCHEDULE "HS0503" Error "A schedule ends after it starts.";
    BAD_HOURS "HS0504" Error "Hours are days of the week, and from when to when.";
    BAD_SHARE "HS0505" Error "A share is a number from 0 to 1.";
    BAD_PERIOD "HS0506" Error "A cap counts per visit, day, week, month, or ever.";
    SCHEDULE_OVER "HS0507" Warning "The schedule is over.";
    SHADOWED_RULE "HS0508" Warning "A rule above decides whenever this one would.";
    NEVER_DECIDES "HS0509" Warning "The rule's condition holds for nobody.";
    UNKNOWN_EXPERIMENT "HS0601" Error "There is no experiment of that key.";
    UNKNOWN_VARIATION "HS0602" Error "The experiment has no such variation.";
    WEIGHTS "HS0603" Warning "Weights are one for each variation, and sum to 1; otherwise all get the same.";
    TOO_FEW_VARIATIONS "HS0604" Warning "An experiment with fewer than two variations has nobody in it.";
    OVERLAPPING_NAMESPACES "HS0605" Warning "Two experiments share a part of a namespace, so one visitor may be in both.";
    BAD_STATUS "HS0606" Error "An experiment is running, a draft, or stopped.";
    DEPENDENCY_CYCLE "HS0607" Error "Audiences, experiments and slots depend on each other in a circle.";
    GATE_CONTENT "HS0701" Error "A gate refuses, redirects, or splits.";
    BAD_TARGET "HS0702" Error "A gate leads to a path of the site, or to a host in `settings.redirect_hosts`.";
    GATE_LOOP "HS0703" Warning "A gate leads to where it stands itself.";
    BAD_DECLARATION "HS0801" Error "A declared fact has a name that is free, and a type.";
}

/// What is no error in a ruleset that was written for GrowthBook.
pub(super) const FORGIVEN: [&str; 4] = ["HS0203", "HS0207", "HS0208", "HS0212"];

#[cfg(test)]
mod tests {
    use super::CODES;

    #[test]
    fn codes_are_unique_and_in_order() {
        assert!(CODES.is_sorted_by(|one, next| one.id < next.id));
    }
}
