const ours = "^(contract|convex|agent-sdk|web|local|demo|bench|test)/";

const importsOnly = (from, ...allowed) => ({
  name: `${from}-imports-only`,
  severity: "error",
  from: { path: `^${from}/` },
  to: { path: ours, pathNot: [`^${from}/`, ...allowed] },
});

export default {
  forbidden: [
    importsOnly("contract"),
    importsOnly("local"),
    importsOnly("convex", "^contract/"),
    importsOnly("agent-sdk", "^contract/", "^convex/_generated/"),
    importsOnly("web", "^contract/", "^convex/_generated/"),
    importsOnly("demo", "^contract/", "^convex/_generated/", "^agent-sdk/src/index.ts", "^local/"),
    {
      name: "nothing-imports-test-or-bench",
      severity: "error",
      from: { pathNot: "^(test|bench)/" },
      to: { path: "^(test|bench)/" },
    },
    {
      name: "no-circular",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { pathNot: "_generated" } },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    exclude: { path: "^web/dist" },
  },
};
