//! What processors disagree on, as named settings, and the presets that answer like one of them.

use super::program::{Dca, IncludeSpec};
use super::settings::choices;

/// How a document of ESI is read and run. [`Dialect::default`] is ours: the whole language, nothing fails the page, and
/// what a visitor sent is escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The namespace prefix of elements; `None`: only prefixes that the document declares.
    pub prefix: Option<String>,
    /// Whether `xmlns:x="http://www.edge-delivery.org/esi/1.0"` on an element makes `x` a prefix there.
    pub declared_prefixes: bool,
    /// What becomes of an element that nobody knows.
    pub unknown_elements: UnknownElements,
    /// Whether `choose` needs a `when` and takes one `otherwise`, `try` takes exactly one `attempt` and one `except`, and a
    /// branch outside of them fails the document.
    pub strict_structure: bool,
    /// Whether `<!--esi` counts those inside; else it ends at the first `-->`.
    pub nested_comments: bool,
    /// Whether ESI inside other HTML comments and CDATA sections is text.
    pub skip_comments: bool,
    /// Whether a document that does not begin with `<` has no ESI.
    pub xml_check: bool,
    /// Whether ESI runs in HTML alone, and not in XML, JSON and other text.
    pub only_html: bool,
    /// What an `include` without an end is.
    pub unclosed_include: UnclosedInclude,
    /// What stands between the branches of `choose`.
    pub stray_text: StrayText,
    /// Where `$(…)` in text is a variable.
    pub variables_in_text: VariablesInText,
    /// Whether `$name(…)` in text is a call.
    pub functions_in_text: bool,
    /// Whether a backslash in such text escapes the character after it.
    pub backslash_in_text: bool,
    /// What text is in which `$(` begins no variable.
    pub broken_variables: BrokenVariables,
    /// Whether a quote behind a backslash does not end an attribute.
    pub backslash_in_attributes: bool,
    /// What `<esi:inline>` means.
    pub inline: Inline,
    /// Whether a variable inside a quoted string of an expression is replaced.
    pub interpolated_strings: bool,
    /// What a backslash in a quoted string is, before what is no quote, `$` or backslash.
    pub string_escapes: StringEscapes,
    /// What a word without quotes is in an expression.
    pub barewords: Barewords,
    /// When a value that stands alone as a test is true.
    pub truth: Truth,
    /// What comparing with an empty or missing operand gives.
    pub empty_operand: EmptyOperand,
    /// What comparing a number with a text gives.
    pub mixed_operands: MixedOperands,
    /// Whether the default of a variable is taken for an empty value as well.
    pub default_for_empty: bool,
    /// What is written for a value that a visitor sent.
    pub escape: Escape,
    /// Whether values of the query are percent-decoded.
    pub decode_query: bool,
    /// Whether `$(QUERY_STRING)` is a dictionary that prints as the query does.
    pub query_is_dictionary: bool,
    /// Whether `esi_…` parameters are `$(ESI_ARGS{…})` and no part of the query.
    pub esi_args: bool,
    /// Whether `$(HTTP_COOKIE{a;b})` is the value of `b` in the cookie `a`.
    pub subcookies: bool,
    /// What a language that the visitor does not accept prints.
    pub language_miss: LanguageMiss,
    /// Whether a language is accepted by a part of its name, and a key of another header gives all of that header.
    pub loose_keys: bool,
    /// Whether the third argument of `$substr` is a length.
    pub substr_length: bool,
    /// How lists and dictionaries print.
    pub compounds: Compounds,
    /// Which statuses make a fragment.
    pub good_status: GoodStatus,
    /// What an include that failed leaves, where neither the page nor `try` says.
    pub include_failure: IncludeFailure,
    /// What stands in the place of a failed include.
    pub failure_marker: String,
    /// Whether the fragments' own ESI runs.
    pub fragments: FragmentEsi,
    /// Whether a fragment's `Edge-Control: dca=…` outranks the default.
    pub edge_control: bool,
    /// Whether includes of a fragment are processed as the fragment was.
    pub inherit_dca: bool,
    /// Whether the ESI of a fragment begins with the page's variables; what it assigns stays its own.
    pub inherit_variables: bool,
    /// How `https` in an include is taken.
    pub https_includes: HttpsIncludes,
    /// What is said of the lifetime of a page whose fragments are for everybody.
    pub caching: PageCaching,
    /// What becomes of the dates of such a page and its fragments.
    pub fragment_dates: FragmentDates,
    /// What becomes of cookies that fragments set.
    pub fragment_cookies: FragmentCookies,
    /// What a fragment is that says that it is elsewhere.
    pub fragment_redirects: FragmentRedirects,
    /// What becomes of functions on the answer in a fragment's own ESI.
    pub fragment_functions: FragmentFunctions,
    /// What a failing expression does.
    pub expression_failure: ExpressionFailure,
    /// What runs may cost.
    pub budgets: Budgets,
}

