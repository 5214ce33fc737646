//! Operators with two operands.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Fiber, Machine};
use crate::dialect::{EmptyOperand, MixedOperands};
use crate::functions::Failure;
use crate::program::Binary;
use crate::value::{Taint, Text, Value};

impl Binary {
    /// Whether operands in this order are what it says.
    fn holds(self, order: Ordering) -> bool {
        match self {
            Binary::Equal => order.is_eq(),
            Binary::Unequal => order.is_ne(),
            Binary::Less => order.is_lt(),
            Binary::Greater => order.is_gt(),
            Binary::AtMost => order.is_le(),
            _ => order.is_ge(),
        }
    }
}

impl Machine {
    pub(super) fn binary(
        &mut self,
        fiber: &mut Fiber,
        operator: Binary,
        left: Value,
        right: Value,
    ) -> Result<Value, Failure> {
        match operator {
            Binary::Equal
            | Binary::Unequal
            | Binary::Less
            | Binary::Greater
            | Binary::AtMost
            | Binary::AtLeast => Ok(Value::Bool(self.compare(operator, &left, &right))),
            Binary::Has | Binary::HasI => {
                let (text, part) = (self.print(&left).bytes, self.print(&right).bytes);
                self.spend(text.len() / 64);
                let found = if operator == Binary::Has {
                    memchr::memmem::find(&text, &part).is_some()
                } else {
                    let lower = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_lowercase();
                    lower(&text).contains(&lower(&part))
                };
                Ok(Value::Bool(found))
            }
            Binary::Matches | Binary::MatchesI | Binary::Like => self.matches(fiber, operator, &left, &right),
            Binary::Range => self.range(&left, &right),
            _ => self.arithmetic(operator, left, right),
        }
    }

    pub(super) fn print(&self, value: &Value) -> Text {
        self.heap.print(value, self.dialect.budgets.value_bytes)
    }

    /// What a value prints as, of which nothing else is wanted.
    pub(super) fn text(&self, value: Value) -> Text {
        match value {
            Value::Text(text) => text,
            other => self.print(&other),
        }
    }

    /// Compares with a text of the page's author. It never reads as a number.
    pub(super) fn compare_text(&self, operator: Binary, left: &Value, right: &[u8]) -> bool {
        match left {
            Value::Text(text)
                if !text.taint.has(Taint::OUTSIDE) && !text.bytes.is_empty() && !right.is_empty() =>
            {
                match operator {
                    Binary::Equal => *text.bytes == *right,
                    Binary::Unequal => *text.bytes != *right,
                    _ => operator.holds(text.bytes.as_ref().cmp(right)),
                }
            }
            _ => self.compare(operator, left, &Value::text(right.to_vec(), Taint::NONE)),
        }
    }

    pub(super) fn compare(&self, operator: Binary, left: &Value, right: &Value) -> bool {
        let blank = left.is_blank() || right.is_blank();
        let equality = matches!(operator, Binary::Equal | Binary::Unequal);
        match self.dialect.empty_operand {
            EmptyOperand::False if blank => return false,
            EmptyOperand::Unordered if blank && !equality => return false,
            _ => {}
        }
        let is_number = |value: &Value| value.as_number().is_some();
        if self.dialect.mixed_operands == MixedOperands::Unequal && is_number(left) != is_number(right) {
            return operator == Binary::Unequal;
        }
        let order = match (left.as_number(), right.as_number()) {
            (Some(left), Some(right)) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
            _ => match (left, right) {
                (Value::Text(left), Value::Text(right)) => left.bytes.cmp(&right.bytes),
                _ => self.print(left).bytes.cmp(&self.print(right).bytes),
            },
        };
        operator.holds(order)
    }

    fn matches(
        &mut self,
        fiber: &mut Fiber,
        operator: Binary,
        left: &Value,
        right: &Value,
    ) -> Result<Value, Failure> {
        if left.is_none() {
            return Ok(Value::Bool(false));
        }
        let (text, written) = (self.print(left), self.print(right));
        let written = String::from_utf8_lossy(&written.bytes).into_owned();
        let (pattern, any_case) = if operator == Binary::Like {
            let Some((pattern, flags)) = written.strip_prefix('/').and_then(|rest| rest.rsplit_once('/'))
            else {
                return Ok(Value::Bool(false));
            };
            (pattern.to_owned(), flags.contains('i'))
        } else {
            (written, operator == Binary::MatchesI)
        };
        // A search visits every state of the pattern for every byte of the text.
        self.spend(text.bytes.len().saturating_mul(pattern.len() + 1) / 16);
        let subject = String::from_utf8_lossy(&text.bytes);
        let groups = {
            let Some(found) = self.patterns.get(&pattern, any_case)?.captures(&subject) else {
                return Ok(Value::Bool(false));
            };
            let group = |group: Option<regex_lite::Match>| {
                group.map_or(Value::None, |group| Value::text(group.as_str().to_owned(), text.taint))
            };
            found.iter().map(group).collect()
        };
        let groups = self.heap.new_list(groups, &self.dialect.budgets)?;
        let name = fiber.match_name.unwrap_or_else(|| self.names.number("MATCHES"));
        Arc::make_mut(&mut fiber.space).variables.set(name, groups);
        Ok(Value::Bool(true))
    }

