//! Visitors that say to be no people.

use memchr::memmem;

/// Parts of the names that crawlers, link previews and monitors send as `User-Agent`, in lower case.
const SIGNS: [&[u8]; 13] = [
    b"bot",
    b"crawl",
    b"spider",
    b"slurp",
    b"externalhit",
    b"bingpreview",
    b"lighthouse",
    b"inspectiontool",
    b"mediapartners",
    b"feedfetcher",
    b"whatsapp",
    b"archiver",
    b"monitor",
];
/// A maker of phones.
const NO_SIGN: &[u8] = b"cubot";

/// Whether a `User-Agent` is one of a crawler. Who says nothing is taken for a person.
pub(super) fn is_robot(user_agent: &[u8]) -> bool {
    let lower = user_agent.to_ascii_lowercase();
    let without = memmem::find(&lower, NO_SIGN).is_none();
    SIGNS.iter().any(|sign| (without || *sign != b"bot") && memmem::find(&lower, sign).is_some())
}

#[cfg(test)]
mod tests {
    use super::is_robot;

    #[test]
    fn a_crawler_says_so() {
        for (agent, expect) in [
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", true),
            ("facebookexternalhit/1.1", true),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", false),
            ("Mozilla/5.0 (Linux; Android 13; CUBOT P80) AppleWebKit/537.36", false),
            ("curl/8.5.0", false),
            ("", false),
        ] {
            assert_eq!(is_robot(agent.as_bytes()), expect, "{agent}");
        }
    }
}
