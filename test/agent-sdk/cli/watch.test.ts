import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test, vi } from "vitest";
import { PROJECT_DIR } from "../../../demo/push.ts";
import { openWorkshop } from "./support/workshop.ts";

vi.setConfig({ testTimeout: 60_000 });

const workshop = openWorkshop();
const NO_S3 = { S3_ENDPOINT_URL: "http://127.0.0.1:9", S3_MAX_ATTEMPTS: "1" };

/** Finished the moment it is there. */
async function put(root: string, name: string, content: string) {
  await writeFile(join(root, `${name}.part`), content);
  await rename(join(root, `${name}.part`), join(root, name));
}

test("[G1] files are told of as they are sent; Ctrl-C ends it with what is finished sent and the rest named", async () => {
  const root = await mkdtemp(join(workshop.directory, "watched-"));
  const watch = ["watch", root, "--project", "demo", "--key", "cli-watch", "--settle", "600"];
  const run = await workshop.agent(watch, {
    during(child) {
      const said = createInterface({ input: child.stderr });
      said.once("line", () => void put(root, "first.mp4", "one"));
      const lines = createInterface({ input: child.stdout });
      lines.once("line", () => {
        lines.once("line", () => child.kill("SIGINT"));
        void writeFile(join(root, "unfinished.mp4"), "half").then(() => put(root, "second.mp4", "two"));
      });
    },
  });
  expect(run.code).toBe(130);
  expect(run.stdout).toMatch(
    /^first {2}video_chunk {2}0 {2}ready .*\nsecond {2}video_chunk {2}0 {2}ready .*\n$/,
  );
  expect(run.stderr).toContain(
    "unfinished.mp4: still being written, not sent\n2 sent, 0 failed, 1 unfinished\n",
  );
  const again = await workshop.agent(watch, {
    env: { S3_UPLOAD_ON_WRITE: "false" },
    during: (child) => {
      child.stderr.once("data", () => child.kill("SIGTERM"));
    },
  });
  expect(again.code).toBe(143);
  expect(again.stderr).toMatch(/^watching .*watched-/m);
  expect(again.stderr).toMatch(/\d sent, 0 failed, \d unfinished$/m);
});

test("what is switched off is told of and counted apart", async () => {
  const root = await mkdtemp(join(workshop.directory, "watched-"));
  const { sessionId } = await workshop.scene();
  const run = await workshop.agent(["watch", root, "--session", sessionId], {
    env: { REELSYNC_ROLLOUT: "off" },
    during(child) {
      child.stderr.once("data", () => void put(root, "film.mp4", "frames"));
      child.stdout.once("data", () => child.kill("SIGINT"));
    },
  });
  expect(run.stdout).toBe("film  video_chunk  0  skipped (the rollout is off)  6 B  film.mp4\n");
  expect(run.stderr).toContain("0 sent, 0 failed, 0 unfinished, 1 switched off\n");
});

test("[G1] stopped during an outage, what is finished is in the journal", async () => {
  const root = await mkdtemp(join(workshop.directory, "watched-"));
  const env = { REELSYNC_JOURNAL_DIR: await mkdtemp(join(workshop.directory, "journal-")) };
  const { sessionId } = await workshop.scene();
  const run = await workshop.agent(["watch", root, "--session", sessionId, "--timeout", "5"], {
    env: { ...env, ...NO_S3 },
    during(child) {
      child.stdout.once("data", () => child.kill("SIGINT"));
      void put(root, "film.mp4", "frames");
    },
  });
  expect(run.code).toBe(130);
  expect(run.stdout).toMatch(/^film {2}video_chunk {2}0 {2}queued \([A-Z0-9]+_[A-Z]+\) /);
  expect(run.stderr).toContain("0 sent, 0 failed, 0 unfinished, 1 queued\n");
  const drained = await workshop.agent(["drain"], { env });
  expect(drained).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^1 sent, 0 failed, 0 waiting, in /) as string,
  });
});

/** Permissions are nothing to root, so there the program runs as nobody. */
const UNPRIVILEGED = process.getuid?.() === 0 ? { uid: 65_534 } : {};
const CAN_RUN =
  spawnSync("ls", [join(PROJECT_DIR, "node_modules/zod")], { ...UNPRIVILEGED, stdio: "ignore" }).status === 0;
const why = CAN_RUN ? "" : " (skipped: nobody may read this project's folder)";

test.skipIf(!CAN_RUN)(
  `[G1] a locked sub-folder is told of, the rest is sent, and what is readable by the end goes along${why}`,
  async () => {
    const root = await mkdtemp(join(workshop.directory, "watched-"));
    const cwd = await mkdtemp(join(workshop.directory, "anybodys-"));
    for (const [name, content] of [
      ["open", "one"],
      ["locked", "two"],
      ["closed", "three"],
    ] as const) {
      await mkdir(join(root, name));
      await put(join(root, name), "chunk-0.mp4", content);
    }
    await Promise.all([
      chmod(workshop.directory, 0o755),
      chmod(cwd, 0o777),
      chmod(root, 0o755),
      chmod(join(root, "locked"), 0o000),
      chmod(join(root, "closed"), 0o000),
    ]);
    const run = await workshop.agent(["watch", root, "--project", "demo", "--key", "cli-locked"], {
      ...UNPRIVILEGED,
      cwd,
      env: { REELSYNC_DEAD_LETTER_DIR: join(cwd, "letters"), HOME: cwd, TMPDIR: cwd },
      during(child) {
        child.stdout.once("data", () => {
          void chmod(join(root, "closed"), 0o755).then(() => child.kill("SIGINT"));
        });
      },
    });
    expect(run.code).toBe(130);
    expect(run.stdout).toMatch(
      /^open {2}video_chunk {2}0 {2}ready .*\nclosed {2}video_chunk {2}0 {2}ready .*\n$/,
    );
    const locked = join(root, "locked");
    expect(run.stderr).toContain(`FOLDER_UNWATCHABLE ${locked} cannot be watched (EACCES).`);
    expect(run.stderr).toContain("locked: skipped, unreadable\n2 sent, 0 failed, 0 unfinished\n");
  },
);

test.skipIf(!CAN_RUN)(
  `[G7] a folder that cannot be watched at all is a coded error that names it${why}`,
  async () => {
    const root = await mkdtemp(join(workshop.directory, "watched-"));
    const cwd = await mkdtemp(join(workshop.directory, "anybodys-"));
    await Promise.all([chmod(workshop.directory, 0o755), chmod(cwd, 0o777), chmod(root, 0o311)]);
    const run = await workshop.agent(["watch", root, "--project", "demo"], {
      ...UNPRIVILEGED,
      cwd,
      env: { REELSYNC_DEAD_LETTER_DIR: join(cwd, "letters"), HOME: cwd, TMPDIR: cwd },
    });
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(`${root} cannot be watched (EACCES)`);
    expect(run.stderr).toContain("FOLDER_UNWATCHABLE");
  },
);
