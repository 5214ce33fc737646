//! The shelf: pages in memory with their plans, compiled once for each version of a file.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use hemstitch::esi::Dialect;
use hemstitch::http::ResponseHead;
use hemstitch::page::{CompileOptions, Life, PageCompiler, StoredPage, compiled_digest};
use hemstitch::time::UnixTime;

use crate::folder::Document;

/// The pages that were asked for. Grows with the pages of the folder, and with nothing else.
#[derive(Debug, Default)]
pub struct Shelf {
    pages: Mutex<HashMap<PathBuf, Shelved>>,
}

/// One page in memory.
#[derive(Clone, Debug)]
pub struct Shelved {
    /// The bytes of the file.
    pub page: Bytes,
    /// Whether there is ESI in it.
    pub has_esi: bool,
    version: (SystemTime, u64),
    object: Option<Arc<Vec<u8>>>,
}

impl Shelf {
    /// The page in this version, out of memory or out of its file. Blocks on IO.
    pub fn page(&self, document: &Document) -> io::Result<Shelved> {
        let version = (document.modified, document.len);
        if let Some(known) = self.lock().get(&document.file).filter(|known| known.version == version) {
            return Ok(known.clone());
        }
        let page = Bytes::from(fs::read(&document.file)?);
        let has_esi = holds(&page, b"<esi:") || holds(&page, b"<!--esi");
        let shelved = Shelved { page, has_esi, version, object: None };
        self.lock().insert(document.file.clone(), shelved.clone());
        Ok(shelved)
    }

    /// The page with its plan, as an edge would keep it. Compiles it the first time, without edits: a visit that has
    /// some hands back what is to be kept instead.
    pub fn object(
        &self,
        document: &Document,
        shelved: &Shelved,
        head: &ResponseHead,
        esi: bool,
        dialect: &Arc<Dialect>,
    ) -> Option<Vec<u8>> {
        if let Some(object) = &shelved.object {
            return Some(object.as_ref().clone());
        }
        let options = CompileOptions::of(&head.headers, esi, dialect, &[]);
        let compiler = PageCompiler::compile(shelved.page.to_vec(), options);
        let object = StoredPage::encode(
            head,
            &timeless(),
            esi,
            compiler.plan()?,
            &compiled_digest(&[], dialect),
            compiler.page(),
        );
        self.keep(document, object.clone());
        Some(object)
    }

    /// Keeps this object for the page, unless its file has changed again.
    pub fn keep(&self, document: &Document, object: Vec<u8>) {
        let version = (document.modified, document.len);
        if let Some(known) = self.lock().get_mut(&document.file).filter(|known| known.version == version) {
            known.object = Some(Arc::new(object));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Shelved>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file is as fresh as its version; nobody asks these objects for their age.
fn timeless() -> Life {
    let never = UnixTime(u64::MAX);
    Life { born: UnixTime(0), fresh_until: never, revalidate_until: never, stale_until: never }
}

fn holds(page: &[u8], marker: &[u8]) -> bool {
    page.windows(marker.len()).any(|window| window == marker)
}
