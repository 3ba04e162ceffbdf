/** Every command there is, in the order help shows them. A new one is a file in `commands/` and a line here. */
import type { Command } from "./command.ts";
import { backfill } from "./commands/backfill.ts";
import { bucketSetup } from "./commands/bucket.ts";
import { combine } from "./commands/combine.ts";
import { completionFor } from "./commands/completion.ts";
import { deadLettersList, deadLettersShow } from "./commands/dead-letters.ts";
import { deadLettersDiscard, deadLettersRetry } from "./commands/dead-letters-settle.ts";
import { drain } from "./commands/drain.ts";
import { demo } from "./commands/demo.ts";
import { doctor } from "./commands/doctor.ts";
import { ingest } from "./commands/ingest.ts";
import { ls } from "./commands/ls.ts";
import { migrate } from "./commands/migrate.ts";
import { manifest } from "./commands/manifest.ts";
import { presign } from "./commands/presign.ts";
import { reconcile } from "./commands/reconcile.ts";
import { reconcileFreeze, reconcileThaw } from "./commands/reconcile-freeze.ts";
import { rollout, rolloutSet } from "./commands/rollout.ts";
import { sceneUpsert } from "./commands/scene.ts";
import { serve } from "./commands/serve.ts";
import { sessionCreate, sessionEnd } from "./commands/session.ts";
import { storageServe } from "./commands/storage-serve.ts";
import { status } from "./commands/status.ts";
import { sync } from "./commands/sync.ts";
import { tempClean } from "./commands/temp.ts";
import { tokenCreate } from "./commands/token.ts";
import { watch } from "./commands/watch.ts";
import { upload } from "./commands/upload.ts";

export const COMMANDS: readonly Command[] = [
  upload,
  ingest,
  sync,
  watch,
  sessionCreate,
  sessionEnd,
  sceneUpsert,
  status,
  ls,
  presign,
  manifest,
  combine,
  drain,
  deadLettersList,
  deadLettersShow,
  deadLettersRetry,
  deadLettersDiscard,
  // Before the command whose words are the beginning of theirs; `rolloutSet` too.
  reconcileFreeze,
  reconcileThaw,
  reconcile,
  backfill,
  tempClean,
  rolloutSet,
  rollout,
  tokenCreate,
  bucketSetup,
  migrate,
  storageServe,
  serve,
  doctor,
  demo,
  completionFor(() => COMMANDS),
];
