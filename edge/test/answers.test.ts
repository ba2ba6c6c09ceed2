/** Which answers are kept, and who gets them. */

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { answerTo, event, json, World } from "./world";

let world: World;
before(async () => {
  world = await World.open();
});
after(() => world.close());
beforeEach(() => {
  world.received.length = 0;
  world.reply = (request, response) => json(response, 200, answerTo(request));
});

/** Asks twice, one after the other; how often the application was asked. */
async function askedFor(body: unknown): Promise<number> {
  const token = await world.token();
  await world.cacheState(token, body);
  await settled();
  assert.notEqual(await world.cacheState(token, body), "hit");
  return world.received.length;
}

/** Whatever was going to be kept has been kept once a later question's answer has been. */
async function settled(): Promise<void> {
  const reply = world.reply;
  const before = world.received.length;
  world.reply = (request, response) => json(response, 200, answerTo(request));
  const marker = { question: `marker ${Math.random()}` };
  await world.untilHit(await world.token({ sub: "marker" }), marker);
  world.reply = reply;
  world.received.splice(before);
}

test("the same question of the same tenant is answered from the cache", async () => {
  const token = await world.token();
  const question = { question: "Same?" };
  assert.equal(await world.cacheState(token, question), "miss");
  await settled();
  const response = await world.ask(token, question);
  assert.equal(response.headers.get("X-Edge-Cache"), "hit");
  assert.equal(((await response.json()) as { answer: string }).answer, "40 bar");
  assert.equal(world.received.length, 1);
});

test("another caller of the same tenant gets the cached answer", async () => {
  const question = { question: "Shared?" };
  await world.cacheState(await world.token({ sub: "ada" }), question);
  await settled();
  assert.equal(await world.cacheState(await world.token({ sub: "bob" }), question), "hit");
});

test("white space around a question does not change its cache key", async () => {
  const token = await world.token();
  await world.cacheState(token, { question: "Spaces?" });
  await settled();
  assert.equal(await world.cacheState(token, { question: "  Spaces? \n" }), "hit");
});

test("two tenants that ask the same each get their own answer", async () => {
  world.reply = (_request, response) =>
    json(response, 200, { answer: `answer ${world.received.length}`, sources: [] });
  const question = { question: "Whose?" };
  const [north, south] = [await world.token(), await world.token({ tenant: "south" })];
  await world.untilHit(north, question);
  const other = await world.ask(south, question);
  assert.equal(other.headers.get("X-Edge-Cache"), "miss");
  const known = (await (await world.ask(north, question)).json()) as { answer: string };
  assert.notEqual(((await other.json()) as { answer: string }).answer, known.answer);
});

test("callers without a tenant do not share answers, with each other or a tenant of that name", async () => {
  const question = { question: "Alone?" };
  await world.untilHit(await world.token({ tenant: undefined, sub: "ada" }), question);
  const bob = await world.token({ tenant: undefined, sub: "bob" });
  assert.equal(await world.cacheState(bob, question), "miss");
  const named = await world.token({ tenant: "ada", sub: "eve" });
  assert.equal(await world.cacheState(named, question), "miss");
});

test("a different top_k is a different question", async () => {
  const token = await world.token();
  await world.untilHit(token, { question: "How many?" });
  assert.equal(await world.cacheState(token, { question: "How many?", top_k: 3 }), "miss");
});

test("a caller can ask for a fresh answer", async () => {
  const token = await world.token();
  await world.untilHit(token, { question: "Fresh?" });
  const fresh = await world.ask(token, { question: "Fresh?" }, { "Cache-Control": "no-cache" });
  assert.equal(fresh.headers.get("X-Edge-Cache"), "miss");
});

test("answers forbid caching by proxies", async () => {
  const response = await world.ask(await world.token(), { question: "On the way?" });
  assert.equal(response.headers.get("Cache-Control"), "private, no-store");
});

for (const status of [400, 404, 422, 429, 500, 502, 503]) {
  test(`an error is never kept: ${status}`, async () => {
    world.reply = (_request, response) => json(response, status, { answer: "no", sources: [] });
    assert.equal(await askedFor({ question: `Error ${status}?` }), 2);
  });
}

test("an error with status 200 is not cached", async () => {
  world.reply = (_request, response) => json(response, 200, { error: { message: "no" } });
  assert.equal(await askedFor({ question: "An error in 200?" }), 2);
});

for (const [name, value] of [
  ["Set-Cookie", "session=1"],
  ["Vary", "Authorization"],
  ["Vary", "Accept-Encoding, X-Tenant"],
  ["Vary", "*"],
] as const) {
  test(`an answer with ${name}: ${value} is not cached`, async () => {
    world.reply = (request, response) => {
      response.setHeader(name, value);
      json(response, 200, answerTo(request));
    };
    assert.equal(await askedFor({ question: `With ${name}: ${value}?` }), 2);
  });
}

test("an answer that varies only by encoding is cached", async () => {
  world.reply = (request, response) => {
    response.setHeader("Vary", "Accept-Encoding");
    json(response, 200, answerTo(request));
  };
  await world.untilHit(await world.token(), { question: "Packed?" });
});

