/**
 * What the worker is told by its bindings, read once per request and checked.
 *
 * Owns: names and meaning of the bindings. Does not own: their values, which `components/edge.py`
 * declares.
 */

/** The bindings as Cloudflare hands them over; `components/edge.py` declares each. */
export interface Bindings {
  /** URL of the chat application, without a path. */
  readonly ORIGIN_URL: string;
  /** Secret that the application knows the edge by. */
  readonly ORIGIN_KEY: string;
  /** `iss` of the tokens that are accepted. */
  readonly TOKEN_ISSUER: string;
  /** `aud` of the tokens that are accepted. */
  readonly TOKEN_AUDIENCE: string;
  /** Where the issuer publishes its keys. */
  readonly JWKS_URL: string;
  /** What an answer depends on besides the question: another text, other answers. */
  readonly ANSWERS_VERSION: string;
  /** Seconds for which an answer is kept; "0": none is. */
  readonly CACHE_SECONDS: string;
  /** Seconds after a fetch of the keys in which an unknown key causes no other; default 30. */
  readonly JWKS_COOLDOWN_SECONDS?: string;
  /** Requests of one caller. */
  readonly CALLER_LIMITER: RateLimiter;
  /** Requests of all callers of one tenant. */
  readonly TENANT_LIMITER: RateLimiter;
  /** Requests of one address that show no valid token. */
  readonly ADDRESS_LIMITER: RateLimiter;
}

/** Cloudflare's rate limiting binding. */
export interface RateLimiter {
  limit(options: { key: string }): Promise<{ success: boolean }>;
}

/** The checked settings. */
export interface Settings {
  readonly originUrl: URL;
  readonly originKey: string;
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: URL;
  readonly jwksCooldownSeconds: number;
  readonly answersVersion: string;
  readonly cacheSeconds: number;
}

/** A binding is missing or cannot be used. */
export class SettingsError extends Error {}

/**
 * The settings of these bindings.
 *
 * @throws {SettingsError} One is missing or wrong: a worker that is set up badly lets nobody in.
 */
export function settingsOf(bindings: Bindings): Settings {
  return {
    originUrl: url(bindings, "ORIGIN_URL"),
    originKey: text(bindings, "ORIGIN_KEY"),
    issuer: text(bindings, "TOKEN_ISSUER"),
    audience: text(bindings, "TOKEN_AUDIENCE"),
    jwksUrl: url(bindings, "JWKS_URL"),
    jwksCooldownSeconds: seconds(bindings, "JWKS_COOLDOWN_SECONDS", "30"),
    answersVersion: text(bindings, "ANSWERS_VERSION"),
    cacheSeconds: seconds(bindings, "CACHE_SECONDS"),
  };
}

type TextBinding = Exclude<keyof Bindings, `${string}_LIMITER`>;

function text(bindings: Bindings, name: TextBinding, fallback?: string): string {
  const value = bindings[name] ?? fallback;
  if (typeof value !== "string" || value === "") {
    throw new SettingsError(`binding ${name} is missing or empty`);
  }
  return value;
}

function url(bindings: Bindings, name: TextBinding): URL {
  const value = text(bindings, name);
  try {
    const parsed = new URL(value);
    if (/^https?:$/.test(parsed.protocol)) return parsed;
  } catch {
    // Said below, as for a URL of another scheme.
  }
  throw new SettingsError(`binding ${name} is ${JSON.stringify(value)}; give an http(s) URL`);
}

function seconds(bindings: Bindings, name: TextBinding, fallback?: string): number {
  const value = text(bindings, name, fallback);
  if (!/^\d{1,8}$/.test(value)) {
    throw new SettingsError(`binding ${name} is ${JSON.stringify(value)}; give whole seconds`);
  }
  return Number(value);
}
