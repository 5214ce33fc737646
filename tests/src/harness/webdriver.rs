//! WebDriver (W3C) as far as the tests speak it: a driver of our own, one session, each command a request with JSON.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::ask::Ask;
use super::child::Child;

/// What keeps Chromium from asking anybody anything, and lets root run it on a machine without a screen.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// A session of a browser. Dropping ends the browser and its driver.
pub(super) struct WebDriver {
    // Before the driver, which is a field and dropped after our own `drop` has ended the session.
    address: SocketAddr,
    session: String,
    _driver: Child,
}

impl WebDriver {
    /// Starts a driver and its browser, whose profile is `profile`.
    pub(super) fn start(chromedriver: &Path, chromium: &Path, profile: &Path) -> WebDriver {
        let mut command = Command::new(chromedriver);
        command.arg("--port=0");
        let mut driver = Child::start_family("chromedriver", &command);
        let port = driver.wait_for_line("started successfully on port ");
        let port = port.trim_end_matches('.').parse().expect("a port");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut flags = FLAGS.map(str::to_owned).to_vec();
        flags.push(format!("--user-data-dir={}", profile.display()));
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": chromium, "args": flags },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        } } });
        let started = command_of(address, "POST", "/session", &capabilities);
        let started = started.unwrap_or_else(|error| panic!("no session of a browser: {error}"));
        let session = started["sessionId"].as_str().expect("a session has an id").to_owned();
        WebDriver { address, session, _driver: driver }
    }

    /// Has the session do something, and returns its `value`; `Err` is what the driver says is wrong.
    pub(super) fn post(&self, command: &str, body: &Value) -> Result<Value, String> {
        command_of(self.address, "POST", &format!("/session/{}/{command}", self.session), body)
    }

    /// Asks the session for something.
    pub(super) fn get(&self, command: &str) -> Result<Value, String> {
        command_of(self.address, "GET", &format!("/session/{}/{command}", self.session), &Value::Null)
    }
}

impl Drop for WebDriver {
    fn drop(&mut self) {
        let session = format!("/session/{}", self.session);
        // Refused only where the browser has ended already.
        let _ = command_of(self.address, "DELETE", &session, &Value::Null);
    }
}

fn command_of(address: SocketAddr, method: &str, path: &str, body: &Value) -> Result<Value, String> {
    let ask = Ask::get(address, &address.to_string(), path).method(method);
    let ask = match body {
        Value::Null => ask,
        body => ask.header("content-type", "application/json").body(body.to_string()),
    };
    let reply = ask.try_send().map_err(|error| format!("{method} {path}: {error}"))?;
    let status = reply.status;
    let mut answer: Value = serde_json::from_slice(&reply.whole()).map_err(|error| error.to_string())?;
    match status {
        200 => Ok(answer["value"].take()),
        _ => Err(format!("{}: {}", answer["value"]["error"], answer["value"]["message"])),
    }
}
