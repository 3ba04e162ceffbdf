import { expect, test } from "vitest";
import { checkEnvironment } from "../../../agent-sdk/src/cli/doctor/environment.ts";
import { judgeQuota } from "../../../agent-sdk/src/cli/doctor/local-storage.ts";
import { judgeSkew, judgeSpace } from "../../../agent-sdk/src/cli/doctor/machine.ts";
import { GIB, MIB, MINUTE, SECOND } from "../../../contract/limits.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { startFarServices } from "../support/behind-proxy.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { runCli } from "./support/run-cli.ts";

const KEYS = {
  S3_BUCKET: "b",
  AWS_ACCESS_KEY_ID: "k",
  AWS_SECRET_ACCESS_KEY: "s",
  S3_FORCE_PATH_STYLE: "true",
};

test.each([
  [0, "ok", "agrees with S3"],
  [1.9 * SECOND, "ok", "agrees with S3"],
  [30 * SECOND, "ok", "30 s ahead of S3"],
  [-2 * MINUTE, "warn", "120 s behind S3"],
  [16 * MINUTE, "fail", "960 s ahead of S3"],
])("a clock %s ms off is %s", (skew, state, found) => {
  expect(judgeSkew("S3", skew)).toMatchObject({ state, found });
});

test("a clock that is far off is seen in the store's own Date, whatever else is wrong there", async () => {
  const store = await startFaultProxy("http://127.0.0.1:9");
  store.spoil = () => ({ status: 403, headers: { Date: "Wed, 01 Jan 2020 00:00:00 GMT" } });
  const env = { ...KEYS, S3_ENDPOINT_URL: store.url };
  const run = await runCli(["doctor", "--json"], { env });
  expect(run.code).toBe(1);
  expect(run.records).toContainEqual(
    expect.objectContaining({ check: "clock", state: "fail", fix: "sudo timedatectl set-ntp true" }),
  );
});

test("a clock is also seen through the proxy", async () => {
  const store = await startFaultProxy("http://127.0.0.1:9");
  store.spoil = () => ({ status: 403, headers: { Date: "Wed, 01 Jan 2020 00:00:00 GMT" } });
  const { proxy } = await startFarServices({ "s3.far.example": store.url });
  const env = { ...KEYS, S3_ENDPOINT_URL: "http://s3.far.example", HTTP_PROXY: proxy };
  const { records } = await runCli(["doctor", "--json"], { env });
  expect(records).toContainEqual(expect.objectContaining({ check: "clock", state: "fail" }));
});

test("the deployment and the file door are asked through the proxy, and its own answer is not taken for theirs", async () => {
  const [convex, door] = await Promise.all([
    startFaultProxy("http://127.0.0.1:9"),
    startFaultProxy("http://127.0.0.1:9"),
  ]);
  convex.spoil = () => ({ status: 200 });
  const json = { "Content-Type": "application/json" };
  door.spoil = () => ({ status: 404, headers: json, body: JSON.stringify({ code: "NOT_FOUND" }) });
  const far = { "convex.far.example": convex.url, "door.far.example": door.url };
  const { proxy } = await startFarServices(far);
  const env = {
    CONVEX_URL: "http://convex.far.example",
    STORAGE_TYPE: "LOCAL",
    STORAGE_LOCAL_DIR: await tempDir(),
    STORAGE_LOCAL_BASE_URL: "http://door.far.example",
    STORAGE_LOCAL_SIGNING_KEY: "a key of thirty-two characters..",
  };
  const services = ["convex url", "file door"];
  const doctor = async (HTTP_PROXY: string) => {
    const { records } = await runCli(["doctor", "--json"], { env: { ...env, HTTP_PROXY } });
    return services.map((service) => records.find(({ check }) => check === service));
  };
  const [url, file] = await doctor(proxy);
  expect(url).toMatchObject({ state: "ok", found: expect.stringContaining("through the proxy") as string });
  expect(file).toMatchObject({ state: "ok", found: expect.stringContaining("through the proxy") as string });
  expect(convex.seen.map(({ target }) => target)).toContain("/version");
  expect(door.seen.length).toBeGreaterThan(0);

  const refused = await doctor(proxy.replace(/\/\/.*@/, "//"));
  expect(refused).toMatchObject(services.map(() => ({ state: "fail", cause: "The proxy wants a login" })));
});

test("a clock and keys that nobody judged are said not to be seen, never passed over", async () => {
  const refusing = await startFaultProxy("http://127.0.0.1:9");
  refusing.spoil = () => ({ status: 403 });
  for (const endpoint of ["http://127.0.0.1:9", refusing.url]) {
    const { records } = await runCli(["doctor", "--json"], { env: { ...KEYS, S3_ENDPOINT_URL: endpoint } });
    const unseen = records.filter(({ found }) => found === "not seen");
    for (const { check, state } of unseen) expect([check, state]).toEqual([check, "warn"]);
    expect(unseen.map(({ check }) => check)).toContain("credentials");
    expect(records.filter(({ check }) => check === "clock")).toHaveLength(1);
  }
});

test.each([
  [2 * GIB, "ok"],
  [500 * MIB, "warn"],
  [10 * MIB, "fail"],
])("%s bytes of room for parked uploads is %s", (free, state) => {
  expect(judgeSpace("journal folder", "folder", free, "fix")).toMatchObject({ state });
});

