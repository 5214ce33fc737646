//! Chromium, as a visitor uses it: opens, clicks, types, looks, and tells what it asked for and complained of.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::patience::eventually;
use super::programs;
use super::webdriver::WebDriver;

/// How a page is looked at.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Width and height of the window, in CSS pixels.
    pub size: (u32, u32),
    /// The device's pixels for each of them.
    pub density: f64,
    /// The colours that the visitor prefers.
    pub scheme: Scheme,
}

/// The colours that a visitor prefers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl View {
    /// A phone, held upright.
    pub const PHONE: View = View { size: (390, 844), density: 2.0, scheme: Scheme::Light };
    /// A window on a desk.
    pub const DESKTOP: View = View { size: (1280, 900), density: 1.0, scheme: Scheme::Light };

    /// The same, in these colours.
    pub const fn with(self, scheme: Scheme) -> View {
        View { scheme, ..self }
    }
}

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scripts {
    /// They run.
    On,
    /// The visitor has turned them off.
    Off,
}

/// A request of a page, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// The whole URL.
    pub url: String,
    /// The status, or `None` where nothing was answered.
    pub status: Option<u64>,
}

/// A browser with a profile of its own. Dropping ends it.
pub struct Browser {
    driver: WebDriver,
    _profile: TempDir,
}

impl Browser {
    /// Starts it. `None`, with a printed line, where this machine has none; in CI that is a panic.
    pub fn start() -> Option<Browser> {
        let (chromedriver, chromium) = programs::chromium()?;
        let profile = tempfile::tempdir().expect("a folder for the browser's profile");
        let driver = WebDriver::start(&chromedriver, &chromium, profile.path());
        let browser = Browser { driver, _profile: profile };
        // Its own first page asks for things, too.
        browser.open("about:blank");
        browser.traffic();
        Some(browser)
    }

    /// Goes to a URL and waits until it has loaded.
    pub fn open(&self, url: &str) {
        self.done(self.driver.post("url", &json!({ "url": url })), url);
    }

    /// Where it is.
    pub fn url(&self) -> String {
        let url = self.done(self.driver.get("url"), "the URL");
        url.as_str().unwrap_or_default().to_owned()
    }

    /// Runs the body of a function in the page with these arguments, waits for its promise if it returns one, and
    /// returns what comes of it as JSON.
    pub fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.done(self.driver.post("execute/sync", &json!({ "script": script, "args": arguments })), script)
    }

    /// Clicks what a selector finds first, and waits until another page has loaded.
    pub fn follow(&self, selector: &str) {
        self.run("window.isLeft = true", &[]);
        self.click(selector);
        let arrived =
            json!({ "script": "return !window.isLeft && document.readyState === 'complete'", "args": [] });
        eventually(&format!("another page after a click on {selector}"), || {
            // Between two pages there is nobody to ask.
            let arrived = self.driver.post("execute/sync", &arrived).unwrap_or_default();
            (arrived == true).then_some(())
        });
    }

    /// Clicks what a selector finds first.
    pub fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.done(self.driver.post(&format!("element/{element}/click"), &json!({})), selector);
    }

    /// Types into what a selector finds first.
    pub fn type_into(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.done(self.driver.post(&format!("element/{element}/value"), &json!({ "text": text })), selector);
    }

    /// Has pages looked at like this from now on.
    pub fn look(&self, view: View) {
        let (width, height) = view.size;
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            json!({
                "width": width, "height": height, "deviceScaleFactor": view.density, "mobile": width < 600,
            }),
        );
        let scheme = if view.scheme == Scheme::Dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// Lets pages run scripts, or not, from now on. [`Browser::run`] works either way.
    pub fn allow(&self, scripts: Scripts) {
        let disabled = scripts == Scripts::Off;
        self.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": disabled }));
    }

    /// Forgets every cookie and whatever else a page has kept.
    pub fn forget(&self) {
        self.devtools("Network.clearBrowserCookies", json!({}));
        self.devtools("Network.clearBrowserCache", json!({}));
    }

    /// A command of the DevTools protocol.
    pub fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.done(self.driver.post("goog/cdp/execute", &body), command)
    }

    /// What the window shows, as PNG.
    pub fn picture(&self) -> Vec<u8> {
        self.capture(json!({ "format": "png" }))
    }

    /// The whole page, as small as it goes without a loss that one sees.
    pub fn picture_of_page(&self) -> Vec<u8> {
        let size = &self.devtools("Page.getLayoutMetrics", json!({}))["cssContentSize"];
        let clip = json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        self.capture(json!({ "format": "webp", "quality": 80, "captureBeyondViewport": true, "clip": clip }))
    }

    fn capture(&self, parameters: Value) -> Vec<u8> {
        let picture = self.devtools("Page.captureScreenshot", parameters);
        STANDARD.decode(picture["data"].as_str().unwrap_or_default()).expect("a picture in base64")
    }

    /// Warnings and errors of the console since it was last asked for them: of scripts, and of what did not load.
    pub fn complaints(&self) -> Vec<String> {
        let level = |entry: &Value| matches!(entry["level"].as_str(), Some("WARNING" | "SEVERE"));
        let entries = self.log("browser");
        entries.iter().filter(|entry| level(entry)).map(|entry| entry["message"].to_string()).collect()
    }

    /// What was asked for since it was last asked, in order.
    pub fn traffic(&self) -> Vec<Exchange> {
        let mut asked: Vec<(String, Exchange)> = Vec::new();
        for entry in self.log("performance") {
            let event: Value = entry["message"]
                .as_str()
                .and_then(|text| serde_json::from_str(text).ok())
                .expect("an event of the DevTools protocol");
            let (event, parameters) = (&event["message"]["method"], &event["message"]["params"]);
            let id = parameters["requestId"].as_str().unwrap_or_default();
            let mut answered = |response: &Value| {
                if let Some((_, exchange)) = asked.iter_mut().rev().find(|(known, _)| known == id) {
                    exchange.status = response["status"].as_u64();
                }
            };
            match event.as_str() {
                Some("Network.requestWillBeSent") => {
                    // A request that was redirected goes on under the same id.
                    answered(&parameters["redirectResponse"]);
                    let url = parameters["request"]["url"].as_str().unwrap_or_default().to_owned();
                    asked.push((id.to_owned(), Exchange { url, status: None }));
                }
                Some("Network.responseReceived") => answered(&parameters["response"]),
                _ => {}
            }
        }
        asked.into_iter().map(|(_, exchange)| exchange).collect()
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        match self.done(self.driver.post("se/log", &json!({ "type": kind })), kind) {
            Value::Array(entries) => entries,
            _ => Vec::new(),
        }
    }

    fn element(&self, selector: &str) -> String {
        let wanted = json!({ "using": "css selector", "value": selector });
        let element = self.done(self.driver.post("element", &wanted), selector);
        let id = element.as_object().and_then(|element| element.values().next()).and_then(Value::as_str);
        id.unwrap_or_else(|| panic!("no {selector} on {}", self.url())).to_owned()
    }

    fn done(&self, outcome: Result<Value, String>, what: &str) -> Value {
        outcome.unwrap_or_else(|error| panic!("{what}: {error}"))
    }
}
