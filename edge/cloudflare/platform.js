// What the platform can do, in the words of src/platform.rs. All of it answers by promises, so that nothing is thrown
// into the middle of Rust.
const CACHE = "hemstitch";
const PIECE = 64 * 1024;
const LIFE = "x-hs-life";
const MOST_ZONES = 1000;
// Milliseconds.
const OFFSET_LIFE = 60 * 1000;
const offsets = new Map();

// [method, url, country, region, city, continent, seconds east of UTC, name, value, name, value …]
export function head(request) {
  const text = (value) => (typeof value === "string" ? value : "");
  const cf = request.cf ?? {};
  const place = [cf.country, cf.regionCode, cf.city, cf.continent].map(text);
  return [request.method, request.url, ...place, offsetOf(text(cf.timezone)), ...[...request.headers].flat()];
}

// Of a time zone by its name, as text; empty where that is none. It changes twice a year, and is looked up rarely.
function offsetOf(zone) {
  const now = Date.now();
  const known = offsets.get(zone);
  if (known && now < known.until) return known.offset;
  let offset = "";
  try {
    const format = zone && new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" });
    const [, sign, hours, minutes] = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(format.format(now));
    offset = String((sign === "-" ? -60 : 60) * ((hours ?? 0) * 60 + Number(minutes ?? 0)));
  } catch {}
  if (known || offsets.size < MOST_ZONES) offsets.set(zone, { offset, until: now + OFFSET_LIFE });
  return offset;
}

// [status, name, value, name, value …]
export const responseHead = (response) => [String(response.status), ...[...response.headers].flat()];

export async function ask(env, binding, url, method, pairs, body, within) {
  const headers = new Headers();
  for (let at = 0; at < pairs.length; at += 2) headers.append(pairs[at], pairs[at + 1]);
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), within);
  const request = { method, headers, body, redirect: "manual", signal: abort.signal };
  try {
    return await (binding ? env[binding] : globalThis).fetch(url, request);
  } finally {
    clearTimeout(timer);
  }
}

export const reader = (response) => response.body && { pieces: response.body.getReader({ mode: "byob" }) };

// The next bytes, which are gone with the next call; `undefined` at the end.
export async function read(body) {
  const { done, value } = await body.pieces.read(body.view ?? new Uint8Array(PIECE));
  if (done) return undefined;
  body.view = new Uint8Array(value.buffer);
  return value;
}

// What is given up may be another request's, if that one is swept away: then it is gone already.
export const cancel = (body) => void attempt(() => body.pieces.cancel());

export const write = async (writer, bytes) => writer.write(bytes);
export const closed = async (writer) => writer.closed;
export const close = async (writer) => writer.close();
export const abort = (writer) => void attempt(() => writer.abort(new Error("the origin broke off")));

const attempt = async (step) => {
  try {
    await step();
  } catch {}
};

export async function kv(env, key) {
  const value = await env.HEMSTITCH_KV?.get(key, "arrayBuffer");
  return value ? new Uint8Array(value) : undefined;
}

// [life, bytes], or `undefined`.
export async function cached(url) {
  const found = await (await caches.open(CACHE)).match(url);
  if (!found) return undefined;
  const life = found.headers.get(LIFE);
  return [life, new Uint8Array(await found.arrayBuffer())];
}

export async function store(url, bytes, life, seconds, tags) {
  const headers = { [LIFE]: life, "cache-control": `max-age=${seconds}`, "cache-tag": tags };
  await (await caches.open(CACHE)).put(url, new Response(bytes, { headers }));
}

// A timer that resolves early when it is stopped: what waits for a promise is freed by its end alone.
export function timer(ms) {
  const timer = {};
  timer.rings = new Promise((resolve) => {
    const id = setTimeout(resolve, ms);
    timer.stop = () => (clearTimeout(id), resolve());
  });
  return timer;
}

export const rings = (timer) => timer.rings;
export const stop = (timer) => void attempt(() => timer.stop());
export const random = () => crypto.getRandomValues(new Uint8Array(16));
export const bodyOf = (request) => request.body;
