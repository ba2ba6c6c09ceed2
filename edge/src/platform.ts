/** The part of Cloudflare's `ExecutionContext` that the worker uses. */
export interface Background {
  /** Let work continue after the answer. */
  waitUntil(promise: Promise<unknown>): void;
}
