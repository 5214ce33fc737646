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
    /// What to do about it, where the diagnostic itself cannot say it better.
    pub instead: &'static str,
}

macro_rules! codes {
    ($($name:ident $id:literal $severity:ident $meaning:literal $instead:literal;)*) => {
        $(pub(super) const $name: &Code =
            &Code { id: $id, severity: Severity::$severity, meaning: $meaning, instead: $instead };)*
        /// Every code there is, in order of their ids.
        pub const CODES: &[&Code] = &[$($name),*];
    };
}

codes! {
    SYNTAX "HS0001" Error "The text is not JSON."
        "Correct the text there; a comma too many or a missing quote is most common.";
    DUPLICATE_KEY "HS0002" Error "A key occurs twice in one object."
        "Keep one of the two, or put both into one.";
    TOO_DEEP "HS0003" Error "Values are nested too deeply."
        "Write it with at most 64 levels, such as by audiences that refer to each other.";
    TOO_LARGE "HS0004" Error "The ruleset is too large."
        "Split it over sites, or take out what is not used.";
    UNKNOWN_FIELD "HS0005" Error "The object has no such field."
        "Write one of the fields that the object has; the help names the nearest.";
    MISSING_FIELD "HS0006" Error "A required field is not there."
        "Add the field.";
    WRONG_TYPE "HS0007" Error "The value is of another type than the field."
        "Write a value of the type that the message names.";
    OUT_OF_RANGE "HS0008" Error "The number is out of its range."
        "Write a number in the range that the help names.";
    PACK_TOO_LARGE "HS0009" Error "The pack would be larger than edges and their stores take."
        "Make blocks fragments, or take out rules that nobody needs.";
    BAD_SLOT_NAME "HS0101" Error "A slot's name has 1 to 64 of the characters A-Z a-z 0-9 _ . -"
        "Write such a name, the same as in `data-hs-slot`.";
    BAD_ID "HS0102" Error "The id of a rule or an edit has 1 to 64 of the characters A-Z a-z 0-9 _ . -"
        "Write such an id, such as `in-german`.";
    DUPLICATE_ID "HS0103" Error "Two rules, or two edits, have the same id."
        "Give one of them another id.";
    BAD_NAME "HS0104" Error "The name of an audience or a block is empty, too long, or has control characters."
        "Write 1 to 128 bytes.";
    RESERVED_NAME "HS0105" Error "A block cannot be called `default` or `nothing`."
        "Call the block something else.";
    UNKNOWN_AUDIENCE "HS0201" Error "There is no audience of that name."
        "Write the name of an audience of this ruleset, or add one of that name.";
    AUDIENCE_CYCLE "HS0202" Error "An audience refers to itself through others."
        "Put what they share into an audience that refers to neither.";
    UNKNOWN_OPERATOR "HS0203" Error "Conditions have no such operator."
        "Write one of the operators; the help names the nearest, or where this one stands.";
    BAD_ARGUMENT "HS0204" Error "The operator cannot take that argument."
        "Write what the operator takes.";
    NEVER_MATCHES "HS0205" Warning "The comparison has the same answer for every visitor."
        "Compare with a value that the fact can have, of the same type.";
    MIXED_KEYS "HS0206" Warning "Operators beside other keys are compared as plain JSON."
        "Put the operators into an object of their own, and `$and` around both.";
    UNKNOWN_GROUP "HS0207" Error "There is no group of that name."
        "Write the name of a group of this ruleset, or add one.";
    BAD_PATTERN "HS0208" Error "The pattern is no regular expression of JavaScript."
        "Correct the pattern there.";
    UNSUPPORTED_PATTERN "HS0209" Error "The pattern looks around or back, or is too large, and takes no bounded time."
        "Write it without `(?=`, `(?<` and `\\1`, with smaller counts, or as several conditions.";
    BAD_NETWORK "HS0210" Error "A network is an address and the length of its prefix."
        "Write `192.0.2.0/24` or `2001:db8::/32`.";
    BAD_TIME "HS0211" Error "A time of the day is hours and minutes."
        "Write `09:30`; the day ends at `24:00`.";
    UNKNOWN_FACT "HS0212" Error "There is no such fact, and none was declared."
        "Write one of the facts below, or declare it under `facts`.";
    UNKNOWN_SLOT "HS0213" Error "The ruleset has no slot of that name."
        "Write the name of a slot of this ruleset, or add one.";
    EMPTY_AUDIENCE "HS0214" Warning "Nobody can be in the audience."
        "Look at its conditions once more: two of them exclude each other.";
    WHOLE_AUDIENCE "HS0215" Warning "Everybody is in the audience."
        "Take the audience out of the rules that name it, or correct its condition.";
    UNKNOWN_RULE "HS0216" Error "There is no rule of that id."
        "Write the id of a rule of the ruleset.";
    UNKNOWN_BLOCK "HS0301" Error "There is no block of that name."
        "Write the name of a block of this ruleset, `default` or `nothing`.";
    FALLBACK_CYCLE "HS0302" Error "A block falls back to itself through others."
        "Let the last of them fall back to a block with `html`.";
    BLOCK_CONTENT "HS0303" Error "A block has exactly one of `html` and `fragment`."
        "Take one of the two out; `timeout_ms`, `ttl_s` and `fallback` belong to fragments.";
    FRAGMENT_URL "HS0304" Error "A fragment is a path on the site or an https URL."
        "Write `/path`, or `https://host/path`.";
    BAD_INTERPOLATION "HS0305" Error "What stands in `{{ }}` is a fact's name, and at most a default."
        "Write `{{ place.city }}` or `{{ place.city | default(\"you\") }}`.";
    UNSAFE_INTERPOLATION "HS0306" Error "A fact cannot be inserted safely where it stands."
        "Move it into text or into a quoted attribute; scripts, styles and event handlers take no facts.";
    UNUSED_BLOCK "HS0307" Warning "The block is never shown."
        "Name it in a rule, or take it out.";
    BAD_SELECTOR "HS0401" Error "The selector is not one that an edit can use."
        "Write a CSS selector without what needs a later part of the page, such as `:last-child` or `:has()`.";
    UNKNOWN_ACTION "HS0402" Error "Edits have no such action."
        "Write one of the actions of an edit.";
    ATTRIBUTE_NEEDED "HS0403" Error "`set-attribute` needs an attribute, and no other action has one."
        "Add `attribute`, or take it out.";
    BAD_ATTRIBUTE "HS0404" Error "That cannot be the name of an attribute."
        "Begin with a letter, and use letters, digits and `_ : . -`.";
    EVENT_ATTRIBUTE "HS0405" Error "An edit cannot set an event handler."
        "Put the script into a block of an edit that adds an element.";
    BAD_URL_PATTERN "HS0406" Error "An edit's `url` is a path, in which `*` stands for any run of characters."
        "Begin with `/` or `*`, and leave out host and query.";
    UNSUITABLE_BLOCK "HS0407" Error "The block does not suit where it is to be shown."
        "Use a block with `html`, or `nothing` for an edit that removes.";
    RULE_CONTENT "HS0501" Error "A rule shows exactly one of a block and what an experiment chooses."
        "Take one of `block` and `experiment` out.";
    BAD_INSTANT "HS0502" Error "An instant is date, time and offset (RFC 3339)."
        "Write `2026-11-27T00:00:00+01:00`.";
    EMPTY_SCHEDULE "HS0503" Error "A schedule ends after it starts."
        "Put the later instant into `ends_at`.";
    BAD_HOURS "HS0504" Error "Hours are days of the week, and from when to when."
        "Write `{\"days\": [\"mon\"], \"from\": \"09:00\", \"to\": \"17:00\"}`.";
    BAD_SHARE "HS0505" Error "A share is a number from 0 to 1."
        "Write `0.25` for a quarter, and a range as `[0, 0.25]`.";
    BAD_PERIOD "HS0506" Error "A cap counts per visit, day, week, month, or ever."
        "Write one of these words.";
    SCHEDULE_OVER "HS0507" Warning "The schedule is over."
        "Take it out, or give it a later end.";
    SHADOWED_RULE "HS0508" Warning "A rule above decides whenever this one would."
        "Move it up, give it a higher priority, or take it out.";
    NEVER_DECIDES "HS0509" Warning "The rule's condition holds for nobody."
        "Look at its conditions once more.";
    UNKNOWN_EXPERIMENT "HS0601" Error "There is no experiment of that key."
        "Write the key of an experiment of this ruleset, or add one.";
    UNKNOWN_VARIATION "HS0602" Error "The experiment has no such variation."
        "Write the key of one of its variations.";
    WEIGHTS "HS0603" Warning "Weights are one for each variation, and sum to 1; otherwise all get the same."
        "Write as many weights as variations, with the sum 1.";
    TOO_FEW_VARIATIONS "HS0604" Warning "An experiment with fewer than two variations has nobody in it."
        "Give it two variations or more.";
    OVERLAPPING_NAMESPACES "HS0605" Warning "Two experiments share a part of a namespace, so one visitor may be in both."
        "Give them ranges that do not overlap.";
    BAD_STATUS "HS0606" Error "An experiment is running, a draft, or stopped."
        "Write `running`, `draft` or `stopped`.";
    DEPENDENCY_CYCLE "HS0607" Error "Audiences, experiments and slots depend on each other in a circle."
        "Take one of these references out.";
    GATE_CONTENT "HS0701" Error "A gate refuses, redirects, or splits."
        "Write one of `refuse`, `redirect` and `split`, and what belongs to it.";
    BAD_TARGET "HS0702" Error "A gate leads to a path of the site, or to a host in `settings.redirect_hosts`."
        "Write a path that begins with one `/`, or add the host to `settings.redirect_hosts`.";
    GATE_LOOP "HS0703" Warning "A gate leads to where it stands itself."
        "Let the gate lead to a path that its own `url` does not match.";
    BAD_DECLARATION "HS0801" Error "A declared fact has a name that is free, and a type."
        "Choose a name that does not begin as one of ours does, such as `trait.plan`, and a `type`.";
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
