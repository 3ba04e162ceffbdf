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
    for (const { letter, delivered } of await spoolOf(context).all()) {
      if (!delivered) yield waiting(letter);
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

/** By the upload's id or by Convex's. What waits on this machine is found without asking. */
export async function findLetter(
  connection: Connection,
  context: Context,
  id: string,
  { tenant }: Pick<Filter, "tenant"> = {},
): Promise<Letter> {
  const local = connection.as === "agent" ? await spoolOf(context).read(id) : undefined;
  if (local?.delivered === false) return waiting(local.letter);
  const row = await connection.run("query", api.deadLetters.get, {
    id,
    ...(tenant !== undefined && { tenantId: tenant }),
  });
  if (row !== null) return { ...row, id: row.intent.uploadId };
  throw new ReelsyncError("NOT_FOUND", `${id} names no dead letter of yours`);
}

const spoolOf = ({ env }: Context) => createDeadLetterSpool(agentSettings(env).deadLetterDir);

function waiting(letter: DeadLetter): Letter {
  return { ...letter, id: letter.intent.uploadId, state: "parked" };
}

/** For what only Convex can do to it. */
export async function findDelivered(
  connection: Connection,
  context: Context,
  id: string,
  filter: Pick<Filter, "tenant"> = {},
): Promise<Letter & { deadLetterId: string }> {
  const letter = await findLetter(connection, context, id, filter);
  if (letter.deadLetterId !== undefined) return { ...letter, deadLetterId: letter.deadLetterId };
  throw new ReelsyncError(
    "CONFLICT",
    `Dead letter ${id} waits on this machine and has not reached Convex yet`,
    { hint: "Run reelsync dead-letters retry on this machine; it is told to Convex once that answers." },
  );
}
