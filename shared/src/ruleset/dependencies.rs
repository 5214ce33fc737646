//! What depends on what: audiences, experiments and slots may refer to each other, but not in circles.

use super::code;
use super::condition::Condition;
use super::names::Scope;
use super::order;
use super::source::Member;
use super::{Experiment, Ruleset, Shows};

/// Reports every circle that is not one of audiences alone, which have been looked at.
pub(super) fn check(
    ruleset: &Ruleset,
    audiences: &[&Member],
    experiments: &[&Member],
    slots: &[&Member],
    scope: &mut Scope,
) {
    let groups = [("audience ", audiences), ("experiment ", experiments), ("slot ", slots)];
    let named = |(kind, members): (&str, &[&Member])| {
        let named = members.iter().map(|member| (format!("{kind}{}", member.key), member.at));
        named.collect::<Vec<_>>()
    };
    let nodes: Vec<(String, usize)> = groups.into_iter().flat_map(named).collect();
    let names: Vec<&str> = nodes.iter().map(|(name, _)| name.as_str()).collect();
    let index = order::index(&names);
    let mut edges: Vec<Vec<usize>> = vec![Vec::new(); names.len()];
    let mut refer = |from: &str, condition: &Condition| {
        let Some(from) = index.get(from) else { return };
        condition.references(&mut |part| {
            let to = index.get(target(part).as_str());
            edges.get_mut(*from).into_iter().for_each(|edges| edges.extend(to));
        });
    };
    for audience in &ruleset.audiences {
        refer(&format!("audience {}", audience.name), &audience.condition);
    }
    for experiment in &ruleset.experiments {
        let Experiment { key, running, admits, .. } = experiment;
        let from = format!("experiment {key}");
        refer(&from, running);
        refer(&from, admits);
    }
    for slot in &ruleset.slots {
        let from = format!("slot {}", slot.name);
        for rule in &slot.rules {
            refer(&from, &rule.condition);
            if let Shows::Experiment { key, .. } = &rule.shows {
                let experiment = key.clone();
                refer(&from, &Condition::Variation { experiment, variations: Vec::new() });
            }
        }
    }
    let sorted = order::order(names.len(), |at| edges.get(at).cloned().unwrap_or_default());
    for cycle in &sorted.cycles {
        let members = cycle.iter().filter_map(|at| nodes.get(*at));
        let of_audiences = members.clone().all(|(name, _)| name.starts_with("audience "));
        if let Some((_, at)) = members.clone().find(|(name, _)| !name.starts_with("audience "))
            && !of_audiences
        {
            let help = "let one of them decide by itself";
            scope.findings.report_with_help(code::DEPENDENCY_CYCLE, *at, order::spell(cycle, &names), help);
        }
    }
}

fn target(part: &Condition) -> String {
    match part {
        Condition::Audience(name) => format!("audience {name}"),
        Condition::Variation { experiment, .. } => format!("experiment {experiment}"),
        Condition::Shows { slot, .. } => format!("slot {slot}"),
        _ => String::new(),
    }
}
