//! Runs a job: natively and under a bare WASI host from standard input to standard output, on Fastly's runtime from the
//! body of a request to the body of its answer.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use bench_job::Job;

#[cfg(target_arch = "wasm32")]
mod fastly_esi;
mod ours;
mod peers;
mod run;
mod scene;

/// Set by Fastly's runtime for everything that it runs.
#[cfg(target_arch = "wasm32")]
const ON_FASTLY: &str = "FASTLY_HOSTNAME";

fn main() -> ExitCode {
    #[cfg(target_arch = "wasm32")]
    if std::env::var_os(ON_FASTLY).is_some() {
        return on_fastly();
    }
    let mut job = Vec::new();
    let outcome = io::stdin().read_to_end(&mut job).map_err(anyhow::Error::from);
    match outcome.and_then(|_| answer(job)) {
        Ok(samples) if io::stdout().write_all(&samples).is_ok() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The samples as JSON.
fn answer(job: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    Ok(serde_json::to_vec(&run::run(&Job::decode(job)?)?)?)
}

#[cfg(target_arch = "wasm32")]
fn on_fastly() -> ExitCode {
    let mut request = fastly::Request::from_client();
    match answer(request.take_body().into_bytes()) {
        Ok(samples) => fastly::Response::from_body(samples).send_to_client(),
        Err(error) => fastly::Response::from_status(400).with_body(error.to_string()).send_to_client(),
    }
    ExitCode::SUCCESS
}
