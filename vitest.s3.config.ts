import { defineConfig } from "vitest/config";

/** Started by test/s3/main.ts, which says in the environment where the store is. */
export default defineConfig({
  resolve: {
    alias: {
      "reelsync/testing": new URL("agent-sdk/src/testing/index.ts", import.meta.url).pathname,
      reelsync: new URL("agent-sdk/src/index.ts", import.meta.url).pathname,
    },
  },
  test: {
    include: ["test/s3/**/*.test.ts"],
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
