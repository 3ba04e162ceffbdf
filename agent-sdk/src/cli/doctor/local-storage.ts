/** The folder of `STORAGE_TYPE=LOCAL`, what it may hold, and the door that serves it. */
import { randomUUID } from "node:crypto";
import { json } from "node:stream/consumers";
import type { LocalStorageConfig } from "../../config.ts";
import { PROXY_AUTHENTICATION_REQUIRED } from "../../http-agents.ts";
import { sizeOf } from "../../storage/file-listing.ts";
import { pages } from "../../storage/local-storage.ts";
import { createLocalTree, type LocalTree } from "../../storage/local-tree.ts";
import { createLocalUrls } from "../../storage/local-urls.ts";
import { withoutLogin } from "../../without-login.ts";
import { size } from "../quantities.ts";
import { askService, proxyWantsLogin, shownService } from "./ask-service.ts";
import { fail, ok, warn, type Check } from "./check.ts";
import { checkSpace, freeBytes } from "./machine.ts";

const QUESTION_SECONDS = 60;
/** Share of the limit from which somebody should know. */
const NEARLY_FULL = 0.9;

/** Its URLs live as long as one question. */
type Folder = Omit<LocalStorageConfig, "presignSeconds">;

const STORED_FILES = {
  unusable: "Nothing that is uploaded can be kept",
  full: "There is no room for what is uploaded",
  filling: "A few uploads may fill it",
};

export async function checkLocalStorage(local: Folder, signal: AbortSignal): Promise<Check[]> {
  const fix = "export STORAGE_LOCAL_DIR=…  # a writable folder with room";
  const folder = await checkSpace("storage folder", local.dir, fix, STORED_FILES);
  if (folder.cause === STORED_FILES.unusable) return [folder];
  const tree = createLocalTree(local.dir);
  return [folder, await checkQuota(tree, local, signal), await checkDoor(tree, local, signal)];
}

async function checkQuota(tree: LocalTree, { dir, maxBytes }: Folder, signal: AbortSignal): Promise<Check> {
  if (maxBytes === undefined) return ok("storage limit", "none of its own");
  const [used, free] = await Promise.all([sizeOf(pages(tree, "", { signal })), freeBytes(dir)]);
  return judgeQuota(used, maxBytes, free);
}

export function judgeQuota(used: number, maxBytes: number, free: number): Check {
  const found = `${size(used)} of ${size(maxBytes)} used`;
  const fix = "export STORAGE_LOCAL_MAX_SIZE_GB=…  # or make room in the folder";
  if (used >= maxBytes) {
    return fail("storage limit", found, "Every upload is refused (STORAGE_QUOTA_EXCEEDED)", fix);
  }
  if (used >= maxBytes * NEARLY_FULL) {
    return warn("storage limit", found, "Uploads that do not fit will be refused", fix);
  }
  if (free < maxBytes - used) {
    const cause = `The disk has ${size(free)} free, so it is full before the limit is reached`;
    return warn("storage limit", found, cause, "export STORAGE_LOCAL_MAX_SIZE_GB=…  # or a larger disk");
  }
  return ok("storage limit", found);
}

/** Asks for a file that is there, or for one that cannot be: what the door answers to a signed URL proves key and folder. */
async function checkDoor(
  tree: LocalTree,
  { dir, baseUrl, signingKey }: Folder,
  signal: AbortSignal,
): Promise<Check> {
  if (baseUrl === undefined || signingKey === undefined) {
    const missing = baseUrl === undefined ? "STORAGE_LOCAL_BASE_URL" : "STORAGE_LOCAL_SIGNING_KEY";
    const cause = "The URLs made here are file:// ones, which nobody else can open";
    return warn("file door", `${missing} is not set`, cause, `export ${missing}=…  # as on the deployment`);
  }
  const shown = shownService(baseUrl);
  const first = await tree.walk("").next();
  const stored = first.done === true ? undefined : first.value.key;
  const key = stored ?? `absent-${randomUUID()}`;
  const { url } = await createLocalUrls({ baseUrl, signingKey, presignSeconds: QUESTION_SECONDS }).sign(
    "GET",
    key,
    { expiresInSeconds: QUESTION_SECONDS },
  );
  const answer = await ask(url, signal);
  if (answer instanceof Error) {
    const cause = withoutLogin(answer.message);
    return fail("file door", `${shown} does not answer`, cause, serveCommand(baseUrl));
  }
  const { status, code } = answer;
  if (status === 206 || (stored === undefined && code === "NOT_FOUND")) return ok("file door", shown);
  if (status === PROXY_AUTHENTICATION_REQUIRED) return proxyWantsLogin("file door", shown);
  if (code === "NOT_FOUND") {
    const cause = `It does not have ${key}: it serves another folder`;
    const fix = `STORAGE_LOCAL_DIR=${tree.root} ${serveCommand(baseUrl)}`;
    return fail("file door", `${shown} does not serve ${dir}`, cause, fix);
  }
  if (code === "FORBIDDEN") {
    const fix = "export STORAGE_LOCAL_SIGNING_KEY=…  # one for the agents, the door and the deployment";
    const cause = "The door verifies with another key, or its clock is off";
    return fail("file door", `${shown} refuses what is signed here`, cause, fix);
  }
  return fail(
    "file door",
    `${shown} answered HTTP ${status}`,
    "STORAGE_LOCAL_BASE_URL does not point to a file door",
    `${serveCommand(baseUrl)}  # then export STORAGE_LOCAL_BASE_URL as it prints it`,
  );
}

async function ask(url: string, signal: AbortSignal): Promise<{ status: number; code?: unknown } | Error> {
  const question = { method: "GET", headers: { Range: "bytes=0-0" }, signal };
  return askService(url, question, async (answer) => {
    const status = answer.statusCode ?? 0;
    const isError = status >= 300 && (answer.headers["content-type"] ?? "").startsWith("application/json");
    const told = isError ? ((await json(answer).catch(() => ({}))) as { code?: unknown } | null) : null;
    return { status, code: told?.code };
  }).catch((error: unknown) => error as Error);
}

/** Behind TLS or a path, where the door itself listens is not to be seen from here. */
function serveCommand(baseUrl: string): string {
  const { protocol, port, hostname } = new URL(baseUrl);
  if (protocol === "https:" || port === "") return "reelsync storage serve";
  const isHere = hostname === "127.0.0.1" || hostname === "localhost";
  return `reelsync storage serve${isHere ? "" : ` --host ${hostname}`} --port ${port}`;
}
