/**
 * The cache of answers for the same tenant, question and corpus.
 *
 * Owns: which questions are equal, and which answers may be cached. Does not own: the store, which is
 * Cloudflare's cache of one data centre (https://developers.cloudflare.com/workers/runtime-apis/cache/,
 * read 2026-11-21). It does not work on *.workers.dev, so the worker needs a custom domain.
 */

import type { Caller } from "./tokens";

/** Longer answers are not cached, because the worker would hold them in memory. */
export const LARGEST_ANSWER_BYTES = 512 * 1024;

/** The parts of a request that the answer depends on. */
export interface Question {
  readonly question: string;
  readonly topK: number | null;
  readonly stream: boolean;
}

/**
 * Return the question in a request's body. Return null if it is invalid or has unknown fields: the
 * application handles such a request, and the answer is not cached.
 */
export function questionIn(body: string): Question | null {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const { question, top_k: topK = null, stream = false, ...rest } = value as Record<string, unknown>;
  if (Object.keys(rest).length > 0 || typeof question !== "string") return null;
  if (typeof stream !== "boolean") return null;
  if (topK !== null && (typeof topK !== "number" || !Number.isInteger(topK))) return null;
  return { question: question.trim(), topK, stream };
}

/** Return the body for the application. It has the form of the cache key, not the caller's form. */
export function bodyOf({ question, topK, stream }: Question): string {
  return JSON.stringify({ question, ...(topK === null ? {} : { top_k: topK }), stream });
}

/** Return the cache key of an answer. It reveals neither the question nor the answer. */
export async function keyOf(
  caller: Caller,
  answersVersion: string,
  question: Question,
): Promise<Request> {
  // JSON keeps two different lists apart whatever their texts contain.
  const named = [caller.tenant, answersVersion, question.question, question.topK, question.stream];
  const bytes = new TextEncoder().encode(JSON.stringify(named));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  // `.invalid` is reserved (RFC 2606): no request from outside reaches such an address.
  return new Request(`https://answers.invalid/v1/${hex}`);
}

/**
 * Return the answer as a stream, and a promise of the text to cache: null if the answer was not complete
 * and good. The stream does not wait: each piece goes out as it comes in.
 */
export function observed(
  response: Response,
  question: Question,
): { passing: Response; kept: Promise<string | null> } {
  const body = response.body;
  if (!mayBeKept(response, question) || body === null) {
    return { passing: response, kept: Promise.resolve(null) };
  }
  let settle: (text: string | null) => void;
  const kept = new Promise<string | null>((resolve) => {
    settle = resolve;
  });
  const pieces: Uint8Array[] = [];
  let size = 0;
  const observer: Transformer<Uint8Array, Uint8Array> = {
    transform(piece, controller) {
      size += piece.byteLength;
      if (size <= LARGEST_ANSWER_BYTES) pieces.push(piece);
      controller.enqueue(piece);
    },
    flush() {
      const text = size <= LARGEST_ANSWER_BYTES ? decoded(pieces) : "";
      settle(isWholeAnswer(text, question) ? text : null);
    },
  };
  const { readable, writable } = new TransformStream(observer);
  // An answer that breaks off on either side is not cached.
  body.pipeTo(writable).catch(() => settle(null));
  return { passing: new Response(readable, response), kept };
}

function mayBeKept(response: Response, question: Question): boolean {
  const type = response.headers.get("Content-Type") ?? "";
  const wanted = question.stream ? "text/event-stream" : "application/json";
  // Both mean that the answer is for this one request. Its encoding no longer matters here.
  const varies = (response.headers.get("Vary") ?? "").split(",").map((name) => name.trim());
  const forOne =
    response.headers.has("Set-Cookie") || varies.some((name) => !/^(accept-encoding)?$/i.test(name));
  return response.status === 200 && type.split(";")[0]?.trim() === wanted && !forOne;
}

function decoded(pieces: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  return pieces.map((piece) => decoder.decode(piece, { stream: true })).join("") + decoder.decode();
}

/** Status 200 is not enough: a stream can still report an error, or end early. */
function isWholeAnswer(text: string, question: Question): boolean {
  if (question.stream) {
    // Split by line feeds only: an answer may contain other line separators.
    const names = text.split("\n").filter((line) => line.startsWith("event: "));
    const last = names.at(-1);
    return last === "event: done" && !names.includes("event: error") && text.endsWith("\n\n");
  }
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    return typeof value["answer"] === "string" && value["error"] === undefined;
  } catch {
    return false;
  }
}
