//! Bodies that are made while they are sent.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::Frame;
use tokio::sync::mpsc;

/// How many pieces wait for a slow client.
const PIECES: usize = 4;

/// The body cannot be completed; the connection is broken off, so that nobody takes what was sent for the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body was cut")]
pub struct Cut;

/// Where the pieces of a body go. Dropping it ends the body; sending to a client that is gone fails.
pub type Pieces = mpsc::Sender<Result<Bytes, Cut>>;

struct Piecewise(mpsc::Receiver<Result<Bytes, Cut>>);

/// A body, and where its pieces go.
pub fn piecewise() -> (Pieces, Body) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (sender, Body::new(Piecewise(receiver)))
}

impl http_body::Body for Piecewise {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
