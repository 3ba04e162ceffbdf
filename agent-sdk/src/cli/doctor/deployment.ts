/** The Convex deployment: reachable, running Reelsync, knowing the key, and storing in the same bucket. */
import { api } from "../../../../convex/_generated/api.js";
import { createAgentTokens, type AgentToken } from "../../convex/agent-token.ts";
import { createPost } from "../../convex/post.ts";
import { codedError, type ReelsyncError } from "../../errors.ts";
import { PROXY_AUTHENTICATION_REQUIRED } from "../../http-agents.ts";
import { withoutLogin } from "../../without-login.ts";
import { connectAsAgent, connectAsPerson } from "../connection.ts";
import type { Context } from "../context.ts";
import { describe } from "../output.ts";
import { agentSettings, hasAgentKey, type AgentSettings } from "../settings.ts";
import { askService, proxyWantsLogin, shownService } from "./ask-service.ts";
import { fail, ok, warn, type Check } from "./check.ts";
import { checkRollout } from "./rollout.ts";

export async function checkUrl(convexUrl: string, signal: AbortSignal): Promise<Check> {
  const shown = shownService(convexUrl);
  const url = `${convexUrl.replace(/\/+$/, "")}/version`;
  const status = await askService(url, { method: "GET", signal }, ({ statusCode = 0 }) => statusCode).catch(
    (error: unknown) => error as Error,
  );
  if (status instanceof Error) {
    return fail(
      "convex url",
      `${shown} does not answer`,
      withoutLogin(status.message),
      `curl -i ${withoutLogin(url)}  # then correct CONVEX_URL`,
    );
  }
  if (status >= 200 && status < 300) return ok("convex url", shown);
  if (status === PROXY_AUTHENTICATION_REQUIRED) return proxyWantsLogin("convex url", shown);
  return fail(
    "convex url",
    `${withoutLogin(url)} answered HTTP ${status}`,
    "CONVEX_URL does not point to a Convex deployment",
    "export CONVEX_URL=…  # e.g. https://happy-cat-123.convex.cloud",
  );
}

/** Trades the key at the site URL, which proves both; then asks as that agent who it is, which proves the functions. */
export async function checkAgent(context: Context, bucket: string | undefined): Promise<Check[]> {
  let settings: AgentSettings;
  try {
    settings = agentSettings(context.env);
  } catch {
    // What is missing was said about the environment.
    return [];
  }
  const { auth } = settings;
  if (auth.kind !== "key") return [];
  const site = withoutLogin(auth.tokenUrl.replace(/\/agent\/token$/, ""));
  const { post, close } = createPost();
  try {
    const token = await createAgentTokens(auth, post).get();
    return [
      ok("site url", site),
      ok("agent key", "accepted"),
      ...(await checkFunctions(context)),
      ...sameBucket(token, bucket),
    ];
  } catch (error) {
    return keyFault(codedError(error), site, settings.storageType);
  } finally {
    close();
  }
}

function keyFault(error: ReelsyncError, site: string, storageType: AgentSettings["storageType"]): Check[] {
  const { message } = describe(error);
  if (error.code === "AGENT_KEY_INVALID") {
    const fix = "export REELSYNC_AGENT_KEY=$(reelsync token create --name NAME --tenant SLUG)";
    return [ok("site url", site), fail("agent key", "refused", message, fix)];
  }
  if (error.code === "STORAGE_UNCONFIGURED") {
    const variable = storageType === "LOCAL" ? "STORAGE_LOCAL_BASE_URL" : "S3_BUCKET";
    return [
      ok("site url", site),
      fail("storage of the deployment", "not configured", message, `npx convex env set ${variable} …`),
    ];
  }
  const fix = "export CONVEX_SITE_URL=…  # where the deployment's HTTP actions are";
  return [fail("site url", `${site} does not trade the agent key`, message, fix)];
}

async function checkFunctions(context: Context): Promise<Check[]> {
  const connection = connectAsAgent(context);
  try {
    const { name, tenants } = await connection.run("query", api.viewer.me, {});
    const who = `you are the agent "${name}" of ${tenants.map((tenant) => tenant.name).join(", ")}`;
    return [ok("functions", who), ...(await checkRollout(connection, context))];
  } catch (error) {
    const { message } = describe(codedError(error));
    return [fail("functions", "viewer:me fails", message, "npx convex deploy")];
  } finally {
    connection.close();
  }
}

function sameBucket({ bucket: recorded }: AgentToken, bucket: string | undefined): Check[] {
  if (recorded === undefined || bucket === undefined) return [];
  if (recorded === bucket) return [ok("same bucket", `agent and deployment both store in ${bucket}`)];
  return [
    fail(
      "same bucket",
      `the agent stores in ${bucket}, the deployment records ${recorded}`,
      "Every upload would be refused",
      `export S3_BUCKET=${recorded}  # or: npx convex env set S3_BUCKET ${bucket}`,
    ),
  ];
}

export async function checkPerson(context: Context): Promise<Check[]> {
  const connection = connectAsPerson(context);
  try {
    const { name, tenants } = await connection.run("query", api.viewer.me, {});
    const roles = tenants.map((tenant) => `${tenant.role} of ${tenant.name}`);
    if (roles.length === 0) {
      const fix = "npx convex run setup:bootstrap '…'  # adds members";
      return [warn("your token", `${name}, member of nothing`, "Admin commands will be refused", fix)];
    }
    // As the agent it was asked already; of several tenants, none is meant.
    const isAsked = hasAgentKey(context.env) || tenants.length > 1;
    return [
      ok("your token", `${name}, ${roles.join(", ")}`),
      ...(isAsked ? [] : await checkRollout(connection, context)),
    ];
  } catch (error) {
    const { message } = describe(codedError(error));
    return [fail("your token", "refused", message, "export REELSYNC_TOKEN=…  # a fresh id token")];
  } finally {
    connection.close();
  }
}
