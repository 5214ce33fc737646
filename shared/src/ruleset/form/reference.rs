//! The form of a ruleset as a document for people.

use std::fmt::Write as _;

use super::examples;
use super::objects::OBJECTS;
use super::operators::{LOGIC, MEMBERSHIP, OPERATORS, Operator, SHOWING};
use super::{Demand, Need, Object, Shape};
use crate::facts::vocabulary::VOCABULARY;
use crate::ruleset::{CODES, Severity};

/// The reference of a ruleset, in Markdown. Every block of JSON in it is a ruleset without findings.
pub fn reference() -> String {
    let mut page = examples::BEGINNING.to_owned();
    json(&mut page, examples::WHOLE);
    page.push_str(examples::ORDER);
    page.push_str(
        "\n## Objects\n\nFields in **bold** are required. No object has other fields than these.\n",
    );
    for object in OBJECTS.iter().copied().chain([&MEMBERSHIP, &SHOWING]) {
        section(&mut page, object);
        for (name, about, example) in examples::OF_OBJECTS {
            if *name == object.name {
                let _ = write!(page, "\n{about}\n");
                json(&mut page, example);
            }
        }
    }
    page.push_str(examples::CONDITIONS);
    operators(&mut page, "Beside facts", &LOGIC);
    operators(&mut page, "Under the name of a fact", &OPERATORS);
    page.push_str(examples::FACTS);
    facts(&mut page);
    page.push_str(examples::DECLARING);
    json(&mut page, examples::DECLARED);
    page.push_str(examples::DIAGNOSTICS);
    diagnostics(&mut page);
    page
}

fn json(page: &mut String, text: &str) {
    let _ = write!(page, "\n```json\n{}\n```\n", text.trim());
}

fn section(page: &mut String, object: &Object) {
    let _ = write!(page, "\n### {}\n\n{}\n", object.name, object.about);
    for demand in object.demands {
        let _ = write!(page, "\n{}\n", spoken_demand(demand));
    }
    page.push_str("\n| field | holds | | such as |\n|---|---|---|---|\n");
    for field in object.fields {
        let name = match field.need {
            Need::Required => format!("**`{}`**", field.name),
            Need::Optional => format!("`{}`", field.name),
        };
        let example = format!("`{}`", field.example);
        row(page, &[&name, &spoken(&field.shape), field.about, &example]);
    }
}

fn spoken_demand(demand: &Demand) -> String {
    match demand {
        Demand::OneOf(names) => format!("It has exactly one of {}.", listed(names, "and")),
        Demand::SomeOf(names) => format!("It has {}.", listed(names, "or")),
        Demand::OnlyWith(with, names) => {
            let verb = if names.len() == 1 { "comes" } else { "come" };
            format!("{} {verb} only with `{with}`.", listed(names, "and"))
        }
        Demand::WhereWord { field, word, needs } => {
            format!("`{needs}` comes with the {field} `{word}`, and with no other.")
        }
    }
}

fn listed(names: &[&str], and: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {and} {last}", rest.join(", ")),
        None => String::new(),
    }
}

fn spoken(shape: &Shape) -> String {
    match shape {
        Shape::Text => "text".to_owned(),
        Shape::Written(written) => written.spoken().to_owned(),
        Shape::Words(words) => listed(words, "or"),
        Shape::Numbers(numbers) => numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(", "),
        Shape::Flag => "true or false".to_owned(),
        Shape::Number => "number".to_owned(),
        Shape::Share => "0 to 1".to_owned(),
        Shape::Whole(least, most) => format!("{least} to {most}"),
        Shape::Span => "`[from, to]`".to_owned(),
        Shape::Anything => "any value".to_owned(),
        Shape::Scalar => "text, number, true, false or null".to_owned(),
        Shape::Comparison => "value or operators".to_owned(),
        Shape::Condition => "[condition](#conditions)".to_owned(),
        Shape::OfItem => "operators or condition".to_owned(),
        Shape::List(items) => format!("list: {}", spoken(items)),
        Shape::Counted(items, 2, Some(2)) => format!("two: {}", spoken(items)),
        Shape::Counted(items, least, None) => format!("list of {least} or more: {}", spoken(items)),
        Shape::Counted(items, least, Some(most)) => format!("list of {least} to {most}: {}", spoken(items)),
        Shape::Named(_, values) => format!("by name: {}", spoken(values)),
        Shape::Object(object) => format!("[{0}](#{0})", object.name),
        Shape::Either(shapes) => shapes.iter().map(spoken).collect::<Vec<_>>().join(", or "),
    }
}

fn operators(page: &mut String, title: &str, operators: &[Operator]) {
    let _ = write!(page, "\n### {title}\n\n| operator | takes | holds if | such as |\n|---|---|---|---|\n");
    for operator in operators {
        let (name, example) = (format!("`{}`", operator.name), format!("`{}`", operator.example));
        row(page, &[&name, &spoken(&operator.takes), operator.about, &example]);
    }
}

fn facts(page: &mut String) {
    page.push_str("\n| fact | values | unit | | such as |\n|---|---|---|---|---|\n");
    for entry in VOCABULARY {
        let (name, example) = (format!("`{}`", entry.name), format!("`{}`", entry.example));
        row(page, &[&name, entry.kind.name(), entry.unit, entry.about, &example]);
    }
}

fn diagnostics(page: &mut String) {
    page.push_str("\n| code | | means | instead |\n|---|---|---|---|\n");
    for code in CODES {
        let severity = match code.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        row(page, &[code.id, severity, code.meaning, code.instead]);
    }
}

fn row(page: &mut String, cells: &[&str]) {
    for cell in cells {
        let _ = write!(page, "| {} ", cell.replace('|', r"\|"));
    }
    page.push_str("|\n");
}
