//! The body of an origin's answer as it arrives, decoded if it was gzip.

use std::pin::Pin;

use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::body::BodyError;
use crate::gunzip::Gunzip;
use crate::origin::SILENCE;

/// Bytes that are decoded at a time: they may become a thousand times as many.
const DECODED_AT_ONCE: usize = 4 * 1024;

/// A body that is being read.
pub struct OriginBody {
    body: Incoming,
    gunzip: Option<Gunzip>,
    /// What has arrived and has not been decoded.
    coded: Bytes,
    /// Why nothing comes after what has been decoded.
    failure: Option<BodyError>,
    deadline: Instant,
}

impl OriginBody {
    /// Reads a body, through a decoder if it needs one.
    pub fn new(body: Incoming, gunzip: Option<Gunzip>) -> OriginBody {
        OriginBody { body, gunzip, coded: Bytes::new(), failure: None, deadline: Instant::now() + SILENCE }
    }

    /// The next bytes, never none of them; `None` at the end. Nothing is lost where the wait is given up.
    pub async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        loop {
            if let Some(failure) = self.failure.take() {
                return Some(Err(failure));
            }
            if let Some(gunzip) = self.gunzip.as_mut().filter(|_| !self.coded.is_empty()) {
                let piece = self.coded.split_to(self.coded.len().min(DECODED_AT_ONCE));
                let mut decoded = Vec::new();
                self.failure = gunzip.decode(&piece, &mut decoded).err().map(BodyError::Gzip);
                if decoded.is_empty() {
                    continue;
                }
                return Some(Ok(decoded.into()));
            }
            let body = &mut self.body;
            let frame = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context));
            let Ok(frame) = timeout_at(self.deadline, frame).await else {
                return Some(Err(BodyError::Stalled));
            };
            self.attend();
            match frame {
                None => return self.gunzip.take()?.finish().err().map(|error| Err(BodyError::Gzip(error))),
                Some(Err(error)) => return Some(Err(error.into())),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if self.gunzip.is_some() => self.coded = data,
                    Ok(data) if !data.is_empty() => return Some(Ok(data)),
                    _ => {}
                },
            }
        }
    }

    /// Lets the origin's time to be silent begin anew, after nobody listened to it for a while.
    pub fn attend(&mut self) {
        self.deadline = Instant::now() + SILENCE;
    }

    /// The whole of a body of at most so many bytes.
    pub async fn all(self, most: usize) -> Result<Vec<u8>, BodyError> {
        self.all_telling(most, |_| ()).await
    }

    /// The same, and each piece of it is told as soon as it is here.
    pub async fn all_telling(
        mut self,
        most: usize,
        mut tell: impl FnMut(Bytes),
    ) -> Result<Vec<u8>, BodyError> {
        let mut all = Vec::new();
        while let Some(bytes) = self.next().await {
            let bytes = bytes?;
            if all.len() + bytes.len() > most {
                return Err(BodyError::TooLarge);
            }
            all.extend_from_slice(&bytes);
            tell(bytes);
        }
        Ok(all)
    }
}
