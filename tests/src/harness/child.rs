//! A process that a test started: its lines are read, and it does not outlive its owner.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{self, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::patience::eventually;

/// Leads a group of processes until its input ends: asks them to end, and after a second ends them.
const LEADER: &str = r#"trap '' INT TERM
(trap - INT TERM; exec "$@" </dev/null) &
read -r _
kill -TERM 0
(sleep 1; kill -KILL 0) &
wait $!"#;

/// A running process. Dropping interrupts it, and kills it if that does not help; a test that panics then prints what it had written.
#[derive(Debug)]
pub struct Child {
    name: String,
    process: process::Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Child {
    /// Starts the command and collects the lines of both its outputs.
    pub fn start(name: &str, command: &mut Command) -> Child {
        Child::spawn(name, command, Stdio::null())
    }

    fn spawn(name: &str, command: &mut Command, input: Stdio) -> Child {
        let mut process = command
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("starting {name} ({command:?}): {error}"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        collect(process.stdout.take(), &lines);
        collect(process.stderr.take(), &lines);
        Child { name: name.to_string(), process, lines }
    }

    /// Starts a command that starts others without telling. All of them end with the value, and also where this process
    /// ends without a word: then the shell that leads them reads the end of its input.
    pub fn start_family(name: &str, command: &Command) -> Child {
        let mut family = Command::new("sh");
        family.args(["-c", LEADER, "sh"]).arg(command.get_program()).args(command.get_args());
        if let Some(folder) = command.get_current_dir() {
            family.current_dir(folder);
        }
        for (variable, value) in command.get_envs() {
            match value {
                Some(value) => family.env(variable, value),
                None => family.env_remove(variable),
            };
        }
        family.process_group(0);
        Child::spawn(name, &mut family, Stdio::piped())
    }

    /// What it has written so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no holder of the lock panics").clone()
    }

    /// Waits for a line with `marker` in it and returns what follows the marker.
    pub fn wait_for_line(&mut self, marker: &str) -> String {
        eventually(&format!("a line with {marker:?} from {}", self.name), || {
            let found =
                self.lines().iter().find_map(|line| Some(line.split_once(marker)?.1.trim().to_string()));
            if found.is_none() {
                let ended = self.process.try_wait().ok().flatten();
                assert!(ended.is_none(), "{} ended with {ended:?}:\n{}", self.name, self.lines().join("\n"));
            }
            found
        })
    }

    /// Sends the signal that Ctrl-C sends.
    pub fn interrupt(&self) {
        let sent = Command::new("kill").args(["-INT", &self.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "could not interrupt {}", self.name);
    }

    /// Waits until it ends by itself.
    pub fn wait_for_end(&mut self) -> ExitStatus {
        let name = self.name.clone();
        eventually(&format!("the end of {name}"), || self.process.try_wait().expect("a child of ours"))
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let mut ended = matches!(self.process.try_wait(), Ok(Some(_)));
        if !ended {
            // Asked first, so that it can end what it has started itself.
            let _ = Command::new("kill").args(["-INT", &self.id().to_string()]).status();
            ended = (0..100).any(|_| {
                thread::sleep(Duration::from_millis(20));
                matches!(self.process.try_wait(), Ok(Some(_)))
            });
        }
        if !ended {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
        if thread::panicking() {
            let lines = self.lines();
            let last = &lines[lines.len().saturating_sub(60)..];
            eprintln!("--- {} wrote:\n{}\n---", self.name, last.join("\n"));
        }
    }
}

fn collect(output: Option<impl Read + Send + 'static>, lines: &Arc<Mutex<Vec<String>>>) {
    let Some(output) = output else { return };
    let lines = Arc::clone(lines);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            lines.lock().expect("no holder of the lock panics").push(line);
        }
    });
}
