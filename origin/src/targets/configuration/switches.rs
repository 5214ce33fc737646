//! The kill switches of targets.

use super::{Configuration, ConfigurationError, Kind};
use crate::setting::Setting;
use crate::targets::{ConfigItem, RemoteError, WorkerVariable, cloudflare, fastly};

/// What the setting is called, on all platforms.
const NAME: &str = "personalization";

/// The switches that a target has, or why they cannot be used.
pub type Switches = Result<Vec<Setting>, ConfigurationError>;

impl Configuration {
    /// The kill switches of these targets, each by itself: one that cannot be used is no reason not to turn the others.
    /// Those for one site, or for all of them where none is named; the file of a native edge is for all.
    pub fn switches(&self, names: &[String], site: Option<&str>) -> Vec<(String, Switches)> {
        names.iter().map(|name| (name.clone(), self.switches_of(name, site))).collect()
    }

    fn switches_of(&self, name: &str, site: Option<&str>) -> Switches {
        let unknown = || ConfigurationError::Unknown { name: name.to_owned(), names: self.names() };
        let failed = |source: RemoteError| ConfigurationError::Remote { target: name.to_owned(), source };
        let key = match site {
            Some(site) => format!("{NAME}.{site}"),
            None => NAME.to_owned(),
        };
        let kind = self.targets.get(name).ok_or_else(unknown)?;
        Ok(match kind {
            Kind::Directory { personalization, config_store, .. } => {
                let file = personalization.clone().map(Setting::File);
                let store = config_store.clone().map(|path| Setting::ConfigStoreFile { path, key });
                file.into_iter().chain(store).collect()
            }
            Kind::Fastly { config_store_id: Some(store), api, .. } => {
                let (api, token) = (api.as_deref().unwrap_or(fastly::API), self.token(name, fastly::TOKEN)?);
                let item = ConfigItem::new(api, store, key, &token, super::pause());
                vec![Setting::FastlyItem(item.map_err(failed)?)]
            }
            Kind::Cloudflare { account_id, script: Some(script), api, .. } => {
                let api = api.as_deref().unwrap_or(cloudflare::API);
                let token = self.token(name, cloudflare::TOKEN)?;
                let variable = format!("HEMSTITCH_{key}").to_ascii_uppercase().replace(['.', '-'], "_");
                let variable = WorkerVariable::new(api, account_id, script, variable, &token, super::pause());
                vec![Setting::WorkerVariable(variable.map_err(failed)?)]
            }
            Kind::Origin { .. }
            | Kind::Record { .. }
            | Kind::Wrangler { .. }
            | Kind::Fastly { .. }
            | Kind::Cloudflare { .. } => Vec::new(),
        })
    }
}
