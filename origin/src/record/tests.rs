use std::fs;
use std::sync::Arc;
use std::thread;

use hemstitch::pointer::{Pointer, PointerKeys, SigningKey};
use tempfile::TempDir;

use super::*;

const NOW: UnixTime = UnixTime(1_800_000_000);

fn key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn keys() -> PointerKeys {
    PointerKeys::new([("p1", PointerKeys::encode(&key()).as_str())]).unwrap()
}

fn by(operator: &str) -> Origins {
    Origins { operator: operator.to_owned(), peer: "local".to_owned(), at: NOW }
}

fn ruleset(slot: &str) -> String {
    format!(r#"{{"slots": {{"{slot}": {{"rules": [{{"id": "r", "block": "nothing"}}]}}}}}}"#)
}

fn hash(slot: &str) -> PackHash {
    PackHash::of(&crate::RulesetFile::of(ruleset(slot)).compile().unwrap())
}

fn offer(sequence: u64, slot: &str) -> Offer {
    let pointer = Pointer::new("acme".to_owned(), sequence, hash(slot), None).sign(&key(), "p1");
    let (seen, message) = (None, format!("shows {slot}"));
    Offer { pointer, seen, message, what: Offered::Ruleset(ruleset(slot)) }
}

fn draft(record: &Record, sequence: u64, slot: &str) -> Draft {
    Draft::check(offer(sequence, slot), "acme", &keys(), record).unwrap()
}

fn record() -> (TempDir, Record) {
    let folder = tempfile::tempdir().unwrap();
    let record = Record::open(&folder.path().join("record.db")).unwrap();
    (folder, record)
}

fn with_two() -> (TempDir, Record) {
    let (folder, record) = record();
    record.add(&draft(&record, 1, "one"), None, &by("ann")).unwrap();
    record.add(&draft(&record, 2, "two"), Some(1), &by("bob")).unwrap();
    (folder, record)
}

#[test]
fn a_publication_is_recorded_with_who_when_from_where_and_what() {
    let (_folder, record) = with_two();
    let two = record.version("acme", 2).unwrap().unwrap();
    assert_eq!((two.sequence, two.pack, two.published), (2, hash("two"), NOW.0));
    assert_eq!(
        (two.operator.as_str(), two.peer.as_str(), two.message.as_str()),
        ("bob", "local", "shows two")
    );
    assert_eq!(record.ruleset("acme", 1).unwrap(), Some(ruleset("one")));
    let versions = record.versions("acme", u64::MAX, 10).unwrap();
    assert_eq!(versions.iter().map(|version| version.sequence).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(record.versions("acme", 2, 10).unwrap().len(), 1);
    assert_eq!(record.versions("other", u64::MAX, 10).unwrap(), []);
}

#[test]
fn edges_find_the_last_pointer_and_every_pack_of_the_site() {
    let (_folder, record) = with_two();
    let value = |key: &str| record.value("acme", key).unwrap();
    let pointer = Pointer::verify(&value("acme/pointer").unwrap(), &keys(), "acme").unwrap();
    assert_eq!((pointer.sequence(), *pointer.pack()), (2, hash("two")));
    for slot in ["one", "two"] {
        let pack = value(&format!("acme/pack/{}", hash(slot))).unwrap();
        assert_eq!(PackHash::of(&pack), hash(slot));
    }
    let foreign = format!("other/pack/{}", hash("one"));
    let upper = format!("acme/pack/{}", hash("one").to_string().to_uppercase());
    for key in ["", "acme", "acme/pack/", "acme/pack/00", "other/pointer", &foreign, &upper] {
        assert_eq!(value(key), None, "{key}");
    }
    assert_eq!(record.value("other", &foreign).unwrap(), None);
}

#[test]
fn who_has_not_seen_the_last_publication_is_told_of_it() {
    let (_folder, record) = with_two();
    for seen in [None, Some(1), Some(3)] {
        let overtaken = record.add(&draft(&record, 3, "three"), seen, &by("cleo"));
        let Err(RecordError::Overtaken { latest: Some(latest) }) = overtaken else { panic!("{overtaken:?}") };
        assert_eq!((latest.sequence, latest.operator.as_str()), (2, "bob"));
    }
    assert_eq!(record.latest("acme").unwrap().unwrap().sequence, 2);
}

#[test]
fn a_number_never_comes_twice_or_too_early() {
    let (_folder, record) = with_two();
    for sequence in [1, 2] {
        assert!(record.add(&draft(&record, sequence, "three"), Some(2), &by("cleo")).is_err());
    }
    assert_eq!(record.add(&draft(&record, 9, "three"), Some(2), &by("cleo")).unwrap().sequence, 9);
}

#[test]
fn nothing_that_was_recorded_can_be_changed_or_taken_away() {
    let (folder, record) = with_two();
    drop(record);
    let connection = Connection::open(folder.path().join("record.db")).unwrap();
    for statement in [
        "UPDATE publications SET message = 'x'",
        "DELETE FROM publications",
        "INSERT OR REPLACE INTO publications SELECT * FROM publications",
        "UPDATE packs SET bytes = x'00'",
        "DELETE FROM packs",
        "UPDATE rulesets SET text = ''",
        "DELETE FROM rulesets",
    ] {
        assert!(connection.execute(statement, []).is_err(), "{statement}");
    }
    let record = Record::open(&folder.path().join("record.db")).unwrap();
    assert_eq!(record.version("acme", 1).unwrap().unwrap().message, "shows one");
}

#[test]
fn two_publishers_race_a_hundred_times_and_no_update_is_lost_unnoticed() {
    let (folder, first) = record();
    let path = folder.path().join("record.db");
    let second = Arc::new(Record::open(&path).unwrap());
    let first = Arc::new(first);
    let mut lost = 0;
    for round in 0..100_u64 {
        let racers = [(&first, "one"), (&second, "two")].map(|(record, slot)| {
            let record = Arc::clone(record);
            let seen = round.checked_sub(1).map(|_| round);
            thread::spawn(move || record.add(&draft(&record, round + 1, slot), seen, &by(slot)))
        });
        let outcomes = racers.map(|racer| racer.join().unwrap());
        let winner = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect::<Vec<_>>();
        assert_eq!(winner.len(), 1, "round {round}: {outcomes:?}");
        for outcome in &outcomes {
            if let Err(RecordError::Overtaken { latest }) = outcome {
                assert_eq!(latest.as_deref(), Some(winner[0]), "the loser is told who won");
                lost += 1;
            }
        }
    }
    assert_eq!(lost, 100);
    assert_eq!(first.versions("acme", u64::MAX, 1_000).unwrap().len(), 100);
}

#[test]
fn what_does_not_hold_together_is_not_recorded() {
    let (_folder, record) = with_two();
    let check = |offer: Offer| Draft::check(offer, "acme", &keys(), &record);
    let stranger = SigningKey::from_bytes(&[2; 32]);
    let forged = Pointer::new("acme".to_owned(), 3, hash("three"), None).sign(&stranger, "p1");
    assert!(matches!(check(Offer { pointer: forged, ..offer(3, "three") }), Err(DraftError::Pointer(_))));
    let elsewhere = Pointer::new("other".to_owned(), 3, hash("three"), None).sign(&key(), "p1");
    assert!(matches!(check(Offer { pointer: elsewhere, ..offer(3, "three") }), Err(DraftError::Pointer(_))));
    let other = Offer { what: Offered::Ruleset(ruleset("four")), ..offer(3, "three") };
    assert!(matches!(check(other), Err(DraftError::OtherPack { .. })));
    let wrong = Offer { what: Offered::Ruleset("{".to_owned()), ..offer(3, "three") };
    assert!(matches!(check(wrong), Err(DraftError::Ruleset(_))));
    let long = Offer { message: "x".repeat(4_001), ..offer(3, "three") };
    assert!(matches!(check(long), Err(DraftError::Message(4_001))));
    let unknown = Offer { what: Offered::Again(7), ..offer(3, "one") };
    assert!(matches!(check(unknown), Err(DraftError::NoSuchVersion(7))));
    let other = Offer { what: Offered::Again(2), ..offer(3, "one") };
    assert!(matches!(check(other), Err(DraftError::OtherPack { .. })));
}

#[test]
fn the_way_back_is_a_publication_that_names_the_older_one() {
    let (_folder, record) = with_two();
    let back = Offer { what: Offered::Again(1), ..offer(3, "one") };
    let back = Draft::check(back, "acme", &keys(), &record).unwrap();
    let back = record.add(&back, Some(2), &by("ann")).unwrap();
    assert_eq!((back.pack, back.again), (hash("one"), Some(1)));
    assert_eq!(record.ruleset("acme", 3).unwrap(), Some(ruleset("one")));
}

#[test]
fn a_publication_that_starts_later_keeps_the_pack_until_then() {
    let (_folder, record) = with_two();
    let starts = NOW.plus_seconds(60);
    let pointer = Pointer::new("acme".to_owned(), 3, hash("two"), Some((hash("three"), starts)));
    let later = Offer { pointer: pointer.sign(&key(), "p1"), ..offer(3, "three") };
    let later = Draft::check(later, "acme", &keys(), &record).unwrap();
    let later = record.add(&later, Some(2), &by("ann")).unwrap();
    assert_eq!((later.pack, later.starts), (hash("three"), Some(starts.0)));
    assert_eq!((later.live(NOW), later.live(starts)), (hash("two"), hash("three")));
    for slot in ["two", "three"] {
        assert!(record.pack("acme", &hash(slot)).unwrap().is_some(), "{slot}");
    }
}

#[test]
fn a_copy_holds_everything_while_the_record_is_in_use() {
    let (folder, record) = with_two();
    let (path, copy, again) =
        (folder.path().join("record.db"), folder.path().join("copy.db"), folder.path().join("again.db"));
    backup(&path, &copy).unwrap();
    record.add(&draft(&record, 3, "three"), Some(2), &by("ann")).unwrap();
    restore(&copy, &again).unwrap();
    let restored = Record::open(&again).unwrap();
    assert_eq!(restored.versions("acme", u64::MAX, 9).unwrap(), record.versions("acme", 3, 9).unwrap());
    assert_eq!(restored.ruleset("acme", 2).unwrap(), Some(ruleset("two")));
    restored.add(&draft(&restored, 3, "four"), Some(2), &by("bob")).unwrap();
    assert!(matches!(backup(&path, &copy), Err(BackupError::Exists { .. })));
    assert!(matches!(restore(&copy, &path), Err(BackupError::Exists { .. })));
}

#[test]
fn what_is_no_copy_is_not_restored() {
    let (folder, record) = with_two();
    drop(record);
    let (path, copy, to) =
        (folder.path().join("record.db"), folder.path().join("copy.db"), folder.path().join("to.db"));
    assert!(matches!(restore(&folder.path().join("none.db"), &to), Err(BackupError::Unreadable { .. })));
    backup(&path, &copy).unwrap();
    let whole = fs::read(&copy).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2..whole.len() / 2 + 3_000].fill(0x5a);
    for bytes in [
        b"not a database at all, but a text".to_vec(),
        Vec::new(),
        damaged,
        whole[..whole.len() / 2].to_vec(),
    ] {
        fs::write(&copy, &bytes).unwrap();
        assert!(restore(&copy, &to).is_err(), "{} bytes", bytes.len());
        assert!(!to.exists());
    }
}

#[test]
fn a_file_of_something_else_and_a_record_of_a_later_version_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    assert!(matches!(Record::open(&path), Err(RecordError::NoRecord)));
    fs::write(&path, "a text").unwrap();
    assert!(Record::open(&path).is_err());

    let (folder, record) = with_two();
    drop(record);
    let path = folder.path().join("record.db");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 9).unwrap();
    assert!(matches!(Record::open(&path), Err(RecordError::Newer { found: 9, known: 2 })));
}

