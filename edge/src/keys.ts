/**
 * The issuer's public keys: read seldom, however many ask and whatever they send.
 *
 * Owns: when the keys are read. Does not own: what they are good for (`tokens.ts`). jose's own remote
 * key set reads them once for each request on Workers, where requests may not share a fetch; here
 * they wait for the one that reads, which is kept alive beyond its request.
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

/** Keys are read again after this time, so that a withdrawn key is no longer taken. */
const FRESH_MS = 600_000;
const READ_TIMEOUT_MS = 5_000;
/** After that a reading is given up by those who wait for it: its request was cut off. */
const WAIT_MS = READ_TIMEOUT_MS + 1_000;
/** Longest pause after a reading that failed. */
const FAILURE_PAUSE_MS = 5_000;

/** The issuer's keys cannot be had, so that nobody can be let in. */
export class IssuerError extends Error {}

/** The keys that one URL publishes. They are public: sharing them among tenants is no leak. */
export class IssuerKeys {
  private known: ReturnType<typeof createLocalJWKSet> | undefined;
  private readAt = -Infinity;
  private askedAt = -Infinity;
  private asking: Promise<void> | undefined;
  private failed = false;

  /**
   * @param url Where they are published.
   * @param cooldownMs Time after a reading in which an unknown key causes no other.
   */
  constructor(
    private readonly url: URL,
    private readonly cooldownMs: number,
  ) {}

  /**
   * The key that a token names.
   *
   * @throws {errors.JWKSNoMatchingKey} The issuer has no such key.
   * @throws {IssuerError} The keys cannot be had.
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
    if (this.known === undefined) throw new IssuerError("the issuer's keys were never read");
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
        throw new IssuerError("the issuer's keys could not be had a moment ago");
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
        throw new IssuerError(`the issuer's keys cannot be had: ${String(error)}`);
      })
      .finally(() => {
        if (this.asking === asking) this.asking = undefined;
      });
    this.asking = asking;
    // Others wait for it: it must not end with the request that began it.
    background.waitUntil(asking.catch(() => undefined));
  }
}

async function published(url: URL): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    headers: { Accept: "application/jwk-set+json, application/json" },
    redirect: "manual",
    // A withdrawn key must not come from a cache on the way.
    cache: "no-store",
    signal: AbortSignal.timeout(READ_TIMEOUT_MS),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`status ${response.status}`);
  }
  return await response.json();
}

/** Waits in the name of the request at hand, whose timer it is. */
async function inTime(asking: Promise<void> | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((_, reject) => {
    timer = setTimeout(() => reject(new IssuerError("the issuer's keys do not come")), WAIT_MS);
  });
  try {
    await Promise.race([asking, late]);
  } finally {
    clearTimeout(timer);
  }
}
