//! The switch that turns personalization off without a publication.

/// How much of the personalization of a site is on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KillSwitch {
    /// Everything that was published.
    #[default]
    On,
    /// Nothing: every slot shows its default.
    Off,
    /// Everything but the rules with these ids, which decide as if they were not in the ruleset.
    Without(Vec<String>),
}

impl KillSwitch {
    /// Reads `on`, `off` or `off:rule-a,rule-b`; case and blanks do not count. `None` for anything else, in which case
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

    /// Whether the rule of that id may decide. Cost is the length of the list.
    pub fn lets(&self, rule: &str) -> bool {
        match self {
            KillSwitch::On => true,
            KillSwitch::Off => false,
            KillSwitch::Without(rules) => !rules.iter().any(|id| id == rule),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::KillSwitch;

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
