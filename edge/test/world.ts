/**
 * What the worker meets in a test: an issuer of tokens, an application, and workerd around it.
 *
 * All three are real servers on loopback; only the issuer's and the application's replies are made
 * up. Cannot prove: how Cloudflare's own cache and counters behave, which miniflare stands in for.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

import { exportJWK, generateKeyPair, SignJWT, type JWK, type JWTPayload } from "jose";
import { Miniflare, type MiniflareOptions } from "miniflare";

// From dist/test/, where this runs.
const SCRIPT = fileURLToPath(new URL("../worker.js", import.meta.url));
const COMPATIBILITY_DATE = "2025-10-01";
export const AUDIENCE = "customrag";
export const ORIGIN_KEY = "the-key-of-the-edge";

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

export async function signingKey(kid: string, algorithm = "ES256"): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  const publicJwk = { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: "sig" };
  return { kid, privateKey, publicJwk };
}

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export type Claims = { [Name in keyof JWTPayload]?: JWTPayload[Name] | undefined };
type Reply = (request: Received, response: ServerResponse) => void | Promise<void>;

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export interface Options {
  readonly bindings?: Record<string, string>;
  readonly callerLimit?: number;
  readonly tenantLimit?: number;
  readonly addressLimit?: number;
}

export class World {
  readonly received: Received[] = [];
  keys: SigningKey[] = [];
  jwksStatus = 200;
  jwksFetches = 0;
  /** Delay of the issuer before it sends its keys. */
  jwksDelayMs = 0;
  readonly issuerPaths: string[] = [];
  readonly issuerCacheControls: (string | undefined)[] = [];
  reply: Reply = (request, response) => json(response, 200, answerTo(request));
  private constructor(
    private readonly worker: Miniflare,
    private readonly described: (bindings: Record<string, string>) => MiniflareOptions,
    readonly issuer: string,
    public url: string,
    private readonly ends: (() => Promise<unknown>)[],
  ) {}

  static async open(options: Options = {}): Promise<World> {
    let world: World | undefined = undefined;
    const there = (): World => {
      if (world === undefined) throw new Error("a request came before the world was made");
      return world;
    };
    const issuer = createServer((request, response) => {
      there().issuerPaths.push(request.url ?? "");
      there().issuerCacheControls.push(request.headers["cache-control"]);
      there().publishKeys(response);
    });
    const origin = createServer((request, response) => void there().answer(request, response));
    const [issuerUrl, originUrl] = [await listening(issuer), await listening(origin)];
    const described = (bindings: Record<string, string>): MiniflareOptions => ({
      modules: true,
      scriptPath: SCRIPT,
      compatibilityDate: COMPATIBILITY_DATE,
      cf: false,
      bindings: {
        ORIGIN_URL: originUrl,
        ORIGIN_KEY,
        TOKEN_ISSUER: issuerUrl,
        TOKEN_AUDIENCE: AUDIENCE,
        JWKS_URL: `${issuerUrl}/jwks.json`,
        JWKS_COOLDOWN_SECONDS: "0",
        ANSWERS_VERSION: "corpus-1",
        CACHE_SECONDS: "3600",
        ...options.bindings,
        ...bindings,
      },
      ratelimits: {
        CALLER_LIMITER: limiter(1, options.callerLimit ?? 1_000),
        ADDRESS_LIMITER: limiter(2, options.addressLimit ?? 1_000),
        TENANT_LIMITER: limiter(3, options.tenantLimit ?? 1_000),
      },
    });
    const worker = new Miniflare(described({}));
    const url = (await worker.ready).origin;
    const ends = [() => worker.dispose(), () => closed(issuer), () => closed(origin)];
    world = new World(worker, described, issuerUrl, url, ends);
    world.keys = [await signingKey("key-1")];
    return world;
  }

  /** Deploy the worker again with changed bindings; its cache stays. */
  async redeploy(bindings: Record<string, string>): Promise<void> {
    await this.worker.setOptions(this.described(bindings));
    this.url = (await this.worker.ready).origin;
  }

  async close(): Promise<void> {
    for (const end of this.ends) await end();
  }

  private publishKeys(response: ServerResponse): void {
    this.jwksFetches += 1;
    const [status, keys] = [this.jwksStatus, this.keys.map((key) => key.publicJwk)];
    setTimeout(() => json(response, status, { keys }), this.jwksDelayMs);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const piece of request) body += String(piece);
    const { method = "", url: path = "", headers } = request;
    const received = { method, path, headers, body };
    this.received.push(received);
    await this.reply(received, response);
  }

  /** Return a token of the issuer, without the claims that are undefined. */
  async token(claims: Claims = {}, key = this.keys[0]): Promise<string> {
    if (key === undefined) throw new Error("the issuer has no key");
    const now = Math.floor(Date.now() / 1000);
    const all = {
      iss: this.issuer,
      aud: AUDIENCE,
      sub: "ada",
      tenant: "north",
      iat: now,
      exp: now + 300,
      ...claims,
    };
    const algorithm = key.publicJwk.alg ?? "ES256";
    return await new SignJWT(all as JWTPayload)
      .setProtectedHeader({ alg: algorithm, kid: key.kid })
      .sign(key.privateKey);
  }

  async ask(token: string | null, body: unknown, headers: Record<string, string> = {}) {
    const authorization = token === null ? {} : { Authorization: `Bearer ${token}` };
    return await fetch(`${this.url}/api/ask`, {
      method: "POST",
      // Miniflare would compress, and end a compressed answer well even if it broke off.
      headers: {
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        // An answer that broke off takes its connection along, which a later question may have got.
        Connection: "close",
        ...authorization,
        ...headers,
      },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  }

  /** Ask, read the whole answer, and return whether it came from the cache. */
  async cacheState(token: string, body: unknown): Promise<string | null> {
    const response = await this.ask(token, body);
    await response.text();
    return response.headers.get("X-Edge-Cache");
  }

  /** Wait until a condition holds. */
  async until(condition: () => boolean): Promise<void> {
    const deadline = Date.now() + 5_000;
    while (!condition()) {
      if (Date.now() > deadline) throw new Error("the condition never became true");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Ask until the answer comes from the cache, which is written after the answer is sent. */
  async untilHit(token: string, body: unknown): Promise<void> {
    const deadline = Date.now() + 5_000;
    while ((await this.cacheState(token, body)) !== "hit") {
      if (Date.now() > deadline) throw new Error("the answer was never cached");
    }
  }
}

export function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}

export function answerTo(request: Received): Record<string, unknown> {
  return { question: request.body, answer: "40 bar", sources: [], state: "answered" };
}

export function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function limiter(namespace: number, limit: number) {
  return { namespace_id: namespace, simple: { limit, period: 60 as const } };
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
