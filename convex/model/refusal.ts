/** The one way this backend says no: a coded refusal that carries the fact and the fix. Throwing rolls the whole transaction back. */
import { ConvexError } from "convex/values";
import { ERRORS } from "../../contract/error-code.ts";
import type { ErrorCode, Refusal } from "../../contract/error-code.ts";

/** `hint`: what helps here, where the fix of the code speaks of another of its causes. */
export function refusal(code: ErrorCode, fact: string, hint?: string): Refusal {
  const message = `${fact} ${hint ?? ERRORS[code].fix}`;
  return hint === undefined ? { code, message } : { code, message, hint };
}

export function refuse(code: ErrorCode, fact: string, hint?: string): never {
  throw new ConvexError<Refusal>(refusal(code, fact, hint));
}

/** Faults zod found, in one refusal. */
export function argumentRefusal(
  faults: readonly { path: readonly PropertyKey[]; message: string }[],
): Refusal {
  const facts = faults.map(({ path, message }) => `${path.map(String).join(".")}: ${message}`);
  return refusal("INVALID_ARGUMENT", `${facts.join("; ")}.`);
}