choices! {
    /// What becomes of `<esi:x>` that nobody knows.
    pub enum UnknownElements {
        /// It stays as it is.
        Keep = "keep",
        /// Its tags go.
        Drop = "drop",
        /// The document fails.
        Fail = "fail",
    }

    /// What `<esi:include src="…">` without an end tag is.
    pub enum UnclosedInclude {
        /// An include.
        Include = "include",
        /// Text.
        Text = "text",
    }

    /// What stands between the branches of `choose`.
    pub enum StrayText {
        /// It goes.
        Drop = "drop",
        /// It is printed, up to the branch that is taken.
        Print = "print",
    }

    /// Where `$(…)` in text is a variable.
    pub enum VariablesInText {
        /// In `vars` alone.
        Vars = "vars",
        /// In everything that ESI runs: `vars`, branches, loops, functions.
        Blocks = "blocks",
        /// Everywhere.
        Everywhere = "everywhere",
    }

    /// What `<esi:inline name="…">` means.
    pub enum Inline {
        /// Its content is the fragment of that name, for includes further on (ESI 1.0, section 3.7).
        Define = "define",
        /// Its content, as it is.
        Print = "print",
    }

    /// What text is in which `$(` begins no variable.
    pub enum BrokenVariables {
        /// Text.
        Text = "text",
        /// Nothing of it shows, up to the element before and the one behind.
        Nothing = "nothing",
    }

    /// What a backslash in a quoted string is, before what is no quote, `$` or backslash.
    pub enum StringEscapes {
        /// Itself, as patterns have it.
        Keep = "keep",
        /// Nothing.
        Drop = "drop",
    }

    /// How lists and dictionaries print.
    pub enum Compounds {
        /// `a,b` and `k=v&l=w`.
        Plain = "plain",
        /// `['a', 1]` and `{'k': 'v', 'l': 2}`.
        Literal = "literal",
    }

    /// What a word without quotes is in an expression.
    pub enum Barewords {
        /// A string, but for `true` and `false`.
        Text = "text",
        /// Likewise, but as an argument of a function the variable of that name.
        Names = "names",
        /// A mistake: the expression has no value, a test is false.
        Invalid = "invalid",
    }

    /// When a value that stands alone as a test is true.
    pub enum Truth {
        /// When it is neither empty nor the number 0.
        NonEmpty = "non-empty",
        /// Likewise, and text that reads as 0 is 0.
        NonZero = "non-zero",
        /// When it is `true` or `1`.
        TrueOrOne = "true-or-one",
        /// Never: a test compares.
        Comparison = "comparison",
    }

    /// What comparing with an empty or missing operand gives.
    pub enum EmptyOperand {
        /// False, whatever the operator (ESI 1.0, section 5).
        False = "false",
        /// Only an order with it is false.
        Unordered = "unordered",
        /// It is compared as the empty string.
        Text = "text",
    }

    /// What comparing a number with a text gives.
    pub enum MixedOperands {
        /// They are compared as texts.
        Text = "text",
        /// They are unequal, and in no order.
        Unequal = "unequal",
    }

    /// What is written for a value that a visitor sent.
    pub enum Escape {
        /// The value.
        Nothing = "nothing",
        /// `<` and `>` as references.
        Angles = "angles",
        /// What is right where it stands: references in text and attributes, escapes in scripts, `%XX` in URLs.
        Context = "context",
    }

    /// What a language that the visitor does not accept prints.
    pub enum LanguageMiss {
        /// Nothing.
        Empty = "empty",
        /// `false`.
        False = "false",
    }

    /// Which statuses make a fragment.
    pub enum GoodStatus {
        /// 200 to 299 but 206.
        Success = "success",
        /// 200 alone.
        Ok = "ok",
        /// 200 and 204.
        OkOrEmpty = "ok-or-empty",
        /// Below 400.
        Below400 = "below-400",
        /// Below 500.
        Below500 = "below-500",
    }

    /// What an include that failed leaves.
    pub enum IncludeFailure {
        /// The marker, or nothing.
        Nothing = "nothing",
        /// The document ends there.
        Truncate = "truncate",
        /// The document fails.
        Fail = "fail",
    }

    /// Whether the ESI of fragments runs.
    pub enum FragmentEsi {
        /// Where the include says `dca="esi"`.
        Dca = "dca",
        /// Where the fragment's `Surrogate-Control`, or the like, says so.
        Header = "header",
        /// Always, unless the include says `dca="none"`.
        Always = "always",
    }

    /// How `https` in an include is taken.
    pub enum HttpsIncludes {
        /// As it says.
        Fetch = "fetch",
        /// As `http`.
        AsHttp = "as-http",
        /// The include fails.
        Refuse = "refuse",
    }

    /// What is said of the lifetime of a page whose fragments are for everybody.
    pub enum PageCaching {
        /// It is private: its parts have lifetimes of their own.
        Private = "private",
        /// The shortest of what its parts have left. The page is sent when all of it is there.
        Merge = "merge",
    }

    /// What becomes of the dates of such a page and its fragments.
    pub enum FragmentDates {
        /// Nothing is told.
        Drop = "drop",
        /// The latest `Last-Modified`, where each part has one.
        Latest = "latest",
    }

    /// What becomes of cookies that fragments set.
    pub enum FragmentCookies {
        /// They are dropped.
        Drop = "drop",
        /// The visitor gets them, in the order of the fragments. The page is sent when all of it is there.
        Pass = "pass",
    }

    /// What a fragment is that says that it is elsewhere.
    pub enum FragmentRedirects {
        /// A failure.
        Fail = "fail",
        /// The one that is there, if that may be fetched.
        Follow = "follow",
    }

    /// What becomes of functions on the answer in a fragment's own ESI.
    pub enum FragmentFunctions {
        /// They change nothing.
        Drop = "drop",
        /// They change the answer, as the page's own do. The page is sent when all of it is there.
        Apply = "apply",
    }

    /// What a failing expression does.
    pub enum ExpressionFailure {
        /// It has no value.
        Nothing = "nothing",
        /// The document fails.
        Fail = "fail",
    }
}

