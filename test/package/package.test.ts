/** The published package: what is in it, and that it works in other people's projects. */
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KIB } from "../../contract/limits.ts";
import { PROJECT_DIR } from "../../demo/push.ts";
import { type Consumer, createConsumer, filesOf, packSdk } from "./consumer.ts";

let folder: string;
let tarball: string;
let esm: Consumer;
let commonJs: Consumer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reelsync-package-"));
  tarball = await packSdk(folder);
  esm = await createConsumer(join(folder, "esm"), "module", tarball);
  commonJs = await createConsumer(join(folder, "commonjs"), "commonjs", tarball);
  console.log(`The package is installed ${esm.installed} (ESM) and ${commonJs.installed} (CommonJS).`);
}, 240_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

const REQUIRED = [
  "CONVEX_URL",
  "REELSYNC_AGENT_KEY",
  "S3_BUCKET",
  "AWS_REGION",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
];

const CREATE_WITHOUT_CONFIGURATION = `
  try {
    createReelsync();
  } catch (error) {
    console.log(JSON.stringify({ known: isReelsyncError(error), code: error.code, message: error.message }));
  }
`;

/** Nothing listens there: every layer between the call and the network has to work for a retry to be announced. */
const CALL_NOBODY = `
  const nobody = "http://127.0.0.1:9";
  const reelsync = createReelsync({
    convexUrl: nobody,
    agentToken: async () => "token",
    s3: { bucket: "b", region: "r", accessKeyId: "a", secretAccessKey: "s", endpoint: nobody },
  });
  reelsync.on(({ type, dependency, attempt, code }) => {
    if (type === "retry") process.stdout.write(JSON.stringify({ dependency, attempt, code }), () => process.exit());
  });
  reelsync.createSession({ title: "Reel", project: "demo", sessionKey: "run-1" });
`;
const NOBODY_ANSWERED = { dependency: "convex", attempt: 1, code: "CONVEX_UNAVAILABLE" };

/** A test as a user would write it: the agent's own code against the fake, through an outage. */
const TEST_OF_AN_AGENT = `
  async function agent(reelsync, text) {
    const { sessionId } = await reelsync.createSession({ title: "Reel", project: "demo", sessionKey: "run-1" });
    const { sceneId } = await reelsync.upsertScene({ sessionId, sceneKey: "intro", index: 0, title: "Intro" });
    const entity = { type: "scene", id: sceneId };
    return reelsync.uploadWithConvexSync({ file: Buffer.from(text), entity, assetType: "video_chunk" });
  }
  async function main() {
    const fake = createFakeReelsync();
    const { s3Key } = await agent(fake.reelsync, "one");
    const end = fake.faults.outage("s3");
    const { state } = await agent(fake.reelsync, "two");
    end();
    await fake.reelsync.drain();
    fake.faults.refuseNext("convex", "QUOTA_EXCEEDED");
    const refused = await agent(fake.reelsync, "three").catch((error) => isReelsyncError(error) && error.code);
    const versions = fake.assets.map(({ version }) => version);
    console.log(JSON.stringify([Buffer.from(fake.bytesOf(s3Key)).toString(), state, versions, refused, fake.calls.length]));
    await fake.reelsync.close();
  }
  main();
`;
const TESTED = ["one", "queued", [1, 2], "QUOTA_EXCEEDED", 8];

const IMPORT = 'import { createReelsync, isReelsyncError } from "reelsync";';
const REQUIRE = 'const { createReelsync, isReelsyncError } = require("reelsync");';
/** As in Jest, Electron and older bundlers. */
const NO_ESM_IN_REQUIRE = "--no-experimental-require-module";

