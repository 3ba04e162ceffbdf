import type { Engine } from "../../../../local/deployment/engine.ts";
import type { Json } from "../../../../local/deployment/values/json.ts";
import { pushOf } from "../runtime/app-bundle.ts";
import { imports } from "../runtime/open-app.ts";

export interface Started {
  appAuth: Json[];
  schemaChange: { indexDiffs: Record<string, { added_indexes: Json[]; removed_indexes: Json[] }> };
  analysis: Record<
    string,
    { definition: { envVars: Json[] }; functions: Record<string, { functions: Json[] }> }
  >;
}

/** The first step of a push, with what every fixture needs of the client library. */
export async function start(engine: Engine, files: Record<string, string>): Promise<Started> {
  const texts = Object.entries(files).map(([path, text]) => [path, `${imports}${text}`]);
  const body = await pushOf(Object.fromEntries(texts) as Record<string, string>);
  return (await engine.push.start(body)) as unknown as Started;
}
