//! What the demo needs on disk: pages, keys, and a KV with the published rules.

use std::borrow::Cow;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use hemstitch::kill_switch::KillSwitch;
use hemstitch::pack::PackHash;
use hemstitch::site::Site;
use hemstitch::token::Keyring;
use hemstitch::visit::Keys;
use hemstitch_native::KeyRings;
use hemstitch_origin::publishing::{Publisher, Request};
use hemstitch_origin::record::Offered;
use hemstitch_origin::targets::{Directory, Mirror, Store, Targets};
use hemstitch_origin::{
    Folder, Rules, RulesetFile, Settings, Setup, SigningKeyFile, keyring_json, write_secret,
};
use serde_json::{Value, json};

use super::site_files::{PAGES, RULESET};
use crate::now;

/// Name of the demo's site.
pub const SITE: &str = "northgate";

/// The secrets of the site.
pub struct Secrets {
    kid: &'static str,
    profile: [u8; 32],
    facts: [u8; 32],
    explain: [u8; 32],
    signing: [u8; 32],
}

impl Secrets {
    /// Secrets that nobody else has.
    pub fn fresh() -> Result<Secrets> {
        let random = || {
            let mut secret = [0; 32];
            getrandom::fill(&mut secret).map_err(|error| anyhow!(error)).context("no random numbers")?;
            anyhow::Ok(secret)
        };
        let (profile, facts, explain) = (random()?, random()?, random()?);
        Ok(Secrets { kid: "demo", profile, facts, explain, signing: random()? })
    }

    /// Secrets that everybody has, so that what was written once goes on working.
    pub fn known_to_everybody() -> Secrets {
        Secrets {
            kid: "demo-not-a-secret",
            profile: *b"demo profile key: not a secret!!",
            facts: *b"demo facts token key: no secret!",
            explain: *b"demo explain key: not a secret!!",
            signing: *b"demo signing key: not a secret!!",
        }
    }
}

/// The demo's folders.
pub struct Stage {
    root: PathBuf,
    secrets: [(&'static str, String); 3],
    public_key: Value,
    /// The pack that was published.
    pub published: PackHash,
}

impl Stage {
    /// Writes everything below `root`.
    pub fn set_up(root: &Path, secrets: &Secrets) -> Result<Stage> {
        for (name, content) in PAGES {
            let path = root.join("site").join(name);
            fs::create_dir_all(path.parent().unwrap_or(root))
                .and_then(|()| fs::write(&path, with_panel(content).as_ref()))
                .with_context(|| format!("writing {}", path.display()))?;
        }
        let ruleset = root.join("ruleset.json");
        fs::write(&ruleset, RULESET).with_context(|| format!("writing {}", ruleset.display()))?;
        let signing = SigningKeyFile::new(secrets.kid.to_owned(), &secrets.signing);
        let purposes =
            [("profile", &secrets.profile), ("facts", &secrets.facts), ("explain", &secrets.explain)];
        let keyrings = purposes.map(|(purpose, secret)| (purpose, keyring_json(secrets.kid, secret)));
        for (purpose, keyring) in &keyrings {
            write_key(&root.join(format!("keys/{SITE}.{purpose}.json")), keyring)?;
        }
        let pack = RulesetFile::of(RULESET.to_owned()).compile().context("the demo's ruleset")?;
        let published = publish(pack, &root.join("kv"), &signing)?;
        let public_key = signing.public_json();
        Ok(Stage { root: root.to_owned(), secrets: keyrings, public_key, published })
    }

    /// The folder that everything is in.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The KV folder.
    pub fn kv(&self) -> PathBuf {
        self.root.join("kv")
    }

    /// The site's configuration, for an edge that calls its origin by this name or URL.
    pub fn site(&self, origin: &str) -> Value {
        json!({
            "site": SITE,
            "hosts": ["127.0.0.1", "localhost"],
            "scheme": "http",
            "origin": origin,
            "pointer_keys": [self.public_key],
            // A campaign's parameters choose blocks; they do not make other pages.
            "query_allow": [],
            // On a busy laptop the first look at the rules may take longer than it may in production.
            "pack_deadline_ms": 2000,
        })
    }

    /// The text of the keyring for `profile`, `facts` or `explain`.
    pub fn keyring_text(&self, purpose: &str) -> Result<&str> {
        match self.secrets.iter().find(|(known, _)| *known == purpose) {
            Some((_, text)) => Ok(text),
            None => bail!("there is no keyring for {purpose}"),
        }
    }

    /// The keyring for `profile`, `facts` or `explain`.
    pub fn keyring(&self, purpose: &str) -> Result<Keyring> {
        Ok(Keyring::parse(self.keyring_text(purpose)?.as_bytes())?)
    }

    /// What the origin is set up with: the same rules and keys as the edge.
    pub fn origin(&self) -> Result<Setup> {
        let folder = Folder::open(&self.root.join("site"))?;
        let pack = RulesetFile::of(RULESET.to_owned()).compile()?;
        Ok(Setup {
            settings: Settings::read(&folder)?,
            folder,
            site: Site::parse(self.site("http://127.0.0.1").to_string().as_bytes())?,
            keys: KeyRings::fixed(Keys::gather(|purpose| self.keyring(purpose.name()).ok())),
            rules: Arc::new(Rules::of_pack(hemstitch::pack::Pack::open(pack)?)),
            kill: KillSwitch::On,
            kv: None,
            record: None,
        })
    }
}

/// What the pages of the demo have more than those of the example: the panel's script at their end.
fn with_panel(content: &[u8]) -> Cow<'_, [u8]> {
    const END: &[u8] = b"</body>\n</html>\n";
    const SCRIPT: &[u8] = b"<script src=\"/panel/panel.js\" defer></script>\n";
    match content.strip_suffix(END) {
        Some(page) => [page, SCRIPT, END].concat().into(),
        None => content.into(),
    }
}

/// Writes a key, unless it is there already.
pub(super) fn write_key(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|known| known == text) {
        return Ok(());
    }
    write_secret(path, text).with_context(|| format!("writing the key {}", path.display()))
}

/// Makes the demo's rules live in a KV folder.
fn publish(pack: Vec<u8>, kv: &Path, signing: &SigningKeyFile) -> Result<PackHash> {
    let store = Store::Directory(Directory::new(kv.to_owned(), None));
    let mirrors = vec![Mirror { name: "kv".to_owned(), store }];
    let targets = Targets { ledger: None, mirrors };
    let what = Offered::Ruleset(RULESET.to_owned());
    let request = Request { what, pack, starts: None, message: String::new(), base: None, sequence: None };
    let observe = |_: &_| ControlFlow::Continue(());
    let outcome = Publisher::new(SITE, signing, &targets, observe)?.publish(&request, now())?;
    for (_, mirrored) in outcome.mirrors {
        mirrored?;
    }
    Ok(outcome.hash)
}
