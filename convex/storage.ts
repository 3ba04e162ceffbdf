/** Public functions of where bytes are kept: what a migration reads and flips, record by record. */
import * as z from "zod";
import { sha256Schema, storageBackendSchema, storedObjectSchema } from "../contract/asset.ts";
import { adminOrAgentMutation, adminOrAgentQuery } from "./functions.ts";
import { keptIn, makeRoom, moveRecord } from "./model/assetMove.ts";
import { paginationOpts } from "./model/page.ts";

/** Stored versions whose bytes are kept there. A record that is moved leaves the list. */
export const records = adminOrAgentQuery({
  args: {
    storageBackend: storageBackendSchema,
    status: z.enum(["ready", "superseded"]),
    tenantId: z.string().optional(),
    paginationOpts,
  },
  handler: async (ctx, args) => keptIn(ctx, ctx.caller, args),
});

/** Before the bytes are copied: keeps whatever is about to leave the bucket under this key. */
export const prepareMove = adminOrAgentMutation({
  args: { assetId: z.string(), to: storageBackendSchema },
  handler: async (ctx, args) => makeRoom(ctx, ctx.caller, args),
});

/** After the copy was verified: the record says the new place, or what speaks against it. */
export const move = adminOrAgentMutation({
  args: {
    assetId: z.string(),
    to: storageBackendSchema,
    sha256: sha256Schema,
    object: storedObjectSchema,
    /** What `prepareMove` answered. */
    preparedAt: z.number(),
    deleteSource: z.boolean(),
  },
  handler: async (ctx, args) => moveRecord(ctx, ctx.caller, args),
});
