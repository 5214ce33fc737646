//! The demo's site, inside the binary, so that it runs from anywhere.

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("../../../examples/demo/", $name)).as_slice())),*]
    };
}

/// The ruleset that is published.
pub const RULESET: &str = include_str!("../../../examples/demo/ruleset.json");

/// The files of the pages' folder, by their paths in it.
pub const PAGES: [(&str, &[u8]); 22] = embedded![
    "articles/flexible-fares.html",
    "articles/heat-pump-sum.html",
    "articles/index.html",
    "articles/night-trains-in-stages.html",
    "articles/reading-a-savings-rate.html",
    "articles/three-fees-on-a-card.html",
    "articles/what-standby-costs.html",
    "elsewhere.html",
    "fragments/briefing-finance.html",
    "fragments/briefing-general.html",
    "fragments/briefing-home.html",
    "fragments/briefing-travel.html",
    "icon.svg",
    "index.html",
    "join.html",
    "ledger.html",
    "panel/panel.css",
    "panel/panel.js",
    "pricing.html",
    "site.json",
    "style.css",
    "welcome.html",
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use hemstitch_origin::RulesetFile;

    use super::*;

    #[test]
    fn every_file_of_the_example_is_embedded() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/demo");
        let (mut folders, mut found) = (vec![example.clone()], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path != example.join("ruleset.json") {
                    found.push(path.strip_prefix(&example).unwrap().to_str().unwrap().replace('\\', "/"));
                }
            }
        }
        found.sort();
        assert_eq!(found, PAGES.map(|(name, _)| name));
    }

    #[test]
    fn the_ruleset_has_no_findings() {
        let ruleset = RulesetFile::of(RULESET.to_owned());
        assert!(ruleset.diagnostics.is_empty(), "{:#?}", ruleset.diagnostics);
        assert!(ruleset.compile().is_ok());
    }
}
