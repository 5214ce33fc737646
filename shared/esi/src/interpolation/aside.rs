//! What begins with `<!`, `<?` or a bad end tag: comments, declarations and CDATA sections.

use super::problem::ProblemKind;

#[derive(Clone, Copy, Debug)]
pub(super) enum Aside {
    /// Behind `<!`.
    Bang,
    BangDash,
    Comment(Dashes),
    /// Up to the next `>`: document types, and what the standard calls bogus comments.
    Declaration,
    /// So many bytes of [`CDATA`] are there.
    CdataOpen(usize),
    /// So many brackets, at most two, are the last.
    Cdata(u8),
}

/// What of a comment's end is there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Dashes {
    Start,
    StartDash,
    None,
    One,
    Two,
    Bang,
}

/// Whether an aside goes on.
#[derive(Debug)]
pub(super) enum End {
    Within(Aside),
    Closed,
    /// HTML ends it here, SVG and MathML do not.
    ClosedInHtml,
}

const CDATA: &[u8] = b"<![CDATA[";

impl Aside {
    pub(super) fn read(self, byte: u8) -> End {
        End::Within(match (self, byte) {
            (Aside::Cdata(0 | 1), b'>') => return End::ClosedInHtml,
            (Aside::Comment(dashes), _) => return in_comment(dashes, byte),
            (_, b'>') => return End::Closed,
            (Aside::Bang, b'-') => Aside::BangDash,
            (Aside::BangDash, b'-') => Aside::Comment(Dashes::Start),
            (Aside::Bang, b'[') => Aside::CdataOpen(3),
            (Aside::CdataOpen(matched), _) if CDATA.get(matched) == Some(&byte) => match matched + 1 {
                all if all == CDATA.len() => Aside::Cdata(0),
                more => Aside::CdataOpen(more),
            },
            (Aside::Cdata(brackets), b']') => Aside::Cdata((brackets + 1).min(2)),
            (Aside::Cdata(_), _) => Aside::Cdata(0),
            _ => Aside::Declaration,
        })
    }

    pub(super) fn problem(self) -> ProblemKind {
        match self {
            Aside::BangDash | Aside::Comment(_) => ProblemKind::Comment,
            Aside::Bang | Aside::Declaration | Aside::CdataOpen(_) | Aside::Cdata(_) => {
                ProblemKind::Declaration
            }
        }
    }
}

fn in_comment(dashes: Dashes, byte: u8) -> End {
    End::Within(Aside::Comment(match (dashes, byte) {
        (Dashes::Start | Dashes::StartDash | Dashes::Two | Dashes::Bang, b'>') => return End::Closed,
        (Dashes::Start, b'-') => Dashes::StartDash,
        (Dashes::None | Dashes::Bang, b'-') => Dashes::One,
        (Dashes::StartDash | Dashes::One | Dashes::Two, b'-') => Dashes::Two,
        (Dashes::Two, b'!') => Dashes::Bang,
        _ => Dashes::None,
    }))
}
