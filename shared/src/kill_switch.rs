//! The switch that turns personalization off without a publication.

use std::fmt;

use crate::facts::FORCED;

/// How much of the personalization of a site is on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KillSwitch {
    /// Everything that was published.
    #[default]
    On,
    /// Nothing: every slot shows its default.
    Off,
    /// Everything but these, which decide as if they were not in the ruleset: ids of rules and gates, keys of
    /// experiments. `experiment.` before a key makes it one of an experiment alone.
    Without(Vec<String>),
}

impl KillSwitch {
    /// Reads `on`, `off` or `off:rule-a,experiment.checkout`; case and blanks do not count. `None` for anything else, in which case
    /// whoever asks keeps what was on or off before.
    pub fn parse(setting: &str) -> Option<Self> {
        let setting = setting.trim();
        if setting.eq_ignore_ascii_case("on") {
            return Some(KillSwitch::On);
        }
        if setting.eq_ignore_ascii_case("off") {
            return Some(KillSwitch::Off);
        }
        let (off, list) = setting.split_once(':')?;
        let rules: Vec<String> =
            list.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect();
        (off.eq_ignore_ascii_case("off") && !rules.is_empty()).then_some(KillSwitch::Without(rules))
    }

    /// Both switches at once, as of all sites and of one: what either turns off is off.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (KillSwitch::Off, _) | (_, KillSwitch::Off) => KillSwitch::Off,
            (KillSwitch::On, switch) | (switch, KillSwitch::On) => switch,
            (KillSwitch::Without(mut rules), KillSwitch::Without(more)) => {
                rules.extend(more);
                KillSwitch::Without(rules)
            }
        }
    }

    /// The same, and what is named is off as well.
    pub fn turn_off(self, name: &str) -> Self {
        match self {
            KillSwitch::Without(names) if names.iter().any(|known| known == name) => {
                KillSwitch::Without(names)
            }
            switch => switch.and(KillSwitch::Without(vec![name.to_owned()])),
        }
    }

    /// The same, and what is named is on again, unless everything is off.
    pub fn turn_on(self, name: &str) -> Self {
        match self {
            KillSwitch::Without(mut names) => {
                names.retain(|known| known != name);
                if names.is_empty() { KillSwitch::On } else { KillSwitch::Without(names) }
            }
            switch => switch,
        }
    }

    /// Whether the experiment of that key may decide. Cost is the length of the list.
    pub fn lets_experiment(&self, key: &str) -> bool {
        let named = |name: &String| name.strip_prefix(FORCED) == Some(key);
        self.lets(key) && !matches!(self, KillSwitch::Without(names) if names.iter().any(named))
    }

    /// Whether the rule of that id may decide. Cost is the length of the list.
    pub fn lets(&self, rule: &str) -> bool {
        match self {
            KillSwitch::On => true,
            KillSwitch::Off => false,
            KillSwitch::Without(rules) => !rules.iter().any(|id| id == rule),
        }
    }
}

/// The setting, as [`KillSwitch::parse`] reads it.
impl fmt::Display for KillSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KillSwitch::On => f.write_str("on"),
            KillSwitch::Off => f.write_str("off"),
            KillSwitch::Without(names) => write!(f, "off:{}", names.join(",")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::KillSwitch;

    #[test]
    fn one_thing_is_turned_off_and_on_again() {
        let parsed = |setting| KillSwitch::parse(setting).expect("a setting");
        for (before, name, off, on) in [
            ("on", "experiment.x", "off:experiment.x", "on"),
            ("off:a", "b", "off:a,b", "off:a"),
            ("off:a,b", "b", "off:a,b", "off:a"),
            ("off", "b", "off", "off"),
        ] {
            let turned_off = parsed(before).turn_off(name);
            assert_eq!(turned_off.to_string(), off);
            assert_eq!(turned_off.turn_on(name).to_string(), on);
        }
    }

    #[test]
    fn an_experiment_is_named_as_one_or_by_its_key() {
        let switch = KillSwitch::parse("off:experiment.x,y").expect("a setting");
        assert!(!switch.lets_experiment("x") && switch.lets("x"), "a rule of the same name goes on");
        assert!(!switch.lets_experiment("y") && !switch.lets("y"));
        assert!(switch.lets_experiment("z") && !KillSwitch::Off.lets_experiment("z"));
    }

    #[test]
    fn what_either_of_two_switches_turns_off_is_off() {
        let [on, off, a, b] =
            ["on", "off", "off:a", "off:b"].map(|setting| KillSwitch::parse(setting).expect("a setting"));
        assert_eq!(on.clone().and(off.clone()), KillSwitch::Off);
        assert_eq!(a.clone().and(off), KillSwitch::Off);
        assert_eq!(a.clone().and(on), a);
        assert_eq!(Some(a.and(b)), KillSwitch::parse("off:a,b"));
    }

    #[test]
    fn what_is_no_setting_says_nothing() {
        let without = |ids: &[&str]| Some(KillSwitch::Without(ids.iter().map(|id| id.to_string()).collect()));
        for (setting, expect) in [
            ("on", Some(KillSwitch::On)),
            (" ON\n", Some(KillSwitch::On)),
            ("off", Some(KillSwitch::Off)),
            (" Off\n", Some(KillSwitch::Off)),
            ("off:a", without(&["a"])),
            ("Off: a ,b,", without(&["a", "b"])),
            ("", None),
            ("of", None),
            ("off:", None),
            ("off: , ", None),
            ("no:a", None),
        ] {
            assert_eq!(KillSwitch::parse(setting), expect, "{setting:?}");
        }
    }
}
