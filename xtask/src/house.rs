//! House rules that no lint knows: sizes and names of files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::cargo::workspace;

const LONGEST_FILE: usize = 500;
const LONGEST_README: usize = 150;
const BANNED_NAMES: [&str; 6] = ["utils", "helpers", "common", "types", "misc", "manager"];
const FOLDERS: [&str; 7] = ["shared", "edge", "origin", "tests", "xtask", "fuzz", "bench"];

/// Errs with every file that breaks a rule.
pub fn check() -> Result<()> {
    let mut findings = Vec::new();
    for folder in FOLDERS {
        for path in rust_files(&workspace().join(folder))? {
            let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let shown = path.strip_prefix(workspace()).unwrap_or(&path);
            findings.extend(findings_of(shown, &text));
        }
    }
    findings.extend(readme()?);
    if !findings.is_empty() {
        bail!("house rules:\n  {}", findings.join("\n  "));
    }
    Ok(())
}

fn findings_of(path: &Path, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let lines = lines_before_tests(text);
    if lines > LONGEST_FILE {
        findings.push(format!("{}: {lines} lines before its tests, {LONGEST_FILE} allowed", path.display()));
    }
    for component in path.components() {
        let name = Path::new(component.as_os_str()).file_stem().unwrap_or_default().to_string_lossy();
        if BANNED_NAMES.contains(&name.as_ref()) {
            findings.push(format!("{}: `{name}` says nothing; name the concept", path.display()));
        }
    }
    findings
}

fn lines_before_tests(text: &str) -> usize {
    text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count()
}

fn readme() -> Result<Option<String>> {
    let path = workspace().join("README.md");
    if !path.exists() {
        return Ok(Some("README.md is missing".to_string()));
    }
    let lines = fs::read_to_string(&path).context("reading README.md")?.lines().count();
    Ok((lines > LONGEST_README).then(|| format!("README.md: {lines} lines, {LONGEST_README} allowed")))
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        if !folder.exists() || folder.ends_with("target") {
            continue;
        }
        for entry in fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: usize) {
        let findings = findings_of(Path::new(path), text);
        assert_eq!(findings.len(), expected, "{findings:?}");
    }

    #[test]
    fn a_file_of_the_allowed_length_passes() {
        check("shared/src/slot.rs", &"x\n".repeat(LONGEST_FILE), 0);
    }

    #[test]
    fn a_longer_file_is_found() {
        check("shared/src/slot.rs", &"x\n".repeat(LONGEST_FILE + 1), 1);
    }

    #[test]
    fn tests_at_the_end_do_not_count() {
        let text = format!("{}#[cfg(test)]\n{}", "x\n".repeat(LONGEST_FILE), "y\n".repeat(900));
        check("shared/src/slot.rs", &text, 0);
    }

    #[test]
    fn a_dumping_ground_is_found_as_file_and_as_folder() {
        check("shared/src/utils.rs", "", 1);
        check("shared/src/common/slot.rs", "", 1);
    }
}
