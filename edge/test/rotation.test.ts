/** The issuer's keys change while the worker runs. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { signingKey, World } from "./world";

const QUESTION = { question: "How high is the pressure?" };

async function inWorld(bindings: Record<string, string>, run: (world: World) => Promise<void>) {
  const world = await World.open({ bindings });
  try {
    await run(world);
  } finally {
    await world.close();
  }
}

test("a rotated key is accepted", () =>
  inWorld({}, async (world) => {
    assert.equal((await world.ask(await world.token(), QUESTION)).status, 200);
    world.keys = [await signingKey("key-2")];
    assert.equal((await world.ask(await world.token(), QUESTION)).status, 200);
    assert.equal(world.jwksFetches, 2);
  }));

test("a withdrawn key is refused after the next read of the keys", () =>
  inWorld({}, async (world) => {
    const old = await world.token();
    world.keys = [await signingKey("key-2")];
    await world.ask(await world.token(), QUESTION);
    assert.equal((await world.ask(old, QUESTION)).status, 401);
  }));

test("during a rotation both keys are accepted", () =>
  inWorld({}, async (world) => {
    const old = await world.token();
    world.keys.push(await signingKey("key-2"));
    assert.equal((await world.ask(await world.token({}, world.keys[1]), QUESTION)).status, 200);
    assert.equal((await world.ask(old, QUESTION)).status, 200);
  }));

test("invented key ids do not cause a request to the issuer each time", () =>
  inWorld({ JWKS_COOLDOWN_SECONDS: "30" }, async (world) => {
    await world.ask(await world.token(), QUESTION);
    for (const kid of ["a", "b", "c", "d"]) {
      const response = await world.ask(await world.token({}, await signingKey(kid)), QUESTION);
      assert.equal(response.status, 401);
    }
    assert.equal(world.jwksFetches, 1);
  }));

test("concurrent callers share one read of the keys", () =>
  inWorld({ JWKS_COOLDOWN_SECONDS: "30" }, async (world) => {
    world.jwksDelayMs = 500;
    const tokens = await Promise.all(
      Array.from({ length: 20 }, (_, index) => world.token({ sub: `caller-${index}` })),
    );
    const responses = await Promise.all(tokens.map((token) => world.ask(token, QUESTION)));
    assert.deepEqual(new Set(responses.map((response) => response.status)), new Set([200]));
    assert.equal(world.jwksFetches, 1);
  }));

test("concurrent callers with a new key cause one read of the keys", () =>
  inWorld({}, async (world) => {
    assert.equal((await world.ask(await world.token(), QUESTION)).status, 200);
    world.keys = [await signingKey("key-2")];
    world.jwksDelayMs = 500;
    const token = await world.token();
    const responses = await Promise.all(
      Array.from({ length: 10 }, () => world.ask(token, QUESTION)),
    );
    assert.deepEqual(new Set(responses.map((response) => response.status)), new Set([200]));
    assert.equal(world.jwksFetches, 2);
  }));

test("a failing issuer is not asked for each request", () =>
  inWorld({ JWKS_COOLDOWN_SECONDS: "30" }, async (world) => {
    world.jwksStatus = 500;
    for (let turn = 0; turn < 5; turn += 1) {
      assert.equal((await world.ask(await world.token(), QUESTION)).status, 503);
    }
    assert.equal(world.jwksFetches, 1);
  }));

test("a caller who disconnects during a read of the keys blocks no other caller", () =>
  inWorld({ JWKS_COOLDOWN_SECONDS: "30" }, async (world) => {
    world.jwksDelayMs = 500;
    const leaving = new AbortController();
    const left = fetch(`${world.url}/api/ask`, {
      method: "POST",
      headers: { Authorization: `Bearer ${await world.token()}` },
      body: JSON.stringify(QUESTION),
      signal: leaving.signal,
    });
    await world.until(() => world.jwksFetches === 1);
    leaving.abort();
    await assert.rejects(left);
    assert.equal((await world.ask(await world.token(), QUESTION)).status, 200);
    assert.equal(world.jwksFetches, 1);
  }));

test("during an issuer outage every request fails, and the edge tries again", () =>
  inWorld({}, async (world) => {
    world.jwksStatus = 500;
    const refused = await world.ask(await world.token(), QUESTION);
    assert.equal(refused.status, 503);
    assert.deepEqual(world.received, []);
    world.jwksStatus = 200;
    assert.equal((await world.ask(await world.token(), QUESTION)).status, 200);
  }));
