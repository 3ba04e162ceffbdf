/** Commit timestamps and creation times: wall clock, but never behind what was given before, also across restarts. */
const NS_PER_MS = 1_000_000n;

export class Clock {
  private newestCreationTime: number;

  constructor(private newest: bigint) {
    this.newestCreationTime = Number(newest) / Number(NS_PER_MS);
  }

  latestTs(): bigint {
    return this.newest;
  }

  /** The next commit's timestamp; `advanceTo` it when the commit is done. Not before any creation time given. */
  nextTs(): bigint {
    const now = BigInt(Math.ceil(Math.max(Date.now(), this.newestCreationTime))) * NS_PER_MS;
    return now > this.newest ? now : this.newest + 1n;
  }

  advanceTo(ts: bigint): void {
    this.newest = ts;
  }

  /** Milliseconds, `wantedMs` if that is greater than every creation time given before. */
  nextCreationTime(wantedMs: number): number {
    this.newestCreationTime = Math.max(wantedMs, nextDouble(this.newestCreationTime));
    return this.newestCreationTime;
  }
}

const bits = new DataView(new ArrayBuffer(8));

function nextDouble(value: number): number {
  bits.setFloat64(0, value);
  bits.setBigUint64(0, bits.getBigUint64(0) + 1n);
  return bits.getFloat64(0);
}
