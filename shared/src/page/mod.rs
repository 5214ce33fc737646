//! A page and its compiled form: what compiles it is `hemstitch-page`, and what is stored of it is here.

mod stored;

pub use hemstitch_page::*;
pub use stored::{Life, StoredPage, StoredPageError};

#[cfg(test)]
mod tests;
