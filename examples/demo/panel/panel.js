// The demo's panel: become another visitor, and see what was decided for this one. It needs nothing of the page and moves
// nothing in it. `hemstitch demo` puts it at the end of every page, and answers what it asks for:
//
//   GET /demo/panel.json
//   { "personas": [ { "title", "about",       who they are
//                     "href",                 becomes them; with a page's path behind it, on that page
//                     "page",                 the one page on which they are told from others, or null
//                     "current" } ],          whether the browser is theirs
//     "edge": "the native edge",              what made this page
//     "explain": "eyJ…" }                     a token: with ?hs_explain= the edge answers why, in place of the page

(() => {
  "use strict";
  const styles = new URL("panel.css", document.currentScript.src).href;

  const json = async (url, accept) => {
    try {
      const answer = await fetch(url, { headers: { accept }, credentials: "same-origin" });
      return answer.ok ? await answer.json() : null;
    } catch {
      return null;
    }
  };

  // Text is only ever set as text: what the demo answers may quote what a visitor typed.
  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  };

  const remembered = (key, value) => {
    try {
      if (value === undefined) return sessionStorage.getItem(key);
      sessionStorage.setItem(key, value);
    } catch {
      // Storage can be forbidden; the panel then begins closed on each page.
    }
    return null;
  };

  // Some edges have no finer clock than one of milliseconds.
  const cost = (microseconds) => {
    if (typeof microseconds !== "number") return "";
    if (microseconds === 0) return "under 1 ms";
    return microseconds < 1000 ? `${microseconds} µs` : `${(microseconds / 1000).toFixed(1)} ms`;
  };

  const firstByte = () => {
    const [entry] = performance.getEntriesByType("navigation");
    const time = entry ? entry.responseStart - entry.requestStart : 0;
    return time > 0 ? `${time.toFixed(1)} ms` : "";
  };

  const persona = (one) =>
    element(
      "li",
      {},
      element(
        "a",
        { href: one.page ? one.href : one.href + location.pathname, "aria-current": one.current ? "true" : undefined },
        element("span", { class: "hs-panel-title" }, one.title),
        element("span", { class: "hs-panel-about" }, one.about),
      ),
    );

  const why = ({ experiment, reason, because, rule }) => {
    if (experiment) return `experiment ${experiment.key}, variation ${experiment.variation}`;
    if (reason === "rule") return because || `rule ${rule}`;
    return { "no-pack": "no rules at hand", off: "turned off", "held-out": "held out" }[reason];
  };

  const passed = (slot) => {
    const rules = Array.isArray(slot.passed) ? slot.passed : [];
    if (rules.length === 0) return null;
    const line = (one) => element("li", {}, element("code", {}, one.rule), ` ${one.because}`);
    const summary = `${rules.length} ${rules.length === 1 ? "rule" : "rules"} passed over`;
    return element("details", {}, element("summary", {}, summary), element("ul", {}, ...rules.map(line)));
  };

  const decision = (slot) => {
    const authored = slot.shows === "default";
    const shown = authored
      ? element("span", { class: "hs-panel-default" }, "as authored")
      : element("code", {}, slot.shows);
    const name = element("th", { scope: "row" }, slot.slot);
    if (slot.kind === "edit") name.append(" ", element("span", { class: "hs-panel-kind" }, "edit"));
    const reason = why(slot);
    const because = reason ? element("span", { class: "hs-panel-why" }, reason) : null;
    const row = element("tr", {}, name, element("td", {}, shown, because, passed(slot)));
    const marked = () => document.querySelectorAll(`[data-hs-slot="${CSS.escape(slot.slot)}"]`);
    row.addEventListener("pointerenter", () => marked().forEach((place) => place.classList.add("hs-seam")));
    row.addEventListener("pointerleave", () => marked().forEach((place) => place.classList.remove("hs-seam")));
    return row;
  };

  const decisions = (explained) => {
    const slots = Array.isArray(explained?.slots) ? explained.slots : [];
    if (slots.length === 0) return element("p", { class: "hs-panel-note" }, "Nothing is decided on this page.");
    const head = ["Place", "Shows, and why"].map((name) => element("th", { scope: "col" }, name));
    return element(
      "table",
      {},
      element("caption", {}, "What was decided"),
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...slots.map(decision)),
    );
  };

  const times = (edge, explained) => {
    const parts = [
      explained && `${cost(explained.edge_us)} at the edge`,
      firstByte() && `first byte after ${firstByte()}`,
      edge && `made by ${edge}`,
    ];
    return element("p", { class: "hs-panel-times" }, parts.filter(Boolean).join(" · "));
  };

  const seams = () => {
    const box = element("input", { type: "checkbox" });
    const show = () => document.documentElement.classList.toggle("hs-seams", box.checked);
    box.checked = remembered("hs-seams") === "yes";
    box.addEventListener("change", () => {
      remembered("hs-seams", box.checked ? "yes" : "no");
      show();
    });
    show();
    return element("label", { class: "hs-panel-seams" }, box, "Show the seams");
  };

  const panel = (about, explained) => {
    const now = about.personas.find((one) => one.current);
    const button = element(
      "button",
      { type: "button", class: "hs-panel-button", "aria-controls": "hs-panel-body" },
      element("span", { class: "hs-panel-who" }, now?.title ?? "Somebody else"),
      element("span", { class: "hs-panel-total" }, cost(explained?.edge_us)),
    );
    const body = element(
      "div",
      { class: "hs-panel-body", id: "hs-panel-body", tabindex: "-1" },
      element("h2", {}, "Become somebody else"),
      element("ul", { class: "hs-panel-personas" }, ...about.personas.map(persona)),
      element("div", { class: "hs-panel-decided" }, decisions(explained)),
      element("div", { class: "hs-panel-foot" }, times(about.edge, explained), seams()),
    );
    const whole = element("aside", { class: "hs-panel", "aria-label": "Demo: who you are" }, body, button);
    const open = (yes) => {
      body.hidden = !yes;
      button.setAttribute("aria-expanded", String(yes));
      remembered("hs-panel", yes ? "open" : "closed");
    };
    button.addEventListener("click", () => open(body.hidden));
    whole.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || body.hidden) return;
      open(false);
      button.focus();
    });
    open(remembered("hs-panel") === "open");
    return whole;
  };

  const start = async () => {
    const about = await json("/demo/panel.json", "application/json");
    if (!Array.isArray(about?.personas)) return;
    const sheet = element("link", { rel: "stylesheet", href: styles });
    const styled = new Promise((resolve, reject) => {
      sheet.addEventListener("load", resolve);
      sheet.addEventListener("error", reject);
    });
    document.head.append(sheet);
    const page = new URL(location.href);
    page.searchParams.set("hs_explain", about.explain);
    // As a page is asked for, so that the edge takes it for one.
    const explained = await json(page, "text/html");
    try {
      await styled;
    } catch {
      return;
    }
    document.body.append(panel(about, explained));
  };

  start();
})();
