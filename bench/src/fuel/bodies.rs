//! Fastly's bodies: the one thing that the crate `esi` asks of its host when all fragments are at hand.

use wasmtime::{Caller, Linker, Result};

use super::{Host, bytes, write, write_word};

const MODULE: &str = "fastly_http_body";
const OK: i32 = 0;

/// What has been written to each body and not been read, by its handle.
#[derive(Default)]
pub struct Bodies(Vec<Vec<u8>>);

pub fn add(linker: &mut Linker<Host>) -> Result<()> {
    linker.func_wrap(MODULE, "new", |mut caller: Caller<'_, Host>, handle: u32| {
        let bodies = &mut caller.data_mut().bodies.0;
        bodies.push(Vec::new());
        let index = bodies.len() as u32 - 1;
        write_word(&mut caller, handle, index)?;
        Result::Ok(OK)
    })?;
    linker.func_wrap(
        MODULE,
        "write",
        |mut caller: Caller<'_, Host>, body: u32, at: u32, length: u32, _end: i32, written: u32| {
            let more = bytes(&mut caller, at, length)?;
            caller.data_mut().bodies.0[body as usize].extend(more);
            write_word(&mut caller, written, length)?;
            Result::Ok(OK)
        },
    )?;
    linker.func_wrap(
        MODULE,
        "read",
        |mut caller: Caller<'_, Host>, body: u32, at: u32, length: u32, read: u32| {
            let body = &mut caller.data_mut().bodies.0[body as usize];
            let taken: Vec<u8> = body.drain(..body.len().min(length as usize)).collect();
            write(&mut caller, at, &taken)?;
            write_word(&mut caller, read, taken.len() as u32)?;
            Result::Ok(OK)
        },
    )?;
    linker.func_wrap(MODULE, "close", |_: u32| OK)?;
    Ok(())
}
