use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hemstitch::pointer::{pack_key, pointer_key, ruleset_key};
use tempfile::TempDir;

use super::*;
use crate::RulesetFile;
use crate::record::Record;
use crate::targets::{Directory, Mirror, Store};

const NOW: UnixTime = UnixTime(1_800_000_000);

fn key(seed: u8) -> SigningKeyFile {
    SigningKeyFile::new("p1".to_owned(), &[seed; 32])
}

/// Two KVs, with or without a record, in a folder.
struct World {
    folder: TempDir,
    recorded: bool,
}

impl World {
    fn new(recorded: bool) -> World {
        World { folder: tempfile::tempdir().unwrap(), recorded }
    }

    fn kv(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn targets(&self, operator: &str) -> Targets {
        let mirrors = ["east", "west"].map(|name| Mirror {
            name: name.to_owned(),
            store: Store::Directory(Directory::new(self.kv(name), None)),
        });
        let record = || Record::open(&self.folder.path().join("record.db")).unwrap();
        let keys = key(1).public_keys().unwrap();
        let operator = operator.to_owned();
        let ledger =
            self.recorded.then(|| ("record".to_owned(), Ledger::File { record: record(), operator, keys }));
        Targets { ledger, mirrors: mirrors.into_iter().collect() }
    }

    fn publish(&self, request: &Request) -> Result<Outcome, PublishError> {
        self.publish_until(request, |_| ControlFlow::Continue(()))
    }

    fn publish_until(
        &self,
        request: &Request,
        observe: impl FnMut(&Step) -> ControlFlow<()>,
    ) -> Result<Outcome, PublishError> {
        let (key, targets) = (key(1), self.targets("ann"));
        Publisher::new("acme", &key, &targets, observe)?.publish(request, NOW)
    }

    /// The number and the slot that an edge of this KV shows, which starts now and finds all that it needs.
    fn shows(&self, kv: &Path) -> Option<(u64, &'static str)> {
        let wire = std::fs::read(kv.join(pointer_key("acme"))).ok()?;
        let pointer = Pointer::verify(&wire, &key(1).public_keys().unwrap(), "acme").expect("a good pointer");
        let pack = std::fs::read(kv.join(pack_key("acme", pointer.active(NOW)))).expect("the pack is there");
        let slot = ["one", "two", "three"].into_iter().find(|slot| compiled(slot) == pack);
        Some((pointer.sequence(), slot.expect("a pack of ours")))
    }

    fn both_show(&self) -> [Option<(u64, &'static str)>; 2] {
        ["east", "west"].map(|name| self.shows(&self.kv(name)))
    }
}

fn ruleset(slot: &str) -> String {
    format!(r#"{{"slots": {{"{slot}": {{"rules": [{{"id": "r", "block": "nothing"}}]}}}}}}"#)
}

fn compiled(slot: &str) -> Vec<u8> {
    RulesetFile::of(ruleset(slot)).compile().unwrap()
}

fn request(slot: &str) -> Request {
    let (what, pack) = (Offered::Ruleset(ruleset(slot)), compiled(slot));
    Request { what, pack, starts: None, message: String::new(), base: None, sequence: None }
}

fn all_well(outcome: &Outcome) -> Vec<Mirrored> {
    outcome
        .mirrors
        .iter()
        .map(|(name, mirrored)| *mirrored.as_ref().unwrap_or_else(|error| panic!("{name}: {error}")))
        .collect()
}

#[test]
fn a_publication_is_live_everywhere_and_numbered() {
    for recorded in [true, false] {
        let world = World::new(recorded);
        for (sequence, slot) in [(1, "one"), (2, "two"), (3, "one")] {
            let outcome = world.publish(&request(slot)).unwrap();
            assert_eq!((outcome.sequence, outcome.novelty), (sequence, Novelty::New));
            assert_eq!(all_well(&outcome), [Mirrored::Written; 2]);
            assert_eq!(world.both_show(), [Some((sequence, slot)); 2]);
        }
    }
}

#[test]
fn publishing_again_changes_nothing() {
    for recorded in [true, false] {
        let world = World::new(recorded);
        world.publish(&request("one")).unwrap();
        let again = world.publish(&request("one")).unwrap();
        assert_eq!((again.sequence, again.novelty), (1, Novelty::Known));
        assert_eq!(all_well(&again), [Mirrored::Unchanged; 2]);
    }
}

#[test]
fn stopped_at_any_step_every_edge_has_a_good_version_and_the_same_command_goes_on() {
    for recorded in [true, false] {
        for starts in [None, Some(NOW.plus_seconds(60))] {
            let mut at = 0;
            loop {
                let world = World::new(recorded);
                world.publish(&request("one")).unwrap();
                let mut steps = 0;
                let wanted = Request { starts, ..request("two") };
                let stopped = world.publish_until(&wanted, |_| {
                    steps += 1;
                    if steps > at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                });
                let seen: BTreeSet<_> = world.both_show().into_iter().collect();
                let after = if starts.is_some() { (2, "one") } else { (2, "two") };
                assert!(
                    seen.iter().all(|shown| [Some((1, "one")), Some(after)].contains(shown)),
                    "step {at}: {seen:?}"
                );
                let is_over = stopped.is_ok();
                let again = world.publish(&wanted).unwrap();
                assert_eq!(again.sequence, 2, "step {at}");
                assert_eq!(world.both_show(), [Some(after); 2], "step {at}");
                if is_over {
                    break;
                }
                assert!(matches!(stopped, Err(PublishError::Stopped)));
                at += 1;
            }
            assert_eq!(at, if recorded { 11 } else { 10 }, "how many steps there are");
        }
    }
}

#[test]
fn a_mirror_that_fails_keeps_what_it_had_and_the_others_go_on() {
    let world = World::new(true);
    world.publish(&request("one")).unwrap();
    // A file where a folder has to be: nothing can be written below it.
    let lost = world.kv("east").join("acme/pack");
    std::fs::rename(&lost, world.kv("pack")).unwrap();
    std::fs::write(&lost, "in the way").unwrap();
    let outcome = world.publish(&request("two")).unwrap();
    assert!(outcome.mirrors[0].1.is_err());
    assert!(matches!(outcome.mirrors[1].1, Ok(Mirrored::Written)));
    assert_eq!(world.shows(&world.kv("west")), Some((2, "two")));
    std::fs::remove_file(&lost).unwrap();
    std::fs::rename(world.kv("pack"), &lost).unwrap();
    assert_eq!(world.shows(&world.kv("east")), Some((1, "one")));
    let again = world.publish(&request("two")).unwrap();
    assert_eq!((again.sequence, all_well(&again)), (2, vec![Mirrored::Written, Mirrored::Unchanged]));
}

#[test]
fn a_damaged_mirror_is_mended_by_publishing_again() {
    let world = World::new(true);
    world.publish(&request("one")).unwrap();
    let pack = world.kv("east").join(pack_key("acme", &PackHash::of(&compiled("one"))));
    std::fs::write(&pack, "half a pa").unwrap();
    std::fs::write(world.kv("west").join("acme/pointer"), "half a poin").unwrap();
    let again = world.publish(&request("one")).unwrap();
    assert_eq!((again.sequence, all_well(&again)), (1, vec![Mirrored::Unchanged, Mirrored::Written]));
    assert_eq!(world.both_show(), [Some((1, "one")); 2]);
}

#[test]
fn what_starts_later_is_there_early_and_is_called_off_by_what_comes_in_between() {
    let world = World::new(true);
    let later = Request { starts: Some(NOW.plus_seconds(60)), ..request("two") };
    assert!(matches!(world.publish(&later), Err(PublishError::NothingUntilThen)));
    world.publish(&request("one")).unwrap();
    assert_eq!(world.publish(&later).unwrap().sequence, 2);
    assert_eq!(world.both_show(), [Some((2, "one")); 2]);
    assert_eq!(world.publish(&later).unwrap().novelty, Novelty::Known);
    let targets = world.targets("ann");
    let (key, observe) = (key(1), |_: &Step| ControlFlow::Continue(()));
    let publisher = Publisher::new("acme", &key, &targets, observe).unwrap();
    let numbering = publisher.numbering(None).unwrap();
    assert_eq!(numbering.live(NOW.plus_seconds(60)), Some(PackHash::of(&compiled("two"))));
    assert!(numbering.pending(NOW).is_some());
    // The same rules as are live now, but with nothing to come.
    let back = world.publish(&request("one")).unwrap();
    assert_eq!((back.sequence, back.novelty), (3, Novelty::New));
}

#[test]
fn who_is_overtaken_publishes_nothing_and_is_told() {
    let world = World::new(true);
    world.publish(&request("one")).unwrap();
    let overtaken = world.publish_until(&request("two"), |step| {
        if matches!(step, Step::Record(_)) {
            world.publish(&request("three")).unwrap();
        }
        ControlFlow::Continue(())
    });
    let Err(PublishError::Ledger(LedgerError::Overtaken { latest: Some(latest) })) = overtaken else {
        panic!("{overtaken:?}")
    };
    assert_eq!(latest.sequence, 2);
    assert_eq!(world.both_show(), [Some((2, "three")); 2]);
    let base = Request { base: Some(1), ..request("two") };
    assert!(matches!(
        world.publish(&base),
        Err(PublishError::Number(NumberError::OtherBase { base: 1, .. }))
    ));
    assert_eq!(world.publish(&Request { base: Some(2), ..request("two") }).unwrap().sequence, 3);
}

#[test]
fn a_mirror_ends_with_the_last_publication_whoever_wrote_last() {
    let world = World::new(true);
    world.publish(&request("one")).unwrap();
    let mut raced = false;
    let slow = world.publish_until(&request("two"), |step| {
        // Somebody publishes, and is done, between this one's look at a mirror and its writing.
        if matches!(step, Step::Pointer(mirror) if mirror == "west") && !raced {
            raced = true;
            world.publish(&request("three")).unwrap();
        }
        ControlFlow::Continue(())
    });
    assert_eq!(slow.unwrap().sequence, 2);
    assert_eq!(world.both_show(), [Some((3, "three")); 2]);
}

#[test]
fn the_way_back_needs_no_upload() {
    let world = World::new(true);
    world.publish(&request("one")).unwrap();
    world.publish(&request("two")).unwrap();
    let back = Request { what: Offered::Again(1), ..request("one") };
    let mut uploads = 0;
    let outcome = world.publish_until(&back, |step| {
        uploads += usize::from(matches!(step, Step::Packs { .. }));
        ControlFlow::Continue(())
    });
    assert_eq!((outcome.unwrap().sequence, uploads), (3, 0));
    assert_eq!(world.both_show(), [Some((3, "one")); 2]);
}

#[test]
fn a_number_that_is_given_goes_on_from_the_live_one() {
    let world = World::new(false);
    let numbered = |sequence| world.publish(&Request { sequence: Some(sequence), ..request("two") });
    assert!(matches!(numbered(0), Err(PublishError::Number(NumberError::Zero))));
    world.publish(&Request { sequence: Some(7), ..request("one") }).unwrap();
    for (wanted, message) in [
        (0, "0 is no number of a publication; the first one is 1"),
        (1, "number 1 is not higher than 7, which is live"),
        (7, "number 7 is not higher than 7, which is live"),
        (1_000_008, "number 1000008 is more than 1000000 above 7, which is live"),
        (u64::MAX, "number 18446744073709551615 is more than 1000000 above 7, which is live"),
    ] {
        assert_eq!(numbered(wanted).unwrap_err().to_string(), message);
        assert_eq!(world.both_show(), [Some((7, "one")); 2]);
    }
    assert_eq!(numbered(8).unwrap().sequence, 8);
}

#[test]
fn without_a_record_a_pointer_of_another_key_is_not_numbered_on() {
    let world = World::new(false);
    world.publish(&request("one")).unwrap();
    let (stranger, targets) = (key(2), world.targets("ann"));
    let mut publisher = Publisher::new("acme", &stranger, &targets, |_| ControlFlow::Continue(())).unwrap();
    let refused = publisher.publish(&request("two"), NOW);
    assert!(matches!(refused, Err(PublishError::Number(NumberError::ForeignPointer { .. }))));
    let given = publisher.publish(&Request { sequence: Some(3), ..request("two") }, NOW).unwrap();
    assert_eq!(given.sequence, 3);
}

#[test]
fn a_ruleset_is_kept_beside_its_pack_and_told_from_one_that_is_not_its() {
    let world = World::new(false);
    world.publish(&request("one")).unwrap();
    let hash = PackHash::of(&compiled("one"));
    let kept = || kept_ruleset("acme", &hash, &world.targets("ann").mirrors).unwrap();
    assert_eq!(kept(), Some(Kept::Certain(ruleset("one"))));
    let file = |name| world.kv(name).join(ruleset_key("acme", &hash));
    std::fs::write(file("east"), ruleset("two")).unwrap();
    assert_eq!(kept(), Some(Kept::Certain(ruleset("one"))), "the other one has it");
    std::fs::write(file("west"), "\u{7b}").unwrap();
    assert_eq!(kept(), Some(Kept::Doubtful(ruleset("two"))));
    for name in ["east", "west"] {
        std::fs::remove_file(file(name)).unwrap();
    }
    assert_eq!(kept(), None);
    // What is live already is completed.
    assert_eq!(world.publish(&request("one")).unwrap().novelty, Novelty::Known);
    assert_eq!(kept(), Some(Kept::Certain(ruleset("one"))));
}
