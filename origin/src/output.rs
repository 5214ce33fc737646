//! What goes to standard output and standard error, without a panic where nobody takes it.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

/// Why what was found out, or done, could not be told.
#[derive(Debug, thiserror::Error)]
pub enum Untold {
    /// The disk is full, most often.
    #[error("standard output cannot be written")]
    Unwritten(#[source] io::Error),
    /// Nobody reads, and what was to be read is needed.
    #[error("nobody reads standard output, so the address cannot be told")]
    Unread,
}

/// One line, or several. A reader who has gone away, such as `head`, is no error.
pub fn line(text: impl Display) -> Result<(), Untold> {
    self::text(&format!("{text}\n"))
}

/// Text as it is. A reader who has gone away is no error.
pub fn text(text: &str) -> Result<(), Untold> {
    bytes(text.as_bytes())
}

/// Bytes as they are. A reader who has gone away is no error.
pub fn bytes(bytes: &[u8]) -> Result<(), Untold> {
    match write(&mut io::stdout(), bytes) {
        Err(Untold::Unread) => Ok(()),
        written => written,
    }
}

/// Lines that somebody has to get, since they say where a server is. A reader who has gone away is an error.
pub fn address(lines: impl Display) -> Result<(), Untold> {
    write(&mut io::stdout(), format!("{lines}\n").as_bytes())
}

/// Lines on standard error. Where that fails there is nowhere left to say so.
pub fn aside(lines: impl Display) {
    let _untold = write(&mut io::stderr(), format!("{lines}\n").as_bytes());
}

/// A line on standard error in place of the one before, on a terminal that knows ANSI's "erase in line".
pub fn over(line: &str) {
    let _untold = write(&mut io::stderr(), format!("\r\x1b[K{line}").as_bytes());
}

fn write(to: &mut impl Write, bytes: &[u8]) -> Result<(), Untold> {
    to.write_all(bytes).and_then(|()| to.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Untold::Unread,
        _ => Untold::Unwritten(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Refusing(ErrorKind);

    impl Write for Refusing {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_who_has_gone_is_told_from_a_full_disk() {
        let mut taken = Vec::new();
        assert!(write(&mut taken, b"all of it\n").is_ok());
        assert_eq!(taken, b"all of it\n");
        assert!(matches!(write(&mut Refusing(ErrorKind::BrokenPipe), b"x"), Err(Untold::Unread)));
        assert!(matches!(write(&mut Refusing(ErrorKind::StorageFull), b"x"), Err(Untold::Unwritten(_))));
    }
}
