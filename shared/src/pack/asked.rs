//! What a page asks of the rules by name: who is in an audience, and which variation a visitor has.

use super::Pack;
use super::evaluate::Evaluation;
use super::format::Section;
use crate::kill_switch::KillSwitch;

impl<'a> Evaluation<'a> {
    /// Whether the visitor is in the audience of that name. Nobody is where there is none, or personalization is off.
    pub fn is_in(&mut self, audience: &str) -> bool {
        let program = if *self.kill_switch == KillSwitch::Off { None } else { self.pack.audience(audience) };
        program.and_then(|program| self.run(program)).unwrap_or(false)
    }

    /// The key of the variation that the visitor has in the experiment of that key, if they are in it.
    pub fn variation(&mut self, experiment: &str) -> Option<&'a str> {
        if *self.kill_switch == KillSwitch::Off {
            return None;
        }
        let pack = self.pack;
        let assigned = self.assign(pack.experiment(experiment)?)??;
        Some(pack.variation_key(assigned.experiment, assigned.variation))
    }
}

impl Pack {
    /// The program of the audience of that name. They are in the order in which they need each other, so that all are
    /// looked at.
    fn audience(&self, name: &str) -> Option<u32> {
        let is_it = |index: &u32| {
            let text = self.word(Section::Audiences, *index, 0).and_then(|text| self.text(text));
            text == Some(name)
        };
        let index = (0..self.count(Section::Audiences)).find(is_it)?;
        self.word(Section::Audiences, index, 1)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::facts::Facts;
    use crate::kill_switch::KillSwitch;
    use crate::pack::{Evaluation, Pack, compile};
    use crate::ruleset::Ruleset;
    use crate::time::UnixTime;

    #[test]
    fn audiences_and_experiments_are_asked_by_name() {
        let ruleset = json!({
            "audiences": {
                "german": {"place.country": "DE"},
                "keen": {"$audience": "german", "interest.finance": {"$gte": 0.5}},
            },
            "experiments": {"x": {"variations": [{"key": "a"}, {"key": "b"}], "when": {"$audience": "german"}}},
        });
        let (ruleset, diagnostics) = Ruleset::parse_leniently(&ruleset.to_string());
        let ruleset = ruleset.unwrap_or_else(|| panic!("{diagnostics:?}"));
        let pack = Pack::open(compile(&ruleset).unwrap()).unwrap();
        let ask = |country: &str, switch: &str| {
            let facts = json!({"place.country": country, "interest.finance": 0.2, "id": "ann"});
            let facts = Facts::from_json(facts.as_object().cloned().unwrap(), UnixTime(0));
            let switch = KillSwitch::parse(switch).unwrap();
            let mut evaluation = Evaluation::new(&pack, &facts, &switch);
            let audiences = ["german", "keen", "nobody"].map(|name| evaluation.is_in(name));
            (audiences, evaluation.variation("x").is_some(), evaluation.variation("y").is_some())
        };
        assert_eq!(ask("DE", "on"), ([true, false, false], true, false));
        assert_eq!(ask("FR", "on"), ([false, false, false], false, false));
        assert_eq!(ask("DE", "off"), ([false, false, false], false, false));
        assert_eq!(ask("DE", "off:experiment.x"), ([true, false, false], false, false));
    }
}