impl GoodStatus {
    /// Whether a fragment with this status is one.
    pub fn accepts(self, status: u16) -> bool {
        match self {
            GoodStatus::Success => (200..300).contains(&status) && status != 206,
            GoodStatus::Ok => status == 200,
            GoodStatus::OkOrEmpty => matches!(status, 200 | 204),
            GoodStatus::Below400 => (200..400).contains(&status),
            GoodStatus::Below500 => (200..500).contains(&status),
        }
    }
}

/// What running a page may cost. Beyond a budget the construct yields nothing, and the page goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// Includes inside includes.
    pub depth: u32,
    /// Requests for fragments, alternatives included.
    pub requests: u32,
    /// Bytes that values and fragments add to the page.
    pub bytes: usize,
    /// Instructions.
    pub steps: u32,
    /// Elements of one list or dictionary.
    pub items: usize,
    /// Elements of all lists and dictionaries.
    pub nodes: usize,
    /// Bytes of one value.
    pub value_bytes: usize,
    /// Calls inside calls of the page's own functions.
    pub calls: u32,
    /// Milliseconds for a fragment that does not say `maxwait`.
    pub wait_ms: u32,
    /// Milliseconds for all fragments of a page.
    pub page_ms: u32,
    /// Milliseconds for which the head of a page that arrives waits for functions that change it.
    pub hold_ms: u32,
}

