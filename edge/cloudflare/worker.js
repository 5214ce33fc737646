// The entry of the Worker. Whatever fails here, the visitor gets what the origin has.
import { answer } from "./hemstitch_cloudflare.js";
import { begin, isWorn } from "./tasks.js";

// Where the zone has no origin of its own, a service of that name is asked.
const origin = (request, env) => (env.ORIGIN ?? globalThis).fetch(request);

export default {
  async fetch(request, env, context) {
    context.passThroughOnException();
    if (isWorn()) return origin(request, env);
    const body = request.body;
    const { reply, end } = begin((id) => answer(id, request, env));
    // Until its end, and not only while the visitor listens: a page that others wait for is stored all the same.
    context.waitUntil(end);
    try {
      return await reply;
    } catch (error) {
      console.error(`hemstitch: ${error}`);
      if (body && request.bodyUsed) return new Response("the edge failed\n", { status: 502, headers: { "cache-control": "no-store" } });
      return origin(request, env);
    }
  },
};
