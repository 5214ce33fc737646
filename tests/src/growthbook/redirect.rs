//! Experiments that send visitors to other pages: gates that split a URL.

use hemstitch::http::redirect_reply;
use hemstitch::pack::{Evaluation, GateOutcome};
use serde_json::{Value, json};
use url::Url;

use super::Refusal;
use super::book::{Book, is_true};
use super::experiment::text;

/// Where the experiments of a context send the visitor; nothing where they stay.
pub(super) fn target(context: &Value) -> Result<Option<String>, Refusal> {
    let mut book = Book::new(context)?;
    let page = book.page.url().cloned().ok_or(Refusal::shape("the context's url", "a URL"))?;
    for (place, experiment) in context["experiments"].as_array().into_iter().flatten().enumerate() {
        let source = experiment.as_object().ok_or(Refusal::shape("an experiment", "an object"))?;
        let name = format!("x{place}");
        let variations = source
            .get("variations")
            .and_then(Value::as_array)
            .ok_or(Refusal::shape("variations", "a list"))?;
        let shown = vec![json!("default"); variations.len()];
        let when = book.take_experiment(&name, source, &shown)?;
        let mut urls = serde_json::Map::new();
        for (index, variation) in variations.iter().enumerate() {
            if let Some(to) = variation.get("urlRedirect") {
                urls.insert(index.to_string(), on_site(text(to, "urlRedirect")?, &page)?.into());
            }
        }
        let query = if is_true(source.get("persistQueryString")) { "keep" } else { "drop" };
        let then = json!({ "split": name, "urls": urls, "query": query });
        book.gates.push(json!({ "id": format!("g{place}"), "url": "*", "when": when, "then": then }));
    }
    let case = book.close()?;
    let mut evaluation = Evaluation::new(&case.pack, &case.facts, &case.switch);
    let Some((_, GateOutcome::Redirect { status, to, keeps_query })) = evaluation.gate(&case.path) else {
        return Ok(None);
    };
    let reply = redirect_reply(status, to, page.query().filter(|_| keeps_query));
    let location = reply.headers.get("location").and_then(|location| location.to_str().ok());
    Ok(location.and_then(|location| page.join(location).ok()).map(String::from))
}

/// A URL of the page's own site as a path, as gates lead there.
fn on_site(to: &str, page: &Url) -> Result<String, Refusal> {
    let target = page.join(to).map_err(|_| Refusal::shape("urlRedirect", "a URL"))?;
    if target.origin() != page.origin() {
        return Ok(target.into());
    }
    let query = target.query().map(|query| format!("?{query}")).unwrap_or_default();
    Ok(format!("{}{query}", target.path()))
}
