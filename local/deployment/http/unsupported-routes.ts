import { Hono } from "hono";

/** Routes of a real deployment that this one does not have, answered as such instead of as a wrong address. */
const UNSUPPORTED = [
  "/storage/*",
  "/list_snapshot",
  "/document_deltas",
  "/json_schemas",
  "/export/*",
  "/import/*",
  "/perform_import",
  "/deploy2/evaluate_push",
];

export function unsupportedRoutes() {
  const routes = new Hono();
  for (const path of UNSUPPORTED) {
    routes.all(path, (c) =>
      c.json(
        {
          code: "NotImplemented",
          message: `${new URL(c.req.url).pathname} is not part of the local deployment; use a real Convex deployment for it.`,
        },
        501,
      ),
    );
  }
  return routes;
}
