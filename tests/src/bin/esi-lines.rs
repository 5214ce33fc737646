//! Runs documents of ESI that come one a line, as JSON, and answers each with a line: what the conformance data asks of
//! an engine. It ends when its input does.

use std::io::{BufRead as _, Write as _};

fn main() -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let answer = std::panic::catch_unwind(|| e2e::esi_lines::answer(&line))
            .unwrap_or_else(|_| serde_json::json!({"error": "panicked"}));
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}
