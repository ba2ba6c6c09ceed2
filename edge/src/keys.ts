/**
 * Reads the issuer's public keys rarely, whatever the number of requests.
 *
 * Owns: when the keys are read. Does not own: their use (`tokens.ts`). On Workers, requests cannot share
 * a fetch, so jose's remote key set reads the keys once for each request. Here, requests wait for the
 * one that reads, and that read stays alive beyond its request.
 */

import {
  createLocalJWKSet,
  errors,
  type CryptoKey,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
} from "jose";

import type { Background } from "./platform";

/** Keys are read again after this time, so that a withdrawn key is no longer accepted. */
const FRESH_MS = 600_000;
const READ_TIMEOUT_MS = 5_000;
/** After this time, waiting requests give up: the request that reads was cut off. */
const WAIT_MS = READ_TIMEOUT_MS + 1_000;
/** Longest pause after a failed read. */
const FAILURE_PAUSE_MS = 5_000;

/** The issuer's keys cannot be read, so no token can be checked. */
export class IssuerError extends Error {}

/** The keys that one URL publishes. They are public, so tenants may share them. */
export class IssuerKeys {
  private known: ReturnType<typeof createLocalJWKSet> | undefined;
  private readAt = -Infinity;
  private askedAt = -Infinity;
  private asking: Promise<void> | undefined;
  private failed = false;

  /**
   * @param url The JWKS URL.
   * @param cooldownMs Time after a read during which an unknown key causes no further read.
   */
  constructor(
    private readonly url: URL,
    private readonly cooldownMs: number,
  ) {}

  /**
   * Return the key that a token names.
   *
   * @throws {errors.JWKSNoMatchingKey} The issuer has no such key.
   * @throws {IssuerError} The keys cannot be read.
   */
  async find(
    header: JWSHeaderParameters,
    token: FlattenedJWSInput,
    background: Background,
  ): Promise<CryptoKey> {
    if (this.known === undefined || Date.now() >= this.readAt + FRESH_MS) {
      await this.read(background);
    }
    try {
      return await this.among(header, token);
    } catch (error) {
      const mayBeNew = error instanceof errors.JWKSNoMatchingKey;
      if (!mayBeNew || (!this.isBeingRead() && this.hasCooledFor() < this.cooldownMs)) throw error;
    }
    await this.read(background);
    return await this.among(header, token);
  }

  private async among(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    if (this.known === undefined) throw new IssuerError("The issuer's keys were never read.");
    return await this.known(header, token);
  }

  private hasCooledFor(): number {
    return Date.now() - this.askedAt;
  }

  private isBeingRead(): boolean {
    return this.asking !== undefined && this.hasCooledFor() < WAIT_MS;
  }

  private async read(background: Background): Promise<void> {
    if (!this.isBeingRead()) {
      if (this.failed && this.hasCooledFor() < Math.min(FAILURE_PAUSE_MS, this.cooldownMs)) {
        throw new IssuerError("The last attempt to read the issuer's keys failed.");
      }
      this.begin(background);
    }
    await inTime(this.asking);
  }

  private begin(background: Background): void {
    this.askedAt = Date.now();
    const asking = published(this.url)
      .then((keys) => {
        this.known = createLocalJWKSet(keys);
        this.readAt = Date.now();
        this.failed = false;
      })
      .catch((error: unknown) => {
        this.failed = true;
        throw new IssuerError(`The issuer's keys cannot be read: ${String(error)}`);
      })
      .finally(() => {
        if (this.asking === asking) this.asking = undefined;
      });
    this.asking = asking;
    // Other requests wait for it, so it must outlive the request that began it.
    background.waitUntil(asking.catch(() => undefined));
  }
}

async function published(url: URL): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    headers: { Accept: "application/jwk-set+json, application/json" },
    redirect: "manual",
    // A cache must not return a withdrawn key.
    cache: "no-store",
    signal: AbortSignal.timeout(READ_TIMEOUT_MS),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`status ${response.status}`);
  }
  return await response.json();
}

/** Wait with a timer of the current request. */
async function inTime(asking: Promise<void> | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((_, reject) => {
    timer = setTimeout(() => reject(new IssuerError("The issuer did not send its keys in time.")), WAIT_MS);
  });
  try {
    await Promise.race([asking, late]);
  } finally {
    clearTimeout(timer);
  }
}
