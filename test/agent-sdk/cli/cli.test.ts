/** The real program against the real stack: one stack for everything, because starting one takes longer than a command. */
import { vi } from "vitest";
import { describeDocument } from "./cases/document-cases.ts";
import { describeMedia } from "./cases/media-cases.ts";
import { describeOperator } from "./cases/operator-cases.ts";
import { describeReconcile } from "./cases/reconcile-cases.ts";
import { describeReel } from "./cases/reel-cases.ts";
import { describeRepair } from "./cases/repair-cases.ts";
import { describeRollout } from "./cases/rollout-cases.ts";
import { describeTerminal } from "./cases/terminal-cases.ts";
import { describeUpload } from "./cases/upload-cases.ts";
import { openWorkshop } from "./support/workshop.ts";

// Each test starts the program several times, which is most of what it takes.
vi.setConfig({ testTimeout: 120_000 });

const workshop = openWorkshop();

describeReel(workshop);
describeUpload(workshop);
describeMedia(workshop);
describeRepair(workshop);
describeReconcile(workshop);
describeOperator(workshop);
describeRollout(workshop);
describeTerminal(workshop);
describeDocument(workshop);