describe("the tarball", () => {
  test("holds both builds with their types, the README and the licence, and no sources", async () => {
    const files = await filesOf(tarball);
    for (const name of [
      "README.md",
      "ERRORS.md",
      "LICENSE",
      "package.json",
      "dist/THIRD-PARTY-LICENSES.txt",
      // What hints and documents send people to.
      "dist/.env.example",
      "dist/python/reelsync_client.py",
    ]) {
      expect(files).toContain(`package/${name}`);
    }
    for (const entry of ["index", "testing"]) {
      for (const ending of ["js", "cjs", "d.ts", "d.cts"])
        expect(files).toContain(`package/dist/${entry}.${ending}`);
    }
    expect(files.filter((name) => /\.ts$/.test(name) && !name.endsWith(".d.ts"))).toEqual([]);
    expect(files.filter((name) => /^package\/(src|test|node_modules)\//.test(name))).toEqual([]);
    expect((await stat(tarball)).size).toBeLessThan(440 * KIB);
  });

  test("has the version of the repository, and runs nothing on the machine it is installed on", async () => {
    const root = await manifestOf(PROJECT_DIR);
    const published = await manifestOf(join(esm.folder, "node_modules/reelsync"));
    expect(published).toMatchObject({ version: root.version, license: root.license, engines: root.engines });
    const hooks = ["preinstall", "install", "postinstall", "prepare"];
    expect(Object.keys(published.scripts).filter((name) => hooks.includes(name))).toEqual([]);
  });

  test("publint has nothing to say", async () => {
    const bytes = await readFile(tarball);
    const { messages, pkg } = await publint({ pack: { tarball: toArrayBuffer(bytes) }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  test("the types are right for every way of resolving them", async () => {
    const result = await checkPackage(createPackageFromTarballData(await readFile(tarball)));
    expect(result).toMatchObject({ types: { kind: "included" }, problems: [] });
  });
});

describe("in an empty ESM project", () => {
  test("createReelsync names every missing variable", async () => {
    expectMissingConfiguration(await esm.run("create.js", IMPORT + CREATE_WITHOUT_CONFIGURATION));
  });

  test("a call gets as far as the network", async () => {
    expect(JSON.parse(await esm.run("call.js", IMPORT + CALL_NOBODY))).toEqual(NOBODY_ANSWERED);
  });

  test("an error of the CommonJS build is known to the ESM build", async () => {
    const script = `
      import { createRequire } from "node:module";
      import { isReelsyncError, ReelsyncError } from "reelsync";
      const other = createRequire(import.meta.url)("reelsync");
      const error = new other.ReelsyncError("CONFLICT", "Both in one process.");
      console.log(JSON.stringify([isReelsyncError(error), error instanceof ReelsyncError]));
    `;
    expect(JSON.parse(await esm.run("both.js", script))).toEqual([true, false]);
  });

  test("an agent is tested against the fake of reelsync/testing", async () => {
    const script = `${IMPORT} import { createFakeReelsync } from "reelsync/testing"; ${TEST_OF_AN_AGENT}`;
    expect(JSON.parse(await esm.run("agent-test.js", script))).toEqual(TESTED);
  });

  test("the command line is there", async () => {
    const { version } = await manifestOf(PROJECT_DIR);
    expect((await esm.command("--version")).trim()).toBe(version);
    expect(await esm.command("--help")).toContain("upload");
  });
});

describe("in an empty CommonJS project", () => {
  test.each([
    ["as it is", []],
    ["where require() cannot load ES modules", [NO_ESM_IN_REQUIRE]],
  ])(
    "createReelsync names every missing variable, and a call gets as far as the network, %s",
    async (_how, options) => {
      const created = await commonJs.run("create.js", REQUIRE + CREATE_WITHOUT_CONFIGURATION, ...options);
      expectMissingConfiguration(created);
      const called = await commonJs.run("call.js", REQUIRE + CALL_NOBODY, ...options);
      expect(JSON.parse(called)).toEqual(NOBODY_ANSWERED);
    },
  );
});

test.each([
  ["as it is", []],
  ["where require() cannot load ES modules", [NO_ESM_IN_REQUIRE]],
])("in an empty CommonJS project, an agent is tested against the fake, %s", async (_how, options) => {
  const script = `${REQUIRE} const { createFakeReelsync } = require("reelsync/testing"); ${TEST_OF_AN_AGENT}`;
  expect(JSON.parse(await commonJs.run("agent-test.js", script, ...options))).toEqual(TESTED);
});

describe("a consumer in TypeScript", () => {
  const uses = `
    export async function publish(reelsync: Reelsync, file: string): Promise<string> {
      const { sessionId } = await reelsync.createSession({ title: "Reel", project: "demo", sessionKey: "run-1" });
      const { sceneId } = await reelsync.upsertScene({ sessionId, sceneKey: "intro", index: 0, title: "Intro" });
      const request: UploadRequest = { file, entity: { type: "scene", id: sceneId }, assetType: "video_chunk" };
      try {
        const upload = await reelsync.uploadWithConvexSync({ ...request, onProgress: ({ loaded }) => void loaded });
        return upload.url ?? upload.uploadId;
      } catch (error) {
        if (isReelsyncError(error) && error.code === "S3_UNAVAILABLE") return error.deadLetter?.id ?? "";
        throw error;
      }
    }
    // @ts-expect-error: not an asset type
    export const wrong: UploadRequest["assetType"] = "film";
    export const reelsync = createReelsync({ s3: { bucket: "b" } });
    export const fake: FakeReelsync<"strict"> = createFakeReelsync({ mode: "strict" });
    export const published: Promise<string> = publish(fake.reelsync, "intro.mp4");
    fake.faults.outage("s3")();
  `;
  const imports =
    'import { createReelsync, isReelsyncError, type Reelsync, type UploadRequest } from "reelsync"; import { createFakeReelsync, type FakeReelsync } from "reelsync/testing";';

  test("as an ES module, under nodenext and bundler resolution", async () => {
    const nodenext = { module: "NodeNext", moduleResolution: "nodenext", skipLibCheck: false } as const;
    await esm.typecheck("consumer.ts", imports + uses, nodenext);
    const bundler = { module: "ESNext", moduleResolution: "bundler", skipLibCheck: true } as const;
    await esm.typecheck("consumer.ts", imports + uses, bundler);
  }, 120_000);

  test("as a CommonJS module, under nodenext", async () => {
    const required = 'import sdk = require("reelsync"); export const { ReelsyncError } = sdk;';
    const nodenext = { module: "NodeNext", moduleResolution: "nodenext", skipLibCheck: true } as const;
    await commonJs.typecheck("consumer.ts", `${required} ${imports} ${uses}`, nodenext);
  }, 120_000);
});

interface Manifest {
  version: string;
  license: string;
  engines: object;
  scripts: Record<string, string>;
}

async function manifestOf(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as Manifest;
}

function expectMissingConfiguration(printed: string): void {
  const answer = JSON.parse(printed) as { known: boolean; code: string; message: string };
  expect(answer).toMatchObject({ known: true, code: "CONFIG_INVALID" });
  for (const name of REQUIRED) expect(answer.message).toContain(`${name} is missing`);
}

function toArrayBuffer(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
