/** The running product for browser tests: stack, web app, browser and an agent. Started once for a file. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { createReelsync, type Reelsync, type ReelsyncOptions } from "reelsync";
import { type ReelsyncStack, startReelsyncStack } from "../../demo/stack.ts";
import { startWebServer, type WebServer } from "../../demo/web-server.ts";
import { launchChromium } from "./browser.ts";
import { signIn } from "./player-page.ts";

export interface RunningProduct {
  dataDir: string;
  stack: ReelsyncStack;
  web: WebServer;
  reelsync: Reelsync<"strict">;
  /** A page of its own, signed in; `errors` gathers what the page throws. */
  openAs(subject: "vera" | "ada" | "noor", path: string): Promise<{ page: Page; errors: string[] }>;
  close(): Promise<void>;
}

export async function startProduct(options: Partial<ReelsyncOptions> = {}): Promise<RunningProduct> {
  const dataDir = await mkdtemp(join(tmpdir(), "reelsync-e2e-"));
  const stack = await startReelsyncStack({ dataDir });
  const web = await startWebServer(stack);
  const browser: Browser = await launchChromium();
  const reelsync = createReelsync({
    env: stack.agentEnv,
    deadLetterDir: join(dataDir, "dead-letters"),
    journalDir: join(dataDir, "journal"),
    ...options,
    mode: "strict",
  });

  return {
    dataDir,
    stack,
    web,
    reelsync,
    async openAs(subject, path) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
      const page = await context.newPage();
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(String(error)));
      await signIn(page, `${web.url}${path}`, subject);
      return { page, errors };
    },
    async close() {
      await browser.close();
      await reelsync.close();
      await web.close();
      await stack.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
