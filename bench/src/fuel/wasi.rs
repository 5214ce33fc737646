//! As much of WASI (preview 1) as a program needs that reads its input and writes its output.

use wasmtime::{Caller, Linker, Result};

use super::{FUEL, Host, bytes, memory, write, write_word};

const MODULE: &str = "wasi_snapshot_preview1";
const SUCCESS: i32 = 0;
const BAD_DESCRIPTOR: i32 = 8;
const STANDARD_OUTPUT: i32 = 1;

pub fn add(linker: &mut Linker<Host>) -> Result<()> {
    for name in ["args_sizes_get", "environ_sizes_get"] {
        linker.func_wrap(MODULE, name, |mut caller: Caller<'_, Host>, count: u32, length: u32| {
            write_word(&mut caller, count, 0)?;
            write_word(&mut caller, length, 0)?;
            Result::Ok(SUCCESS)
        })?;
    }
    for name in ["args_get", "environ_get"] {
        linker.func_wrap(MODULE, name, |_: u32, _: u32| SUCCESS)?;
    }
    linker.func_wrap(MODULE, "clock_time_get", |mut caller: Caller<'_, Host>, _: i32, _: i64, at: u32| {
        let spent = FUEL - caller.get_fuel()?;
        write(&mut caller, at, &spent.to_le_bytes())?;
        Result::Ok(SUCCESS)
    })?;
    // The same bytes each time: what is random costs the same each time, too.
    linker.func_wrap(MODULE, "random_get", |mut caller: Caller<'_, Host>, at: u32, length: u32| {
        write(&mut caller, at, &vec![7; length as usize])?;
        Result::Ok(SUCCESS)
    })?;
    linker.func_wrap(MODULE, "fd_read", read)?;
    linker.func_wrap(MODULE, "fd_write", written)?;
    linker.func_wrap(MODULE, "fd_prestat_get", |_: i32, _: u32| BAD_DESCRIPTOR)?;
    linker.func_wrap(MODULE, "proc_exit", |code: i32| -> Result<()> {
        Err(wasmtime::format_err!("ended with {code}"))
    })?;
    Ok(())
}

/// The ranges that a list of address and length names.
fn ranges(caller: &mut Caller<'_, Host>, list: u32, count: u32) -> Result<Vec<(u32, u32)>> {
    let list = bytes(caller, list, count * 8)?;
    let word = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).unwrap_or_default();
    Ok(list.chunks_exact(8).map(|pair| (word(&pair[..4]), word(&pair[4..]))).collect())
}

fn read(mut caller: Caller<'_, Host>, _: i32, list: u32, count: u32, read: u32) -> Result<i32> {
    let memory = memory(&mut caller)?;
    let ranges = ranges(&mut caller, list, count)?;
    let mut total = 0;
    for (at, length) in ranges {
        let (guest, host) = memory.data_and_store_mut(&mut caller);
        let rest = &host.input[host.read..];
        let taken = rest.len().min(length as usize);
        guest[at as usize..at as usize + taken].copy_from_slice(&rest[..taken]);
        host.read += taken;
        total += taken;
    }
    write_word(&mut caller, read, total as u32)?;
    Ok(SUCCESS)
}

fn written(mut caller: Caller<'_, Host>, to: i32, list: u32, count: u32, written: u32) -> Result<i32> {
    let mut total = 0;
    for (at, length) in ranges(&mut caller, list, count)? {
        let written = bytes(&mut caller, at, length)?;
        let host = caller.data_mut();
        let output = if to == STANDARD_OUTPUT { &mut host.output } else { &mut host.errors };
        output.extend(written);
        total += length;
    }
    write_word(&mut caller, written, total)?;
    Ok(SUCCESS)
}
