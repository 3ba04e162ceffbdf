/** The parts of the CLI's push requests that this deployment reads. */
import * as z from "zod";
import { RequestError } from "../engine.ts";
import type { Json } from "../values/json.ts";

const environment = z.enum(["isolate", "node"]);

const moduleSchema = z.object({
  path: z.string(),
  source: z.string(),
  sourceMap: z.string().nullish(),
  environment,
});

export const startPushSchema = z.object({
  dryRun: z.boolean().default(false),
  appDefinition: z.object({
    definition: moduleSchema.nullish(),
    schema: moduleSchema.nullish(),
    changedModules: z.array(moduleSchema),
    unchangedModuleHashes: z
      .array(z.object({ path: z.string(), environment, sha256: z.string() }))
      .default([]),
    udfServerVersion: z.string(),
  }),
  componentDefinitions: z.array(z.object({ definitionPath: z.string() })).default([]),
});

const schemaChange = z.object({ schemaIds: z.object({ staged: z.string() }) });

export const waitForSchemaSchema = z.object({ schemaChange });
export const finishPushSchema = z.object({
  dryRun: z.boolean().default(false),
  startPush: z.object({ schemaChange }),
});

export type StartPush = z.infer<typeof startPushSchema>;
export type PushedModule = z.infer<typeof moduleSchema>;

export function parseBody<T>(schema: z.ZodType<T>, body: Json): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new RequestError(
    400,
    "BadPushRequest",
    `The push request is malformed: ${z.prettifyError(parsed.error)}`,
  );
}
