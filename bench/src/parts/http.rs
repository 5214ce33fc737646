//! The native edge against Varnish, both under the same load.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use bench_job::{block, ruleset};
use e2e::harness::{Ask, EdgeKind, Script, Stage, TestSite, Visitor};

use crate::cpu;
use crate::figures::percentile;
use crate::setting::{SLOTS, Setting, given, progress};
use crate::table::{Goal, Row};
use crate::varnish::Varnish;

const CONNECTIONS: [u32; 3] = [1, 8, 64];
const TURNS: usize = 5;
const SECONDS: u32 = 1;

/// Something that answers requests.
struct Contender {
    name: &'static str,
    process: u32,
    address: String,
    path: &'static str,
    cookie: Option<String>,
}

pub fn rows(setting: &Setting) -> Result<Vec<Row>> {
    let name = "native edge / Varnish with ESI, 8 connections";
    let goal = Goal::AtLeast(1.5);
    let absent = |why: &str| Ok(vec![Row::absent(name, "x", why).goal(goal)]);
    if given("HEMSTITCH_BIN").is_none() {
        return absent("hemstitch was not built");
    }
    if !is_installed("wrk") {
        return absent("wrk is not installed: apt-get install wrk");
    }
    let stage = stage(setting)?;
    let varnish = match is_installed("varnishd") {
        true => Some(Varnish::start(stage.origin.address())?),
        false => None,
    };
    let contenders = contenders(&stage, varnish.as_ref());
    check(setting, &contenders)?;
    let mut rows = Vec::new();
    for connections in CONNECTIONS {
        progress(&format!("{connections} connections"));
        rows.extend(turns(&contenders, connections, varnish.is_some())?);
    }
    if varnish.is_none() {
        rows.push(Row::absent(name, "x", "varnishd is not installed: apt-get install varnish").goal(goal));
    }
    Ok(rows)
}

/// The origin with all pages and fragments, and the native edge in front of it.
fn stage(setting: &Setting) -> Result<Stage> {
    let site = TestSite::new("bench").ruleset(&serde_json::from_str(&ruleset(1_000, SLOTS))?);
    let stage = Stage::new(EdgeKind::Native, site);
    let esi = |page: Vec<u8>| Script::page(page).header("surrogate-control", "content=\"ESI/1.0\"");
    stage.serve("/esi", esi(setting.includes()));
    stage.serve("/decided", esi(setting.blocks()));
    stage.serve("/plain", Script::page(sent(setting)));
    for index in 0..SLOTS {
        stage.serve(&format!("/b/{index}.html"), Script::page(block(index)));
    }
    Ok(stage)
}

/// The page as every visitor gets it.
fn sent(setting: &Setting) -> Vec<u8> {
    let page = String::from_utf8_lossy(&setting.includes()).into_owned();
    let filled = (0..SLOTS).fold(page, |page, index| {
        page.replace(&format!("<esi:include src=\"/b/{index}.html\"/>"), &block(index))
    });
    filled.into_bytes()
}

fn contenders(stage: &Stage, varnish: Option<&Varnish>) -> Vec<Contender> {
    let edge = stage.edge.address().to_string();
    let process = stage.edge.id();
    let ours = |name, path, cookie| Contender { name, process, address: edge.clone(), path, cookie };
    let visitor = Visitor::new("3q2-7wAAAAAAAAAAAAAAAA").visits(4).interest("finance", 0.7);
    let mut contenders = vec![
        ours("esi", "/esi", None),
        ours("plain", "/plain", None),
        ours("decided", "/decided", Some(visitor.cookie(stage.site()))),
    ];
    if let Some(varnish) = varnish {
        let (process, address) = (varnish.id(), varnish.address());
        let theirs = |name, path| Contender { name, process, address: address.clone(), path, cookie: None };
        contenders.extend([theirs("varnish esi", "/esi"), theirs("varnish plain", "/plain")]);
    }
    contenders
}

