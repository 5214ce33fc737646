//! Labels and names.

use slim::Encoding;

/// The Standard has so many, and the crate compared with has no list of them to ask for.
const LABELS: usize = 228;

fn check(label: &[u8]) {
    let (here, there) = (Encoding::for_label(label), whole::Encoding::for_label(label));
    let shown = String::from_utf8_lossy(label);
    assert_eq!(here.map(Encoding::name), there.map(whole::Encoding::name), "{shown:?}");
    let (here, there) =
        (Encoding::for_label_no_replacement(label), whole::Encoding::for_label_no_replacement(label));
    assert_eq!(here.map(Encoding::name), there.map(whole::Encoding::name), "{shown:?}");
}

/// The labels as they stand in the code: all words in the last string of each encoding.
fn labels() -> Vec<String> {
    let sets = include_str!("../../../src/sets.rs").replace("\\\n", "");
    let sets = sets.split_once("encodings! {").expect("the list is there").1;
    let last = |entry: &str| entry.split('"').nth_back(1).unwrap_or_default().to_owned();
    let labels = sets.split(';').map(last);
    labels.flat_map(|labels| labels.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn every_label_means_the_same_in_any_case_and_between_spaces() {
    let labels = labels();
    assert_eq!(labels.len(), LABELS);
    for label in labels {
        assert!(Encoding::for_label(label.as_bytes()).is_some(), "{label}");
        check(label.as_bytes());
        check(label.to_ascii_uppercase().as_bytes());
        for space in ["\t", "\n", "\x0C", "\r", " ", "\x0B", "\u{A0}", "\0", " x"] {
            check(format!("{space}{label}{space}{space}").as_bytes());
        }
        check(label.get(1..).unwrap_or_default().as_bytes());
        check(format!("{label}0").as_bytes());
    }
}

#[test]
fn what_looks_like_a_label_means_the_same() {
    let before = [
        "",
        "iso-8859-",
        "iso8859-",
        "iso8859",
        "iso_8859-",
        "iso-",
        "iso-ir-",
        "latin",
        "l",
        "windows-",
        "cp",
        "x-cp",
        "ibm",
        "csisolatin",
        "koi8-",
        "dos-",
        "ms",
        "csibm",
        "ecma-",
        "ks_c_5601-",
        "utf-",
        "utf",
        "utf_",
        "unicode",
        "gb",
        "gb_",
        "big",
        "tis-",
        "asmo-",
        "greek",
        "x-mac-",
        "x-",
        "cs",
        "csiso",
        "euc",
        "euc-",
        "ucs-",
        "hz-gb-",
        "iso-10646-ucs-",
    ];
    let after = [
        "", "-e", "-i", "e", "i", ":1987", ":1988", ":1989", "be", "le", "-80", "-r", "_r", "-u", "-ru",
        "kr", "jp",
    ];
    for before in before {
        for after in after {
            check(format!("{before}{after}").as_bytes());
            for number in (0..320).chain(800..960).chain(1250..1260).chain([2022, 2312]) {
                check(format!("{before}{number}{after}").as_bytes());
            }
        }
    }
}

#[test]
fn encodings_are_what_they_are_there() {
    for (here, there) in crate::encodings() {
        assert_eq!(here.name(), there.name());
        assert_eq!(here.is_ascii_compatible(), there.is_ascii_compatible());
        assert_eq!(here.output_encoding().name(), there.output_encoding().name());
        assert_eq!(here.new_encoder().encoding().name(), there.new_encoder().encoding().name());
        assert_eq!(here.new_decoder_without_bom_handling().encoding(), here);
        assert_eq!(Encoding::for_label(here.name().as_bytes()), Some(here));
        assert_eq!(format!("{here:?}"), format!("{there:?}"));
    }
}

#[test]
fn an_encoding_is_itself_however_it_was_come_by() {
    let found = crate::encodings();
    for (one, _) in &found {
        let same = found.iter().map(|(other, _)| one == other);
        assert_eq!(same.filter(|same| *same).count(), 1, "{}", one.name());
    }
    let label = |label: &str| Encoding::for_label(label.as_bytes());
    assert_eq!(label("utf-8"), Some(slim::UTF_8));
    assert_eq!(label("utf-16be"), Some(slim::UTF_16BE));
    assert_eq!(label("utf-16le"), Some(slim::UTF_16LE));
    assert_eq!(label("ascii"), Some(slim::WINDOWS_1252));
    assert_eq!(label("sjis"), Some(slim::SHIFT_JIS));
    assert_eq!(label("logical"), Some(slim::ISO_8859_8_I));
    assert_ne!(label("logical"), Some(slim::ISO_8859_8));
}
