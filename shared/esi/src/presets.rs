//! Presets: settings under which a document means what it means to another processor.

use super::dialect::*;

impl Dialect {
    /// The names that [`Dialect::preset`] knows.
    pub const PRESETS: [&str; 14] = [
        "hemstitch",
        "w3c",
        "akamai",
        "fastly",
        "local-esi",
        "varnish",
        "ledge",
        "ats",
        "esigate",
        "nodesi",
        "jsesi",
        "nuss",
        "goesi",
        "gomesi",
    ];

    /// The settings of a family of processors.
    pub fn preset(name: &str) -> Option<Dialect> {
        Some(match name {
            "hemstitch" => Dialect::default(),
            "w3c" => Dialect::w3c(),
            "akamai" => Dialect::akamai(),
            "fastly" => Dialect { stray_text: StrayText::Print, ..Dialect::akamai() },
            "local-esi" => {
                Dialect { substr_length: true, compounds: Compounds::Literal, ..Dialect::akamai() }
            }
            "varnish" => Dialect::varnish(),
            "ledge" => Dialect::ledge(),
            "ats" => Dialect::ats(),
            "esigate" => Dialect::esigate(),
            "nodesi" => Dialect::nodesi(),
            "jsesi" => Dialect::jsesi(),
            "nuss" => Dialect { truth: Truth::TrueOrOne, skip_comments: true, ..Dialect::w3c() },
            "goesi" => {
                Dialect { fragments: FragmentEsi::Always, interpolated_strings: true, ..Dialect::w3c() }
            }
            "gomesi" => Dialect::gomesi(),
            _ => return None,
        })
    }

    /// ESI Language Specification 1.0 as it is written; functions and assignments, which it does not have, still work.
    fn w3c() -> Dialect {
        Dialect {
            unknown_elements: UnknownElements::Fail,
            variables_in_text: VariablesInText::Vars,
            functions_in_text: false,
            backslash_in_text: false,
            empty_operand: EmptyOperand::False,
            default_for_empty: true,
            escape: Escape::Nothing,
            decode_query: false,
            query_is_dictionary: false,
            include_failure: IncludeFailure::Fail,
            fragments: FragmentEsi::Header,
            ..Dialect::default()
        }
    }

    /// Akamai's language, version 5.0.
    fn akamai() -> Dialect {
        Dialect {
            string_escapes: StringEscapes::Drop,
            barewords: Barewords::Names,
            empty_operand: EmptyOperand::Text,
            escape: Escape::Nothing,
            decode_query: false,
            include_failure: IncludeFailure::Fail,
            inherit_variables: true,
            fragment_functions: FragmentFunctions::Apply,
            expression_failure: ExpressionFailure::Fail,
            budgets: Budgets { depth: 15, ..Budgets::default() },
            ..Dialect::default()
        }
    }

    fn varnish() -> Dialect {
        Dialect {
            unknown_elements: UnknownElements::Drop,
            skip_comments: true,
            xml_check: true,
            good_status: GoodStatus::OkOrEmpty,
            include_failure: IncludeFailure::Nothing,
            https_includes: HttpsIncludes::Refuse,
            ..Dialect::w3c()
        }
    }

    fn ledge() -> Dialect {
        Dialect {
            unknown_elements: UnknownElements::Keep,
            nested_comments: true,
            variables_in_text: VariablesInText::Blocks,
            only_html: true,
            backslash_in_attributes: true,
            interpolated_strings: true,
            barewords: Barewords::Invalid,
            truth: Truth::Comparison,
            empty_operand: EmptyOperand::Text,
            mixed_operands: MixedOperands::Unequal,
            escape: Escape::Angles,
            decode_query: true,
            esi_args: true,
            language_miss: LanguageMiss::False,
            loose_keys: true,
            good_status: GoodStatus::Below500,
            include_failure: IncludeFailure::Nothing,
            budgets: Budgets { depth: 10, ..Budgets::default() },
            ..Dialect::w3c()
        }
    }

    fn ats() -> Dialect {
        Dialect {
            broken_variables: BrokenVariables::Nothing,
            truth: Truth::NonZero,
            subcookies: true,
            good_status: GoodStatus::Ok,
            budgets: Budgets { depth: 3, ..Budgets::default() },
            ..Dialect::w3c()
        }
    }

    fn esigate() -> Dialect {
        Dialect {
            unknown_elements: UnknownElements::Keep,
            stray_text: StrayText::Print,
            variables_in_text: VariablesInText::Blocks,
            interpolated_strings: true,
            empty_operand: EmptyOperand::Text,
            fragments: FragmentEsi::Always,
            ..Dialect::w3c()
        }
    }

    fn nodesi() -> Dialect {
        Dialect {
            unknown_elements: UnknownElements::Keep,
            unclosed_include: UnclosedInclude::Text,
            good_status: GoodStatus::Below400,
            include_failure: IncludeFailure::Nothing,
            fragments: FragmentEsi::Always,
            budgets: Budgets { depth: 3, ..Budgets::default() },
            ..Dialect::w3c()
        }
    }

    fn jsesi() -> Dialect {
        Dialect {
            declared_prefixes: true,
            strict_structure: true,
            truth: Truth::Comparison,
            empty_operand: EmptyOperand::Unordered,
            decode_query: true,
            language_miss: LanguageMiss::False,
            fragments: FragmentEsi::Always,
            budgets: Budgets { depth: 10, ..Budgets::default() },
            ..Dialect::w3c()
        }
    }

    fn gomesi() -> Dialect {
        Dialect {
            unknown_elements: UnknownElements::Keep,
            variables_in_text: VariablesInText::Everywhere,
            inline: Inline::Print,
            interpolated_strings: true,
            truth: Truth::TrueOrOne,
            empty_operand: EmptyOperand::Text,
            include_failure: IncludeFailure::Nothing,
            fragments: FragmentEsi::Always,
            ..Dialect::w3c()
        }
    }
}
