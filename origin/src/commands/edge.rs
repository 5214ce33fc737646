use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use hemstitch_native::{BindError, Config, ConfigError, Edge as NativeEdge};

use super::block_on;
use crate::input::Unreadable;
use crate::stop::Stop;
use crate::{Verdict, address, output};

/// Run the native edge: a cache that personalizes, in front of an origin
///
/// Prints `listening on http://ADDR` when it is ready, and runs until Ctrl-C.
#[derive(Args)]
#[command(after_help = "\
The configuration is a JSON file; its paths are relative to it:
  {
    \"listen\": \"127.0.0.1:8787\",
    \"kv\": \"kv\",
    \"keys\": \"keys\",
    \"personalization\": \"personalization\",
    \"cache_bytes\": 268435456,
    \"sites\": [{
      \"site\": \"acme\", \"hosts\": [\"www.acme.test\"], \"origin\": \"http://127.0.0.1:7878\",
      \"pointer_keys\": [{ \"kid\": \"…\", \"ed25519\": \"…\" }]
    }]
  }
`hemstitch keys new` prints the pointer_keys, `hemstitch publish` fills the KV folder.

Examples:
  hemstitch edge --config edge.json")]
pub struct Edge {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Edge {
    /// Carries the command out.
    pub fn run(self) -> Result<Verdict> {
        let config = Config::read(&self.config).map_err(|error| match error {
            ConfigError::Unreadable { path, error } => Unreadable::File { path, source: error },
            error => Unreadable::content(&self.config, error),
        })?;
        block_on(async {
            let mut stop = Stop::listen()?;
            let edge = NativeEdge::bind(config).await.map_err(|error| self.refused(error))?;
            output::address(format_args!("listening on http://{}", edge.local_addr()))?;
            edge.run(stop.requested()).await;
            Ok(Verdict::Fine)
        })
    }

    /// Keys that cannot be read are input too.
    fn refused(&self, error: BindError) -> anyhow::Error {
        match error {
            BindError::Serving(error) => Unreadable::content(&self.config, error).into(),
            error => address::edge_refused(error, "`listen` in the configuration"),
        }
    }
}
