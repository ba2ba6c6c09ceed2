/**
 * Answers that were given before, for the same tenant, the same question and the same corpus.
 *
 * Owns: what makes two questions the same, and which answers may be kept. Does not own: the store,
 * which is Cloudflare's cache of one data centre (https://developers.cloudflare.com/workers/runtime-apis/cache/,
 * read 2026-11-21; without effect on *.workers.dev: the worker needs a domain of its own).
 */

import type { Caller } from "./tokens";

/** Longer answers are not kept: they would have to be held in memory meanwhile. */
export const LARGEST_ANSWER_BYTES = 512 * 1024;

/** What is asked for, as far as the answer depends on it. */
export interface Question {
  readonly question: string;
  readonly topK: number | null;
  readonly stream: boolean;
}

/**
 * The question in a request's body; null when the application has to judge it (it is none, or one
 * with something in it that is not known here): such a request is passed on and nothing is kept.
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

/** The question as the application is asked it: what is kept under a key is what was asked. */
export function bodyOf({ question, topK, stream }: Question): string {
  return JSON.stringify({ question, ...(topK === null ? {} : { top_k: topK }), stream });
}

/** Where the answer is kept. No text of it, nor of the question, can be read from that. */
export async function keyOf(
  caller: Caller,
  answersVersion: string,
  question: Question,
): Promise<Request> {
  // As JSON, so that no choice of texts makes two different lists one.
  const named = [caller.tenant, answersVersion, question.question, question.topK, question.stream];
  const bytes = new TextEncoder().encode(JSON.stringify(named));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  // `.invalid` is nobody's (RFC 2606): no request from outside reaches such an address.
  return new Request(`https://answers.invalid/v1/${hex}`);
}

/**
 * The answer as it passes, and a promise of what to keep of it: null when it was no whole, good
 * answer. Nothing waits for the whole: each piece goes out as it comes in.
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
  // An answer that breaks off, on either side, is not kept.
  body.pipeTo(writable).catch(() => settle(null));
  return { passing: new Response(readable, response), kept };
}

function mayBeKept(response: Response, question: Question): boolean {
  const type = response.headers.get("Content-Type") ?? "";
  const wanted = question.stream ? "text/event-stream" : "application/json";
  // Both say that the answer was made for this one request; how it was packed, no longer matters.
  const varies = (response.headers.get("Vary") ?? "").split(",").map((name) => name.trim());
  const forOne =
    response.headers.has("Set-Cookie") || varies.some((name) => !/^(accept-encoding)?$/i.test(name));
  return response.status === 200 && type.split(";")[0]?.trim() === wanted && !forOne;
}

function decoded(pieces: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  return pieces.map((piece) => decoder.decode(piece, { stream: true })).join("") + decoder.decode();
}

/** Status 200 says little: a stream that has begun can still tell of an error, or just end. */
function isWholeAnswer(text: string, question: Question): boolean {
  if (question.stream) {
    // By line feeds alone: what a regular expression takes for a line's end may stand in an answer.
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
