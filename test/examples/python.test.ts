/** The Python client, run by a real `python3` against the real sidecar and the local stack. */
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { PROJECT_DIR } from "../../demo/push.ts";
import { cliCommand } from "../agent-sdk/cli/support/built-cli.ts";
import { runCli, runProgram, type Run } from "../agent-sdk/cli/support/run-cli.ts";
import { openWorkshop } from "../agent-sdk/cli/support/workshop.ts";
import { serves, startProvider } from "../agent-sdk/ingest/provider.ts";
import { tempDir } from "../support/temp-dir.ts";

vi.setConfig({ testTimeout: 120_000 });

const FOLDER = join(PROJECT_DIR, "examples/python");
const hasPython = spawnSync("python3", ["--version"]).status === 0;
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe.skipIf(!hasPython)(hasPython ? "from Python" : "from Python (skipped: python3 is missing)", () => {
  const workshop = openWorkshop();
  let command: string[];
  let scene: string;
  beforeAll(async () => {
    command = await cliCommand();
    scene = (await workshop.scene()).sceneId;
  });

  const python = (args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<Run> =>
    runProgram("python3", args, { cwd, env: { ...workshop.agentEnv, PYTHONPATH: FOLDER, ...env } });

  const PRELUDE = `
import io, json, os, signal, sys, threading
from reelsync_client import Reelsync, ReelsyncError

def say(record):
    print(json.dumps(record), flush=True)

def refusal(work):
    try:
        work()
    except ReelsyncError as error:
        return {"code": error.code, "retryable": error.retryable, "hint": bool(error.hint), "text": str(error)}
`;
  /** A script of its own folder, and so with a journal of its own. `open()` makes its client. */
  async function script(how: "stdio" | "http", body: string, env: Record<string, string> = {}): Promise<Run> {
    const cwd = await tempDir();
    const stop = how === "http" ? await startSidecar(cwd, env) : undefined;
    const open =
      how === "http"
        ? "Reelsync.connect()"
        : `Reelsync.start(${JSON.stringify(command)}, env=${JSON.stringify(env)})`;
    const run = await python(
      ["-c", `${PRELUDE}\ndef open_client():\n    return ${open}\nscene = "${scene}"\n${body}`],
      cwd,
    );
    await stop?.();
    expect(run.stderr).toBe("");
    expect(run.code).toBe(0);
    return run;
  }

  /** Answers with what ends it. */
  async function startSidecar(cwd: string, env: Record<string, string> = {}): Promise<() => Promise<void>> {
    return new Promise((listening) => {
      const ended = runCli(["serve", "--port", "0"], {
        cwd,
        env: { ...workshop.agentEnv, ...env },
        holdInput: true,
        during(child) {
          const stop = async () => {
            child.kill("SIGTERM");
            await ended;
          };
          onTestFinished(stop);
          child.stdout.once("data", () => listening(stop));
        },
      });
    });
  }

  const stored = async (assetId: unknown) => {
    const [row] = (await workshop.rows("assets")).filter(({ _id }) => _id === assetId);
    const { url } = (await workshop.agent(["presign", String(assetId), "--json"])).records[0] as {
      url: string;
    };
    return { row, hash: sha256(new Uint8Array(await (await fetch(url)).arrayBuffer())) };
  };

  test.each(["stdio", "http"] as const)(
    "the example agent stores every clip byte by byte, over %s",
    async (how) => {
      const cwd = await tempDir();
      const clips = [randomBytes(300_000), randomBytes(50_000)];
      const files = await Promise.all(clips.map((bytes, index) => workshop.file(`clip-${index}.mp4`, bytes)));
      if (how === "http") await startSidecar(cwd);
      const route = how === "http" ? ["--connect"] : ["--command", command.join(" ")];
      const run = await python(
        [join(FOLDER, "render_agent.py"), ...files, "--title", "From Python", ...route],
        cwd,
      );
      expect(run.code).toBe(0);
      expect(run.records).toHaveLength(4);
      for (const [index, bytes] of clips.entries()) {
        const { asset_id, state, sha256: told } = run.records[2 * index] ?? {};
        expect({ state, told }).toEqual({ state: "ready", told: sha256(bytes) });
        expect((await stored(asset_id)).hash).toBe(sha256(bytes));
      }
      expect(run.stderr).toMatch(/clip-0\.mp4: 100 %/);
      const ended = (await workshop.rows("sessions")).filter(({ title }) => title === "From Python");
      expect(ended.every(({ status }) => status === "ended")).toBe(true);
    },
  );

  test.each(["stdio", "http"] as const)(
    "paths, bytes and open files all arrive as what they are, over %s",
    async (how) => {
      const bytes = randomBytes(2_500_000);
      const path = await workshop.file("intro.mp4", bytes);
      const { records } = await script(
        how,
        `
phases = []
with open_client() as reelsync:
    say(reelsync.upload(${JSON.stringify(path)}, scene=scene, asset_type="video_chunk", chunk_index=1,
        metadata={"renderSeed": 42}, correlation_id="render-7", on_progress=lambda progress: phases.append(progress["phase"])))
    with open(${JSON.stringify(path)}, "rb") as file:
        say(reelsync.upload(file, scene=scene, asset_type="video_chunk", chunk_index=2))
        file.seek(0)
        say(reelsync.upload(file.read(), scene=scene, asset_type="video_chunk", chunk_index=3, file_name="b.mp4"))
    say(sorted(set(phases)))
`,
      );
      expect(records.pop()).toEqual(["done", "hashing", "syncing", "uploading"]);
      expect(records).toHaveLength(3);
      for (const { asset_id, state } of records) {
        expect(state).toBe("ready");
        expect((await stored(asset_id)).hash).toBe(sha256(bytes));
      }
      const first = await stored(records[0]?.["asset_id"]);
      expect(first.row).toMatchObject({
        metadata: { renderSeed: 42 },
        chunkIndex: 1,
        correlationId: "render-7",
      });
    },
  );

  test.each(["stdio", "http"] as const)(
    "a provider's file is taken by its URL, and history is recorded unseen, over %s",
    async (how) => {
      const bytes = randomBytes(40_000);
      const provider = await startProvider({ "/clip.mp4": serves(bytes) });
      const { records } = await script(
        how,
        `
with open_client() as reelsync:
    say(reelsync.ingest_from_url("${provider.origin}/clip.mp4", scene=scene, asset_type="video_chunk",
        chunk_index=${how === "http" ? 31 : 30}, creative="summer", iteration=3))
    say(reelsync.upload(b"${how}", scene=scene, asset_type="transcript", file_name="a.txt", history_only=True))
`,
        { REELSYNC_INGEST_ALLOW_HOSTS: provider.host },
      );
      expect(records).toMatchObject([{ state: "ready", sha256: sha256(bytes) }, { state: "superseded" }]);
      const { row } = await stored(records[0]?.["asset_id"]);
      expect(row).toMatchObject({ metadata: { creative: "summer", iteration: 3 } });
    },
  );

  test("a batch tells what was stored and what failed, each in its place", async () => {
    const good = await workshop.file("a.mp4", randomBytes(1000));
    const { records } = await script(
      "stdio",
      `
with open_client() as reelsync:
    answer = reelsync.upload_batch([
        {"file": "/nowhere/b.mp4", "scene": scene, "asset_type": "video_chunk", "chunk_index": 4},
        {"file": ${JSON.stringify(good)}, "scene": scene, "asset_type": "video_chunk", "chunk_index": 5},
    ])
    say([[one["index"], one["state"]] for one in answer["successful"]])
    say([[one["index"], one["error"].code] for one in answer["failed"]])
`,
    );
    expect(records).toEqual([[[1, "ready"]], [[0, "FILE_NOT_FOUND"]]]);
  });

  test.each(["stdio", "http"] as const)(
    "[G1] an upload during an outage is queued, outlives what it came from, and is sent when it is over, over %s",
    async (how) => {
      const bytes = randomBytes(30_000);
      const { objectStore } = workshop.stack.local;
      await objectStore.stop();
      const cwd = await tempDir();
      const env = { S3_MAX_ATTEMPTS: "1", REELSYNC_JOURNAL_DIR: join(cwd, "journal") };
      const path = await workshop.file("intro.mp4", bytes);
      const { records } = await script(
        how,
        `
with open_client() as reelsync:
    for index, source in enumerate([${JSON.stringify(path)}, io.BytesIO(open(${JSON.stringify(path)}, "rb").read())]):
        answer = reelsync.upload(source, scene=scene, asset_type="video_chunk", chunk_index=10 + index, file_name="x.mp4")
        status = reelsync.upload_status(answer["upload_id"])
        say({"state": answer["state"], "status": status["state"], "upload_id": answer["upload_id"]})
    os.remove(${JSON.stringify(path)})
`,
        env,
      );
      await objectStore.start();
      expect(records.map(({ state, status }) => [state, status])).toEqual([
        ["queued", "queued"],
        ["queued", "queued"],
      ]);
      const after: Run = await script(
        how,
        `
with open_client() as reelsync:
    say(reelsync.drain())
    for id in ${JSON.stringify(records.map(({ upload_id }) => upload_id))}:
        say(reelsync.upload_status(id)["asset"])
`,
        env,
      );
      const [drained, ...assets] = after.records;
      expect(drained).toMatchObject({ failed: 0, waiting: 0 });
      expect(assets).toHaveLength(2);
      for (const { asset_id, status } of assets) {
        expect(status).toBe("ready");
        expect((await stored(asset_id)).hash).toBe(sha256(bytes));
      }
    },
  );

  test.each(["stdio", "http"] as const)(
    "[G7] faults come as exceptions with code, fix and retryable, over %s",
    async (how) => {
      const { records } = await script(
        how,
        `
with open_client() as reelsync:
    say(refusal(lambda: reelsync.upload("/nowhere.mp4", scene=scene, asset_type="video_chunk")))
    say(refusal(lambda: reelsync.upload(b"x", scene=scene, asset_type="song", file_name="a.mp4")))
    # More than any socket holds: it is refused while it is still being sent.
    long = (bytes(1024 * 1024) for _ in range(64))
    class Long(io.RawIOBase):
        def read(self, _size=-1):
            return next(long, b"")
    say(refusal(lambda: reelsync.upload(Long(), scene=scene, asset_type="combined_video", file_name="a.mp4")))
    say(refusal(lambda: reelsync.upsert_scene("no-such-session", scene_key="a", index=0, title="A")))
    say(refusal(lambda: reelsync.create_session(title="", project="demo", session_key="run")))
    say(refusal(lambda: reelsync.upload_status("4f6b1b6e-5a0e-4a53-9d6f-0d9f8f2f3c11")))
try:
    Reelsync(None).upload("a.mp4", asset_type="video_chunk")
except TypeError as error:
    say(str(error))
`,
      );
      expect(records.slice(0, 6).map(({ code }) => code)).toEqual([
        "FILE_NOT_FOUND",
        "INVALID_ASSET_TYPE",
        "INVALID_ASSET_TYPE",
        "SESSION_NOT_FOUND",
        "INVALID_ARGUMENT",
        "NOT_FOUND",
      ]);
      for (const told of records.slice(0, 6)) expect(told).toMatchObject({ retryable: false, hint: true });
      expect(records[6]).toMatch(/scene or session/);
    },
  );

  test("[G7] a sidecar that is not there, dies, or does not know the caller is told of, not waited for", async () => {
    const { records } = await script(
      "http",
      `
say(refusal(lambda: Reelsync.connect("http://127.0.0.1:9", "token").health()))
say(refusal(lambda: Reelsync.connect(address_file="nowhere.json")))
url = json.load(open(".reelsync/serve.json"))["url"]
say(refusal(lambda: Reelsync.connect(url, "another").health()))
say(refusal(lambda: Reelsync.start(["no-such-program"])))
child = Reelsync.start(${JSON.stringify(command)})
child.health()
os.kill(child._transport._process.pid, signal.SIGKILL)
say(refusal(child.drain))
say(refusal(child.health))
child.close()
`,
    );
    expect(records.map(({ code, retryable }) => [code, retryable])).toEqual([
      ["SIDECAR_UNAVAILABLE", true],
      ["SIDECAR_UNAVAILABLE", true],
      ["SIDECAR_TOKEN_INVALID", false],
      ["SIDECAR_UNAVAILABLE", true],
      ["SIDECAR_UNAVAILABLE", true],
      ["SIDECAR_UNAVAILABLE", true],
    ]);
  });

  test("answers have Python's names throughout", async () => {
    const { records } = await script("stdio", "with open_client() as reelsync:\n    say(reelsync.health())");
    expect(records).toMatchObject([
      { breakers: { s3: { kind: "closed", failures_in_a_row: 0 } }, journal: { waiting: 0 } },
    ]);
  });

  test("starts what is installed: REELSYNC_COMMAND, the PATH, the project around it", async () => {
    const project = await tempDir();
    const bin = join(project, "node_modules/.bin");
    const inner = join(project, "renders/today");
    await mkdir(bin, { recursive: true });
    await mkdir(inner, { recursive: true });
    const program = `#!/bin/sh\nexec ${command.map((word) => `"${word}"`).join(" ")} "$@"\n`;
    await writeFile(join(bin, "reelsync"), program, { mode: 0o755 });
    const run = await python(
      [
        "-c",
        `${PRELUDE}
for how in ({"cwd": ${JSON.stringify(inner)}}, {"env": {"PATH": os.environ["PATH"] + ":" + ${JSON.stringify(bin)}}},
            {"env": {"REELSYNC_COMMAND": "sh " + ${JSON.stringify(join(bin, "reelsync"))}}}):
    with Reelsync.start(**how) as reelsync:
        say(sorted(reelsync.health()))
`,
      ],
      await tempDir(),
    );
    expect(run.records).toEqual([1, 2, 3].map(() => ["breakers", "journal"]));
  });

  test("[G7] what is not installed is never fetched, but refused with what to do", async () => {
    const cwd = await tempDir();
    const bin = join(cwd, "bin");
    await mkdir(bin);
    await writeFile(join(bin, "npx"), '#!/bin/sh\necho "$@" > "${0%/*}/asked"\n', { mode: 0o755 });
    const run = await python(
      ["-c", `${PRELUDE}\nsay(refusal(lambda: Reelsync.start(env={"PATH": ${JSON.stringify(bin)}})))`],
      cwd,
    );
    expect(run.records).toMatchObject([
      {
        code: "CONFIG_INVALID",
        retryable: false,
        text: expect.stringContaining("REELSYNC_COMMAND") as string,
      },
    ]);
    expect(await readdir(bin)).toEqual(["npx"]);
  });

  test("[G7] a program that prints anything but answers is ended and told of; a request too long is not sent", async () => {
    const banner = ["sh", "-c", 'echo; echo "> reelsync@0.1.0"; exec "$0" "$@"', ...command];
    const { records } = await script(
      "stdio",
      `
with Reelsync.start(${JSON.stringify(banner)}) as child:
    say(refusal(child.health))
    say(refusal(child.drain))
with Reelsync.start(["sh", "-c", "exec yes"]) as child:
    say(refusal(child.health))
with open_client() as reelsync:
    say(refusal(lambda: reelsync.create_session(title="x" * 17_000_000, project="demo", session_key="long")))
    say(sorted(reelsync.health()))
`,
    );
    expect(records.map(({ code, retryable }) => [code, retryable])).toEqual([
      ["SIDECAR_UNAVAILABLE", true],
      ["SIDECAR_UNAVAILABLE", true],
      ["SIDECAR_UNAVAILABLE", true],
      ["INVALID_ARGUMENT", false],
      [undefined, undefined],
    ]);
    expect(records[0]?.["text"]).toContain("'> reelsync@0.1.0'");
    expect(records[3]?.["text"]).toContain("createSession");
    expect(records[4]).toEqual(["breakers", "journal"]);
  });

  test("several threads share one client", async () => {
    const files = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((n) => workshop.file(`${n}.mp4`, randomBytes(n * 1000))),
    );
    const { records } = await script(
      "stdio",
      `
answers = {}
with open_client() as reelsync:
    def upload(index, path):
        answers[index] = reelsync.upload(path, scene=scene, asset_type="video_chunk", chunk_index=20 + index)["size"]
    threads = [threading.Thread(target=upload, args=pair) for pair in enumerate(${JSON.stringify(files)})]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
say([answers[index] for index in range(6)])
`,
    );
    expect(records).toEqual([[1000, 2000, 3000, 4000, 5000, 6000]]);
  });

  test("the client needs Python 3.9 and its standard library, and knows every route of the sidecar", async () => {
    const check = `
import ast, sys
tree = ast.parse(open(sys.argv[1]).read(), feature_version=(3, 9))
names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
names += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
known = getattr(sys, "stdlib_module_names", names)
print([name for name in names if name.split(".")[0] not in known])
`;
    const client = join(FOLDER, "reelsync_client.py");
    const run = await runProgram("python3", ["-c", check, client], {});
    expect(run).toMatchObject({ code: 0, stdout: "[]\n", stderr: "" });
    const source = await readFile(client, "utf8");
    const routes = [...source.matchAll(/"(\w+)": \("(GET|POST)", "(\S+)"\)/g)].map(([, ...parts]) =>
      parts.join(" "),
    );
    const { OPERATIONS } = await import("../../agent-sdk/src/serve/operations.ts");
    const served = Object.entries(OPERATIONS).map(([name, { method, path }]) => `${name} ${method} ${path}`);
    expect(new Set(routes)).toEqual(new Set(served));
  });
});