/// All have to send the same page, and have it in their caches after that.
fn check(setting: &Setting, contenders: &[Contender]) -> Result<()> {
    let expected = sent(setting);
    for contender in contenders {
        for _ in 0..3 {
            let address = contender.address.parse()?;
            let mut ask = Ask::get(address, "bench.test", contender.path);
            if let Some(cookie) = &contender.cookie {
                ask = ask.cookie(cookie);
            }
            ensure!(ask.send().whole() == expected, "{} sends another page", contender.name);
        }
    }
    Ok(())
}

fn turns(contenders: &[Contender], connections: u32, with_varnish: bool) -> Result<Vec<Row>> {
    let mut measured: Vec<(Vec<f64>, Vec<f64>)> = vec![Default::default(); contenders.len()];
    for _ in 0..TURNS {
        for (contender, (rates, costs)) in contenders.iter().zip(&mut measured) {
            let before = cpu::seconds_of(contender.process)?;
            let rate = load(contender, connections)?;
            costs.push((cpu::seconds_of(contender.process)? - before) / (rate * f64::from(SECONDS)));
            rates.push(rate);
        }
    }
    let of = |name: &str| contenders.iter().position(|contender| contender.name == name);
    let rates = |name: &str| of(name).map(|at| measured[at].0.as_slice()).unwrap_or_default();
    let cost = |name: &str| of(name).map_or(0.0, |at| percentile(&measured[at].1, 50));
    let ratio = |ours: &str, theirs: &str, name: &str| {
        let (ours, theirs) = (rates(ours), rates(theirs));
        let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
        let note = format!("{:.0} / {:.0} requests/s", percentile(ours, 50), percentile(theirs, 50));
        let plural = if connections == 1 { "" } else { "s" };
        Row::new(format!("{name}, {connections} connection{plural}"), percentile(&ratios, 50), "x").note(note)
    };
    let mut rows = Vec::new();
    if with_varnish {
        let goal = if connections == 8 { Goal::AtLeast(1.5) } else { Goal::None };
        rows.push(ratio("esi", "varnish esi", "native edge / Varnish with ESI").goal(goal));
        if connections == 8 {
            let (ours, theirs) = (cost("esi"), cost("varnish esi"));
            let note = format!("{:.0} us / {:.0} us", ours * 1e6, theirs * 1e6);
            let name = "native edge / Varnish with ESI, CPU time of a request";
            rows.push(Row::new(name, ours / theirs, "x").note(note));
        }
        rows.push(ratio("esi", "varnish plain", "native edge / Varnish passing the page through"));
        rows.push(ratio(
            "decided",
            "varnish esi",
            "native edge, 1,000 rules and a cookie / Varnish with ESI",
        ));
    }
    rows.push(ratio("esi", "plain", "native edge / itself passing the page through"));
    Ok(rows)
}

/// Requests per second, as wrk counts them.
fn load(contender: &Contender, connections: u32) -> Result<f64> {
    let mut wrk = Command::new("wrk");
    let threads = connections.min(2);
    wrk.arg(format!("-t{threads}")).arg(format!("-c{connections}")).arg(format!("-d{SECONDS}"));
    wrk.args(["-H", "Host: bench.test"]);
    if let Some(cookie) = &contender.cookie {
        wrk.arg("-H").arg(format!("Cookie: {cookie}"));
    }
    wrk.arg(format!("http://{}{}", contender.address, contender.path));
    let output = wrk.output().context("starting wrk")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let said = |what: &str| text.lines().find_map(|line| line.trim().strip_prefix(what));
    ensure!(said("Non-2xx").is_none(), "{} fails under load:\n{text}", contender.name);
    let rate = said("Requests/sec:").with_context(|| format!("wrk says no rate:\n{text}"))?;
    Ok(rate.trim().parse()?)
}

fn is_installed(program: &str) -> bool {
    let known = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&known).chain(["/usr/sbin".into()]).any(|folder| folder.join(program).is_file())
}
