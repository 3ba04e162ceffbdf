/** Setting and removing deployment variables, with everything that depends on them. */
import { RequestError } from "../engine.ts";
import { evaluateAuthConfig } from "../push/auth-config.ts";
import { withBuiltIns } from "./environment.ts";
import type { Runtime } from "./open-runtime.ts";

const maxVariables = 512;
const maxNameLength = 256;
const maxValueBytes = 8192;
const reserved = new Set(["CONVEX_CLOUD_URL", "CONVEX_SITE_URL"]);

interface Change {
  name: string;
  value: string | null;
}

export async function changeEnvironment(
  { state, transactions, actions }: Runtime,
  changes: Change[],
): Promise<void> {
  changes.forEach(checkChange);
  const variables = new Map(Object.entries(state.variables));
  for (const { name, value } of changes) {
    if (value === null) variables.delete(name);
    else variables.set(name, value);
  }
  if (variables.size > maxVariables) {
    throw new RequestError(
      400,
      "TooManyEnvVars",
      `A deployment has at most ${maxVariables} environment variables.`,
    );
  }
  const { app } = state;
  const changed = Object.fromEntries(variables);
  const affectsAuth = changes.some(({ name }) => app.authEnvironment.includes(name));
  // First, since it refuses the change when auth.config cannot do without the variable.
  const auth = affectsAuth ? await evaluateAuthConfig(app, withBuiltIns(changed, state.urls)) : null;
  await transactions.call("changeEnvironment", changes);
  state.variables = changed;
  if (auth) {
    await transactions.call("replaceAuth", auth);
    state.app = { ...state.app, auth };
  }
  actions.configure(state.app, state.environment());
  state.retryEnded();
}

function checkChange({ name, value }: Change): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name.length > maxNameLength) {
    throw new RequestError(
      400,
      "InvalidEnvVarName",
      `"${name}" is no name for an environment variable: use letters, digits and underscores, at most ${maxNameLength}.`,
    );
  }
  if (reserved.has(name)) {
    throw new RequestError(
      400,
      "EnvVarNameForbidden",
      `${name} is set by the deployment itself. Choose another name.`,
    );
  }
  if (value !== null && Buffer.byteLength(value) > maxValueBytes) {
    throw new RequestError(
      400,
      "EnvVarValueTooLarge",
      `The value of ${name} is larger than ${maxValueBytes} bytes.`,
    );
  }
}
