/** Messages to the main thread, posted together: a post costs more than what it carries. */
import { performance } from "node:perf_hooks";
import type { TransactionMessage } from "../transaction-messages.ts";

const maxDelayMs = 1;

export class Outbox {
  readonly #post: (messages: TransactionMessage[]) => void;
  #messages: TransactionMessage[] = [];
  #oldestMs = 0;

  constructor(post: (messages: TransactionMessage[]) => void) {
    this.#post = post;
  }

  add(message: TransactionMessage): void {
    const nowMs = performance.now();
    if (this.#messages.length === 0) this.#oldestMs = nowMs;
    this.#messages.push(message);
    if (nowMs - this.#oldestMs > maxDelayMs) this.flush();
  }

  flush(): void {
    if (this.#messages.length === 0) return;
    const messages = this.#messages;
    this.#messages = [];
    this.#post(messages);
  }
}
