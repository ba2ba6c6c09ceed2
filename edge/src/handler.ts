/**
 * The path of a request through the edge: checked, limited, and answered from the cache or by the
 * application.
 *
 *     GET  /, /app.js, /style.css, /icon.svg   the page: public, because it contains no data
 *     GET  /.well-known/oauth-protected-resource   names the issuer (RFC 9728): public
 *     everything else                          needs a token
 *     POST /api/ask                            may be answered from the cache (X-Edge-Cache: hit)
 */

import { bodyOf, keyOf, observed, questionIn, type Question } from "./answers";
import { settingsOf, SettingsError, type Bindings, type Settings } from "./settings";
import { IssuerError } from "./keys";
import type { Background } from "./platform";
import { callerOf, TokenError, type Caller } from "./tokens";

const PAGE = new Set(["/", "/app.js", "/style.css", "/icon.svg"]);
const METADATA = "/.well-known/oauth-protected-resource";
const METHODS = new Set(["GET", "HEAD", "POST"]);
/** A question has at most 2,000 characters, so no valid body is longer than this. */
const LARGEST_BODY_BYTES = 16 * 1024;
/** Longest wait for the first byte of the application's answer. */
const ORIGIN_TIMEOUT_MS = 180_000;
const LIMIT_PERIOD_SECONDS = 60;
/** Carries the edge's key; `rag/headers.py` has the same name. */
export const ORIGIN_KEY_HEADER = "X-Customrag-Edge-Key";
/** Headers that go to the application. The token does not. */
const PASSED_ON = ["Accept", "Accept-Language", "Content-Type", "If-None-Match", "User-Agent"];

/** Answer one request; never throw. */
export async function handle(
  request: Request,
  bindings: Bindings,
  background: Background,
): Promise<Response> {
  try {
    const settings = settingsOf(bindings);
    return await route(request, bindings, settings, background);
  } catch (error) {
    return failure(error);
  }
}

async function route(
  request: Request,
  bindings: Bindings,
  settings: Settings,
  background: Background,
): Promise<Response> {
  const url = new URL(request.url);
  if (!METHODS.has(request.method)) return refused(405, `The method ${request.method} is not allowed. Use ${[...METHODS].join(", ")}.`);
  // Read the body before refusing: a connection with an unread body cannot be used again.
  const body = request.method === "POST" ? await textOf(request) : "";
  if (body === null) return refused(413, `The request is too long. The limit is ${LARGEST_BODY_BYTES} bytes.`);
  if ((PAGE.has(url.pathname) || url.pathname === METADATA) && request.method !== "POST") {
    if (await tooMany(bindings.ADDRESS_LIMITER, originOf(request))) return limited();
    if (url.pathname === METADATA) return metadataOf(url, settings);
    return mayAskIssuer(await ofOrigin(request, settings), settings);
  }
  let caller: Caller;
  try {
    caller = await callerOf(request, settings, background);
  } catch (error) {
    // Without a valid token there is no caller, so failed attempts are counted by address.
    if (await tooMany(bindings.ADDRESS_LIMITER, originOf(request))) return limited();
    throw error;
  }
  // JSON keeps two callers apart whatever their names contain.
  const name = JSON.stringify([caller.tenant, caller.subject]);
  if (await tooMany(bindings.CALLER_LIMITER, name)) return limited();
  if (await tooMany(bindings.TENANT_LIMITER, caller.tenant)) return limited();
  if (request.method !== "POST") return await ofOrigin(request, settings);
  return await posted(request, url, body, caller, settings, background);
}

/** OAuth 2.0 Protected Resource Metadata: https://www.rfc-editor.org/rfc/rfc9728, read 2026-11-29. */
function metadataOf(url: URL, settings: Settings): Response {
  return Response.json({ resource: url.origin, authorization_servers: [settings.issuer] });
}

/** Lets the page connect to the issuer, where it exchanges a sign-in code for a token. */
function mayAskIssuer(response: Response, settings: Settings): Response {
  const policy = response.headers.get("Content-Security-Policy");
  if (policy === null || !URL.canParse(settings.issuer)) return response;
  const sources = `connect-src 'self' ${new URL(settings.issuer).origin}`;
  const headers = new Headers(response.headers);
  headers.set("Content-Security-Policy", policy.replace("connect-src 'self'", sources));
  return new Response(response.body, { status: response.status, headers });
}

