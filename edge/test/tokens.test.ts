/** Who is let in: one request for each kind of token that a caller or a forger may send. */

import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, beforeEach, test } from "node:test";

import { exportSPKI, importJWK, SignJWT } from "jose";

import { AUDIENCE, ORIGIN_KEY, signingKey, World } from "./world";

let world: World;
before(async () => {
  world = await World.open();
});
after(() => world.close());
beforeEach(() => {
  world.received.length = 0;
});

const now = () => Math.floor(Date.now() / 1000);
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** The status of a GET whose path is sent as it stands; `fetch` would tidy it. */
function rawStatus(port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on("error", reject)
      .end();
  });
}

async function refusedWith(token: string | null, reason: RegExp): Promise<void> {
  const response = await world.ask(token, { question: "How high is the pressure?" });
  assert.equal(response.status, 401);
  assert.match(((await response.json()) as { error: { message: string } }).error.message, reason);
  assert.match(response.headers.get("WWW-Authenticate") ?? "", /^Bearer/);
  assert.deepEqual(world.received, [], "the application must not hear of it");
}

test("a valid token is accepted, and the application receives the edge's key", async () => {
  const response = await world.ask(await world.token(), { question: "valid?" });
  assert.equal(response.status, 200);
  assert.equal(world.received[0]?.headers["x-customrag-edge-key"], ORIGIN_KEY);
});

test("the token and cookies stay at the edge", async () => {
  await world.ask(await world.token(), { question: "kept back?" }, { Cookie: "a=b" });
  assert.equal(world.received[0]?.headers.authorization, undefined);
  assert.equal(world.received[0]?.headers.cookie, undefined);
});

test("no cache answers for the application or the issuer", async () => {
  await world.ask(await world.token(), { question: "on the way?" });
  assert.equal(world.received[0]?.headers["cache-control"], "no-cache");
  assert.deepEqual(new Set(world.issuerCacheControls), new Set(["no-cache"]));
});

test("a caller cannot impersonate the edge", async () => {
  const forged = { "X-Customrag-Edge-Key": "forged" };
  await world.ask(await world.token(), { question: "forged key?" }, forged);
  assert.equal(world.received[0]?.headers["x-customrag-edge-key"], ORIGIN_KEY);
});

test("RS256 and ES256 are accepted", async () => {
  const key = await signingKey("rsa-1", "RS256");
  world.keys.push(key);
  const response = await world.ask(await world.token({}, key), { question: "RSA?" });
  assert.equal(response.status, 200);
});

test("a request without a token is refused", () => refusedWith(null, /token is required/));

test("text that is not a JWT is refused", () => refusedWith("no.jwt", /does not contain a bearer JWT/));

test("an expired token is refused", async () =>
  refusedWith(await world.token({ exp: now() - 120 }), /expired/));

test("a token that expired within the clock tolerance is accepted", async () => {
  const token = await world.token({ exp: now() - 30 });
  assert.equal((await world.ask(token, { question: "skewed?" })).status, 200);
});

test("a token from a clock that is slightly ahead is accepted", async () => {
  const token = await world.token({ nbf: now() + 30, iat: now() + 30 });
  assert.equal((await world.ask(token, { question: "ahead?" })).status, 200);
});

test("a token that is not valid yet is refused", async () =>
  refusedWith(await world.token({ nbf: now() + 120 }), /nbf/));

test("a token without exp is refused", async () =>
  refusedWith(await world.token({ exp: undefined }), /exp/));

test("a token for another audience is refused", async () =>
  refusedWith(await world.token({ aud: "another" }), /aud/));

test("a token for several audiences is accepted if one is ours", async () => {
  const token = await world.token({ aud: ["another", AUDIENCE] });
  assert.equal((await world.ask(token, { question: "many?" })).status, 200);
});

test("a token of another issuer is refused", async () =>
  refusedWith(await world.token({ iss: "https://evil.example" }), /iss/));

test("a token without a subject is refused", async () =>
  refusedWith(await world.token({ sub: undefined }), /sub/));

test("a token whose tenant is not a string is refused", async () =>
  refusedWith(await world.token({ tenant: ["north"] }), /tenant/));

test("alg none is refused", async () => {
  const claims = { iss: world.issuer, aud: AUDIENCE, sub: "eve", exp: now() + 300 };
  await refusedWith(`${encoded({ alg: "none" })}.${encoded(claims)}.`, /algorithm/);
});

test("HS256 keyed with the issuer's public key is refused", async () => {
  const key = world.keys[0];
  assert.ok(key);
  const publicKey = await importJWK(key.publicJwk, "ES256", { extractable: true });
  const secret = new TextEncoder().encode(await exportSPKI(publicKey as CryptoKey));
  const token = await new SignJWT({ iss: world.issuer, aud: AUDIENCE, sub: "eve" })
    .setProtectedHeader({ alg: "HS256", kid: key.kid })
    .setExpirationTime("5m")
    .sign(secret);
  await refusedWith(token, /algorithm/);
});

test("a token of a key that the issuer does not publish is refused", async () =>
  refusedWith(await world.token({}, await signingKey("stranger")), /no key/));

