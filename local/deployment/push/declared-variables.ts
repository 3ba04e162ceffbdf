/** The deployment variables that convex.config.ts declares: the CLI generates types of them, and a push needs their values. */
import * as z from "zod";
import type { Environment } from "../runtime/environment.ts";
import type { Namespace } from "../runtime/module-graph.ts";
import type { Json } from "../values/json.ts";
import { showValidator } from "../values/validator-text.ts";
import type { ValidatorJson } from "../values/validator-json.ts";
import { validate } from "../values/validator.ts";

/** As the definition exports it; `value` is the JSON text of a validator. */
export type DeclaredVariable = [
  name: string,
  declaration: { type: "value"; value: string; optional: boolean },
];

export interface AppDefinition {
  declaredVariables: DeclaredVariable[];
  httpPrefix: string | null;
}

const exportedSchema = z.object({
  envVars: z
    .array(
      z.tuple([
        z.string(),
        z.object({ type: z.literal("value"), value: z.string(), optional: z.boolean().default(false) }),
      ]),
    )
    .default([]),
  httpPrefix: z.string().nullable().default(null),
});

export function definitionOf({ default: definition }: Namespace): AppDefinition {
  const { export: exportDefinition } = (definition ?? {}) as { export?: unknown };
  if (typeof exportDefinition !== "function") {
    throw new TypeError(
      "convex.config.ts must have `export default` of the object that defineApp() returned.",
    );
  }
  const exported = exportedSchema.parse((definition as { export(): unknown }).export());
  return { declaredVariables: exported.envVars, httpPrefix: exported.httpPrefix };
}

/** Why these variables do not allow a push, or null. The CLI knows the first code, and reads the names from its message. */
export function variablesProblem(
  declared: readonly DeclaredVariable[],
  environment: Environment,
): { code: string; message: string } | null {
  const isSet = (name: string): boolean => Object.hasOwn(environment, name);
  const missing = declared.filter(([name, { optional }]) => !optional && !isSet(name)).map(([name]) => name);
  if (missing.length > 0) {
    return {
      code: "MissingEnvironmentVariables",
      message:
        `Environment variables declared in convex.config.ts are not set: ${missing.join(", ")}. ` +
        "Set them with `npx convex env set` and push again.",
    };
  }
  for (const [name, { value }] of declared) {
    if (!isSet(name)) continue;
    const validator = JSON.parse(value) as ValidatorJson;
    if (validate(validator as unknown as Json, environment[name]!, { tableOf: () => null }) === null)
      continue;
    return {
      code: "InvalidEnvironmentVariable",
      // Not the value, which may be a secret.
      message:
        `The value of environment variable ${name} does not match ${showValidator(validator)}, as convex.config.ts declares it. ` +
        `Set another one with \`npx convex env set ${name} …\` and push again.`,
    };
  }
  return null;
}
