/**
 * The shared word by which the main thread sees that pushed code is running, and takes the run away when it lasts too
 * long. Both sides change it by compare-and-exchange: a run that was taken away can never commit, and a run that has
 * reached its commit can no longer be taken away.
 */
const RUN = 0;
const MESSAGE = 1;
const INDEX = 2;
const PARKED = 3;
const WORDS = 4;

const idle = 0;
const taken = -1;

export function createRunSlot(): SharedArrayBuffer {
  return new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT);
}

/** The worker's side. */
export class RunSlot {
  readonly #words: Int32Array;
  #run = 0;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
  }

  /** The message being worked on, so that a crash can be put down to it. */
  receive(messageId: number): void {
    Atomics.store(this.#words, INDEX, 0);
    Atomics.store(this.#words, MESSAGE, messageId);
  }

  begin(index: number): void {
    this.#run = (this.#run % 0x7fffffff) + 1;
    Atomics.store(this.#words, INDEX, index);
    Atomics.store(this.#words, RUN, this.#run);
  }

  /** Never returns when the run has been taken away: the main thread is about to end this worker. */
  end(): void {
    if (Atomics.compareExchange(this.#words, RUN, this.#run, idle) !== this.#run) {
      Atomics.wait(this.#words, PARKED, 0);
    }
  }
}

/** The main thread's side. */
export class RunSlotObserver {
  readonly #words: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
  }

  running(): number | null {
    const run = Atomics.load(this.#words, RUN);
    return run > 0 ? run : null;
  }

  take(run: number): boolean {
    return Atomics.compareExchange(this.#words, RUN, run, taken) === run;
  }

  /** What the worker was doing when it ended. */
  last(): { messageId: number; index: number; inFunction: boolean } {
    return {
      messageId: Atomics.load(this.#words, MESSAGE),
      index: Atomics.load(this.#words, INDEX),
      inFunction: Atomics.load(this.#words, RUN) !== idle,
    };
  }
}
