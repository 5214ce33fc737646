//! Where a job runs: natively, in wasm under Viceroy, or in wasm under a host that counts instructions.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bench_job::{Job, Samples};
use e2e::harness::{Ask, Child};

/// Does the job natively.
pub fn native(program: &Path, job: &Job) -> Result<Samples> {
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {}", program.display()))?;
    let mut input = child.stdin.take().context("the input of a child")?;
    input.write_all(&job.encode()).context("sending the job")?;
    drop(input);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("{} ended with {}", program.display(), output.status);
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// How long Viceroy may take to start.
const START: Duration = Duration::from_secs(180);

/// The contenders as a service on Viceroy. Every request is done by an instance of its own.
pub struct Guest {
    address: std::net::SocketAddr,
    viceroy: Child,
    _folder: tempfile::TempDir,
}

impl Guest {
    /// Starts Viceroy.
    pub fn start(viceroy: &Path, wasm: &Path) -> Result<Guest> {
        let folder = tempfile::tempdir()?;
        let manifest = folder.path().join("fastly.toml");
        std::fs::write(
            &manifest,
            "manifest_version = 3\nname = \"bench\"\nlanguage = \"rust\"\n[local_server]\n",
        )?;
        let mut command = Command::new(viceroy);
        command.arg("-v").arg("-C").arg(&manifest).args(["--addr", "127.0.0.1:0"]).arg(wasm);
        let child = Child::start("Viceroy", &mut command);
        let address = listening(&child)?.parse()?;
        Ok(Guest { address, viceroy: child, _folder: folder })
    }

    /// Does the job so often, each time in a fresh instance, and puts the samples together.
    pub fn run(&self, job: &Job, instances: usize) -> Result<Samples> {
        let mut all = Samples::new();
        for _ in 0..instances {
            let reply = Ask::get(self.address, "bench.test", "/").method("POST").body(job.encode()).send();
            let (status, body) = (reply.status, reply.whole());
            if status != 200 {
                let said = self.viceroy.lines().join("\n");
                bail!("the guest answered {status}: {}\n{said}", String::from_utf8_lossy(&body));
            }
            let samples: Samples = serde_json::from_slice(&body)?;
            match all.is_empty() {
                true => all = samples,
                false => all.iter_mut().zip(samples).for_each(|((_, all), (_, more))| all.extend(more)),
            }
        }
        Ok(all)
    }
}

/// Waits for Viceroy, which compiles all of the guest first.
fn listening(viceroy: &Child) -> Result<String> {
    let deadline = Instant::now() + START;
    loop {
        let lines = viceroy.lines();
        if let Some((_, address)) = lines.iter().find_map(|line| line.split_once("Listening on http://")) {
            return Ok(address.trim().to_owned());
        }
        if Instant::now() > deadline {
            bail!("Viceroy does not listen:\n{}", lines.join("\n"));
        }
        thread::sleep(Duration::from_millis(20));
    }
}
