//! `hemstitch demo`, as a user runs it.

use std::collections::HashSet;
use std::fs;
use std::net::TcpListener;
use std::process::Command;

pub use e2e::harness::demo_site as site_of;
use e2e::harness::patience::eventually;
use e2e::harness::{Child, EdgeKind, hemstitch, viceroy, workerd, workspace};
use e2e::on_each_edge;

on_each_edge! {
    the_three_commands_answer_differently
    ctrl_c_stops_everything
    a_taken_port_is_said_with_a_hint
}

/// `hemstitch demo` on this kind of edge.
pub fn command(kind: EdgeKind, port: u16) -> Command {
    let mut command = Command::new(hemstitch());
    command.current_dir(workspace()).args(["demo", "--port", &port.to_string()]);
    match kind {
        EdgeKind::Native => &mut command,
        EdgeKind::Viceroy => command.args(["--on", "fastly"]).env("HEMSTITCH_VICEROY", viceroy()),
        EdgeKind::Workerd => command.args(["--on", "cloudflare"]).env("HEMSTITCH_WORKERD", workerd()),
    };
    command
}

/// Waits for the three commands that it prints.
pub fn commands_of(child: &Child) -> Vec<String> {
    eventually("three lines that start with `curl `", || {
        let lines = child.lines();
        let commands: Vec<String> = lines
            .into_iter()
            .map(|line| line.trim().to_string())
            .filter(|line| line.starts_with("curl "))
            .collect();
        (commands.len() == 3).then_some(commands)
    })
}

fn run(command: &str) -> String {
    let output = Command::new("sh").args(["-c", command]).output().expect("a shell");
    assert!(output.status.success(), "`{command}`: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn the_three_commands_answer_differently(kind: EdgeKind) {
    let child = Child::start("the demo", &mut command(kind, 0));
    let commands = commands_of(&child);
    for turn in ["cold", "warm"] {
        let answers: Vec<String> = commands.iter().map(|command| run(command)).collect();
        for answer in &answers {
            assert!(answer.trim_end().ends_with("</html>") || answer.contains("</"), "{turn}: {answer}");
        }
        let different: HashSet<&String> = answers.iter().collect();
        assert_eq!(different.len(), 3, "{turn}: {answers:#?}");
    }
}

fn ctrl_c_stops_everything(kind: EdgeKind) {
    let mut child = Child::start("the demo", &mut command(kind, 0));
    let commands = commands_of(&child);
    run(&commands[0]);
    let family = descendants(child.id());
    assert_eq!(family.is_empty(), kind == EdgeKind::Native, "processes of the demo: {family:?}");
    child.interrupt();
    child.wait_for_end();
    for process in family {
        eventually(&format!("process {process} ends"), || (!is_running(process)).then_some(()));
    }
    let output = Command::new("sh").args(["-c", &commands[0]]).output().expect("a shell");
    assert!(!output.status.success(), "the demo still answers");
}

fn a_taken_port_is_said_with_a_hint(kind: EdgeKind) {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("a bound socket").port();
    let mut child = Child::start("the demo", &mut command(kind, port));
    let status = child.wait_for_end();
    assert!(!status.success(), "a taken port is no success");
    eventually("a line with the port and a hint", || {
        let lines = child.lines().join("\n");
        (lines.contains(&port.to_string()) && lines.contains("--port") && !lines.contains("panicked"))
            .then_some(())
    });
}

/// Every process below one, read from `/proc`.
pub fn descendants(ancestor: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .expect("a Linux machine")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|process| Some((process, parent_of(process)?)))
        .collect();
    let mut found = vec![ancestor];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(process, _)| *process));
        next += 1;
    }
    found.split_off(1)
}

fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in parentheses, may hold spaces; the fields after it do not.
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// Whether a process has not ended.
pub fn is_running(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}
