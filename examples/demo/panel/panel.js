// The demo's panel: become another visitor, and see what was decided for this one. It needs nothing of the page, moves
// nothing in it, and stays away where the demo does not answer.
//
//   <script src="/panel/panel.js" defer></script>                 or, for another address, with data-panel="/x.json"
//
// GET /demo/panel.json
//   { "personas": [ { "name": "stranger",                         identifies the persona
//                     "title": "A stranger",                      what the link says
//                     "about": "First visit, nothing known",      one line below it
//                     "href": "/demo/become/stranger",            where becoming them begins
//                     "current": true } ],                        at most one
//     "edge": "the native edge",                                  optional: what made this page
//     "explain": "/demo/explain.json?page={page}" }               optional; {page} becomes path and query, encoded. Answer
//                                                                 204 where there is nothing to explain
//
// GET the address of `explain`
//   { "total_us": 41.5,                                           whole time at the edge, in microseconds; optional
//     "decisions": [ { "slot": "hero",                            slot, or id of an edit, gate or experiment
//                      "kind": "slot",                            slot | esi | edit | gate; optional
//                      "block": "hero-finance",                   null: what was authored stands
//                      "why": "audience returning-finance",       a short sentence
//                      "us": 1.8 } ] }                            time of this decision, in microseconds; optional

(() => {
  "use strict";
  const script = document.currentScript;
  const address = script?.dataset.panel ?? "/demo/panel.json";
  const styles = new URL("panel.css", script?.src ?? `${location.origin}/panel/`).href;

  const json = async (url) => {
    try {
      const answer = await fetch(url, { headers: { accept: "application/json" }, credentials: "same-origin" });
      return answer.ok && answer.status !== 204 ? await answer.json() : null;
    } catch {
      return null;
    }
  };

  // A browser reports a failed fetch in the console, whoever handles it; of an object that does not load it says nothing.
  const exists = (url) =>
    new Promise((resolve) => {
      const probe = document.createElement("object");
      const end = (found) => {
        probe.remove();
        resolve(found);
      };
      probe.addEventListener("load", () => end(true));
      probe.addEventListener("error", () => end(false));
      probe.setAttribute("aria-hidden", "true");
      probe.tabIndex = -1;
      probe.style.cssText = "position:fixed;width:0;height:0;border:0;visibility:hidden";
      probe.data = url;
      document.body.append(probe);
    });

  // Text is only ever set as text: what the demo answers may quote what a visitor typed.
  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  };

  const microseconds = (value) => {
    if (typeof value !== "number" || !Number.isFinite(value)) return "";
    return `${value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString("en")} µs`;
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

  const persona = (one) => {
    const words = [element("span", { class: "hs-panel-title" }, one.title ?? one.name ?? "")];
    if (one.about) words.push(element("span", { class: "hs-panel-about" }, one.about));
    const current = one.current ? "true" : undefined;
    return element("li", {}, element("a", { href: one.href, "aria-current": current }, ...words));
  };

  const decision = (one) => {
    const shown = one.block
      ? element("code", {}, one.block)
      : element("span", { class: "hs-panel-default" }, "as authored");
    const slot = element("th", { scope: "row" }, one.slot ?? "");
    if (one.kind && one.kind !== "slot") slot.append(" ", element("span", { class: "hs-panel-kind" }, one.kind));
    const why = one.why ? element("span", { class: "hs-panel-why" }, one.why) : null;
    const row = element("tr", {}, slot, element("td", {}, shown, why), element("td", {}, microseconds(one.us)));
    const marked = () => document.querySelectorAll(`[data-hs-slot="${CSS.escape(one.slot ?? "")}"]`);
    row.addEventListener("pointerenter", () => marked().forEach((place) => place.classList.add("hs-seam")));
    row.addEventListener("pointerleave", () => marked().forEach((place) => place.classList.remove("hs-seam")));
    return row;
  };

  const table = (explained) => {
    const decisions = Array.isArray(explained?.decisions) ? explained.decisions : [];
    if (decisions.length === 0) return element("p", { class: "hs-panel-note" }, "Nothing is decided on this page.");
    const head = ["Slot", "Block, and why", "Time"].map((name) => element("th", { scope: "col" }, name));
    return element(
      "table",
      {},
      element("caption", {}, "What was decided"),
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...decisions.map(decision)),
    );
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
      element("span", { class: "hs-panel-who" }, now?.title ?? "Visitors"),
      element("span", { class: "hs-panel-total" }, microseconds(explained?.total_us)),
    );
    const body = element(
      "div",
      { class: "hs-panel-body", id: "hs-panel-body", tabindex: "-1" },
      element("h2", {}, "Become somebody else"),
      element("ul", {}, ...about.personas.map(persona)),
      explained ? element("div", { class: "hs-panel-decided" }, table(explained)) : null,
      element("div", { class: "hs-panel-foot" }, seams(), element("span", {}, about.edge ? `Made by ${about.edge}` : "")),
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
    if (!(await exists(address))) return;
    const about = await json(address);
    if (!Array.isArray(about?.personas)) return;
    const sheet = element("link", { rel: "stylesheet", href: styles });
    const styled = new Promise((resolve, reject) => {
      sheet.addEventListener("load", resolve);
      sheet.addEventListener("error", reject);
    });
    document.head.append(sheet);
    const page = encodeURIComponent(location.pathname + location.search);
    const explained = about.explain ? json(about.explain.replace("{page}", page)) : null;
    try {
      await styled;
    } catch {
      return;
    }
    const answer = await explained;
    document.body.append(panel(about, answer));
  };

  start();
})();