    fn range(&mut self, left: &Value, right: &Value) -> Result<Value, Failure> {
        let bound =
            |value: &Value| value.as_number().filter(|number| number.fract() == 0.0 && number.abs() < 1e15);
        let (Some(from), Some(to)) = (bound(left), bound(right)) else { return Err(Failure::Operands) };
        let (from, to) = (from as i64, to as i64);
        if from.abs_diff(to) as usize >= self.dialect.budgets.items {
            return Err(Failure::Budget);
        }
        let items = if from <= to {
            (from..=to).map(Value::Int).collect()
        } else {
            (to..=from).rev().map(Value::Int).collect()
        };
        Ok(self.heap.new_list(items, &self.dialect.budgets)?)
    }

    fn arithmetic(&mut self, operator: Binary, left: Value, right: Value) -> Result<Value, Failure> {
        match (operator, &left, &right) {
            (_, Value::Int(left), Value::Int(right)) => {
                let (left, right) = (*left, *right);
                let result = match operator {
                    Binary::Add => left.checked_add(right),
                    Binary::Subtract => left.checked_sub(right),
                    Binary::Multiply => left.checked_mul(right),
                    Binary::Divide => left.checked_div(right),
                    _ => left.checked_rem(right),
                };
                result.map(Value::Int).ok_or(Failure::Arithmetic)
            }
            (Binary::Add, Value::List(left), Value::List(right)) => {
                let items = [self.heap.list(*left), self.heap.list(*right)].concat();
                Ok(self.heap.new_list(items, &self.dialect.budgets)?)
            }
            (Binary::Add, Value::Float(_) | Value::Int(_), Value::Float(_) | Value::Int(_)) => {
                self.fraction(operator, &left, &right)
            }
            (Binary::Add, ..) => {
                let (left, right) = (self.text(left), self.text(right));
                self.joined(&[left, right])
            }
            (Binary::Multiply, Value::Int(times), Value::List(list))
            | (Binary::Multiply, Value::List(list), Value::Int(times)) => {
                let items = self.heap.list(*list);
                let times = usize::try_from(*times).map_err(|_| Failure::Operands)?;
                if items.len().saturating_mul(times) > self.dialect.budgets.items {
                    return Err(Failure::Budget);
                }
                let items = std::iter::repeat_n(items, times).flatten().cloned().collect();
                Ok(self.heap.new_list(items, &self.dialect.budgets)?)
            }
            (Binary::Multiply, Value::Int(times), Value::Text(text))
            | (Binary::Multiply, Value::Text(text), Value::Int(times))
                if !text.taint.has(Taint::OUTSIDE) =>
            {
                let times = usize::try_from(*times).map_err(|_| Failure::Operands)?;
                let length = text.bytes.len().saturating_mul(times);
                if length > self.dialect.budgets.value_bytes {
                    return Err(Failure::Budget);
                }
                self.spend(length / 64);
                Ok(Value::text(text.bytes.repeat(times), text.taint))
            }
            _ => self.fraction(operator, &left, &right),
        }
    }

    fn fraction(&self, operator: Binary, left: &Value, right: &Value) -> Result<Value, Failure> {
        let (Some(left), Some(right)) = (left.as_number(), right.as_number()) else {
            return Err(Failure::Operands);
        };
        let result = match operator {
            Binary::Add => left + right,
            Binary::Subtract => left - right,
            Binary::Multiply => left * right,
            Binary::Divide => left / right,
            _ => left % right,
        };
        if !result.is_finite() {
            return Err(Failure::Arithmetic);
        }
        if result.fract() == 0.0 && result.abs() < 9e15 {
            Ok(Value::Int(result as i64))
        } else {
            Ok(Value::Float(result))
        }
    }

    /// One text of several.
    pub(super) fn joined(&mut self, parts: &[Text]) -> Result<Value, Failure> {
        let length: usize = parts.iter().map(|part| part.bytes.len()).sum();
        if length > self.dialect.budgets.value_bytes {
            return Err(Failure::Budget);
        }
        self.spend(length / 64);
        let mut out = Vec::with_capacity(length);
        let mut taint = Taint::NONE;
        for part in parts {
            out.extend_from_slice(&part.bytes);
            taint = taint.and(part.taint);
        }
        // What is put together is no longer a number that came in, nor a URL.
        Ok(Value::text(out, taint.without(Taint::OUTSIDE.and(Taint::URL))))
    }
}