test.each([
  [GIB / 2, GIB, "ok"],
  [0.95 * GIB, GIB, "warn"],
  [GIB, GIB, "fail"],
  [0, 100 * GIB, "warn"],
])("%s of %s bytes used, on a disk with 10 GiB free, is %s", (used, limit, state) => {
  expect(judgeQuota(used, limit, 10 * GIB)).toMatchObject({ check: "storage limit", state });
});

test("no part of a secret is shown, and no URL's login", async () => {
  const env = {
    CONVEX_URL: "http://convex-user:convex-password@127.0.0.1:9",
    REELSYNC_AGENT_KEY: "rsk_0123456789abcdef",
    AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
    AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMIK7MDENG",
    S3_ENDPOINT_URL: "http://store-user:store/p@ssword@127.0.0.1:9",
    STORAGE_S3_ENDPOINT_URL: "http://alias-user:alias-password@127.0.0.1:9",
    S3_PUBLIC_BASE_URL: "htp://public-user:public-password@cdn.example",
    STORAGE_LOCAL_SIGNING_KEY: "topsecret-signing-key",
  };
  const { stdout, stderr } = await runCli(["doctor"], { env });
  expect(stdout).toContain("AWS_ACCESS_KEY_ID=… (20 characters)");
  expect(stdout).toContain("CONVEX_URL=http://…@127.0.0.1:9");
  expect(stdout).toContain("STORAGE_S3_ENDPOINT_URL=http://…@127.0.0.1:9");
  expect(stdout + stderr).not.toMatch(/user|password|rsk_0|AKIA|wJal|tops/);
});

test("a variable that is wrong is told once, as wrong, and one that only commands read is told too", () => {
  const env = {
    S3_FORCE_PATH_STYLE: "maybe",
    S3_MULTIPART_THRESHOLD_MB: "1",
    S3_BUCKET: "reels",
    REELSYNC_SERVE_TOKEN: "short",
  };
  const found = checkEnvironment(env);
  const about = (name: string) =>
    found.filter((check) => check.found.startsWith(name)).map(({ state }) => state);
  expect(about("S3_FORCE_PATH_STYLE")).toEqual(["fail"]);
  expect(about("S3_MULTIPART_THRESHOLD_MB")).toEqual(["fail"]);
  expect(about("REELSYNC_SERVE_TOKEN")).toEqual(["fail"]);
  expect(about("S3_BUCKET")).toEqual(["ok"]);
});

test("the agent's key is only warned of, because people work without one; what follows from a URL is not missing", () => {
  const found = checkEnvironment({ CONVEX_URL: "https://happy-cat-123.convex.cloud" });
  const about = (name: string) =>
    found.filter((check) => check.found.startsWith(name)).map(({ state }) => state);
  expect(about("REELSYNC_AGENT_KEY")).toEqual(["warn"]);
  expect(about("CONVEX_SITE_URL")).toEqual([]);
  expect(about("S3_BUCKET")).toEqual(["fail"]);
  expect(about("CONVEX_URL")).toEqual(["ok"]);
});

test("[G7] a name nobody reads, one slip away from one that is read, is warned of", () => {
  const env = {
    S3_MAX_CONCURENCY: "8",
    S3_BUKCET: "reels",
    S3_BASE_PREFIXX: "x",
    REELSYNC_MODDE: "strict",
    S3_CLEANUP_TEMP_HOUR: "2",
    S3_VIDEO_PREFIX: "films",
    S3_VIDEOS_PREFIX: "clips",
    HOME: "/root",
  };
  const warned = checkEnvironment(env).filter(({ found }) => found.endsWith("is read by nobody"));
  expect(warned.map(({ state, found, cause }) => [state, found.split(" ")[0], cause])).toEqual([
    ["warn", "S3_MAX_CONCURENCY", "S3_MAX_CONCURRENCY may be meant"],
    ["warn", "S3_BUKCET", "S3_BUCKET may be meant"],
    ["warn", "S3_BASE_PREFIXX", "S3_BASE_PREFIX may be meant"],
    ["warn", "REELSYNC_MODDE", "REELSYNC_MODE may be meant"],
    ["warn", "S3_CLEANUP_TEMP_HOUR", "S3_CLEANUP_TEMP_HOURS may be meant"],
  ]);
});

test("the older names of prefixes are told of as what they are", () => {
  const told = (env: Record<string, string>) =>
    checkEnvironment(env).map(({ state, found }) => [state, found]);
  expect(told({ S3_VIDEO_PREFIX: "films" })).toContainEqual([
    "ok",
    "S3_VIDEO_PREFIX=films (alias of S3_BASE_PREFIX)",
  ]);
  expect(told({ S3_VIDEO_PREFIX: "films", S3_BASE_PREFIX: "reels" })).toContainEqual([
    "warn",
    "S3_BASE_PREFIX=reels",
  ]);
  expect(told({ S3_TEMP_PREFIX: "scratch" })).toContainEqual(["ok", "S3_TEMP_PREFIX=scratch"]);
  expect(told({ S3_TEMP_PREFIX: "t/studio" })).toContainEqual([
    "fail",
    'S3_TEMP_PREFIX is wrong ("t/studio/": the objects of records are there)',
  ]);
});
