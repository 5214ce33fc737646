//! What a page does after its first paint, noted from its very beginning.

use serde_json::{Value, json};

use super::browser::Browser;
use super::patience::eventually;

/// Runs before anything of a page. Whatever its parser makes is no change; the demo's panel, which is not of the page, is none
/// either.
const NOTES: &str = r#"
window.notes = { shift: 0, changes: [] };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.notes.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
addEventListener("DOMContentLoaded", () => {
  const panel = (node) => node.nodeType === 1 && node.matches(".hs-panel");
  new MutationObserver((changes) => {
    for (const change of changes) {
      const nodes = [...change.addedNodes, ...change.removedNodes];
      if (nodes.length > 0 && nodes.every(panel)) continue;
      if (change.target.closest?.(".hs-panel")) continue;
      window.notes.changes.push(`${change.type} of ${change.target.nodeName}`);
    }
  }).observe(document.body, { attributes: true, characterData: true, childList: true, subtree: true });
});
"#;

/// What was noted of a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Notes {
    /// How much of the page has moved, as Layout Instability has it; 0 where nothing did.
    pub shift: f64,
    /// What was changed in the body once its markup had arrived.
    pub changes: Vec<String>,
}

impl Browser {
    /// Has every page from now on noted down.
    pub fn watch(&self) {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": NOTES }));
    }

    /// What has been noted of this page so far, once it is painted.
    pub fn notes(&self) -> Notes {
        const PAINTED: &str =
            "return performance.getEntriesByName('first-contentful-paint').length > 0 && window.notes";
        let notes = eventually("a first paint", || Some(self.run(PAINTED, &[])).filter(Value::is_object));
        let changes = notes["changes"].as_array().into_iter().flatten();
        let changes = changes.filter_map(Value::as_str).map(str::to_owned).collect();
        Notes { shift: notes["shift"].as_f64().unwrap_or(f64::NAN), changes }
    }
}
