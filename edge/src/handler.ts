/**
 * The way of a request through the edge: let in, limited, answered from the cache or by the
 * application.
 *
 *     GET  /, /app.js, /style.css, /icon.svg   the page: public, it holds nothing but itself
 *     everything else                          needs a token
 *     POST /api/ask                            may be answered from the cache (X-Edge-Cache: hit)
 */

import { bodyOf, keyOf, observed, questionIn, type Question } from "./answers";
import { settingsOf, SettingsError, type Bindings, type Settings } from "./settings";
import { IssuerError } from "./keys";
import type { Background } from "./platform";
import { callerOf, TokenError, type Caller } from "./tokens";

const PAGE = new Set(["/", "/app.js", "/style.css", "/icon.svg"]);
const METHODS = new Set(["GET", "HEAD", "POST"]);
/** A question has 2,000 characters at most; beyond this nothing of ours is in a body. */
const LARGEST_BODY_BYTES = 16 * 1024;
/** Longest wait for the application to begin its answer. The answer itself may take longer. */
const ORIGIN_TIMEOUT_MS = 180_000;
const LIMIT_PERIOD_SECONDS = 60;
/** How the application knows the edge; the same name stands in `rag/app/server.py`. */
export const ORIGIN_KEY_HEADER = "X-Customrag-Edge-Key";
/** What is passed on to the application; the token stays here. */
const PASSED_ON = ["Accept", "Accept-Language", "Content-Type", "If-None-Match", "User-Agent"];

/** Answers one request; never throws. */
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
  if (!METHODS.has(request.method)) return refused(405, `${request.method} is not allowed here`);
  // Read before anything is refused: a connection with an unread body cannot be used again.
  const body = request.method === "POST" ? await textOf(request) : "";
  if (body === null) return refused(413, `a request has ${LARGEST_BODY_BYTES} bytes at most`);
  if (PAGE.has(url.pathname) && request.method !== "POST") {
    return (await tooMany(bindings.ADDRESS_LIMITER, originOf(request)))
      ? limited()
      : await ofOrigin(request, settings);
  }
  let caller: Caller;
  try {
    caller = await callerOf(request, settings, background);
  } catch (error) {
    // Guesses cost the guesser: they are counted by address, for there is no caller to count by.
    if (await tooMany(bindings.ADDRESS_LIMITER, originOf(request))) return limited();
    throw error;
  }
  // As JSON, so that no choice of names makes two callers one.
  const name = JSON.stringify([caller.tenant, caller.subject]);
  if (await tooMany(bindings.CALLER_LIMITER, name)) return limited();
  if (await tooMany(bindings.TENANT_LIMITER, caller.tenant)) return limited();
  if (request.method !== "POST") return await ofOrigin(request, settings);
  return await posted(request, url, body, caller, settings, background);
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

/** Asks the application; what it says is passed on as it comes. */
async function ofOrigin(request: Request, settings: Settings, body?: string): Promise<Response> {
  const asked = new URL(request.url);
  // Part by part: resolved as a text, `//elsewhere/` would be another host, which would get the key.
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
      // What is kept is decided here, not by rules of the zone, which know no tenants.
      cache: "no-store",
      signal: waiting.signal,
      ...(body === undefined ? {} : { body }),
    });
    return new Response(response.body, response);
  } catch (error) {
    console.error(`the application cannot be reached: ${String(error)}`);
    return refused(502, "the application cannot be reached; ask again in a moment");
  } finally {
    clearTimeout(timer);
  }
}

/** The body as text; null when it is too long. */
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

/** Whom a request without a good token is counted for: its address, of IPv6 its /64. */
function originOf(request: Request): string {
  const address = request.headers.get("CF-Connecting-IP") ?? "unknown";
  if (!address.includes(":") || address.includes(".")) return address;
  // One who asks by IPv6 has 2^64 addresses to ask from.
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
  const response = refused(429, "too many requests; ask again in a minute");
  response.headers.set("Retry-After", String(LIMIT_PERIOD_SECONDS));
  return response;
}

function marked(response: Response, state: "hit" | "miss"): Response {
  const answer = new Response(response.body, response);
  answer.headers.set("X-Edge-Cache", state);
  // Kept at the edge, where tenants are told apart, and nowhere on the way.
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
    return refused(503, "tokens cannot be checked at the moment; ask again soon");
  }
  if (error instanceof SettingsError) return refused(500, "the edge is not set up well");
  return refused(500, "the edge failed");
}

/** An error in the form in which the application gives its own. */
function refused(status: number, message: string): Response {
  return Response.json(
    { error: { message } },
    { status, headers: { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" } },
  );
}
