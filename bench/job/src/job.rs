//! A job: tasks, their inputs, and how often they take turns.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::task::Task;

/// What is measured together. The tasks take turns, so that what else the machine does meets all of them.
#[derive(Clone, Debug, Default)]
pub struct Job {
    head: Head,
    inputs: Inputs,
}

/// The inputs, by name.
pub type Inputs = BTreeMap<String, Bytes>;

/// What each task took, round by round: nanoseconds for doing it once, or instructions where the clock counts those.
pub type Samples = Vec<(Task, Vec<f64>)>;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Head {
    tasks: Vec<Task>,
    rounds: u32,
    cold: bool,
    rest_us: u64,
    /// Names and lengths of the inputs that follow.
    inputs: Vec<(String, usize)>,
}

/// Why bytes are no job.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// They end too early.
    #[error("the job has been cut")]
    Cut,
    /// The head is not what it should be.
    #[error(transparent)]
    Head(#[from] serde_json::Error),
}

impl Job {
    /// A job of so many rounds.
    pub fn of_rounds(rounds: u32) -> Job {
        Job { head: Head { rounds, ..Head::default() }, inputs: Inputs::new() }
    }

    /// Without the round that goes before and does not count: for what is to be met cold.
    pub fn cold(mut self) -> Job {
        self.head.cold = true;
        self
    }

    /// With a rest before each round, in which the guest waits as one does between two requests.
    pub fn rested(mut self, rest: Duration) -> Job {
        self.head.rest_us = rest.as_micros().try_into().unwrap_or(u64::MAX);
        self
    }

    /// One more input.
    pub fn input(mut self, name: &str, bytes: impl Into<Bytes>) -> Job {
        self.inputs.insert(name.to_owned(), bytes.into());
        self
    }

    /// One more task.
    pub fn task(mut self, task: Task) -> Job {
        self.head.tasks.push(task);
        self
    }

    /// The job as bytes: length of the head, head, inputs.
    pub fn encode(&self) -> Vec<u8> {
        let lengths = self.inputs.iter().map(|(name, bytes)| (name.clone(), bytes.len()));
        let head = Head { inputs: lengths.collect(), ..self.head.clone() };
        let head = serde_json::to_vec(&head).expect("names and numbers are JSON");
        let mut out = (head.len() as u32).to_le_bytes().to_vec();
        out.extend(head);
        self.inputs.values().for_each(|bytes| out.extend_from_slice(bytes));
        out
    }

    /// Reads a job.
    pub fn decode(bytes: Vec<u8>) -> Result<Job, Malformed> {
        let mut rest = Bytes::from(bytes);
        let mut take = |length: usize| {
            if rest.len() < length { Err(Malformed::Cut) } else { Ok(rest.split_to(length)) }
        };
        let length = take(4)?;
        let length = u32::from_le_bytes(length.as_ref().try_into().map_err(|_| Malformed::Cut)?);
        let head: Head = serde_json::from_slice(&take(length as usize)?)?;
        let mut inputs = Inputs::new();
        for (name, length) in &head.inputs {
            inputs.insert(name.clone(), take(*length)?);
        }
        Ok(Job { head, inputs })
    }

    /// What is to be measured.
    pub fn tasks(&self) -> &[Task] {
        &self.head.tasks
    }

    /// How often.
    pub fn rounds(&self) -> u32 {
        self.head.rounds
    }

    /// How long the guest waits before each round.
    pub fn rest(&self) -> Option<Duration> {
        (self.head.rest_us > 0).then(|| Duration::from_micros(self.head.rest_us))
    }

    /// Whether nothing is done beforehand.
    pub fn is_cold(&self) -> bool {
        self.head.cold
    }

    /// The inputs, by name.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_comes_back_as_it_was_sent() {
        let copy = Task::Copy { page: "page".to_owned() };
        let job =
            Job::of_rounds(3).input("page", b"<p>x</p>".to_vec()).task(Task::Nothing).task(copy.clone());
        let read = Job::decode(job.cold().encode()).unwrap();
        assert_eq!(read.tasks(), [Task::Nothing, copy]);
        assert_eq!((read.rounds(), read.is_cold()), (3, true));
        assert_eq!(read.inputs()["page"].as_ref(), b"<p>x</p>");
    }

    #[test]
    fn a_job_that_was_cut_is_refused() {
        let bytes = Job::of_rounds(1).input("page", b"<p>x</p>".to_vec()).encode();
        for length in 0..bytes.len() {
            assert!(Job::decode(bytes[..length].to_vec()).is_err(), "cut at {length}");
        }
    }
}
