//! The banner of a previewed page: that it is one, of what, and the way out. It needs nothing from anywhere, and where a
//! page forbids its style it stands at the end as text.

use std::time::{Duration, SystemTime};

use super::preview::Preview;
use crate::time::UnixTime;

/// The last second of the year 9999, after which HTTP has no dates.
const LAST_DATE: u64 = 253_402_300_799;

const STYLE: &str = "display:block!important;visibility:visible!important;opacity:1!important;position:fixed;\
    z-index:2147483647;left:8px;bottom:8px;max-width:90%;margin:0;padding:8px 12px;border:2px solid #fff;\
    border-radius:6px;background:#1f2937;color:#fff;font:14px/1.4 system-ui,sans-serif;text-align:left";

/// Whether the draft that is previewed is at hand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Draft {
    AtHand,
    Missing,
}

/// The banner as HTML in ASCII, which reads the same in the charset of any page.
#[cold]
pub(super) fn banner(preview: &Preview, draft: Draft, way_out: &str) -> String {
    let name: String = preview.draft.hash.to_string().chars().take(8).collect();
    let mut says = format!("<strong>Preview</strong> of draft {name}, not live.");
    if draft == Draft::Missing {
        says += " The draft cannot be read now: the page shows what it shows to nobody in particular.";
    }
    if let Some(at) = preview.shows.at.and_then(date) {
        says += &format!(" As of {at}.");
    }
    if preview.shows.persona.is_some() {
        says += " For a visitor who is made up.";
    }
    for (experiment, key) in &preview.shows.variations {
        let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        says += &format!(" {}: {}.", escaped(experiment), escaped(&key));
    }
    format!(
        "<aside aria-label=\"Preview\" lang=\"en\" dir=\"ltr\" style=\"{STYLE}\">{says} \
         <a href=\"{}\" style=\"color:#93c5fd;text-decoration:underline\">End preview</a></aside>",
        escaped(way_out)
    )
}

fn date(UnixTime(at): UnixTime) -> Option<String> {
    (at <= LAST_DATE).then(|| httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(at)))
}

/// Text for an element or a quoted attribute, in ASCII (HTML Standard, numeric character references).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' | '<' | '>' | '"' | '\'' => out += &format!("&#{};", u32::from(character)),
            ' '..='~' => out.push(character),
            other if other.is_control() => out.push(' '),
            other => out += &format!("&#{};", u32::from(other)),
        }
    }
    out
}
