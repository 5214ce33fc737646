//! `hemstitch.toml`: the site, its signing key, and the targets by name.
//!
//! ```toml
//! site = "acme"
//! signing_key = "keys/acme.signing.json"
//! edges = ["https://www.acme.test"]
//!
//! [targets.origin]
//! kind = "origin"
//! url = "https://origin.acme.test"
//! operator_key = "keys/acme.operator.json"
//!
//! [targets.fastly]
//! kind = "fastly"
//! store_id = "…"
//! ```
//! `HEMSTITCH_SITE`, `HEMSTITCH_SIGNING_KEY`, `HEMSTITCH_PREVIEW_KEY`, `HEMSTITCH_OPERATOR` and `HEMSTITCH_TARGETS_<NAME>_<FIELD>` say otherwise. Tokens
//! are in the environment alone: `FASTLY_API_TOKEN`, `CLOUDFLARE_API_TOKEN`, `HEMSTITCH_OPERATOR_TOKEN`.

mod switches;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use hemstitch::pointer::PointerKeys;
use hemstitch::token::Keyring;
use serde::Deserialize;
use toml::{Table, Value};

use super::{
    CloudflareKv, Directory, FastlyKv, Ledger, Mirror, OriginRecord, RemoteError, Secret, Store, Wrangler,
    cloudflare, fastly,
};
use crate::record::{Record, RecordError};

pub use switches::Switches;

/// Variables of the environment, by name.
pub type Environment = BTreeMap<String, String>;

/// What the file says, with what the environment says instead.
#[derive(Debug)]
pub struct Configuration {
    /// The site.
    pub site: Option<String>,
    /// Where the key is that signs pointers.
    pub signing_key: Option<PathBuf>,
    /// Where the key is that makes previews.
    pub preview_key: Option<PathBuf>,
    /// URLs at which edges serve the site.
    pub edges: Vec<String>,
    /// Where the key is that makes tokens of operators, where an origin has one.
    pub operator_key: Option<PathBuf>,
    /// Who publishes.
    pub operator: String,
    targets: BTreeMap<String, Kind>,
    environment: Environment,
}

/// The targets of one command.
#[derive(Debug, Default)]
pub struct Targets {
    /// The record, if one of them is.
    pub ledger: Option<(String, Ledger)>,
    /// The KVs, in the order in which they were named.
    pub mirrors: Vec<Mirror>,
}

/// Why targets cannot be used. No secret is in it.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// The file cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not of the documented form.
    #[error("{}: {said}", path.display())]
    Form {
        /// Which.
        path: PathBuf,
        /// What is wrong, and where.
        said: String,
    },
    /// There is no target of that name.
    #[error("there is no target `{name}`{}", known(names))]
    Unknown {
        /// The name.
        name: String,
        /// Those that there are.
        names: Vec<String>,
    },
    /// There can be one record.
    #[error("`{0}` and `{1}` both record publications; name one of them")]
    TwoRecords(String, String),
    /// The environment lacks a secret.
    #[error("target `{target}` needs a token in the environment variable {variable}")]
    NoToken {
        /// The target.
        target: String,
        /// The variable.
        variable: &'static str,
    },
    /// A file that a target names.
    #[error("target `{target}`: {said}")]
    File {
        /// The target.
        target: String,
        /// What is wrong with it.
        said: String,
    },
    /// A server that a target names.
    #[error("target `{target}`: {source}")]
    Remote {
        /// The target.
        target: String,
        /// What is wrong with it.
        source: RemoteError,
    },
    /// The record that a target names.
    #[error("target `{target}`: {}: {source}", path.display())]
    Record {
        /// The target.
        target: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: RecordError,
    },
}

