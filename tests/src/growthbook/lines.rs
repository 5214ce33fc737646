//! Lines of JSON, each a question, and the answers to them.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use hemstitch::kill_switch::KillSwitch;
use hemstitch::pack::{Choice, Evaluation, Pack, Reason};
use hemstitch::ruleset::MAX_RULESET_BYTES;
use serde_json::{Value, json};

use super::Refusal;
use super::book::{Book, facts, open};
use super::condition::{self, ATTRIBUTE, Groups};
use super::experiment::{number, ranges, text};
use super::{redirect, verdict};

/// Answers every line of the input by one of the output, to the end of the input, whether anybody still reads the
/// answers or not.
pub fn answer_all(mut input: impl BufRead, mut output: impl Write) {
    while let Some(line) = next_line(&mut input) {
        let answer = line.and_then(|line| {
            let line = std::str::from_utf8(&line).map_err(|_| Refusal::Encoding)?;
            catch_unwind(AssertUnwindSafe(|| answer(line))).unwrap_or(Err(Refusal::Defect))
        });
        let answer = answer.unwrap_or_else(|refusal| json!({ "error": refusal.to_string() }));
        let _ = writeln!(output, "{answer}").and_then(|()| output.flush());
    }
}

/// The answer to one line.
pub fn answer(line: &str) -> Result<Value, Refusal> {
    let question: Value = serde_json::from_str(line)?;
    let given = |field: &str| question.get(field);
    if let Some(experiment) = given("experiment") {
        return run(experiment, given("context").unwrap_or(&json!({})));
    }
    if let Some(key) = given("feature") {
        return verdict::evaluate(text(key, "feature")?, given("context").unwrap_or(&json!({})));
    }
    if let Some(condition) = given("condition") {
        let groups = given("groups").or(given("savedGroups"));
        return Ok(
            json!({ "result": holds(condition, given("attributes").unwrap_or(&Value::Null), groups)? }),
        );
    }
    let result = if let Some(Value::Array(hash)) = given("hash") {
        self::hash(hash)?
    } else if let Some(ranges) = given("bucketRanges") {
        bucket_ranges(ranges)?
    } else if let Some(n) = given("equalWeights") {
        let parts = bucket_ranges(&json!([n, 1, null]))?;
        let width = |part: &Value| Some(part[1].as_f64()? - part[0].as_f64()?);
        parts.as_array().into_iter().flatten().map(width).collect()
    } else if let Some(choice) = given("chooseVariation") {
        choose(choice)?
    } else if let Some(namespace) = given("namespace") {
        let experiment = json!({ "key": "x", "variations": [0, 1], "namespace": namespace[1] });
        let context = json!({ "attributes": { "id": namespace[0] } });
        run(&experiment, &context)?["inExperiment"].clone()
    } else if let Some(context) = given("redirect") {
        redirect::target(context)?.into()
    } else {
        return Err(Refusal::shape("the line", "a question with `condition`, `hash`, or `experiment`"));
    };
    Ok(json!({ "result": result }))
}

/// Whether a condition holds for attributes.
pub(super) fn holds(condition: &Value, attributes: &Value, groups: Option<&Value>) -> Result<bool, Refusal> {
    let mut groups = Groups::new(groups);
    let when = condition::translate(condition, &mut groups)?;
    let rule = json!({ "id": "r", "when": when, "block": "nothing" });
    let pack = open(json!({ "groups": groups.into_ruleset(), "slots": { "s": { "rules": [rule] } } }))?;
    let facts = facts(BTreeMap::from([(ATTRIBUTE.to_owned(), attributes.clone())]), BTreeMap::new());
    let slot = pack.slot("s").expect("the ruleset has the slot");
    Ok(Evaluation::new(&pack, &facts, &KillSwitch::On).decide(slot).choice == Choice::Nothing)
}

