/** `reelsync reconcile freeze` and `thaw`: whether anything may leave the bucket at all. */
import { frozenFact, type DeleteFreeze } from "../../../../contract/reconcile.ts";
import { api } from "../../../../convex/_generated/api.js";
import { plain } from "../columns.ts";
import { connectAsPerson, type Connection } from "../connection.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { tenantOption } from "./dead-letters.ts";

export const reconcileFreeze = defineCommand({
  path: ["reconcile", "freeze"],
  summary: "Freeze deletes, as an admin: nothing leaves the bucket until they are thawed",
  details:
    "Needs REELSYNC_TOKEN. Repairs that would take objects away and removals by key are refused, and what waits for quarantine keeps waiting. Uploads and the " +
    "marking of records go on. What reaches the bucket past the deployment, as its own lifecycle rules do, is not held. Freezing again changes nothing.",
  args: {},
  options: {
    reason: { kind: "text", required: true, summary: "Why, for those who meet it" },
    ...tenantOption,
  },
  examples: [
    {
      does: "before the bucket is moved",
      line: 'reelsync reconcile freeze --reason "the bucket is being moved"',
    },
  ],
  run: ({ options: { reason, tenant } }, context) =>
    change(context, tenant, (connection) =>
      connection.run("mutation", api.reconcile.freeze, { reason, ...of(tenant) }),
    ),
});

export const reconcileThaw = defineCommand({
  path: ["reconcile", "thaw"],
  summary: "Thaw deletes, as an admin",
  details:
    "Needs REELSYNC_TOKEN. What waited goes to quarantine again, hour by hour, and what came due meanwhile waits for grace once more.",
  args: {},
  options: {
    reason: { kind: "text", summary: "Why, for the audit log" },
    ...tenantOption,
  },
  examples: [{ does: "once it is moved", line: "reelsync reconcile thaw" }],
  run: ({ options: { reason, tenant } }, context) =>
    change(context, tenant, (connection) =>
      connection.run("mutation", api.reconcile.thaw, {
        ...(reason !== undefined && { reason }),
        ...of(tenant),
      }),
    ),
});

export function frozenOf(connection: Connection, tenant: string | undefined): Promise<DeleteFreeze | null> {
  return connection.run("query", api.reconcile.frozen, of(tenant));
}

async function change(
  context: Context,
  tenant: string | undefined,
  make: (connection: Connection) => Promise<{ changed: boolean }>,
): Promise<ExitCode> {
  const { output } = context;
  const connection = connectAsPerson(context);
  try {
    const { changed } = await make(connection);
    if (!changed) output.say("nothing was changed: that is what holds already");
    const frozen = await frozenOf(connection, tenant);
    output.give({ frozen, changed }, frozen === null ? "Deletes are not frozen." : plain(frozenFact(frozen)));
    return EXIT.ok;
  } finally {
    connection.close();
  }
}

const of = (tenant: string | undefined) => (tenant === undefined ? {} : { tenantId: tenant });
