/**
 * The worker's settings, read from its bindings and checked once per request.
 *
 * Owns: names and meaning of the bindings. Does not own: their values (`components/edge.py`).
 */

/** The bindings that `components/edge.py` declares. */
export interface Bindings {
  /** URL of the chat application, without a path. */
  readonly ORIGIN_URL: string;
  /** Secret that identifies the edge to the application. */
  readonly ORIGIN_KEY: string;
  /** `iss` of accepted tokens. */
  readonly TOKEN_ISSUER: string;
  /** `aud` of accepted tokens. */
  readonly TOKEN_AUDIENCE: string;
  /** URL of the issuer's keys. */
  readonly JWKS_URL: string;
  /** Version of everything that an answer depends on besides the question. */
  readonly ANSWERS_VERSION: string;
  /** Seconds for which an answer is cached; "0" turns the cache off. */
  readonly CACHE_SECONDS: string;
  /** Seconds after a read of the keys during which an unknown key causes no further read; default 30. */
  readonly JWKS_COOLDOWN_SECONDS?: string;
  /** Requests of one caller. */
  readonly CALLER_LIMITER: RateLimiter;
  /** Requests of all callers of one tenant. */
  readonly TENANT_LIMITER: RateLimiter;
  /** Requests of one address without a valid token. */
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
 * Return the settings of these bindings.
 *
 * @throws {SettingsError} A binding is missing or wrong. The worker then rejects every request.
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
    throw new SettingsError(`Binding ${name} is missing or empty.`);
  }
  return value;
}

function url(bindings: Bindings, name: TextBinding): URL {
  const value = text(bindings, name);
  try {
    const parsed = new URL(value);
    if (/^https?:$/.test(parsed.protocol)) return parsed;
  } catch {
    // Reported below, with URLs of another scheme.
  }
  throw new SettingsError(`Binding ${name} is ${JSON.stringify(value)}. It must be an http or https URL.`);
}

function seconds(bindings: Bindings, name: TextBinding, fallback?: string): number {
  const value = text(bindings, name, fallback);
  if (!/^\d{1,8}$/.test(value)) {
    throw new SettingsError(`Binding ${name} is ${JSON.stringify(value)}. It must be a whole number of seconds.`);
  }
  return Number(value);
}