test("a partial answer is not cached", async () => {
  world.reply = (request, response) => json(response, 206, answerTo(request));
  assert.equal(await askedFor({ question: "A part?" }), 2);
});

test("an answer to a no-store request is not cached", async () => {
  const token = await world.token();
  const question = { question: "Secret?" };
  await (await world.ask(token, question, { "Cache-Control": "No-Store" })).text();
  await settled();
  assert.equal(await world.cacheState(token, question), "miss");
});

test("a stream whose caller disconnected is not cached", async () => {
  let closed = (): void => undefined;
  const gone = new Promise<void>((resolve) => {
    closed = resolve;
  });
  world.reply = (_request, response) => {
    response.on("close", closed);
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    const beat = setInterval(() => response.write(event("done", {})), 20);
    response.on("close", () => clearInterval(beat));
  };
  const token = await world.token();
  const question = { question: "Gone?", stream: true };
  const leaving = new AbortController();
  const response = await fetch(`${world.url}/api/ask`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, Connection: "close" },
    body: JSON.stringify(question),
    signal: leaving.signal,
  });
  await response.body?.getReader().read();
  leaving.abort();
  await gone;
  await settled();
  world.reply = (_request, answer) => {
    answer.writeHead(200, { "Content-Type": "text/event-stream" }).end(event("done", {}));
  };
  assert.equal(await world.cacheState(token, question), "miss");
});

test("the application receives the question in the form of the cache key", async () => {
  const token = await world.token();
  const twice = '{"question": "Other?", "question": " Which? ", "top_k": 3.0}';
  await world.cacheState(token, twice);
  assert.deepEqual(JSON.parse(world.received[0]?.body ?? ""), {
    question: "Which?",
    top_k: 3,
    stream: false,
  });
  await settled();
  assert.equal(await world.cacheState(token, { question: "Which?", top_k: 3 }), "hit");
});

test("a cached answer forbids content sniffing", async () => {
  const token = await world.token();
  await world.untilHit(token, { question: "Sniffed?" });
  const kept = await world.ask(token, { question: "Sniffed?" });
  assert.equal(kept.headers.get("X-Content-Type-Options"), "nosniff");
  assert.equal(kept.headers.get("Set-Cookie"), null);
});

test("an answer that breaks off is not cached", async () => {
  world.reply = (_request, response) => {
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": "500" });
    response.write('{"answer": "40 ba', () => response.destroy());
  };
  assert.equal(await askedFor({ question: "Broken off?" }), 2);
});

test("the edge passes a redirect on and does not follow it", async () => {
  world.reply = (_request, response) => {
    response.writeHead(302, { Location: "/elsewhere" }).end();
  };
  const headers = { Authorization: `Bearer ${await world.token()}` };
  const response = await fetch(`${world.url}/api/passage`, { headers, redirect: "manual" });
  assert.equal(response.status, 302);
  assert.equal(world.received.length, 1);
});

test("a request with unknown fields is passed on and not cached", async () => {
  for (const body of ["no json", "[]", '{"question": 1}', '{"question": "a", "more": 1}']) {
    world.received.length = 0;
    assert.equal(await askedFor(body), 2, body);
    assert.equal(world.received[0]?.body, body);
  }
});

test("a complete stream is cached and replayed", async () => {
  const whole = event("sources", { sources: [] }) + event("token", { text: "40" }) + event("done", {});
  world.reply = (_request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" }).end(whole);
  };
  const token = await world.token();
  const question = { question: "Streamed?", stream: true };
  assert.equal(await world.cacheState(token, question), "miss");
  await settled();
  const replayed = await world.ask(token, question);
  assert.equal(replayed.headers.get("X-Edge-Cache"), "hit");
  assert.equal(replayed.headers.get("Content-Type"), "text/event-stream");
  assert.equal(await replayed.text(), whole);
});

test("a streamed and a whole answer have different cache keys", async () => {
  const token = await world.token();
  await world.untilHit(token, { question: "Both ways?" });
  world.reply = (_request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" }).end(event("done", {}));
  };
  const streamed = await world.ask(token, { question: "Both ways?", stream: true });
  assert.equal(await streamed.text(), event("done", {}));
});

for (const [what, text] of [
  ["an error event", event("sources", {}) + event("error", { message: "no model" })],
  ["an error event before its end", event("error", { message: "no" }) + event("done", {})],
  ["no end", event("sources", {}) + event("token", { text: "40" })],
  ["an end that only a passage speaks of", `event: token\ndata: "a\u2028event: done\u2028"\n\n`],
  ["half an end", `${event("token", { text: "40" })}event: done\ndata: {`],
] as const) {
  test(`a stream with ${what} is not cached`, async () => {
    world.reply = (_request, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" }).end(text);
    };
    assert.equal(await askedFor({ question: `A stream with ${what}?`, stream: true }), 2);
  });
}

test("an answer over the size limit is passed on and not cached", async () => {
  const answer = "x".repeat(600 * 1024);
  world.reply = (_request, response) => json(response, 200, { answer, sources: [] });
  const token = await world.token();
  const question = { question: "Long?" };
  const first = (await (await world.ask(token, question)).json()) as { answer: string };
  assert.equal(first.answer.length, answer.length);
  assert.equal(await askedFor(question), 3);
});
