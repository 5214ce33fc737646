//! The binary `hemstitch`: origin, native edge, demo, and the tools of people who write rules.

mod address;
mod commands;
mod demo;
mod explanation;
mod input;
mod moment;
mod output;
mod report;
mod stop;

use std::io::ErrorKind;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Parser, Subcommand};

use hemstitch::time::UnixTime;
use hemstitch_origin::{FolderError, SettingsError};
use input::Unreadable;

/// The time by the system's clock.
fn now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

/// What a command found: nothing to complain of, or something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Fine,
    Findings,
}

#[derive(Parser)]
#[command(
    name = "hemstitch",
    version,
    about = "Personalizes cached HTML: the origin, the native edge, and tools for rules, keys and tokens",
    after_help = "\
Exit codes:
  0  all is well
  1  there are findings, or the command failed
  2  the command line is wrong, or its input cannot be read

Examples:
  hemstitch demo
  hemstitch check ruleset.json
  hemstitch serve pages --ruleset ruleset.json",
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(commands::Demo),
    Serve(commands::Serve),
    Edge(commands::Edge),
    Check(commands::Check),
    Esi(commands::Esi),
    Explain(commands::Explain),
    Schema(commands::Schema),
    Publish(commands::Publish),
    Preview(commands::Preview),
    Off(commands::Off),
    On(commands::On),
    Versions(commands::Versions),
    Rollback(commands::Rollback),
    Diff(commands::Diff),
    Status(commands::Status),
    Backup(commands::Backup),
    Restore(commands::Restore),
    Import(commands::Import),
    Keys(commands::Keys),
    Mint(commands::Mint),
    LocalStores(commands::LocalStores),
}

fn main() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(said) => return spoken(&said),
    };
    let verdict = match command {
        Command::Demo(demo) => demo.run(),
        Command::Serve(serve) => serve.run(),
        Command::Edge(edge) => edge.run(),
        Command::Check(check) => check.run(),
        Command::Esi(esi) => esi.run(),
        Command::Explain(explain) => explain.run(),
        Command::Schema(schema) => schema.run(),
        Command::Publish(publish) => publish.run(),
        Command::Preview(preview) => preview.run(),
        Command::Off(off) => off.run(),
        Command::On(on) => on.run(),
        Command::Versions(versions) => versions.run(),
        Command::Rollback(rollback) => rollback.run(),
        Command::Diff(diff) => diff.run(),
        Command::Status(status) => status.run(),
        Command::Backup(backup) => backup.run(),
        Command::Restore(restore) => restore.run(),
        Command::Import(import) => import.run(),
        Command::Keys(keys) => keys.run(),
        Command::Mint(mint) => mint.run(),
        Command::LocalStores(stores) => stores.run(),
    };
    match verdict {
        Ok(Verdict::Fine) => ExitCode::SUCCESS,
        Ok(Verdict::Findings) => ExitCode::from(1),
        Err(error) => {
            output::aside(format_args!("error: {}", chain(&error)));
            ExitCode::from(if is_unreadable(&error) { 2 } else { 1 })
        }
    }
}

/// Help, the version, or what is wrong with the command line.
fn spoken(said: &clap::Error) -> ExitCode {
    match said.print() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe && !said.use_stderr() => ExitCode::from(1),
        _ => ExitCode::from(u8::try_from(said.exit_code()).unwrap_or(2)),
    }
}

/// The error and its causes, less what a cause says again.
fn chain(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said {
        said if said.is_empty() => cause,
        said if said.ends_with(&cause) => said,
        said => format!("{said}: {cause}"),
    })
}

