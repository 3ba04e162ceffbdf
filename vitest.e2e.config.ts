import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { reelsync: new URL("agent-sdk/src/index.ts", import.meta.url).pathname } },
  test: {
    include: ["test/e2e/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
});
