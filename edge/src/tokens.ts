/**
 * Who is calling: the bearer token of a request, verified.
 *
 * Owns: what makes a token good. Does not own: cryptography (WebCrypto's, by `jose`).
 * Rules: RFC 8725 (JSON Web Token best current practices), read 2026-11-21.
 */

import { errors, jwtVerify, type JWTPayload } from "jose";

import { IssuerError, IssuerKeys } from "./keys";
import type { Background } from "./platform";
import type { Settings } from "./settings";

/**
 * Signatures with a public key only. A list of our own, never the token's word for it: `none`, and
 * HS256 keyed with the issuer's public key, are what forgers send.
 */
export const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384"];
/** Clocks differ: a token may be that much too old or too young. */
export const CLOCK_TOLERANCE_SECONDS = 60;

/** Whom a verified token names. */
export interface Caller {
  readonly subject: string;
  /** Whose answers the caller may see. Callers of no tenant are a tenant each. */
  readonly tenant: string;
}

/** The token is missing or not good. `reason` may be shown to whoever sent it. */
export class TokenError extends Error {
  constructor(readonly reason: string) {
    super(reason);
  }
}

// Kept between the requests of one isolate.
const issuers = new Map<string, IssuerKeys>();

/**
 * The caller that the request's token names.
 *
 * @throws {TokenError} There is no token, or it is not one of the issuer's for this audience.
 * @throws {IssuerError} The issuer's keys cannot be had.
 */
export async function callerOf(
  request: Request,
  settings: Settings,
  background: Background,
): Promise<Caller> {
  const token = bearer(request);
  const keys = keysFor(settings);
  try {
    const { payload } = await jwtVerify(token, (header, jws) => keys.find(header, jws, background), {
      algorithms: ALGORITHMS,
      issuer: settings.issuer,
      audience: settings.audience,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      requiredClaims: ["exp", "sub"],
    });
    return callerNamedBy(payload);
  } catch (error) {
    throw refusal(error);
  }
}

function bearer(request: Request): string {
  const header = request.headers.get("Authorization");
  if (header === null) throw new TokenError("a bearer token is needed");
  const found = /^Bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*)$/i.exec(header);
  if (found?.[1] === undefined) throw new TokenError("the Authorization header is no bearer JWT");
  return found[1];
}

function keysFor(settings: Settings): IssuerKeys {
  const name = `${settings.jwksUrl.href} ${settings.jwksCooldownSeconds}`;
  let keys = issuers.get(name);
  if (keys === undefined) {
    keys = new IssuerKeys(settings.jwksUrl, settings.jwksCooldownSeconds * 1_000);
    issuers.set(name, keys);
  }
  return keys;
}

function callerNamedBy(payload: JWTPayload): Caller {
  const subject = payload.sub;
  if (typeof subject !== "string" || subject === "") throw new TokenError("sub is empty");
  const tenant = payload["tenant"];
  if (tenant === undefined) return { subject, tenant: `subject:${subject}` };
  if (typeof tenant !== "string" || tenant === "") throw new TokenError("tenant is no text");
  return { subject, tenant: `tenant:${tenant}` };
}

/** What went wrong, in words that tell the caller what to mend and nothing of the keys. */
function refusal(error: unknown): Error {
  if (error instanceof TokenError || error instanceof IssuerError) return error;
  if (error instanceof errors.JWTExpired) return new TokenError("the token has expired");
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new TokenError(`claim ${error.claim} is missing or not accepted`);
  }
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) {
    return new TokenError("the token's algorithm is not accepted");
  }
  if (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  ) {
    return new TokenError("no key of the issuer fits the token");
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return new TokenError("the signature is wrong");
  }
  if (error instanceof errors.JWTInvalid || error instanceof errors.JWSInvalid) {
    return new TokenError("the token cannot be read");
  }
  return new IssuerError(`the issuer's keys cannot be used: ${String(error)}`);
}
