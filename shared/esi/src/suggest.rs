//! "Did you mean": the known name that is nearest to one that is not known.

/// Names beyond these are not compared: quadratic cost, and no typo.
const LONGEST: usize = 64;
const MOST: usize = 1_000;

/// The known name with the fewest edits to `name`, if that is at most a third of its characters.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let name: Vec<char> = name.chars().take(LONGEST + 1).collect();
    if name.is_empty() || name.len() > LONGEST {
        return None;
    }
    let allowed = (name.len() / 3).max(1);
    known
        .into_iter()
        .take(MOST)
        .filter(|candidate| candidate.len() <= 4 * LONGEST)
        .map(|candidate| (distance(&name, candidate), candidate))
        .filter(|(edits, candidate)| *edits <= allowed && *edits < candidate.len())
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Letters added, lost, changed or swapped with their neighbour; their case does not count.
fn distance(name: &[char], candidate: &str) -> usize {
    let candidate: Vec<char> = candidate.chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=name.len()).collect()];
    let at = |rows: &[Vec<usize>], above: usize, left: usize| -> usize {
        let row = rows.len().checked_sub(above).and_then(|row| rows.get(row));
        row.and_then(|row| row.get(left)).copied().unwrap_or(usize::MAX / 2)
    };
    for (above, other) in candidate.iter().enumerate() {
        let mut row = vec![above + 1];
        for (left, letter) in name.iter().enumerate() {
            let change = usize::from(!letter.eq_ignore_ascii_case(other));
            let added = row.last().copied().unwrap_or_default() + 1;
            let mut edits = added.min(at(&rows, 1, left + 1) + 1).min(at(&rows, 1, left) + change);
            let before = |letters: &[char], at: usize| letters.get(at.checked_sub(1)?).copied();
            if before(name, left) == Some(*other) && before(&candidate, above) == Some(*letter) {
                edits = edits.min(at(&rows, 2, left.saturating_sub(1)) + 1);
            }
            row.push(edits);
        }
        rows.push(row);
    }
    at(&rows, 1, name.len())
}

/// What could be written, where nothing that is near.
pub fn first_few<'k>(known: impl Iterator<Item = &'k str>) -> String {
    const SHOWN: usize = 5;
    let mut known = known.map(|name| format!("`{}`", name.escape_debug()));
    let first: Vec<String> = known.by_ref().take(SHOWN).collect();
    match first.as_slice() {
        [] => "there is none yet".to_owned(),
        [only] => format!("there is only {only}"),
        several => {
            format!("there are {}{}", several.join(", "), if known.next().is_some() { ", …" } else { "" })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_its_name_and_another_word_finds_none() {
        let known = ["audience", "when", "block", "$gte", "$gt", "id"];
        for (name, expect) in [
            ("audiense", Some("audience")),
            ("blokc", Some("block")),
            ("di", Some("id")),
            ("audeince", Some("audience")),
            ("Block", Some("block")),
            ("$gtee", Some("$gte")),
            ("wen", Some("when")),
            ("weather", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), expect, "{name}");
        }
        assert_eq!(nearest(&"x".repeat(100_000), known), None);
    }
}