#[test]
fn a_record_of_the_first_version_is_brought_up_to_date() {
    let (folder, record) = with_two();
    drop(record);
    let path = folder.path().join("record.db");
    let older = Connection::open(&path).unwrap();
    older.execute_batch("DROP TABLE drafts").unwrap();
    older.pragma_update(None, "user_version", 1).unwrap();
    drop(older);
    let record = Record::open(&path).unwrap();
    assert_eq!(record.latest("acme").unwrap().unwrap().sequence, 2);
    let (one, pack) = (hash("one"), crate::RulesetFile::of(ruleset("one")).compile().unwrap());
    record.keep_draft("acme", &one, pack, NOW).unwrap();
    assert!(record.draft("acme", &one).unwrap().is_some());
}

#[test]
fn a_draft_is_kept_for_a_day_and_only_for_its_site() {
    let (_folder, record) = record();
    let pack = |slot: &str| crate::RulesetFile::of(ruleset(slot)).compile().unwrap();
    let (one, two) = (hash("one"), hash("two"));
    record.keep_draft("acme", &one, pack("one"), NOW).unwrap();
    assert_eq!(record.value("acme", &format!("acme/draft/{one}")).unwrap(), Some(pack("one")));
    assert_eq!(record.value("other", &format!("other/draft/{one}")).unwrap(), None);
    let day = 24 * 60 * 60;
    record.keep_draft("acme", &two, pack("two"), NOW.plus_seconds(day)).unwrap();
    assert!(record.draft("acme", &one).unwrap().is_some(), "a token could still name it");
    record.keep_draft("acme", &two, pack("two"), NOW.plus_seconds(day + 3_600)).unwrap();
    assert_eq!(record.draft("acme", &one).unwrap(), None);
    assert!(matches!(record.keep_draft("acme", &one, pack("two"), NOW), Err(PreviewError::Pack(_))));
}

#[cfg(unix)]
#[test]
fn a_record_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, record) = with_two();
    let copy = folder.path().join("copy.db");
    backup(&folder.path().join("record.db"), &copy).unwrap();
    drop(record);
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", entry.path().display());
    }
}