fn is_unreadable(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.is::<Unreadable>() || cause.is::<FolderError>() || cause.is::<SettingsError>())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_is_documented_is_understood() {
        for line in [
            "demo",
            "demo --on fastly --port 0",
            "serve pages",
            "serve pages --listen 127.0.0.1:0 --ruleset r.json --site acme --keys keys --kv kv --serve-kv",
            "serve pages --config site.json --personalization off:a,b",
            "edge --config edge.json",
            "check ruleset.json --json",
            "esi check page.html --dialect akamai --json",
            "esi run page.html --fragments pages --url http://localhost/?a=b --cookie a=b",
            "explain ruleset.json",
            "explain r.json --facts p.json --url /a?b=c --at 2026-11-27T09:30:00+01:00 --json",
            "explain r.json --personalization off:a,b",
            "schema",
            "schema --reference",
            "publish r.json --kv kv --site acme --signing-key k.json --sequence 7 --json",
            "publish r.json --to origin fastly --at 2026-12-01T09:00:00+01:00 --message hello --base 7 --dry-run",
            "versions --most 5 --json",
            "rollback 41 --message oops",
            "rollback --to origin",
            "diff 41 ruleset.json --json",
            "status --edge https://www.acme.test --samples 10",
            "backup record.db --out copy.db",
            "restore copy.db --out record.db",
            "import growthbook features.json --attribute plan=trait.plan",
            "keys new --out keys --site acme",
            "preview r.json --site acme --keyring k.json --kv kv --url https://a.test/ --persona p.json --variation x=a",
            "preview r.json --site acme --keyring k.json --kv kv --url http://[::1]:8080/a?b --at 2026-12-24T18:00:00Z",
            "preview r.json --to origin fastly --config hemstitch.toml --url https://a.test/",
            "mint explain --site acme --keyring k.json",
            "off --file personalization",
            "off --experiment checkout --rule r --config-store config.json --site acme",
            "on --experiment checkout --file personalization",
            "off --experiment checkout --to fastly cloudflare --config hemstitch.toml",
            "on --all-sites",
            "keys list --keys keys --site acme",
            "keys rotate cookie --keys keys --site acme",
            "keys rotate signing --keys keys --site acme --in 0",
            "keys retire profile k-1 --keys keys --site acme --force",
            "mint profile --site acme --keyring k.json --visits 3 --interest finance=0.8 --trait plan=gold",
            "mint facts --site acme --keyring k.json --fact place.country=DE --fact visitor.visits=3",
            "local-stores",
            "local-stores --out bin/local --listen 127.0.0.1:7676",
        ] {
            let words = ["hemstitch"].into_iter().chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_is_not_documented_is_refused() {
        for line in [
            "",
            "demo --on akamai",
            "demo --port 70000",
            "demo --port -1",
            "serve",
            "serve pages --listen 8080",
            "serve pages --config site.json --site acme",
            "serve pages --personalization of",
            "serve pages --personalization off:",
            "edge",
            "check",
            "explain",
            "explain r.json --url a",
            "explain r.json --at 2026-11-27",
            "explain r.json --at 2026-11-27T09:30:00",
            "keys",
            "keys new --out keys",
            "keys rotate cookies --keys keys --site acme",
            "off --experiment a,b --file personalization",
            "off --to fastly --file personalization",
            "off --site acme --all-sites",
            "keys retire profile --keys keys --site acme",
            "mint facts --site acme --keyring k.json",
            "mint facts --site acme --keyring k.json --fact place.country",
            "mint profile --site acme --keyring k.json --interest finance=2",
            "mint profile --site acme --keyring k.json --interest finance=NaN",
            "mint profile --site acme --keyring k.json --visits -1",
            "mint explain --site acme --keyring k.json --lifetime 3601",
            "preview r.json --site acme --keyring k.json --kv kv --url /pricing",
            "preview r.json --site acme --keyring k.json --kv kv --url https://u@a.test/",
            "preview r.json --site acme --keyring k.json --kv kv --url https://a.test/ --variation x",
            "preview r.json --site acme --keyring k.json --kv kv --url https://a.test/ --lifetime 1441",
            "publish r.json --kv kv --site Acme! --signing-key k.json",
            "publish r.json --at tomorrow",
            "publish r.json --at 2026-12-01T09:00:00",
            "publish r.json --kv kv --to origin",
            "diff 41",
            "versions --most 0",
        ] {
            let words = ["hemstitch"].into_iter().chain(line.split(' ').filter(|word| !word.is_empty()));
            assert!(Cli::try_parse_from(words).is_err(), "{line}");
        }
    }
}