async function posted(
  request: Request,
  url: URL,
  body: string,
  caller: Caller,
  settings: Settings,
  background: Background,
): Promise<Response> {
  const question = url.pathname === "/api/ask" && url.search === "" ? questionIn(body) : null;
  if (question === null || settings.cacheSeconds === 0) {
    return await ofOrigin(request, settings, body);
  }
  const key = await keyOf(caller, settings.answersVersion, question);
  const wanted = (request.headers.get("Cache-Control") ?? "").toLowerCase();
  if (!/\bno-(cache|store)\b/.test(wanted)) {
    const known = await caches.default.match(key);
    if (known !== undefined) return marked(known, "hit");
  }
  if (/\bno-store\b/.test(wanted)) {
    return marked(await ofOrigin(request, settings, bodyOf(question)), "miss");
  }
  return await freshAnswer(request, key, question, settings, background);
}

async function freshAnswer(
  request: Request,
  key: Request,
  question: Question,
  settings: Settings,
  background: Background,
): Promise<Response> {
  const response = await ofOrigin(request, settings, bodyOf(question));
  const { passing, kept } = observed(response, question);
  const type = response.headers.get("Content-Type") ?? "";
  background.waitUntil(
    kept.then(async (text) => {
      if (text === null) return;
      const headers = {
        "Content-Type": type,
        "Cache-Control": `public, max-age=${settings.cacheSeconds}`,
      };
      await caches.default.put(key, new Response(text, { headers }));
    }),
  );
  return marked(passing, "miss");
}

/** Ask the application, and stream its answer. */
async function ofOrigin(request: Request, settings: Settings, body?: string): Promise<Response> {
  const asked = new URL(request.url);
  // Set part by part: as relative text, `//elsewhere/` would be another host, which would get the key.
  const url = new URL(settings.originUrl);
  url.pathname = asked.pathname;
  url.search = asked.search;
  const headers = new Headers({ [ORIGIN_KEY_HEADER]: settings.originKey });
  for (const name of PASSED_ON) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  const waiting = new AbortController();
  const timer = setTimeout(() => waiting.abort(), ORIGIN_TIMEOUT_MS);
  try {
    const response = await fetch(url, {
      method: request.method,
      headers,
      redirect: "manual",
      // Rules of the zone must not cache, because they do not know tenants.
      cache: "no-store",
      signal: waiting.signal,
      ...(body === undefined ? {} : { body }),
    });
    return new Response(response.body, response);
  } catch (error) {
    console.error(`The application cannot be reached: ${String(error)}`);
    return refused(502, "The application cannot be reached. Try again in a few seconds.");
  } finally {
    clearTimeout(timer);
  }
}

/** Return the body as text, or null if it is too long. */
async function textOf(request: Request): Promise<string | null> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  if (request.body === null) return "";
  for await (const piece of request.body as ReadableStream<Uint8Array>) {
    size += piece.byteLength;
    if (size > LARGEST_BODY_BYTES) return null;
    pieces.push(piece);
  }
  return await new Blob(pieces).text();
}

/** Return the key that counts a request without a valid token: its address, or for IPv6 its /64. */
function originOf(request: Request): string {
  const address = request.headers.get("CF-Connecting-IP") ?? "unknown";
  if (!address.includes(":") || address.includes(".")) return address;
  // An IPv6 client can use 2^64 addresses.
  const [head = "", tail] = address.split("::");
  const groups = [head, tail].map((part) => (part ?? "").split(":").filter((group) => group !== ""));
  const [before = [], after = []] = groups;
  const left = tail === undefined ? 0 : 8 - before.length - after.length;
  const all = [...before, ...Array<string>(Math.max(left, 0)).fill("0"), ...after];
  return all.slice(0, 4).map((group) => parseInt(group, 16).toString(16)).join(":");
}

async function tooMany(limiter: Bindings["CALLER_LIMITER"], key: string): Promise<boolean> {
  return !(await limiter.limit({ key })).success;
}

function limited(): Response {
  const response = refused(429, "Too many requests. Try again in a minute.");
  response.headers.set("Retry-After", String(LIMIT_PERIOD_SECONDS));
  return response;
}

function marked(response: Response, state: "hit" | "miss"): Response {
  const answer = new Response(response.body, response);
  answer.headers.set("X-Edge-Cache", state);
  // Only the edge may cache, because it separates tenants.
  answer.headers.set("Cache-Control", "private, no-store");
  answer.headers.set("X-Content-Type-Options", "nosniff");
  return answer;
}

function failure(error: unknown): Response {
  if (error instanceof TokenError) {
    const response = refused(401, error.reason);
    response.headers.set("WWW-Authenticate", `Bearer error="invalid_token"`);
    return response;
  }
  console.error(String(error));
  if (error instanceof IssuerError) {
    return refused(503, "The edge cannot check tokens at the moment. Try again in a few seconds.");
  }
  if (error instanceof SettingsError) return refused(500, "The edge is not configured correctly. Its log names the binding.");
  return refused(500, "The edge failed. Its log has the error.");
}

/** Return an error in the application's format. */
function refused(status: number, message: string): Response {
  return Response.json(
    { error: { message } },
    { status, headers: { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" } },
  );
}
