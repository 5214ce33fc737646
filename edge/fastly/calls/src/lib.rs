//! What a request is, as Fastly's platform tells it. Its library would parse each URL, at the price of a whole decision, and
//! panic where it cannot.
//!
//! A request is named by its handle, a number; of a number that is no request, nothing is read.

use fastly_shared::FastlyStatus;
use fastly_sys::RequestHandle;
use fastly_sys::fastly_http_req::{header_names_get, header_values_get, method_get, uri_get};

/// The method of a request. `room`, here and below: for how many bytes there is room at first; more takes more calls.
pub fn method(request: RequestHandle, room: usize) -> Option<Vec<u8>> {
    read(room, |into, written| {
        // SAFETY: `into` is ours alone for the call, and the platform writes no more bytes there than it is told.
        unsafe { method_get(request, into.as_mut_ptr(), into.len(), written) }
    })
}

/// The URL of a request, with scheme and host.
pub fn url(request: RequestHandle, room: usize) -> Option<Vec<u8>> {
    read(room, |into, written| {
        // SAFETY: `into` is ours alone for the call, and the platform writes no more bytes there than it is told.
        unsafe { uri_get(request, into.as_mut_ptr(), into.len(), written) }
    })
}

/// The names of the headers of a request, a zero byte after each.
pub fn header_names(request: RequestHandle, room: usize) -> Option<Vec<u8>> {
    read_all(room, |into, from, next, written| {
        // SAFETY: `into` is ours alone for the call, and the platform writes no more bytes there than it is told.
        unsafe { header_names_get(request, into.as_mut_ptr(), into.len(), from, next, written) }
    })
}

/// The values of a header, a zero byte after each.
pub fn header_values(request: RequestHandle, name: &str, room: usize) -> Option<Vec<u8>> {
    read_all(room, |into, from, next, written| {
        let (name, length) = (name.as_ptr(), name.len());
        // SAFETY: as above; the name is read where it is, as far as it goes.
        unsafe {
            header_values_get(request, name, length, into.as_mut_ptr(), into.len(), from, next, written)
        }
    })
}

fn read(mut room: usize, call: impl Fn(&mut [u8], &mut usize) -> FastlyStatus) -> Option<Vec<u8>> {
    loop {
        let (mut bytes, mut written) = (vec![0; room], 0);
        match call(&mut bytes, &mut written) {
            FastlyStatus::OK => {
                bytes.truncate(written);
                return Some(bytes);
            }
            FastlyStatus::BUFLEN if written > room => room = written,
            _ => return None,
        }
    }
}

/// Reads a list, of which a call gives as much as there is room for, and says where to go on: below zero, nowhere.
fn read_all(
    mut room: usize,
    call: impl Fn(&mut [u8], u32, &mut i64, &mut usize) -> FastlyStatus,
) -> Option<Vec<u8>> {
    let (mut bytes, mut from) = (Vec::new(), 0);
    loop {
        let known = bytes.len();
        bytes.resize(known + room, 0);
        let (mut next, mut written) = (-1, 0);
        match call(bytes.get_mut(known..)?, from, &mut next, &mut written) {
            FastlyStatus::OK => {
                bytes.truncate(known + written);
                if next < 0 || written == 0 {
                    return Some(bytes);
                }
                from = u32::try_from(next).ok().filter(|next| *next > from)?;
            }
            FastlyStatus::BUFLEN if written > room => {
                bytes.truncate(known);
                room = written;
            }
            _ => return None,
        }
    }
}
