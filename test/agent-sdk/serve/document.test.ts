import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { OPERATIONS } from "../../../agent-sdk/src/serve/operations.ts";
import { PROJECT_DIR } from "../../../demo/push.ts";

test("CLI.md lists every operation of the sidecar under both of its names, and no other", async () => {
  const text = await readFile(join(PROJECT_DIR, "agent-sdk/CLI.md"), "utf8");
  const listed = [...text.matchAll(/^\| `(GET|POST) \/v1(\S+)`\s+\| `(\w+)`/gm)].map(([, ...cells]) => cells);
  const known = Object.entries(OPERATIONS).map(([name, { method, path }]) => [method, path, name]);
  expect(new Set(listed.map(String))).toEqual(new Set(known.map(String)));
});
