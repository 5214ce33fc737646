//! How a block's bytes become bytes of the page.

use crate::page::{Charset, Insertion};

/// Bytes that are copied at once. More than 2,112 the C library copies by `rep movsb`, which Zen processors do at a third
/// of the speed where the two ends are not aligned alike (glibc bug 30994), and behind an insertion they are not.
const PIECE: usize = 2_048;

/// Appends bytes of the page.
pub(super) fn copy(out: &mut Vec<u8>, bytes: &[u8]) {
    bytes.chunks(PIECE).for_each(|piece| out.extend_from_slice(piece));
}

/// Appends `text` to `out` as `insertion` says, in the page's charset.
pub(super) fn insert(out: &mut Vec<u8>, text: &str, insertion: &Insertion, charset: Charset) {
    match insertion {
        Insertion::Markup | Insertion::Raw => out.extend_from_slice(&charset.encode(text)),
        Insertion::AttributeValue => out.extend_from_slice(&charset.encode(&escaped(text))),
        Insertion::Attribute { lead, name } => {
            out.extend_from_slice(&charset.encode(&format!("{lead}{name}=\"{}\"", escaped(text))));
        }
    }
}

/// Text for a double-quoted attribute value (HTML Standard, "escaping a string", attribute mode, less U+00A0).
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;")
}
