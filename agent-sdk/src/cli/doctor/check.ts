/** One thing the doctor looked at. */
export interface Check {
  check: string;
  /** `warn`: works, but somebody should know. */
  state: "ok" | "warn" | "fail";
  /** What is there. */
  found: string;
  /** Why that is not well. */
  cause?: string;
  /** What mends it, as a command where there is one. */
  fix?: string;
}

export function ok(check: string, found: string): Check {
  return { check, state: "ok", found };
}

export function warn(check: string, found: string, cause: string, fix: string): Check {
  return { check, state: "warn", found, cause, fix };
}

export function fail(check: string, found: string, cause: string, fix: string): Check {
  return { check, state: "fail", found, cause, fix };
}