test("another key with the issuer's key id is refused", async () =>
  refusedWith(await world.token({}, await signingKey("key-1")), /signature/));

test("a key in the token's header is ignored", async () => {
  const key = await signingKey("key-1");
  const token = await new SignJWT({ iss: world.issuer, aud: AUDIENCE, sub: "eve" })
    .setProtectedHeader({ alg: "ES256", kid: key.kid, jwk: key.publicJwk })
    .setExpirationTime("5m")
    .sign(key.privateKey);
  await refusedWith(token, /signature/);
});

test("a key URL in the token's header is ignored", async () => {
  const key = await signingKey("elsewhere");
  const jku = `${world.issuer}/forged.json`;
  const token = await new SignJWT({ iss: world.issuer, aud: AUDIENCE, sub: "eve" })
    .setProtectedHeader({ alg: "ES256", kid: key.kid, jku, x5u: jku })
    .setExpirationTime("5m")
    .sign(key.privateKey);
  await refusedWith(token, /no key/);
  assert.ok(!world.issuerPaths.includes("/forged.json"));
});

for (const kid of ["../../../dev/null", "key-1' OR '1'='1", "", "__proto__", ["key-1"], { a: 1 }]) {
  test(`a key id that names no key finds none: ${JSON.stringify(kid)}`, async () => {
    const claims = { iss: world.issuer, aud: AUDIENCE, sub: "eve", exp: now() + 300 };
    const [, , signature] = (await world.token()).split(".");
    const header = { alg: "ES256", kid };
    await refusedWith(`${encoded(header)}.${encoded(claims)}.${signature}`, /no key|read/);
  });
}

test("an algorithm that does not match the key is refused", async () => {
  const [, claims, signature] = (await world.token()).split(".");
  const header = { alg: "RS256", kid: "key-1" };
  await refusedWith(`${encoded(header)}.${claims}.${signature}`, /no key/);
});

test("an unknown critical header is refused", async () => {
  const [, claims, signature] = (await world.token()).split(".");
  const header = { alg: "ES256", kid: "key-1", crit: ["b64"], b64: false };
  await refusedWith(`${encoded(header)}.${claims}.${signature}`, /read|algorithm|signature/);
});

test("an exp that is not a number is refused", async () =>
  refusedWith(await world.token({ exp: "never" as unknown as number }), /exp/));

test("a token without an issuer is refused", async () =>
  refusedWith(await world.token({ iss: undefined }), /iss/));

test("a token without an audience is refused", async () =>
  refusedWith(await world.token({ aud: undefined }), /aud/));

test("a token for several audiences is refused if none is ours", async () =>
  refusedWith(await world.token({ aud: ["another", `${AUDIENCE}-not`] }), /aud/));

test("a token in the URL or a cookie is ignored", async () => {
  const token = await world.token();
  const asked = await fetch(`${world.url}/api/passage?access_token=${token}`, {
    headers: { Cookie: `token=${token}` },
  });
  assert.equal(asked.status, 401);
});

test("claims that were changed after signing are refused", async () => {
  const [header, , signature] = (await world.token()).split(".");
  const claims = { iss: world.issuer, aud: AUDIENCE, sub: "ada", tenant: "south", exp: now() + 300 };
  await refusedWith(`${header}.${encoded(claims)}.${signature}`, /signature/);
});

test("the page is public", async () => {
  assert.equal((await fetch(`${world.url}/`)).status, 200);
  assert.equal((await fetch(`${world.url}/app.js`)).status, 200);
});

test("nothing else is public", async () => {
  for (const path of ["/health", "/api/passage?chunk_id=a", "/api/ask", "/index.html", "//"]) {
    assert.equal((await fetch(world.url + path)).status, 401, path);
  }
});

test("pages of other origins may not ask", async () => {
  const headers = { Origin: "https://evil.example", "Access-Control-Request-Method": "POST" };
  const asked = await fetch(`${world.url}/api/ask`, { method: "OPTIONS", headers });
  assert.equal(asked.status, 405);
  assert.equal(asked.headers.get("Access-Control-Allow-Origin"), null);
});

test("a caller cannot set forwarding headers", async () => {
  const forged = { "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "evil.example", Via: "x" };
  await world.ask(await world.token(), { question: "forged way?" }, forged);
  const headers = world.received[0]?.headers ?? {};
  assert.equal(headers["x-forwarded-for"], undefined);
  assert.equal(headers["x-forwarded-host"], undefined);
  assert.equal(headers["via"], undefined);
});

test("a path that resolves to the page is the page", async () => {
  const { port } = new URL(world.url);
  for (const path of ["/api/../app.js", "/%2e/app.js", "/app.js/../health", "/.%2e/api/ask"]) {
    world.received.length = 0;
    const status = await rawStatus(Number(port), path);
    // The application receives exactly the requests that the edge accepts without a token.
    const asked = world.received.map((request) => request.path);
    assert.deepEqual(asked, status === 200 ? ["/app.js"] : [], path);
  }
});

test("other methods are refused", async () => {
  assert.equal((await fetch(`${world.url}/api/ask`, { method: "DELETE" })).status, 405);
});
