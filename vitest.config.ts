import { defineConfig } from "vitest/config";

const source = (file: string) => new URL(`agent-sdk/src/${file}`, import.meta.url).pathname;
// The longer name first: an alias also takes what begins with it.
const alias = { "reelsync/testing": source("testing/index.ts"), reelsync: source("index.ts") };

/** The AWS SDK's notice about future Node versions would stand in front of every test's output. */
const quiet = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" };

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias },
        test: {
          name: "convex",
          include: ["test/convex/**/*.test.ts"],
          environment: "edge-runtime",
          env: quiet,
          server: { deps: { inline: ["convex-test"] } },
        },
      },
      {
        resolve: { alias },
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/convex/**", "test/e2e/**", "test/s3/**"],
          environment: "node",
          env: quiet,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
