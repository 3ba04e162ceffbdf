/** Findings, dead letters and rollout stages in the words an operator would use. */
import type { DeadLetterState } from "../../../contract/dead-letter.ts";
import type { FindingKind, Repair } from "../../../contract/reconcile.ts";
import type { RolloutStage } from "../../../contract/rollout.ts";
import type { Tone } from "../ui/StatusBadge.tsx";

export const FINDING_KINDS: { kind: FindingKind; label: string; meaning: string }[] = [
  {
    kind: "object_without_record",
    label: "Objects without a record",
    meaning: "In the bucket, known to nobody: paid for and unreachable.",
  },
  {
    kind: "record_without_object",
    label: "Records without an object",
    meaning: "Said to be ready, but the bytes are gone.",
  },
  {
    kind: "size_mismatch",
    label: "Size mismatches",
    meaning: "Both exist, and disagree about how long the file is.",
  },
];

export const KIND_LABEL: Record<FindingKind, string> = {
  object_without_record: "No record",
  record_without_object: "No object",
  size_mismatch: "Size differs",
};

export const REPAIR_LABEL: Record<Repair, string> = {
  quarantine_object: "Move to quarantine",
  mark_record: "Mark the record",
};

/** Of a kind of which more was found than drift explains: what the numbers count, and what a repair would then do. */
export const OVER_LIMIT: Record<FindingKind, { fact: string; danger: string }> = {
  object_without_record: {
    fact: "objects have no record",
    danger:
      "Usually the bucket or the prefix is the wrong one, or another deployment shares it and these files are its live data.",
  },
  record_without_object: {
    fact: "records have no object",
    danger: "Usually the bucket or the prefix is the wrong one, and the files are well where they are.",
  },
  size_mismatch: {
    fact: "records are of another size than their object",
    danger:
      "Usually the bucket or the prefix is another deployment’s, which holds other files under the same keys.",
  },
};

export const FINDING_STATES: Record<string, { label: string; tone: Tone; live?: boolean }> = {
  open: { label: "Open", tone: "planned" },
  frozen: { label: "Frozen", tone: "neutral" },
  applying: { label: "Applying", tone: "working", live: true },
  applied: { label: "Applied", tone: "ready" },
  skipped: { label: "Skipped", tone: "neutral" },
  failed: { label: "Failed", tone: "failed" },
};

export const LETTER_STATES: Record<DeadLetterState, { label: string; tone: Tone; live?: boolean }> = {
  parked: { label: "Parked", tone: "failed" },
  replay_requested: { label: "Replay requested", tone: "working", live: true },
  replaying: { label: "Replaying", tone: "working", live: true },
  resolved: { label: "Resolved", tone: "ready" },
  discarded: { label: "Discarded", tone: "neutral" },
};

export const STEP_LABEL: Record<"begin" | "upload" | "commit", string> = {
  begin: "opening the upload",
  upload: "moving the bytes",
  commit: "writing the record",
};

export const STAGES: Record<RolloutStage, { label: string; meaning: string }> = {
  off: { label: "Off", meaning: "Nothing is uploaded. Agents are told so and keep nothing." },
  shadow: { label: "Shadow", meaning: "Stored and recorded for history. Viewers see nothing of it." },
  "end-of-run": { label: "End of run", meaning: "Kept on the agent’s disk, published when its run ends." },
  "on-write": { label: "On write", meaning: "Published the moment it is rendered." },
};
