use std::fs::File;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use hemstitch::http::{Esi, Kind, RequestHead, ResponseHead, clean_target, kind, not_modified};
use hemstitch::session::PageSession;
use hemstitch::visit::{Answer, Cached, Fetched, Visit};
use http::{HeaderValue, Method, StatusCode, header};
use tokio::runtime::Handle;

use super::plain;
use crate::authored::{self, ask_for_esi, respond, whole};
use crate::folder::Document;
use crate::in_front::InFront;
use crate::origin::Origin;
use crate::shelf::Shelved;
use crate::stitch::stitch;
use crate::visits::{arrive, request_head};

/// Every other path: a file of the folder. A page is stitched here where no edge in front does it.
pub async fn page(State(origin): State<Arc<Origin>>, request: Request) -> Response {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "Files can be read, and nothing else.\n");
        refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let head = request_head(&request);
    let look_up = move || answer(&origin, head);
    let failed = || plain(StatusCode::INTERNAL_SERVER_ERROR, "The page cannot be served.\n");
    tokio::task::spawn_blocking(look_up).await.unwrap_or_else(|_| failed())
}

fn answer(origin: &Arc<Origin>, request: RequestHead) -> Response {
    let (path, _) = clean_target(&request.path_and_query);
    let Some(document) = origin.folder.find(&path) else {
        return plain(StatusCode::NOT_FOUND, "There is no such page.\n");
    };
    let settings = origin.settings.of(&document.name);
    let mut head = authored::head(&document, &settings);
    if kind(&head, &origin.site, &path) == Kind::Untouched {
        return file(&request, head, &document);
    }
    let Ok(shelved) = origin.shelf.page(&document) else {
        return plain(StatusCode::NOT_FOUND, "There is no such page.\n");
    };
    if settings.esi.unwrap_or(shelved.has_esi) {
        ask_for_esi(&mut head);
    }
    let in_front = InFront::of(request.headers.all());
    let includes_elsewhere = in_front == InFront::Esi && shelved.has_esi;
    if in_front == InFront::Hemstitch || includes_elsewhere {
        return as_authored(&request, head, shelved);
    }
    match arrive(origin, request.clone()) {
        Ok(visit) => match visit.gate() {
            Some(answer) => sent(origin, &visit, answer),
            None => stitched(origin, &visit, &path, head, &document, &shelved),
        },
        Err(_) => as_authored(&request, head, shelved),
    }
}

/// The answer of a session, from a thread that may block.
fn sent(origin: &Arc<Origin>, visit: &Visit, session: PageSession) -> Response {
    Handle::current().block_on(stitch(origin, &visit.request().method, session))
}

/// What an edge would make of the page.
fn stitched(
    origin: &Arc<Origin>,
    visit: &Visit,
    path: &str,
    head: ResponseHead,
    document: &Document,
    shelved: &Shelved,
) -> Response {
    let esi = matches!(kind(&head, &origin.site, path), Kind::Page { esi: Esi::On });
    let is_small = shelved.page.len() <= origin.site.max_page_bytes;
    let object =
        if is_small { origin.shelf.object(document, shelved, &head, esi, &origin.site.esi) } else { None };
    match object.map(|object| visit.from_cache(object)) {
        Some(Cached::Page { session, again }) => {
            if let Some(again) = again {
                origin.shelf.keep(document, again);
            }
            sent(origin, visit, *session)
        }
        Some(Cached::NotModified(mut head)) => {
            head.headers.remove(header::AGE);
            respond(head, Body::empty())
        }
        Some(Cached::Marker(_) | Cached::Unusable) | None => match visit.from_origin(head, Fetched::Own) {
            Answer::Page { mut session, .. } => {
                session.page(&shelved.page);
                session.page_end();
                sent(origin, visit, *session)
            }
            Answer::Untouched { head, .. } => whole(head, shelved.page.clone()),
            Answer::FetchOwn { .. } => {
                plain(StatusCode::INTERNAL_SERVER_ERROR, "The page cannot be served.\n")
            }
        },
    }
}

fn as_authored(request: &RequestHead, mut head: ResponseHead, shelved: Shelved) -> Response {
    if not_modified(request, &head) {
        head.status = StatusCode::NOT_MODIFIED;
        return respond(head, Body::empty());
    }
    whole(head, shelved.page)
}

fn file(request: &RequestHead, mut head: ResponseHead, document: &Document) -> Response {
    if not_modified(request, &head) {
        head.status = StatusCode::NOT_MODIFIED;
        return respond(head, Body::empty());
    }
    match File::open(&document.file) {
        Ok(file) if request.method == Method::GET => authored::file(head, document, file),
        Ok(_) => {
            head.headers.insert(header::CONTENT_LENGTH, document.len.into());
            respond(head, Body::empty())
        }
        Err(_) => plain(StatusCode::NOT_FOUND, "There is no such page.\n"),
    }
}
