//! Bodies: what is sent to a visitor, and what is sent to an origin.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep, sleep};

/// Why a body ended before its end. Whoever receives it sees its connection break.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It was not completed by whoever fills it.
    #[error("cut off")]
    Cut,
    /// Nothing came for too long.
    #[error("stalled")]
    Stalled,
    /// It is larger than is allowed.
    #[error("too large")]
    TooLarge,
    /// It cannot be decoded.
    #[error("not gzip: {0}")]
    Gzip(std::io::Error),
    /// The connection that it came from failed.
    #[error(transparent)]
    Connection(#[from] hyper::Error),
}

/// The body of an answer to a visitor.
pub struct ReplyBody {
    source: Source,
    failure: Option<BodyError>,
}

enum Source {
    Whole(Bytes),
    Piped(Piped),
    Passing(Passing),
}

enum Content {
    Upload(Passing),
    /// What is left to be sent of it, all or nothing.
    Entity(Bytes),
}

/// The body of a request to an origin.
pub struct RequestBody {
    content: Content,
    /// Dropped with the body, when hyper has sent it or will not.
    _sent: oneshot::Sender<()>,
}

/// The end of a body that is written to.
#[derive(Debug)]
pub struct Pipe(mpsc::Sender<Piece>);

/// The end of a body that is read by the connection.
pub struct Piped(mpsc::Receiver<Piece>);

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    /// Without this one, the body was cut, whatever became of the task that wrote it.
    End,
}

/// A pipe that holds one piece at a time: who writes must wait for who reads.
pub fn pipe() -> (Pipe, Piped) {
    let (sender, pieces) = mpsc::channel(1);
    (Pipe(sender), Piped(pieces))
}

impl Pipe {
    /// Waits until there is room for a piece; `None` once nobody reads any more.
    pub async fn room(&self) -> Option<Room> {
        self.0.clone().reserve_owned().await.ok().map(Room)
    }

    /// Waits until nobody reads any more.
    pub async fn closed(&self) {
        self.0.closed().await;
    }
}

/// Room for one piece.
pub struct Room(mpsc::OwnedPermit<Piece>);

impl Room {
    /// Sends the next bytes.
    pub fn send(self, bytes: Bytes) {
        self.0.send(Piece::Bytes(bytes));
    }

    /// Says that the body is complete.
    pub fn end(self) {
        self.0.send(Piece::End);
    }
}

impl ReplyBody {
    /// No bytes.
    pub fn empty() -> ReplyBody {
        ReplyBody::whole(Bytes::new())
    }

    /// All of it, at once.
    pub fn whole(bytes: impl Into<Bytes>) -> ReplyBody {
        ReplyBody { source: Source::Whole(bytes.into()), failure: None }
    }

    /// What is written to a [`Pipe`].
    pub fn piped(piped: Piped) -> ReplyBody {
        ReplyBody { source: Source::Piped(piped), failure: None }
    }

    /// What another sends.
    pub fn passing(passing: Passing) -> ReplyBody {
        ReplyBody { source: Source::Passing(passing), failure: None }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let body = self.get_mut();
        if let Some(failure) = body.failure.take() {
            return Poll::Ready(Some(Err(failure)));
        }
        let frame = match &mut body.source {
            Source::Whole(bytes) if bytes.is_empty() => None,
            Source::Whole(bytes) => Some(Ok(Frame::data(std::mem::take(bytes)))),
            Source::Piped(piped) => match ready!(piped.0.poll_recv(context)) {
                Some(Piece::Bytes(bytes)) => Some(Ok(Frame::data(bytes))),
                Some(Piece::End) => None,
                None => Some(Err(BodyError::Cut)),
            },
            Source::Passing(passing) => ready!(Pin::new(passing).poll_frame(context)),
        };
        if let Some(Err(failure)) = frame {
            // hyper drops what it has not written yet when a body fails, so it gets a turn to write first.
            body.failure = Some(failure);
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Whole(bytes) => bytes.is_empty(),
            Source::Piped(_) => false,
            Source::Passing(passing) => passing.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Piped(_) => SizeHint::default(),
            Source::Passing(passing) => passing.size_hint(),
        }
    }
}

impl RequestBody {
    /// The body that a visitor sends, or none, and what ends when it has been sent.
    pub fn new(upload: Option<Passing>) -> (RequestBody, oneshot::Receiver<()>) {
        RequestBody::of(upload.map_or(Content::Entity(Bytes::new()), Content::Upload))
    }

    /// A body that is at hand, and what ends when it has been sent.
    pub fn entity(bytes: Bytes) -> (RequestBody, oneshot::Receiver<()>) {
        RequestBody::of(Content::Entity(bytes))
    }

    fn of(content: Content) -> (RequestBody, oneshot::Receiver<()>) {
        let (_sent, sending) = oneshot::channel();
        (RequestBody { content, _sent }, sending)
    }

    /// Whether there are no bytes in it, so that the request can be made again.
    pub fn is_empty(&self) -> bool {
        self.is_end_stream()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.get_mut().content {
            Content::Upload(upload) => Pin::new(upload).poll_frame(context),
            Content::Entity(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Entity(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Upload(upload) => upload.is_end_stream(),
            Content::Entity(bytes) => bytes.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Upload(upload) => upload.size_hint(),
            Content::Entity(bytes) => SizeHint::with_exact(bytes.len() as u64),
        }
    }
}

/// A body on its way through, that fails where nothing comes for `patience`.
pub struct Passing {
    body: Incoming,
    /// Bytes that may still come.
    room: u64,
    patience: Duration,
    alarm: Pin<Box<Sleep>>,
}

impl Passing {
    /// Passes on what comes, up to `most` bytes.
    pub fn new(body: Incoming, patience: Duration, most: u64) -> Passing {
        Passing { body, room: most, patience, alarm: Box::pin(sleep(patience)) }
    }
}

impl Body for Passing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let passing = self.get_mut();
        let Poll::Ready(frame) = Pin::new(&mut passing.body).poll_frame(context) else {
            ready!(passing.alarm.as_mut().poll(context));
            return Poll::Ready(Some(Err(BodyError::Stalled)));
        };
        passing.alarm.as_mut().reset(Instant::now() + passing.patience);
        let frame = match frame {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            None => return Poll::Ready(None),
        };
        let size = frame.data_ref().map_or(0, |data| data.len() as u64);
        match passing.room.checked_sub(size) {
            Some(room) => passing.room = room,
            None => return Poll::Ready(Some(Err(BodyError::TooLarge))),
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
