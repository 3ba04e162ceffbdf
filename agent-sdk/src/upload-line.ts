/** What the steps of an upload hand to each other: the line, which is one for each client, and how far one upload has come. */
import type { UnhashedIntent } from "../../contract/asset.ts";
import type { CallMark } from "./call-mark.ts";
import type { Call } from "./call.ts";
import type { Mode } from "./config.ts";
import type { AgentTokens } from "./convex/agent-token.ts";
import type { Begun, Records } from "./convex/records.ts";
import type { DeadLetters } from "./dead-letters/dead-letters.ts";
import type { ReelsyncError } from "./errors.ts";
import type { Events, OfUpload, Step } from "./events.ts";
import type { AssetFile } from "./file/asset-file.ts";
import type { Digests } from "./file/hash-file.ts";
import type { Drainer } from "./journal/drainer.ts";
import type { Journal, JournalEntry } from "./journal/journal.ts";
import type { ProgressMeter } from "./progress.ts";
import type { UploadOutcomes } from "./rollout/outcomes.ts";
import type { Rollout, Scope } from "./rollout/rollout.ts";
import type { ObjectStore } from "./s3/object-store.ts";
import type { TransferSlots } from "./s3/transfer-slots.ts";

/** Everything an upload meets on its way; one per client. */
export interface UploadLine {
  tokens: AgentTokens;
  records: Records;
  objects: ObjectStore;
  slots: TransferSlots;
  letters: DeadLetters;
  journal: Journal;
  drainer: Drainer;
  mode: Mode;
  rollout: Rollout;
  outcomes: UploadOutcomes;
  /** What is under way, so that closing can end it. */
  calls: Set<Call>;
  events: Events;
  timeoutMs: number;
}

/** How far one upload has come. */
export interface Upload {
  readonly id: string;
  /** What its events say it is. */
  readonly names: OfUpload;
  readonly call: Call;
  /** When its caller asked for it; of a letter that comes back from Convex only Convex knows. */
  readonly madeAt: CallMark | undefined;
  readonly meter: ProgressMeter;
  /** What the caller gets to hear when the upload has to wait for a service; a drained or replayed one throws. */
  readonly queues: boolean;
  /** Where a drained upload waits again after this error. */
  readonly comesBack?: (error: ReelsyncError) => boolean;
  step: Step | "file";
  scope?: Scope;
  file?: AssetFile;
  content?: Content;
  /** With the hash as soon as that is known. */
  intent?: UnhashedIntent;
  begun?: Begun;
  entry?: JournalEntry;
  /** Its content is stored and has its record: whatever fails from here on is neither replayed nor taken back. */
  recorded?: true;
}

/** What is sent, and what is known of it by now. */
export interface Content {
  file: AssetFile;
  digests: Digests;
  /** Present where it is hashed while it is sent: the hash of the whole. */
  finish?: () => Promise<string>;
}
