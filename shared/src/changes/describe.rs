//! Changes as lines.

use std::fmt;

use super::{Change, Field, Kind};

/// Most characters of a value in a line.
const MOST: usize = 60;

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.kind {
            Kind::Added => '+',
            Kind::Removed => '-',
            Kind::Changed => '~',
        };
        write!(f, "{sign} {}", self.what)?;
        if !self.name.is_empty() {
            write!(f, " {}", plain(&self.name))?;
        } else if self.within.is_some() {
            f.write_str("s")?;
        }
        if let Some(within) = &self.within {
            write!(f, " of {}", plain(within))?;
        }
        for (at, field) in self.fields.iter().enumerate() {
            f.write_str(if at == 0 { ": " } else { ", " })?;
            fmt::Display::fmt(field, f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.name.is_empty() {
            write!(f, "{} ", plain(&self.name))?;
        }
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => {
                let [before, after] = apart(&before.to_string(), &after.to_string());
                write!(f, "{before} → {after}")
            }
            (None, Some(after)) => write!(f, "→ {}", cut(&after.to_string(), 0)),
            (Some(before), None) => write!(f, "{} → none", cut(&before.to_string(), 0)),
            (None, None) => Ok(()),
        }
    }
}

/// Two values, each in short, from shortly before where they begin to differ.
fn apart(before: &str, after: &str) -> [String; 2] {
    let alike = before.chars().zip(after.chars()).take_while(|(before, after)| before == after).count();
    let long = before.chars().count().max(after.chars().count()) > MOST;
    let from = if long { alike.saturating_sub(MOST / 3) } else { 0 };
    [before, after].map(|value| cut(value, from))
}

/// A value in short, from a character on.
fn cut(value: &str, from: usize) -> String {
    let length = value.chars().count();
    let shown: String = value.chars().skip(from).take(MOST).collect();
    let (left, right) = (if from > 0 { "…" } else { "" }, if from + MOST < length { "…" } else { "" });
    format!("{left}{}{right}", plain(&shown))
}

/// Without what a terminal would take for a command.
fn plain(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}
