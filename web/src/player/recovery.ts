/** Remembers where a chunk broke off and was loaded again, to tell one interruption from a chunk that does not play. */

/** Progress after which a recovered chunk counts as healthy again. */
const HEALTHY_AFTER_SECONDS = 1;

export class Recovery {
  #last: { assetId: string; offset: number } | undefined;

  /** False when this is the same fault again. */
  mayRetry(assetId: string, offset: number): boolean {
    const last = this.#last;
    if (last?.assetId === assetId && offset - last.offset < HEALTHY_AFTER_SECONDS) return false;
    this.#last = { assetId, offset };
    return true;
  }

  /** Somebody asked for this place: whatever failed before counts no more. */
  forget(): void {
    this.#last = undefined;
  }
}
