//! A host that counts instructions. To the guest it is a clock: a nanosecond is an instruction, so the same guest that
//! is timed elsewhere is counted here, with the same figures each time.
//!
//! What wasmtime calls fuel is one unit for each instruction, and one more for each byte that a bulk operation moves.

mod bodies;
mod wasi;

use std::path::Path;

use bench_job::{Job, Samples};
use wasmtime::error::Context as _;
use wasmtime::{Caller, Config, Engine, Extern, Linker, Memory, Module, Result, Store, bail};

use bodies::Bodies;

const FUEL: u64 = u64::MAX / 2;

/// What the stubs of the host remember.
struct Host {
    input: Vec<u8>,
    read: usize,
    output: Vec<u8>,
    errors: Vec<u8>,
    bodies: Bodies,
}

/// The contenders under this host.
pub struct Counter {
    engine: Engine,
    module: Module,
}

impl Counter {
    /// Compiles the guest.
    pub fn of(wasm: &Path) -> Result<Counter> {
        let engine = Engine::new(Config::new().consume_fuel(true))?;
        let module = Module::from_file(&engine, wasm)?;
        Ok(Counter { engine, module })
    }

    /// Does the job; its samples are instructions.
    pub fn run(&self, job: &Job) -> Result<Samples> {
        let bodies = Bodies::default();
        let (output, errors) = (Vec::new(), Vec::new());
        let host = Host { input: job.encode(), read: 0, output, errors, bodies };
        let mut store = Store::new(&self.engine, host);
        store.set_fuel(FUEL)?;
        let mut linker = Linker::new(&self.engine);
        wasi::add(&mut linker)?;
        bodies::add(&mut linker)?;
        linker.define_unknown_imports_as_traps(&self.module)?;
        let instance = linker.instantiate(&mut store, &self.module)?;
        let ended = instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ());
        let host = store.into_data();
        if host.output.is_empty() {
            let ending = ended.err().map(|error| format!("{error:?}")).unwrap_or_default();
            bail!("the guest ended without an answer: {} {ending}", String::from_utf8_lossy(&host.errors));
        }
        Ok(serde_json::from_slice(&host.output)?)
    }
}

fn memory(caller: &mut Caller<'_, Host>) -> Result<Memory> {
    caller.get_export("memory").and_then(Extern::into_memory).context("the guest has no memory")
}

/// A range of the guest's memory.
fn bytes(caller: &mut Caller<'_, Host>, at: u32, length: u32) -> Result<Vec<u8>> {
    let memory = memory(caller)?;
    let mut bytes = vec![0; length as usize];
    memory.read(caller, at as usize, &mut bytes)?;
    Ok(bytes)
}

fn write(caller: &mut Caller<'_, Host>, at: u32, bytes: &[u8]) -> Result<()> {
    let memory = memory(caller)?;
    Ok(memory.write(caller, at as usize, bytes)?)
}

fn write_word(caller: &mut Caller<'_, Host>, at: u32, word: u32) -> Result<()> {
    write(caller, at, &word.to_le_bytes())
}
