// Tasks: one for each request. A trap in one must end that one alone, so each is polled by a promise of its own, and
// not by the queue that wasm-bindgen would share among all of them.
import { forget, poll, __wbg_reset_state } from "./hemstitch_cloudflare.js";

// A trap leaves its part of the stack behind. After so many no more requests are taken on, until a reset.
const MOST_TRAPS = 8;
// The platform ends what belongs to a request without a word, in the end. Milliseconds.
const LONGEST = 15 * 60 * 1000;
const tasks = new Map();
let last = 0;
let traps = 0;
// The one that is being polled.
let polled;

export const isWorn = () => traps >= MOST_TRAPS;

// Only for tests: how many there are, after whatever can be freed has been.
export function census() {
  globalThis.gc?.();
  return tasks.size;
}

// Starts a task. `reply` is its answer; `end` is when it has nothing more to do.
export function begin(start) {
  const id = (last = (last + 1) >>> 0);
  const task = { id, since: Date.now() };
  if (id % 64 === 0) sweep(task.since);
  const reply = new Promise((resolve, reject) => Object.assign(task, { resolve, reject }));
  const end = new Promise((resolve) => (task.end = resolve));
  tasks.set(id, task);
  listen(task);
  attempt(task, () => start(id));
  return { reply, end };
}

function sweep(now) {
  for (const task of tasks.values()) {
    if (now - task.since < LONGEST) return;
    attempt(task, () => (forget(task.id), true));
  }
}

// Called by the waker of a task, perhaps from within another's request. What follows the promise runs in the request
// that made it, and only there may the task use what belongs to its request.
export function ring(id) {
  tasks.get(id)?.ring();
}

// What a promise comes to, for the task that is being polled. Nothing of Rust's hangs on the promise.
export function awaited(promise) {
  const task = polled;
  const awaited = { state: 0, value: undefined };
  const settle = (state) => (value) => {
    Object.assign(awaited, { state, value });
    task.ring();
  };
  promise.then(settle(1), settle(2));
  return awaited;
}

export const stateOf = (awaited) => awaited.state;
export const valueOf = (awaited) => awaited.value;

function listen(task) {
  // Not `new Promise`: once the compiler has inlined that, it no longer notes which request the promise is of. What
  // follows then runs in the request that rang, and when that one ends, this one hangs for good.
  const { promise, resolve } = Promise.withResolvers();
  task.ring = resolve;
  promise.then(() => {
    if (!tasks.has(task.id)) return;
    listen(task);
    attempt(task, () => poll(task.id));
  });
}

function attempt(task, step) {
  let isOver;
  polled = task;
  try {
    isOver = step();
  } catch (error) {
    traps += 1;
    isOver = true;
    task.reject(error);
    task.writer?.abort(error).catch(() => {});
  }
  if (isOver) end(task);
}

function end(task) {
  tasks.delete(task.id);
  task.reject(new Error("no answer was made"));
  task.end();
  // Only when nothing is in flight: a new instance knows nothing of the bodies that the old one was sending.
  if (traps > 0 && tasks.size === 0) {
    traps = 0;
    __wbg_reset_state();
  }
}

// Answers with a body that is there as a whole, or with none.
export function reply(id, status, pairs, body) {
  tasks.get(id)?.resolve(new Response(body, { status, headers: headersOf(pairs) }));
}

// Answers with a body that is yet to be written.
export function stream(id, status, pairs) {
  const task = tasks.get(id);
  const { readable, writable } = new IdentityTransformStream();
  task.writer = writable.getWriter();
  task.resolve(new Response(readable, { status, headers: headersOf(pairs) }));
  return task.writer;
}

// Answers with what the origin answered, less some headers.
export function relay(id, response, without, isBodiless) {
  const { status, statusText, webSocket } = response;
  const headers = new Headers(response.headers);
  for (const name of without) headers.delete(name);
  const body = isBodiless ? null : response.body;
  tasks.get(id)?.resolve(new Response(body, { status, statusText, headers, webSocket }));
}

function headersOf(pairs) {
  const headers = new Headers();
  for (let at = 0; at < pairs.length; at += 2) headers.append(pairs[at], pairs[at + 1]);
  return headers;
}
