//! Three visitors of one page, each a command to paste.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use hemstitch::time::UnixTime;
use hemstitch::token::ProfileCookie;

use super::personas::{Persona, persona};
use super::stage::{SITE, Stage};

/// One visitor.
pub struct Visitor {
    /// Who it is, for people.
    pub who: &'static str,
    /// The command whose output shows the page's headline for them.
    pub command: String,
}

/// All of them.
pub struct Visitors {
    /// The three commands.
    pub three: [Visitor; 3],
    /// The page for a browser, as it is seen in Germany.
    pub from_germany: String,
}

/// The visitors of the site at `url`. Their cookie and token last a day.
pub fn visitors(url: &str, stage: &Stage) -> Result<Visitors> {
    let now = UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs());
    let cookie = returning_reader(stage, now)?;
    let token = in_germany(stage, now)?;
    let command = |option: &str| format!("curl -s {option}{url} | grep -o '<h1>.*</h1>'");
    let three = [
        Visitor { who: "A visitor nobody knows", command: command("") },
        Visitor {
            who: "One who came back and is interested in finance, says a signed profile cookie",
            command: command(&format!("-H 'cookie: {cookie}' ")),
        },
        Visitor {
            who: "One in Germany, says a signed facts token",
            command: command(&format!("-H 'hs-facts: {token}' ")),
        },
    ];
    Ok(Visitors { three, from_germany: format!("{url}?hs_facts={token}") })
}

fn returning_reader(stage: &Stage, now: UnixTime) -> Result<String> {
    let profile = known("money")?.profile(now)?.context("a persona with a profile")?;
    let cookie = ProfileCookie::encode(&profile, &stage.keyring("profile")?, SITE, now)?;
    Ok(cookie.split(';').next().unwrap_or_default().to_owned())
}

fn in_germany(stage: &Stage, now: UnixTime) -> Result<String> {
    let token = known("munich")?.token(now).context("a persona with a token")?;
    Ok(token.encode(&stage.keyring("facts")?, SITE)?)
}

fn known(name: &str) -> Result<&'static Persona> {
    persona(name).with_context(|| format!("no persona {name}"))
}
