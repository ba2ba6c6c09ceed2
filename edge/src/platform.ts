/** What a platform must bring; Cloudflare's `ExecutionContext` has it. */
export interface Background {
  /** Lets work go on after the answer. */
  waitUntil(promise: Promise<unknown>): void;
}