/// Who is in an experiment, and with which variation.
fn run(experiment: &Value, context: &Value) -> Result<Value, Refusal> {
    let source = experiment.as_object().ok_or(Refusal::shape("an experiment", "an object"))?;
    // The rules below a variation that passes through are not asked for here.
    let mut source = source.clone();
    for variation in source.get_mut("meta").and_then(Value::as_array_mut).into_iter().flatten() {
        variation.as_object_mut().map(|variation| variation.remove("passthrough"));
    }
    let variations = source.get("variations").and_then(Value::as_array).map(Vec::len);
    let shown = vec![json!("default"); variations.ok_or(Refusal::shape("variations", "a list"))?];
    let mut book = Book::new(context)?;
    let when = book.take_experiment("x", &source, &shown)?;
    let rule = json!({ "id": "r", "when": when, "experiment": "x" });
    book.slots.insert("s".to_owned(), json!({ "rules": [rule] }));
    let case = book.close()?;
    let (decision, _) = case.decide("s");
    Ok(match decision.reason {
        Reason::Experiment(assigned) => {
            json!({ "inExperiment": true, "variationId": assigned.variation, "bucket": assigned.bucket })
        }
        _ => json!({ "inExperiment": false, "variationId": 0, "bucket": null }),
    })
}

/// An experiment, and whoever is asked whether they are in it.
fn alone(experiment: &Value) -> Result<Pack, Refusal> {
    open(json!({ "experiments": { "x": experiment } }))
}

/// `[seed, value, version]`.
fn hash(question: &[Value]) -> Result<Value, Refusal> {
    let [seed, value, version] = question else {
        return Err(Refusal::shape("hash", "seed, value and version"));
    };
    let version = match version.as_f64() {
        Some(1.0) => 1,
        Some(2.0) => 2,
        _ => return Ok(Value::Null),
    };
    let seed = text(seed, "the seed")?;
    let value = if value.is_string() { value.clone() } else { json!(value.to_string()) };
    let pack = alone(&json!({ "variations": [{}, {}], "seed": seed, "hash_version": version }))?;
    let experiment = pack.experiment("x").expect("the ruleset has the experiment");
    Ok(pack.bucket(experiment, text(&value, "the value")?).into())
}

/// `[number of variations, coverage, weights]`.
fn bucket_ranges(question: &Value) -> Result<Value, Refusal> {
    let count = number(&question[0], "the number of variations")?.max(0.0) as usize;
    let mut experiment = json!({
        "variations": vec![json!({}); count.min(1_000)],
        "coverage": number(&question[1], "the coverage")?.clamp(0.0, 1.0),
    });
    if question[2].is_array() {
        experiment["weights"] = question[2].clone();
    }
    let pack = alone(&experiment)?;
    Ok(json!(pack.ranges(pack.experiment("x").expect("the ruleset has the experiment"))))
}

/// `[hash, ranges]`.
fn choose(question: &Value) -> Result<Value, Refusal> {
    let ranges = ranges(&question[1])?;
    let count = ranges.as_array().map_or(0, Vec::len);
    let pack = alone(&json!({ "variations": vec![json!({}); count], "ranges": ranges }))?;
    let experiment = pack.experiment("x").expect("the ruleset has the experiment");
    let chosen = pack.variation_at(experiment, number(&question[0], "the hash")?);
    Ok(chosen.map_or(json!(-1), |chosen| json!(chosen)))
}

/// The next line without its end; `None` where the input ends. What is longer than any ruleset is read, but not kept.
fn next_line(input: &mut impl BufRead) -> Option<Result<Vec<u8>, Refusal>> {
    let (mut line, mut length) = (Vec::new(), 0_usize);
    loop {
        let chunk = match input.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => &[],
        };
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let (taken, used) = match end {
            Some(end) => (end, end + 1),
            None => (chunk.len(), chunk.len()),
        };
        if used == 0 && length == 0 {
            return None;
        }
        length = length.saturating_add(used);
        if length <= MAX_RULESET_BYTES {
            line.extend_from_slice(&chunk[..taken]);
        }
        let at_end = used == 0 || end.is_some();
        input.consume(used);
        if at_end {
            let fits = length <= MAX_RULESET_BYTES;
            return Some(if fits { Ok(line) } else { Err(Refusal::Length { limit: MAX_RULESET_BYTES }) });
        }
    }
}
