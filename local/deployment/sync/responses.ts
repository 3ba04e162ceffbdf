/** Answers to mutations and actions, as text: results are JSON text already and may be large. */
import type { Outcome } from "../engine.ts";
import { withMember } from "../values/json.ts";
import { encodeTs } from "./protocol.ts";

export function mutationResponse(requestId: number, outcome: Outcome, committed: bigint): string {
  return response("MutationResponse", requestId, outcome, { ts: outcome.ok ? encodeTs(committed) : null });
}

export function actionResponse(requestId: number, outcome: Outcome): string {
  return response("ActionResponse", requestId, outcome, {});
}

function response(type: string, requestId: number, outcome: Outcome, more: { ts?: string | null }): string {
  const { ok: success, logLines } = outcome;
  const members = { type, requestId, success, ...more, logLines };
  if (outcome.ok) return withMember(members, "result", outcome.json);
  const { errorMessage: result, errorData } = outcome;
  // Absent when there is none: the client makes a ConvexError of anything that is there.
  return JSON.stringify({ ...members, result, ...(errorData !== undefined && { errorData }) });
}
