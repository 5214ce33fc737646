//! What goes to standard output. A reader who has gone away, such as `head`, is no error.

use std::fmt::Display;
use std::io::{self, Write};

/// One line, or several.
pub fn line(text: impl Display) {
    let _unread = writeln!(io::stdout(), "{text}");
}

/// Text as it is.
pub fn text(text: &str) {
    let _unread = io::stdout().write_all(text.as_bytes());
}
