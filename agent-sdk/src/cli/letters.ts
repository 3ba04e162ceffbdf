/** Dead letters wherever they are: in Convex, and those on this machine's disk that Convex could not be told of yet. */
import type { FunctionReturnType } from "convex/server";
import type { DeadLetter, DeadLetterState } from "../../../contract/dead-letter.ts";
import { api } from "../../../convex/_generated/api.js";
import { createDeadLetterSpool } from "../dead-letters/dead-letter-spool.ts";
import { ReelsyncError } from "../errors.ts";
import { pages, type Connection } from "./connection.ts";
import type { Context } from "./context.ts";
import { agentSettings } from "./settings.ts";

type Row = FunctionReturnType<typeof api.deadLetters.list>["page"][number];

export interface Letter extends DeadLetter {
  /** The upload's id. */
  id: string;
  /** Absent while it waits on this machine. */
  deadLetterId?: string;
  state: DeadLetterState;
  sessionTitle?: string;
  sceneTitle?: string;
  reason?: string;
  createdAt?: number;
  updatedAt?: number;
  replayingUntil?: number;
}

export interface Filter {
  state?: DeadLetterState | undefined;
  tenant?: string | undefined;
}

/** What waits here comes first: it can be told while Convex cannot be asked. */
export async function* letters(
  connection: Connection,
  context: Context,
  { state, tenant }: Filter = {},
): AsyncGenerator<Letter> {
  if (connection.as === "agent" && (state === undefined || state === "parked")) {
    const spool = createDeadLetterSpool(agentSettings(context.env).deadLetterDir);
    for (const { letter, delivered } of await spool.all()) {
      if (!delivered) yield { ...letter, id: letter.intent.uploadId, state: "parked" };
    }
  }
  const rows = pages<Row>((paginationOpts) =>
    connection.run("query", api.deadLetters.list, {
      paginationOpts,
      ...(state !== undefined && { state }),
      ...(tenant !== undefined && { tenantId: tenant }),
    }),
  );
  for await (const row of rows) yield { ...row, id: row.intent.uploadId };
}

/** By the upload's id or by Convex's. */
export async function findLetter(
  connection: Connection,
  context: Context,
  id: string,
  filter: Filter = {},
): Promise<Letter> {
  for await (const letter of letters(connection, context, filter)) {
    if (letter.id === id || letter.deadLetterId === id) return letter;
  }
  throw new ReelsyncError("NOT_FOUND", `${id} names no dead letter of yours`);
}

/** For what only Convex can do to it. */
export async function findDelivered(
  connection: Connection,
  context: Context,
  id: string,
  filter: Filter = {},
): Promise<Letter & { deadLetterId: string }> {
  const letter = await findLetter(connection, context, id, filter);
  if (letter.deadLetterId !== undefined) return { ...letter, deadLetterId: letter.deadLetterId };
  throw new ReelsyncError(
    "CONFLICT",
    `Dead letter ${id} waits on this machine and has not reached Convex yet`,
  );
}
