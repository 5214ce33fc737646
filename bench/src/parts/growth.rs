//! What the cost of a hit grows with: bytes and slots, and nothing else.

use std::fs;

use anyhow::{Context, Result};
use bench_job::{
    BLOCKS, Job, Samples, Task, marked_with_includes, marked_with_slots, of_bytes, ruleset, stored,
};

use super::rules::SIZES;
use crate::figures::of;
use crate::plot::{Plot, Series};
use crate::setting::{SLOTS, Setting, compiled, pack_of, progress};
use crate::table::{Goal, Row};

const KIB: usize = 1024;
const PAGES: [usize; 6] = [16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB, 256 * KIB, 512 * KIB];
const SLOT_COUNTS: [usize; 6] = [1, 4, 16, 64, 128, 256];

pub fn rows(setting: &Setting) -> Result<Vec<Row>> {
    let guest = match setting.guest() {
        Ok(guest) => guest,
        Err(why) => return Ok(vec![Row::absent("growth", "x", why)]),
    };
    let mut rows = Vec::new();
    for growth in [pages(setting)?, slots(setting)?, rules(setting)?] {
        progress(&format!("cost against {}", growth.against));
        let samples = guest.run(&growth.job, 4)?;
        growth.plot(setting, &samples)?;
        rows.push(growth.row(&samples, "us")?);
        match setting.count(&growth.job) {
            Ok(counted) => rows.push(growth.row(&counted, "instr")?),
            Err(why) => rows.push(Row::absent(format!("{}, counted", growth.against), "x", why)),
        }
    }
    Ok(rows)
}

/// A job, and which of its tasks belong to which size.
struct Growth {
    against: &'static str,
    file: &'static str,
    job: Job,
    lines: Vec<(&'static str, Vec<(f64, Task)>)>,
    /// What the last point of the first line may be of its first.
    goal: Goal,
}

impl Growth {
    fn of(against: &'static str, file: &'static str, goal: Goal, names: &[&'static str]) -> Growth {
        let job = Job::of_rounds(25).task(Task::Nothing);
        let lines = names.iter().map(|name| (*name, Vec::new())).collect();
        Growth { against, file, job, lines, goal }
    }

    fn points<const N: usize>(&mut self, size: f64, tasks: [Task; N]) {
        for ((_, points), task) in self.lines.iter_mut().zip(tasks) {
            self.job = std::mem::take(&mut self.job).task(task.clone());
            points.push((size, task));
        }
    }

    fn input(&mut self, name: String, bytes: impl Into<Vec<u8>>) {
        self.job = std::mem::take(&mut self.job).input(&name, bytes.into());
    }

    fn row(&self, samples: &Samples, unit: &'static str) -> Result<Row> {
        let (_, points) = self.lines.first().context("a line")?;
        let (Some((least, few)), Some((most, many))) = (points.first(), points.last()) else {
            anyhow::bail!("no points")
        };
        let (few, many) = (of(samples, few)?, of(samples, many)?);
        let (scale, digits) = if unit == "us" { (1_000.0, 1) } else { (1.0, 0) };
        let name = format!("a hit with {most} / {least} {} ({unit})", self.against);
        let note = format!("{:.digits$} / {:.digits$} {unit}", many / scale, few / scale);
        Ok(Row::new(name, many / few, "x").goal(self.goal).note(note))
    }

    fn plot(&self, setting: &Setting, samples: &Samples) -> Result<()> {
        let Some(folder) = &setting.programs.plots else { return Ok(()) };
        let mut plot = Plot::new(format!("Cost of a request against {}", self.against), self.against);
        for (name, points) in &self.lines {
            let at = |(size, task): &(f64, Task)| Ok((*size, of(samples, task)? / 1_000.0));
            plot.add(Series { name, points: points.iter().map(at).collect::<Result<_>>()? });
        }
        fs::create_dir_all(folder)?;
        let file = folder.join(self.file);
        fs::write(&file, plot.svg()).with_context(|| format!("writing {}", file.display()))
    }
}

fn pages(setting: &Setting) -> Result<Growth> {
    let mut growth = Growth::of(
        "KB of page",
        "page-size.svg",
        Goal::None,
        &["Hemstitch, a whole hit", "copying the page", "lol_html rewriting it", "esi stitching it"],
    );
    growth.input("pack".to_owned(), pack_of(1_000)?);
    for bytes in PAGES {
        let page = of_bytes(&setting.page, bytes);
        let [object, plain, slots, esi] =
            ["object", "plain", "slots", "esi"].map(|kind| format!("{kind}-{bytes}"));
        growth.input(object.clone(), stored(marked_with_includes(&page, SLOTS, BLOCKS, "")));
        growth.input(slots.clone(), marked_with_slots(&page, SLOTS));
        growth.input(esi.clone(), marked_with_includes(&page, SLOTS, "/b/", ".html"));
        growth.input(plain.clone(), page);
        let tasks = [
            Task::Hit { object, pack: "pack".to_owned() },
            Task::Copy { page: plain },
            Task::LolRewrite { page: slots },
            Task::Esi { page: esi },
        ];
        growth.points((bytes / KIB) as f64, tasks);
    }
    Ok(growth)
}

fn slots(setting: &Setting) -> Result<Growth> {
    let names = ["Hemstitch, a whole hit", "lol_html rewriting it", "esi stitching it"];
    let mut growth = Growth::of("slots", "slots.svg", Goal::None, &names);
    let most = SLOT_COUNTS.into_iter().max().unwrap_or(SLOTS);
    growth.input("pack".to_owned(), compiled(&ruleset(most * 10, most))?);
    for count in SLOT_COUNTS {
        let [object, slots, esi] = ["object", "slots", "esi"].map(|kind| format!("{kind}-{count}"));
        growth.input(object.clone(), stored(marked_with_includes(&setting.page, count, BLOCKS, "")));
        growth.input(slots.clone(), marked_with_slots(&setting.page, count));
        growth.input(esi.clone(), marked_with_includes(&setting.page, count, "/b/", ".html"));
        let hit = Task::Hit { object, pack: "pack".to_owned() };
        growth.points(count as f64, [hit, Task::LolRewrite { page: slots }, Task::Esi { page: esi }]);
    }
    Ok(growth)
}

fn rules(setting: &Setting) -> Result<Growth> {
    let names = ["Hemstitch, a whole hit", "deciding its 8 slots"];
    let mut growth = Growth::of("rules in the pack", "rules.svg", Goal::AtMost(1.2), &names);
    growth.input("object".to_owned(), stored(setting.blocks()));
    for rules in SIZES {
        let pack = rules.to_string();
        growth.input(pack.clone(), pack_of(rules)?);
        let hit = Task::Hit { object: "object".to_owned(), pack: pack.clone() };
        growth.points(rules as f64, [hit, Task::Decide { pack, slots: SLOTS }]);
    }
    Ok(growth)
}
