//! Names of variables become numbers once: what a program then asks for is a place in a list.

use std::collections::HashMap;

use super::Unit;
use crate::program::Program;
use crate::value::Value;

/// The arguments of a function, which no assignment changes.
pub(super) const ARGUMENTS: usize = 0;

/// Numbers of all names that a run has come across.
#[derive(Debug)]
pub(super) struct Names(HashMap<String, u32>);

impl Default for Names {
    fn default() -> Names {
        Names(HashMap::from([("ARGS".to_owned(), ARGUMENTS as u32)]))
    }
}

impl Names {
    /// The number of this name.
    pub(super) fn number(&mut self, name: &str) -> usize {
        if let Some(known) = self.0.get(name) {
            return *known as usize;
        }
        let number = self.0.len();
        self.0.insert(name.to_owned(), number as u32);
        number
    }
}

impl Unit {
    /// The number of the name that is a string of this unit's program.
    #[inline]
    pub(super) fn number(&mut self, names: &mut Names, program: &Program, string: u32) -> usize {
        match self.numbers.get(string as usize) {
            Some(Some(known)) => *known as usize,
            _ => self.learn(names, program, string),
        }
    }

    #[cold]
    fn learn(&mut self, names: &mut Names, program: &Program, string: u32) -> usize {
        let number = names.number(program.string(string));
        let index = string as usize;
        if self.numbers.len() <= index {
            self.numbers.resize(index + 1, None);
        }
        if let Some(place) = self.numbers.get_mut(index) {
            *place = Some(number as u32);
        }
        number
    }
}

/// Values by the number of their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables {
    values: Vec<Option<Value>>,
    count: usize,
}

impl Variables {
    #[inline]
    pub(super) fn get(&self, number: usize) -> Option<&Value> {
        self.values.get(number)?.as_ref()
    }

    /// Puts a value, in the place of the one that was there.
    pub(super) fn set(&mut self, number: usize, value: Value) {
        if self.values.len() <= number {
            self.values.resize(number + 1, None);
        }
        if let Some(place) = self.values.get_mut(number) {
            self.count += usize::from(place.is_none());
            *place = Some(value);
        }
    }

    /// The same, unless that makes them more than `most`.
    pub(super) fn assign(&mut self, number: usize, value: Value, most: usize) {
        if self.count < most || self.get(number).is_some() {
            self.set(number, value);
        }
    }
}
