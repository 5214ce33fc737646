//! The table: one row for each figure, and whether it is what it should be.

use std::fmt;

use serde::Serialize;

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
    /// It is for orientation.
    None,
}

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was measured, against what.
    pub name: String,
    /// The figure; nothing where it could not be measured.
    pub value: Option<f64>,
    /// What it counts; `x` for a ratio.
    pub unit: &'static str,
    /// What it should be.
    #[serde(serialize_with = "as_text")]
    pub goal: Goal,
    /// Whether it is; nothing where there is no goal or no figure.
    pub holds: Option<bool>,
    /// What else there is to say, for people alone.
    #[serde(skip)]
    pub note: String,
}

impl Goal {
    fn holds(self, value: f64) -> Option<bool> {
        match self {
            Goal::AtMost(most) => Some(value <= most),
            Goal::AtLeast(least) => Some(value >= least),
            Goal::None => None,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Goal::AtMost(most) => write!(formatter, "<= {}", shown(*most)),
            Goal::AtLeast(least) => write!(formatter, ">= {}", shown(*least)),
            Goal::None => Ok(()),
        }
    }
}

impl Row {
    /// A figure without a goal.
    pub fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Row {
        Row {
            name: name.into(),
            value: Some(value),
            unit,
            goal: Goal::None,
            holds: None,
            note: String::new(),
        }
    }

    /// A figure that could not be measured, and why.
    pub fn absent(name: impl Into<String>, unit: &'static str, why: impl Into<String>) -> Row {
        Row { value: None, note: why.into(), ..Row::new(name, 0.0, unit) }
    }

    /// What it should be.
    pub fn goal(self, goal: Goal) -> Row {
        let holds = self.value.and_then(|value| goal.holds(value));
        Row { goal, holds, ..self }
    }

    /// What else there is to say.
    pub fn note(self, note: impl Into<String>) -> Row {
        Row { note: note.into(), ..self }
    }

    /// The row as a line of the table.
    pub fn line(&self) -> String {
        let value = self.value.map_or("-".to_owned(), shown);
        let holds = match (self.holds, self.value) {
            (Some(true), _) => "holds",
            (Some(false), _) => "MISSED",
            (None, None) => "absent",
            (None, Some(_)) => "",
        };
        let line = format!(
            "  {:<66} {value:>9} {:<6} {:<9} {holds:<6}  {}",
            self.name,
            self.unit,
            self.goal.to_string(),
            self.note
        );
        line.trim_end().to_owned()
    }
}

/// Three digits that count, and no more than two behind the point.
pub fn shown(value: f64) -> String {
    match value.abs() {
        small if small < 10.0 => format!("{value:.2}"),
        middling if middling < 100.0 => format!("{value:.1}"),
        _ => {
            let digits = format!("{value:.0}");
            let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |rest| ("-", rest));
            let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
            sign.to_owned() + &groups.collect::<Vec<_>>().join(",")
        }
    }
}

fn as_text<S: serde::Serializer>(goal: &Goal, serializer: S) -> Result<S::Ok, S::Error> {
    match goal {
        Goal::None => serializer.serialize_none(),
        goal => serializer.serialize_str(&goal.to_string().replace(',', "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_whether_its_goal_holds() {
        let holds = |value, goal| Row::new("a", value, "x").goal(goal).holds;
        assert_eq!(holds(1.5, Goal::AtMost(1.5)), Some(true));
        assert_eq!(holds(1.6, Goal::AtMost(1.5)), Some(false));
        assert_eq!(holds(1.6, Goal::AtLeast(1.5)), Some(true));
        assert_eq!(holds(1.6, Goal::None), None);
        assert_eq!(Row::absent("a", "x", "no peer").goal(Goal::AtMost(1.0)).holds, None);
    }

    #[test]
    fn a_row_as_json_has_five_fields() {
        let row = Row::new("a", 2.0, "x").goal(Goal::AtMost(614_400.0)).note("for people");
        let json = r#"{"name":"a","value":2.0,"unit":"x","goal":"<= 614400","holds":true}"#;
        assert_eq!(serde_json::to_string(&row).unwrap(), json);
        let absent = r#"{"name":"a","value":null,"unit":"x","goal":null,"holds":null}"#;
        assert_eq!(serde_json::to_string(&Row::absent("a", "x", "why")).unwrap(), absent);
    }

    #[test]
    fn figures_are_shown_with_as_many_digits_as_they_deserve() {
        let shown: Vec<String> = [1.234, 45.67, 614_400.4, -1_234.0].into_iter().map(shown).collect();
        assert_eq!(shown, ["1.23", "45.7", "614,400", "-1,234"]);
    }
}