fn known(names: &[String]) -> String {
    match names {
        [] => "; there is none in hemstitch.toml".to_owned(),
        names => format!("; there are {}", names.join(", ")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    site: Option<String>,
    signing_key: Option<PathBuf>,
    preview_key: Option<PathBuf>,
    #[serde(default)]
    edges: Vec<String>,
    operator: Option<String>,
    #[serde(default)]
    targets: BTreeMap<String, Kind>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum Kind {
    Origin {
        url: String,
        operator_key: Option<PathBuf>,
    },
    Record {
        file: PathBuf,
    },
    Directory {
        path: PathBuf,
        viceroy: Option<PathBuf>,
        personalization: Option<PathBuf>,
        config_store: Option<PathBuf>,
    },
    Wrangler {
        program: Option<PathBuf>,
        binding: String,
        config: Option<PathBuf>,
        persist_to: Option<PathBuf>,
    },
    Fastly {
        store_id: String,
        config_store_id: Option<String>,
        api: Option<String>,
    },
    Cloudflare {
        account_id: String,
        namespace_id: String,
        script: Option<String>,
        api: Option<String>,
    },
}

impl Configuration {
    /// Reads a file; where `path` is none, `hemstitch.toml` of this folder, if there is one.
    pub fn read(path: Option<&Path>, environment: Environment) -> Result<Configuration, ConfigurationError> {
        let file = path.unwrap_or(Path::new("hemstitch.toml"));
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if path.is_none() && error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(ConfigurationError::Unreadable { path: file.to_owned(), source }),
        };
        let mut configuration = Configuration::parse(&text, environment)
            .map_err(|said| ConfigurationError::Form { path: file.to_owned(), said })?;
        configuration.place(file.parent().unwrap_or(Path::new("")));
        Ok(configuration)
    }

    fn parse(text: &str, environment: Environment) -> Result<Configuration, String> {
        let mut table: Table = text.parse().map_err(|error| misread(text, &error))?;
        for (variable, field) in [
            ("HEMSTITCH_SITE", "site"),
            ("HEMSTITCH_SIGNING_KEY", "signing_key"),
            ("HEMSTITCH_PREVIEW_KEY", "preview_key"),
            ("HEMSTITCH_OPERATOR", "operator"),
        ] {
            if let Some(value) = environment.get(variable) {
                table.insert(field.to_owned(), Value::from(value.as_str()));
            }
        }
        let targets = table.get_mut("targets").and_then(Value::as_table_mut);
        for (name, target) in targets.into_iter().flatten() {
            let prefix = format!("HEMSTITCH_TARGETS_{}_", name.to_ascii_uppercase().replace('-', "_"));
            let fields = environment.iter().filter_map(|(variable, value)| {
                Some((variable.strip_prefix(&prefix)?.to_ascii_lowercase(), Value::from(value.as_str())))
            });
            if let Value::Table(target) = target {
                target.extend(fields);
            }
        }
        let written = Written::deserialize(table).map_err(|error| error.message().to_owned())?;
        let operator_key = written.targets.values().find_map(|kind| match kind {
            Kind::Origin { operator_key, .. } => operator_key.clone(),
            _ => None,
        });
        let user = || environment.get("USER").or(environment.get("USERNAME")).cloned();
        let operator = written.operator.or_else(user).unwrap_or_else(|| "unnamed".to_owned());
        let Written { site, signing_key, preview_key, edges, targets, .. } = written;
        Ok(Configuration {
            site,
            signing_key,
            preview_key,
            edges,
            operator_key,
            operator,
            targets,
            environment,
        })
    }

    /// Paths are relative to the file they stand in.
    fn place(&mut self, folder: &Path) {
        let place = |path: &mut PathBuf| *path = folder.join(&*path);
        let keys = [&mut self.signing_key, &mut self.preview_key, &mut self.operator_key];
        keys.into_iter().flatten().for_each(place);
        for kind in self.targets.values_mut() {
            match kind {
                Kind::Origin { operator_key, .. } => operator_key.iter_mut().for_each(place),
                Kind::Record { file } => place(file),
                Kind::Directory { path, viceroy, personalization, config_store } => {
                    place(path);
                    viceroy.iter_mut().chain(personalization).chain(config_store).for_each(place);
                }
                Kind::Wrangler { config, persist_to, .. } => {
                    config.iter_mut().chain(persist_to).for_each(place);
                }
                Kind::Fastly { .. } | Kind::Cloudflare { .. } => {}
            }
        }
    }

    /// The names of all targets.
    pub fn names(&self) -> Vec<String> {
        self.targets.keys().cloned().collect()
    }

    /// The targets of these names, for a site with these keys.
    pub fn targets(
        &self,
        names: &[String],
        site: &str,
        keys: &PointerKeys,
    ) -> Result<Targets, ConfigurationError> {
        let mut targets = Targets::default();
        for name in names {
            let unknown = || ConfigurationError::Unknown { name: name.clone(), names: self.names() };
            let kind = self.targets.get(name).ok_or_else(unknown)?;
            let ledger = match kind {
                Kind::Origin { url, operator_key } => {
                    self.origin(name, url, operator_key.as_deref(), site)?
                }
                Kind::Record { file } => self.record(name, file, keys)?,
                kind => {
                    targets.mirrors.push(Mirror { name: name.clone(), store: self.store(name, kind)? });
                    continue;
                }
            };
            if let Some((first, _)) = targets.ledger.replace((name.clone(), ledger)) {
                return Err(ConfigurationError::TwoRecords(first, name.clone()));
            }
        }
        Ok(targets)
    }

    fn record(&self, target: &str, file: &Path, keys: &PointerKeys) -> Result<Ledger, ConfigurationError> {
        let failed =
            |source| ConfigurationError::Record { target: target.to_owned(), path: file.to_owned(), source };
        let record = Record::open(file).map_err(failed)?;
        Ok(Ledger::File { record, operator: self.operator.clone(), keys: keys.clone() })
    }

    fn origin(
        &self,
        target: &str,
        url: &str,
        key: Option<&Path>,
        site: &str,
    ) -> Result<Ledger, ConfigurationError> {
        const VARIABLE: &str = "HEMSTITCH_OPERATOR_TOKEN";
        let failed = |source| ConfigurationError::Remote { target: target.to_owned(), source };
        if let Some(token) = self.environment.get(VARIABLE) {
            let token = Secret::new(token.clone());
            return OriginRecord::with_token(url, site, token, pause()).map(Ledger::Origin).map_err(failed);
        }
        let Some(path) = key else {
            return Err(ConfigurationError::NoToken { target: target.to_owned(), variable: VARIABLE });
        };
        let unusable = |said: String| ConfigurationError::File {
            target: target.to_owned(),
            said: format!("{}: {said}", path.display()),
        };
        let json = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let key = Keyring::parse(&json).map_err(|error| unusable(error.to_string()))?;
        OriginRecord::with_key(url, site, key, &self.operator, pause()).map(Ledger::Origin).map_err(failed)
    }

    fn store(&self, target: &str, kind: &Kind) -> Result<Store, ConfigurationError> {
        let failed = |source| ConfigurationError::Remote { target: target.to_owned(), source };
        Ok(match kind.clone() {
            Kind::Directory { path, viceroy, .. } => Store::Directory(Directory::new(path, viceroy)),
            Kind::Wrangler { program, binding, config, persist_to } => {
                let program = program.unwrap_or_else(|| "wrangler".into());
                Store::Wrangler(Wrangler { program, binding, config, persist_to })
            }
            Kind::Fastly { store_id, api, .. } => {
                let (api, token) =
                    (api.as_deref().unwrap_or(fastly::API), self.token(target, fastly::TOKEN)?);
                Store::Fastly(FastlyKv::new(api, &store_id, &token, pause()).map_err(failed)?)
            }
            Kind::Cloudflare { account_id, namespace_id, api, .. } => {
                let api = api.as_deref().unwrap_or(cloudflare::API);
                let token = self.token(target, cloudflare::TOKEN)?;
                let store = CloudflareKv::new(api, &account_id, &namespace_id, &token, pause());
                Store::Cloudflare(store.map_err(failed)?)
            }
            Kind::Origin { .. } | Kind::Record { .. } => unreachable!("records are told apart before"),
        })
    }
}

impl Configuration {
    /// The secret in a variable of the environment.
    fn token(&self, target: &str, variable: &'static str) -> Result<Secret, ConfigurationError> {
        match self.environment.get(variable) {
            Some(token) if !token.trim().is_empty() => Ok(Secret::new(token.clone())),
            _ => Err(ConfigurationError::NoToken { target: target.to_owned(), variable }),
        }
    }
}

/// Where, and what. Not what stands there, since somebody may have written a secret into it.
fn misread(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {}", before.matches('\n').count() + 1, error.message())
}

fn pause() -> super::Pause {
    Box::new(std::thread::sleep)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        site = "acme"
        signing_key = "keys/acme.signing.json"
        [targets.fastly]
        kind = "fastly"
        store_id = "abc"
        [targets.edge-kv]
        kind = "directory"
        path = "kv"
        [targets.history]
        kind = "record"
        file = "record.db"
    "#;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    fn read(text: &str, variables: &[(&str, &str)]) -> Result<Configuration, ConfigurationError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hemstitch.toml");
        std::fs::write(&file, text).unwrap();
        let read = Configuration::read(Some(&file), environment(variables))?;
        assert!(read.signing_key.as_ref().is_none_or(|key| key.starts_with(folder.path())));
        Ok(read)
    }

    #[test]
    fn the_environment_outranks_the_file() {
        let variables = [
            ("HEMSTITCH_SITE", "other"),
            ("HEMSTITCH_TARGETS_FASTLY_STORE_ID", "xyz"),
            ("HEMSTITCH_TARGETS_EDGE_KV_PATH", "/elsewhere"),
        ];
        let read = read(FILE, &variables).unwrap();
        assert_eq!(read.site.as_deref(), Some("other"));
        assert!(matches!(&read.targets["fastly"], Kind::Fastly { store_id, .. } if store_id == "xyz"));
        let Kind::Directory { path, .. } = &read.targets["edge-kv"] else { panic!("a directory") };
        assert_eq!(path, Path::new("/elsewhere"));
    }

    #[test]
    fn what_is_wrong_is_said_and_no_secret_is_repeated() {
        for (text, says) in [
            ("sit = 'a'", "unknown field `sit`"),
            ("[targets.a]\nkind = 'ftp'", "unknown variant `ftp`"),
            ("[targets.a]\nkind = 'fastly'", "missing field `store_id`"),
            ("[targets.a]\nkind = 'fastly'\nstore_id = 'a'\ntoken = 'hush-hush'", "unknown field `token`"),
            ("\nsite = hush-hush", "line 2: "),
        ] {
            let error = read(text, &[]).unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn targets_are_named_known_and_have_what_they_need() {
        let keys = PointerKeys::default();
        let named = |names: &[&str], variables: &[(&str, &str)]| {
            let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
            read(FILE, variables)
                .unwrap()
                .targets(&names, "acme", &keys)
                .map(|targets| (targets.ledger.is_some(), targets.mirrors.len()))
        };
        let token = [("FASTLY_API_TOKEN", "hush-hush")];
        assert_eq!(named(&["edge-kv", "fastly"], &token).unwrap(), (false, 2));
        let missing = named(&["fastly"], &[]).unwrap_err().to_string();
        assert!(missing.contains("FASTLY_API_TOKEN"), "{missing}");
        let unknown = named(&["nowhere"], &[]).unwrap_err().to_string();
        assert!(unknown.contains("edge-kv, fastly, history"), "{unknown}");
        let open = [token[0], ("HEMSTITCH_TARGETS_FASTLY_API", "http://api.fastly.test")];
        let open = named(&["fastly"], &open).unwrap_err().to_string();
        assert!(open.contains("neither https nor on this machine") && !open.contains("hush"), "{open}");
    }
}
