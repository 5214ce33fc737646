//! Conditions and experiments at random: what a compiled pack says, what a plain walk over the same JSON says, and what
//! GrowthBook's SDK for JavaScript says.

use std::process::Command;

use e2e::harness::{ask_natively, growthbook_sdk, output_of, workspace};
use serde_json::{Value, json};

use dice::Dice;
use random_condition::Patterns;
use tree_walk::Walk;

#[path = "growthbook/dice.rs"]
mod dice;
#[path = "growthbook/random_condition.rs"]
mod random_condition;
#[path = "growthbook/random_experiment.rs"]
mod random_experiment;
#[path = "growthbook/tree_walk.rs"]
mod tree_walk;

const QUESTIONS: usize = 10_000;

fn ask_pack(questions: &[Value]) -> Vec<Value> {
    ask_natively(env!("CARGO_BIN_EXE_rules-lines"), questions)
}

fn ask_sdk(questions: &[Value]) -> Vec<Value> {
    let mut command = Command::new("node");
    command.arg(workspace().join("tests/e2e/growthbook/sdk-lines.cjs")).arg(growthbook_sdk());
    let lines: String = questions.iter().map(|question| format!("{question}\n")).collect();
    let answers = output_of(command, lines.into_bytes());
    answers.lines().map(|line| serde_json::from_str(line).expect("the SDK's answers are JSON")).collect()
}

fn conditions(seed: u64, patterns: Patterns) -> Vec<Value> {
    let mut dice = Dice::new(seed);
    let one = |_| {
        let condition = {
            let depth = dice.below(4);
            random_condition::condition(&mut dice, depth, patterns)
        };
        let attributes = random_condition::attributes(&mut dice);
        json!({ "condition": condition, "attributes": attributes, "groups": random_condition::groups(&mut dice) })
    };
    (0..QUESTIONS).map(one).collect()
}

/// The same with every number as a float, since 0 and 0.0 are one.
fn plain(answer: &Value) -> Value {
    match answer {
        Value::Number(number) => json!(number.as_f64()),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        other => other.clone(),
    }
}

/// Every difference, of which the first few are enough to read.
fn compare(questions: &[Value], answers: &[Value], expected: &[Value]) {
    let differ = questions
        .iter()
        .zip(answers.iter().zip(expected))
        .filter(|(_, (answer, expect))| plain(answer) != plain(expect));
    let differ: Vec<String> =
        differ.map(|(question, (answer, expect))| format!("{question}\n  {answer}, not {expect}")).collect();
    assert!(differ.is_empty(), "{} differences:\n{}", differ.len(), differ[..differ.len().min(5)].join("\n"));
}

#[test]
fn a_pack_says_what_a_walk_over_the_condition_says() {
    let questions = conditions(1, Patterns::Without);
    let walk = |question: &Value| {
        let walk = Walk { groups: &question["groups"] };
        json!({ "result": walk.holds(&question["condition"], &question["attributes"]) })
    };
    let expected: Vec<Value> = questions.iter().map(walk).collect();
    let held = expected.iter().filter(|answer| answer["result"] == true).count();
    assert!(
        (QUESTIONS / 5..QUESTIONS * 4 / 5).contains(&held),
        "{held} hold, which is too one-sided to say much"
    );
    compare(&questions, &ask_pack(&questions), &expected);
}

#[test]
fn a_pack_says_of_conditions_what_the_sdk_says() {
    let questions = conditions(2, Patterns::With);
    compare(&questions, &ask_pack(&questions), &ask_sdk(&questions));
}

#[test]
fn a_pack_says_of_experiments_what_the_sdk_says() {
    let mut dice = Dice::new(3);
    let questions: Vec<Value> = (0..QUESTIONS).map(|_| random_experiment::question(&mut dice)).collect();
    let expected = ask_sdk(&questions);
    let within = expected.iter().filter(|answer| answer["inExperiment"] == true).count();
    assert!(within > QUESTIONS / 10, "{within} are in their experiment, which is too few to say much");
    compare(&questions, &ask_pack(&questions), &expected);
}
