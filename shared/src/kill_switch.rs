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
    /// Reads `on`, `off` or `off:rule-a,rule-b`; blanks around ids do not count.
    ///
    /// Anything else is [`KillSwitch::On`]: a slip in a platform setting must not take a site's personalization down.
    pub fn parse(setting: &str) -> Self {
        let setting = setting.trim();
        if setting.eq_ignore_ascii_case("off") {
            return KillSwitch::Off;
        }
        let Some((off, list)) = setting.split_once(':') else { return KillSwitch::On };
        if !off.eq_ignore_ascii_case("off") {
            return KillSwitch::On;
        }
        let rules: Vec<String> =
            list.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect();
        if rules.is_empty() { KillSwitch::On } else { KillSwitch::Without(rules) }
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
        let [on, off, a, b] = ["on", "off", "off:a", "off:b"].map(KillSwitch::parse);
        assert_eq!(on.clone().and(off.clone()), KillSwitch::Off);
        assert_eq!(a.clone().and(off), KillSwitch::Off);
        assert_eq!(a.clone().and(on), a);
        assert_eq!(a.and(b), KillSwitch::parse("off:a,b"));
    }

    #[test]
    fn only_what_is_clearly_off_is_off() {
        let without = |ids: &[&str]| KillSwitch::Without(ids.iter().map(|id| id.to_string()).collect());
        for (setting, expect) in [
            ("on", KillSwitch::On),
            ("", KillSwitch::On),
            ("offf", KillSwitch::On),
            ("OFF", KillSwitch::Off),
            ("Off:a", without(&["a"])),
            ("no:a", KillSwitch::On),
            ("off:", KillSwitch::On),
            ("off: , ", KillSwitch::On),
            ("off", KillSwitch::Off),
            (" off\n", KillSwitch::Off),
            ("off:a", without(&["a"])),
            ("off: a ,b,", without(&["a", "b"])),
        ] {
            assert_eq!(KillSwitch::parse(setting), expect, "{setting:?}");
        }
    }
}
