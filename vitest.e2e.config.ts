import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: {
    alias: {
      "reelsync/testing": new URL("agent-sdk/src/testing/index.ts", import.meta.url).pathname,
      reelsync: new URL("agent-sdk/src/index.ts", import.meta.url).pathname,
    },
  },
  test: {
    include: ["test/e2e/**/*.test.ts"],
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
});
