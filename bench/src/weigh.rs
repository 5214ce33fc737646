//! What a wasm file is made of, by the names of its functions.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

const CUSTOM: u8 = 0;
const IMPORTS: u8 = 2;
const CODE: u8 = 10;
const DATA: u8 = 11;
const FUNCTION_NAMES: u8 = 1;

/// Bytes of a wasm file, by what they are of.
#[derive(Debug, Default)]
pub struct Weights {
    /// Code of the functions of each crate, or of a module of `hemstitch`.
    pub code: BTreeMap<String, Vec<u8>>,
    /// Static data.
    pub data: usize,
}

/// Weighs a file that has the names of its functions.
pub fn weigh(wasm: &[u8]) -> Result<Weights> {
    let mut reader = Reader(wasm.get(8..).context("too short for wasm")?);
    let (mut imported, mut bodies, mut names, mut data) = (0, Vec::new(), BTreeMap::new(), 0);
    while !reader.0.is_empty() {
        let kind = reader.byte()?;
        let length = reader.number()?;
        let mut section = Reader(reader.take(length)?);
        match kind {
            IMPORTS => imported = imported_functions(&mut section)?,
            CODE => {
                for _ in 0..section.number()? {
                    let length = section.number()?;
                    bodies.push(section.take(length)?);
                }
            }
            DATA => data = length,
            CUSTOM if section.name()? == "name" => names = function_names(section)?,
            _ => {}
        }
    }
    if names.is_empty() {
        bail!("the file has no names");
    }
    let mut weights = Weights { data, ..Weights::default() };
    for (index, body) in bodies.into_iter().enumerate() {
        let name = names.get(&(index + imported)).copied().unwrap_or_default();
        weights.code.entry(owner(name)).or_default().extend_from_slice(body);
    }
    Ok(weights)
}

/// The crate of a function, or the module where it is ours. Of `<A as B>::c`, that of `A`.
pub fn owner(name: &str) -> String {
    let demangled = format!("{:#}", rustc_demangle::demangle(name));
    let path = demangled.trim_start_matches(['<', '&', '(', '*', '[']);
    let path = ["mut ", "dyn ", "const "].iter().fold(path, |path, word| path.trim_start_matches(word));
    let end = path.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(path.len());
    let mut parts = path[..end].split("::");
    let root = parts.next().unwrap_or_default();
    match (root, parts.next()) {
        ("hemstitch", Some(module)) if !module.is_empty() => format!("hemstitch::{module}"),
        ("core" | "alloc" | "std" | "hashbrown" | "compiler_builtins" | "dlmalloc" | "__rustc", _) => {
            "std".to_owned()
        }
        (root, Some(_)) => root.to_owned(),
        _ => "(no crate)".to_owned(),
    }
}

fn imported_functions(section: &mut Reader<'_>) -> Result<usize> {
    let mut functions = 0;
    for _ in 0..section.number()? {
        section.name()?;
        section.name()?;
        match section.byte()? {
            0 => {
                section.number()?;
                functions += 1;
            }
            kind => bail!("an import of kind {kind}, which no edge has"),
        }
    }
    Ok(functions)
}

fn function_names<'w>(mut section: Reader<'w>) -> Result<BTreeMap<usize, &'w str>> {
    while !section.0.is_empty() {
        let kind = section.byte()?;
        let length = section.number()?;
        let mut part = Reader(section.take(length)?);
        if kind == FUNCTION_NAMES {
            return (0..part.number()?).map(|_| Ok((part.number()?, part.name()?))).collect();
        }
    }
    Ok(BTreeMap::new())
}

/// Reads wasm's encoding.
struct Reader<'w>(&'w [u8]);

impl<'w> Reader<'w> {
    fn take(&mut self, length: usize) -> Result<&'w [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).context("wasm that was cut")?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// LEB128.
    fn number(&mut self) -> Result<usize> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        bail!("a number of more than 32 bits")
    }

    fn name(&mut self) -> Result<&'w str> {
        let length = self.number()?;
        Ok(std::str::from_utf8(self.take(length)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_belongs_to_its_crate_and_ours_to_its_module() {
        for (name, expect) in [
            ("hemstitch::pack::evaluate::Evaluation::decide", "hemstitch::pack"),
            ("<hemstitch::site::Site as core::fmt::Debug>::fmt", "hemstitch::site"),
            ("<lol_html::parser::Lexer<S> as lol_html::parser::StateMachine>::run", "lol_html"),
            ("<&mut serde_json::de::Deserializer<R> as serde::de::Deserializer>::deserialize", "serde_json"),
            ("core::fmt::write", "std"),
            ("memcpy", "(no crate)"),
        ] {
            assert_eq!(owner(name), expect, "{name}");
        }
    }

    #[test]
    fn bodies_are_put_to_the_names_behind_the_imports() {
        let wasm = [
            b"\0asm\x01\0\0\0".as_slice(),
            b"\x02\x07\x01\x01m\x01f\x00\x00",
            b"\x0a\x06\x01\x04\x00\x41\x00\x0b",
            b"\x00\x14\x04name\x01\x0d\x01\x01\x0aserde::x:y",
        ]
        .concat();
        let weights = weigh(&wasm).unwrap();
        assert_eq!(weights.code["serde"], [0x00, 0x41, 0x00, 0x0b]);
    }
}
