import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { OWN } from "../../agent-sdk/src/cli/settings.ts";
import { variableName, type Setting } from "../../agent-sdk/src/setting.ts";
import { SETTINGS } from "../../agent-sdk/src/settings.ts";
import { PROJECT_DIR } from "../../demo/push.ts";

const named = async (file: string, pattern: RegExp) => {
  const text = await readFile(join(PROJECT_DIR, file), "utf8");
  return [...text.matchAll(pattern)].map(([, name]) => name ?? "");
};

test("the environment's reference names every variable somebody reads, and no other", async () => {
  const listed = await named(".env.example", /^#? ?([A-Z][A-Z0-9_]+)=/gm);
  const readByAgent = [...Object.values<Setting>(SETTINGS), ...Object.values<Setting>(OWN)].flatMap(
    ({ env: [canonical] }) => (canonical === undefined ? [] : [variableName(canonical)]),
  );
  const readByConvex = await named("convex/convex.config.ts", /^ {4}([A-Z0-9_]+):/gm);
  const readByWeb = await named("web/config-plugin.ts", /(REELSYNC_WEB_[A-Z_]+)/g);

  expect(new Set(listed)).toEqual(new Set([...readByAgent, ...readByConvex, ...readByWeb]));
});
