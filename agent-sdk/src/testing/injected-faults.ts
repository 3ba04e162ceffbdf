/** What goes wrong on purpose between the client and its two services in memory. */
import type { ErrorCode } from "../../../contract/error-code.ts";
import { ReelsyncError } from "../errors.ts";
import type { Dependency } from "../events.ts";

export interface Faults {
  /** The service does not answer until the function that comes back is called. */
  outage: (dependency: Dependency) => () => void;
  /** The next request that would change something is refused with this code, and changes nothing. */
  refuseNext: (dependency: Dependency, code: ErrorCode) => void;
  /** The next request that would change something does so, but its reply never arrives. */
  loseNextReply: (dependency: Dependency) => void;
}

/** Runs one request of a service as the faults have it. */
export type Exchange = <T>(dependency: Dependency, changes: boolean, answer: () => T) => T;

const UNAVAILABLE = { s3: "S3_UNAVAILABLE", convex: "CONVEX_UNAVAILABLE" } as const;

export function createFaults(): { faults: Faults; exchange: Exchange; isDown: (of: Dependency) => boolean } {
  const outages = { s3: 0, convex: 0 };
  const refusals: Record<Dependency, ErrorCode[]> = { s3: [], convex: [] };
  const lost = { s3: 0, convex: 0 };

  const unavailable = (dependency: Dependency, fact: string) =>
    new ReelsyncError(UNAVAILABLE[dependency], `${fact} (injected)`);

  return {
    faults: {
      outage(dependency) {
        outages[dependency] += 1;
        let ended = false;
        return () => {
          if (!ended) outages[dependency] -= 1;
          ended = true;
        };
      },
      refuseNext: (dependency, code) => void refusals[dependency].push(code),
      loseNextReply: (dependency) => void (lost[dependency] += 1),
    },
    exchange(dependency, changes, answer) {
      if (outages[dependency] > 0) throw unavailable(dependency, `${dependency} does not answer`);
      const refusal = changes ? refusals[dependency].shift() : undefined;
      if (refusal !== undefined) throw new ReelsyncError(refusal, `${dependency} refused (injected)`);
      const answered = answer();
      if (changes && lost[dependency] > 0) {
        lost[dependency] -= 1;
        throw unavailable(dependency, `The reply of ${dependency} was lost`);
      }
      return answered;
    },
    isDown: (dependency) => outages[dependency] > 0,
  };
}
