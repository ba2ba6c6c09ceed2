/** Streaming, limits, versions, and what happens when something around the worker fails. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { event, World, type Options } from "./world";

async function inWorld(options: Options, run: (world: World) => Promise<void>): Promise<void> {
  const world = await World.open(options);
  try {
    await run(world);
  } finally {
    await world.close();
  }
}

test("anyone may read which issuer signs people in", () =>
  inWorld({}, async (world) => {
    const response = await fetch(`${world.url}/.well-known/oauth-protected-resource`);
    assert.equal(response.status, 200);
    const metadata = { resource: world.url, authorization_servers: [world.issuer] };
    assert.deepEqual(await response.json(), metadata);
    assert.equal(world.received.length, 0);
  }));

test("the page may connect to itself and to the issuer, and to nothing else", () =>
  inWorld({}, async (world) => {
    world.reply = (_request, response) => {
      response.setHeader("Content-Security-Policy", "default-src 'none'; connect-src 'self'");
      response.end("page");
    };
    const response = await fetch(`${world.url}/`);
    const policy = `default-src 'none'; connect-src 'self' ${world.issuer}`;
    assert.equal(response.headers.get("Content-Security-Policy"), policy);
    assert.equal(await response.text(), "page");
  }));

test("a stream passes through piece by piece", () =>
  inWorld({}, async (world) => {
    let goOn = (): void => undefined;
    const seen = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    // The second piece is not sent before the first has arrived: a buffer would wait for ever.
    world.reply = async (_request, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.write(event("token", { text: "40" }));
      await seen;
      response.end(event("done", {}));
    };
    const response = await world.ask(await world.token(), { question: "Stream?", stream: true });
    const reader = response.body?.getReader();
    assert.ok(reader);
    const first = await reader.read();
    assert.equal(new TextDecoder().decode(first.value), event("token", { text: "40" }));
    goOn();
    let rest = "";
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      rest += new TextDecoder().decode(piece.value);
    }
    assert.equal(rest, event("done", {}));
  }));

test("when the caller disconnects the application stops", () =>
  inWorld({}, async (world) => {
    let told = (): void => undefined;
    const gone = new Promise<void>((resolve) => {
      told = resolve;
    });
    world.reply = (_request, response) => {
      response.on("close", told);
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      const beat = setInterval(() => response.write(event("token", { text: "." })), 20);
      response.on("close", () => clearInterval(beat));
    };
    const leaving = new AbortController();
    const response = await fetch(`${world.url}/api/ask`, {
      method: "POST",
      headers: { Authorization: `Bearer ${await world.token()}` },
      body: JSON.stringify({ question: "Leaving?", stream: true }),
      signal: leaving.signal,
    });
    await response.body?.getReader().read();
    leaving.abort();
    await gone;
  }));

test("a new version of the corpus is not answered from the cache", async () => {
  // Two workers cannot share a cache here, so the two versions follow each other in one world.
  await inWorld({ bindings: { ANSWERS_VERSION: "corpus-1" } }, async (world) => {
    const token = await world.token();
    await world.untilHit(token, { question: "Which corpus?" });
    await world.redeploy({ ANSWERS_VERSION: "corpus-2" });
    assert.equal(await world.cacheState(token, { question: "Which corpus?" }), "miss");
    await world.redeploy({ ANSWERS_VERSION: "corpus-1" });
    assert.equal(await world.cacheState(token, { question: "Which corpus?" }), "hit");
  });
});

test("zero cache seconds turn the cache off", () =>
  inWorld({ bindings: { CACHE_SECONDS: "0" } }, async (world) => {
    const token = await world.token();
    assert.equal(await world.cacheState(token, { question: "Kept?" }), null);
    assert.equal(await world.cacheState(token, { question: "Kept?" }), null);
    assert.equal(world.received.length, 2);
  }));

test("a caller over the limit gets a 429, others do not", () =>
  inWorld({ callerLimit: 3 }, async (world) => {
    const token = await world.token({ sub: "eager" });
    const statuses = [];
    for (let turn = 0; turn < 4; turn += 1) {
      statuses.push((await world.ask(token, { question: `Turn ${turn}?` })).status);
    }
    assert.deepEqual(statuses, [200, 200, 200, 429]);
    const refused = await world.ask(token, { question: "Again?" });
    assert.equal(refused.headers.get("Retry-After"), "60");
    const patient = await world.token({ sub: "patient" });
    assert.equal((await world.ask(patient, { question: "Me?" })).status, 200);
  }));

test("callers with the same name in two tenants have separate limits", () =>
  inWorld({ callerLimit: 1 }, async (world) => {
    assert.equal((await world.ask(await world.token(), { question: "One?" })).status, 200);
    const namesake = await world.token({ tenant: "south" });
    assert.equal((await world.ask(namesake, { question: "Two?" })).status, 200);
  }));

test("no choice of names uses up another caller's limit", () =>
  inWorld({ callerLimit: 1 }, async (world) => {
    const one = await world.token({ tenant: "a", sub: "b c" });
    assert.equal((await world.ask(one, { question: "One?" })).status, 200);
    const other = await world.token({ tenant: "a b", sub: "c" });
    assert.equal((await world.ask(other, { question: "Two?" })).status, 200);
  }));

test("a tenant over its limit gets a 429, other tenants do not", () =>
  inWorld({ callerLimit: 2, tenantLimit: 3 }, async (world) => {
    const statuses = [];
    for (const sub of ["ada", "bob", "cyd", "dan"]) {
      const token = await world.token({ sub });
      statuses.push((await world.ask(token, { question: "Many?" })).status);
    }
    assert.deepEqual(statuses, [200, 200, 200, 429]);
    const south = await world.token({ tenant: "south" });
    assert.equal((await world.ask(south, { question: "Few?" })).status, 200);
  }));

test("all addresses of an IPv6 /64 share one limit", () =>
  inWorld({ addressLimit: 2 }, async (world) => {
    const from = async (address: string) =>
      (await world.ask(null, { question: "Guess?" }, { "CF-Connecting-IP": address })).status;
    assert.equal(await from("2001:db8:0:7::1"), 401);
    assert.equal(await from("2001:db8::7:a:b:c:d"), 401);
    assert.equal(await from("2001:0db8:0000:0007:ffff::"), 429);
    assert.equal(await from("2001:db8:0:8::1"), 401);
    assert.equal(await from("192.0.2.1"), 401);
    assert.equal(await from("192.0.2.2"), 401);
  }));

test("requests during an issuer outage count against the address limit", () =>
  inWorld({ addressLimit: 2 }, async (world) => {
    world.jwksStatus = 500;
    const statuses = [];
    for (let turn = 0; turn < 3; turn += 1) {
      statuses.push((await world.ask(await world.token(), { question: "Judge?" })).status);
    }
    assert.deepEqual(statuses, [503, 503, 429]);
  }));

test("an address that guesses tokens gets a 429", () =>
  inWorld({ addressLimit: 2 }, async (world) => {
    const statuses = [];
    for (let turn = 0; turn < 3; turn += 1) {
      statuses.push((await world.ask(null, { question: "Guess?" })).status);
    }
    assert.deepEqual(statuses, [401, 401, 429]);
    assert.equal((await world.ask(await world.token(), { question: "Honest?" })).status, 200);
  }));

test("a path that looks like another host goes to the application", () =>
  inWorld({}, async (world) => {
    const elsewhere = `//${new URL(world.issuer).host}/stolen?a=b`;
    const headers = { Authorization: `Bearer ${await world.token()}` };
    const before = world.issuerPaths.length;
    await fetch(world.url + elsewhere, { headers });
    assert.deepEqual(
      world.received.map((request) => request.path),
      [elsewhere],
    );
    assert.ok(!world.issuerPaths.slice(before).includes("/stolen?a=b"));
  }));

test("a body over the size limit is refused at the edge", () =>
  inWorld({}, async (world) => {
    const response = await world.ask(await world.token(), { question: "x".repeat(20_000) });
    assert.equal(response.status, 413);
    assert.deepEqual(world.received, []);
  }));

test("an unreachable application is a 502 that is not cached", () =>
  inWorld({ bindings: { ORIGIN_URL: "http://127.0.0.1:9" } }, async (world) => {
    const response = await world.ask(await world.token(), { question: "There?" });
    assert.equal(response.status, 502);
    assert.match(((await response.json()) as { error: { message: string } }).error.message, /reached/);
  }));

for (const [name, value] of [
  ["TOKEN_ISSUER", ""],
  ["TOKEN_AUDIENCE", ""],
  ["ORIGIN_KEY", ""],
  ["JWKS_URL", "ftp://127.0.0.1/jwks"],
  ["CACHE_SECONDS", "soon"],
] as const) {
  test(`a worker without a usable ${name} rejects every request`, () =>
    inWorld({ bindings: { [name]: value } }, async (world) => {
      const response = await world.ask(await world.token(), { question: "In?" });
      assert.equal(response.status, 500);
      assert.deepEqual(world.received, []);
    }));
}
