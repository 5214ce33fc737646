//! Does a job, and times each round of each task.

use std::thread;
use std::time::Instant;

use bench_job::{Inputs, Job, Samples, Task};

#[cfg(target_arch = "wasm32")]
use crate::fastly_esi;
use crate::{ours, peers};

/// A task whose input is not in the job, or whose contender is not here.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} has no input, or nobody who could do it")]
pub struct NoInput(Task);

/// The samples of all tasks, which take turns, so that what else the machine does meets all of them.
pub fn run(job: &Job) -> Result<Samples, NoInput> {
    let bench = |task: &Task| set_up(task, job.inputs()).ok_or_else(|| NoInput(task.clone()));
    let mut benches = job.tasks().iter().map(bench).collect::<Result<Vec<_>, _>>()?;
    let mut samples: Samples = job.tasks().iter().map(|task| (task.clone(), Vec::new())).collect();
    let warm_up = u32::from(!job.is_cold());
    for round in 0..warm_up + job.rounds() {
        for (bench, (_, samples)) in benches.iter_mut().zip(&mut samples) {
            let mut watch = Stopwatch::default();
            job.rest().into_iter().for_each(thread::sleep);
            let times = bench(&mut watch);
            if round >= warm_up {
                samples.push(watch.elapsed_ns as f64 / f64::from(times));
            }
        }
    }
    Ok(samples)
}

/// Times what a task does, less what it prepares.
#[derive(Default)]
pub struct Stopwatch {
    elapsed_ns: u64,
}

impl Stopwatch {
    /// Runs and times.
    pub fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let result = std::hint::black_box(work());
        self.elapsed_ns += u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        result
    }
}

/// A task that is set up: each call does one round, a number of times so that a round is long enough to be timed, and
/// says how often.
pub type Bench<'i> = Box<dyn FnMut(&mut Stopwatch) -> u32 + 'i>;

/// Sets a task up; `None` where one of its inputs is missing.
fn set_up<'i>(task: &Task, inputs: &'i Inputs) -> Option<Bench<'i>> {
    Some(match task {
        Task::Nothing => Box::new(|watch| {
            watch.time(|| ());
            1
        }),
        Task::Copy { page } => peers::copy(inputs.get(page)?),
        Task::Stitch { object, pack } => ours::stitch(inputs.get(object)?, inputs.get(pack)?),
        Task::Hit { object, pack } => ours::hit(inputs.get(object)?, inputs.get(pack)?),
        Task::Compile { page } => ours::compile(inputs.get(page)?),
        Task::LolScan { page } => peers::scan(inputs.get(page)?),
        Task::LolSelect { page } => peers::select(inputs.get(page)?),
        Task::LolRewrite { page } => peers::rewrite(inputs.get(page)?),
        Task::RunEsi { object, sent } => ours::run_esi(inputs.get(object)?, *sent),
        #[cfg(target_arch = "wasm32")]
        Task::RunEsiCrate { page, sent } => fastly_esi::run(inputs.get(page)?, Some(*sent)),
        #[cfg(target_arch = "wasm32")]
        Task::Esi { page } => fastly_esi::run(inputs.get(page)?, None),
        #[cfg(not(target_arch = "wasm32"))]
        Task::Esi { .. } | Task::RunEsiCrate { .. } => return None,
        Task::Decide { pack, slots } => ours::decide(inputs.get(pack)?, *slots),
        Task::Load { pack, slots } => ours::load(inputs.get(pack)?, *slots),
        Task::Keep { pack } => ours::keep(inputs.get(pack)?),
        Task::Verify { pack } => ours::verify(inputs.get(pack)?),
        Task::ParseJson { ruleset } => peers::parse_json(inputs.get(ruleset)?),
    })
}