impl Dialect {
    /// Whether an include of a fixed URL, in a page, is its fragment as it is, or else nothing.
    pub fn has_plain_includes(&self) -> bool {
        self.fragments == FragmentEsi::Dca
            && !self.edge_control
            && self.good_status == GoodStatus::Success
            && self.include_failure == IncludeFailure::Nothing
            && self.failure_marker.is_empty()
            && self.https_includes == HttpsIncludes::Fetch
            && self.budgets == Budgets::default()
    }
}

impl Dialect {
    /// Whether the fragment of this include may run.
    pub(super) fn may_run(&self, spec: &IncludeSpec) -> bool {
        let unless_said = self.fragments != FragmentEsi::Dca || self.edge_control || self.inherit_dca;
        spec.eval || spec.dca == Dca::Esi || spec.dca == Dca::Unsaid && unless_said
    }

    /// Whether the fragment of this include may change the answer. What `eval` brings is the page's.
    pub(super) fn may_answer(&self, spec: &IncludeSpec) -> bool {
        spec.eval || self.fragment_functions == FragmentFunctions::Apply && self.may_run(spec)
    }
}

impl Default for Budgets {
    fn default() -> Self {
        Budgets {
            depth: 5,
            requests: 24,
            bytes: 8 << 20,
            steps: 1 << 20,
            items: 4096,
            nodes: 1 << 16,
            value_bytes: 1 << 20,
            calls: 5,
            wait_ms: 1000,
            page_ms: 10_000,
            hold_ms: 100,
        }
    }
}

impl Default for Dialect {
    fn default() -> Self {
        Dialect {
            prefix: Some("esi".to_owned()),
            declared_prefixes: false,
            unknown_elements: UnknownElements::Keep,
            strict_structure: false,
            nested_comments: false,
            skip_comments: false,
            xml_check: false,
            only_html: false,
            unclosed_include: UnclosedInclude::Include,
            stray_text: StrayText::Drop,
            variables_in_text: VariablesInText::Blocks,
            functions_in_text: true,
            backslash_in_text: true,
            broken_variables: BrokenVariables::Text,
            backslash_in_attributes: false,
            inline: Inline::Define,
            interpolated_strings: false,
            string_escapes: StringEscapes::Keep,
            barewords: Barewords::Text,
            truth: Truth::NonEmpty,
            empty_operand: EmptyOperand::Unordered,
            mixed_operands: MixedOperands::Text,
            default_for_empty: false,
            escape: Escape::Context,
            decode_query: true,
            query_is_dictionary: true,
            esi_args: false,
            subcookies: false,
            language_miss: LanguageMiss::Empty,
            loose_keys: false,
            substr_length: false,
            compounds: Compounds::Plain,
            good_status: GoodStatus::Success,
            include_failure: IncludeFailure::Nothing,
            failure_marker: String::new(),
            fragments: FragmentEsi::Dca,
            edge_control: false,
            inherit_dca: false,
            inherit_variables: false,
            https_includes: HttpsIncludes::Fetch,
            caching: PageCaching::Private,
            fragment_dates: FragmentDates::Drop,
            fragment_cookies: FragmentCookies::Drop,
            fragment_redirects: FragmentRedirects::Fail,
            fragment_functions: FragmentFunctions::Drop,
            expression_failure: ExpressionFailure::Nothing,
            budgets: Budgets::default(),
        }
    }
}
