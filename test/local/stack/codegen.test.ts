/** `convex deploy` as it is meant to be used: with code generation, and where a tsconfig is, the type check. */
import { cp, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { APP_DIR, cliIn, type Fixture, setEnv, startStack } from "./fixture.ts";

const PROJECT_DIR = path.resolve(import.meta.dirname, "../../..");

/** In a folder of its own, for the CLI to write into. */
async function copyApp(from: string, entries: string[]): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "app-copy-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  for (const entry of entries) {
    await cp(path.join(from, entry), path.join(directory, entry), { recursive: true });
  }
  await symlink(path.join(PROJECT_DIR, "node_modules"), path.join(directory, "node_modules"));
  return directory;
}

async function generatedIn(appDir: string): Promise<Record<string, string>> {
  const generated = path.join(appDir, "convex", "_generated");
  const files = (await readdir(generated)).sort();
  return Object.fromEntries(
    await Promise.all(
      files.map(async (file) => [file, await readFile(path.join(generated, file), "utf8")] as const),
    ),
  );
}

describe("deploy with code generation", { timeout: 120_000 }, () => {
  let fixture: Fixture;
  let target: Fixture["stack"]["deployment"];

  beforeAll(async () => {
    fixture = await startStack();
    target = fixture.stack.deployment;
  });
  afterAll(() => fixture.close());

  test("lists every required variable that is not set, then types what convex.config.ts declares", async () => {
    const directory = await copyApp(APP_DIR, ["package.json", "convex"]);
    const deploy = () => cliIn(directory, target, "deploy", "-y", "--typecheck", "disable");
    const refused = await deploy();
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("FIXTURE_ISSUER is declared as required in convex.config.ts");
    await setEnv(target, "FIXTURE_ISSUER", fixture.stack.issuer.issuer);
    const deployed = await deploy();
    expect(deployed.code, deployed.stderr).toBe(0);
    const { "server.d.ts": types } = await generatedIn(directory);
    expect(types).toContain("readonly FIXTURE_ISSUER: string;");
    expect(types).toContain("readonly GREETING: string | undefined;");
  });

  test("of this project type-checks and leaves convex/_generated as it is committed", async () => {
    const directory = await copyApp(PROJECT_DIR, [
      "package.json",
      "tsconfig.base.json",
      "convex",
      "contract",
    ]);
    const committed = await generatedIn(PROJECT_DIR);
    const variables = {
      AUTH_PROVIDERS: JSON.stringify([{ domain: fixture.stack.issuer.issuer, applicationID: "fixture" }]),
      AGENT_JWT_ISSUER: "https://agents.example",
      AGENT_JWT_JWKS: 'data:application/json,{"keys":[]}',
    };
    for (const [name, value] of Object.entries(variables)) await setEnv(target, name, value);
    const deployed = await cliIn(directory, target, "deploy", "-y");
    expect(deployed.code, `${deployed.stdout}${deployed.stderr}`).toBe(0);
    expect(await generatedIn(directory)).toEqual(committed);
  });
});
