//! What `hemstitch demo` says of itself.

use super::child::Child;
use super::patience::eventually;

/// Waits until the demo listens, and says where: `http://127.0.0.1:PORT`.
pub fn demo_site(child: &Child) -> String {
    eventually("a line for a browser", || {
        let lines = child.lines();
        let line = lines.iter().find(|line| line.contains("in a browser"))?;
        Some(line.split_whitespace().next()?.trim_end_matches('/').to_string())
    })
}
