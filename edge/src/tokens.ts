/**
 * Identifies the caller by the bearer token of a request.
 *
 * Owns: which tokens are valid. Does not own: cryptography (`jose` on WebCrypto).
 * Rules: RFC 8725 (JSON Web Token best current practices), read 2026-11-21.
 */

import { errors, jwtVerify, type JWTPayload } from "jose";

import { IssuerError, IssuerKeys } from "./keys";
import type { Background } from "./platform";
import type { Settings } from "./settings";

/**
 * Only signatures with a public key. The token's header does not decide: forged tokens use `none`, or
 * HS256 with the issuer's public key as the secret.
 */
export const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384"];
/** Tolerance for differing clocks. */
export const CLOCK_TOLERANCE_SECONDS = 60;

/** The caller that a verified token names. */
export interface Caller {
  readonly subject: string;
  /** Decides whose answers the caller may see. Without the claim, each subject is its own tenant. */
  readonly tenant: string;
}

/** The token is missing or invalid. The sender may see `reason`. */
export class TokenError extends Error {
  constructor(readonly reason: string) {
    super(reason);
  }
}

// Kept between the requests of one isolate.
const issuers = new Map<string, IssuerKeys>();

/**
 * Return the caller that the request's token names.
 *
 * @throws {TokenError} The token is missing, or the issuer did not issue it for this audience.
 * @throws {IssuerError} The issuer's keys cannot be read.
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
  if (header === null) throw new TokenError("A bearer token is required.");
  const found = /^Bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*)$/i.exec(header);
  if (found?.[1] === undefined) throw new TokenError("The Authorization header does not contain a bearer JWT.");
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
  if (typeof subject !== "string" || subject === "") throw new TokenError("The claim sub is empty.");
  const tenant = payload["tenant"];
  if (tenant === undefined) return { subject, tenant: `subject:${subject}` };
  if (typeof tenant !== "string" || tenant === "") throw new TokenError("The claim tenant is not a non-empty string.");
  return { subject, tenant: `tenant:${tenant}` };
}

/** Describe the error so that the caller can fix it, without details of the keys. */
function refusal(error: unknown): Error {
  if (error instanceof TokenError || error instanceof IssuerError) return error;
  if (error instanceof errors.JWTExpired) return new TokenError("The token has expired. Sign in again.");
  if (error instanceof errors.JWTClaimValidationFailed) {
    return new TokenError(`The claim ${error.claim} is missing or not accepted.`);
  }
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) {
    return new TokenError(`The token's algorithm is not accepted. Use one of ${ALGORITHMS.join(", ")}.`);
  }
  if (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  ) {
    return new TokenError("The issuer has no key for this token. Sign in again.");
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return new TokenError("The token's signature is wrong.");
  }
  if (error instanceof errors.JWTInvalid || error instanceof errors.JWSInvalid) {
    return new TokenError("The token is not a valid JWT.");
  }
  return new IssuerError(`The issuer's keys cannot be used: ${String(error)}`);
}
