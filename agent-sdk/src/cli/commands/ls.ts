/** `reelsync ls`: the sessions there are, or the current assets of one. */
import type { FunctionReturnType } from "convex/server";
import type { Asset } from "../../../../contract/asset.ts";
import { api } from "../../../../convex/_generated/api.js";
import { columns, plain } from "../columns.ts";
import { connect, pages, type Connection } from "../connection.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit-code.ts";
import { date, size } from "../quantities.ts";

const DEFAULT_LIMIT = 50;

export const ls = defineCommand({
  path: ["ls"],
  summary: "List sessions, newest first, or the current assets of one session",
  details:
    "Without a session: id, state, scenes ready, size, date, project and title of each. With one: id, scene, type, chunk, version, size and key of each " +
    "current asset, its own first, then scene by scene; with --history every version in any state. With --json one document a line.",
  args: {
    sessionId: { takes: "optional", placeholder: "session-id", summary: "A session, to list its assets" },
  },
  options: {
    limit: { kind: "count", min: 1, summary: `Sessions to list, ${DEFAULT_LIMIT} unless given` },
    tenant: { kind: "text", placeholder: "ID", summary: "The tenant, for a person who is in several" },
    history: { kind: "flag", summary: "Of a session: older versions, failed and unfinished uploads too" },
  },
  examples: [
    { does: "the latest sessions", line: "reelsync ls --limit 10" },
    { does: "what one holds", line: "reelsync ls $session" },
    { does: "keys only", line: "reelsync ls $session --json | jq -r .s3Key" },
  ],
  async run({ args: { sessionId }, options }, context) {
    const connection = connect(context);
    try {
      if (sessionId === undefined) await listSessions(connection, options, context);
      else await listAssets(connection, sessionId, options.history, context);
      return EXIT.ok;
    } finally {
      connection.close();
    }
  },
});

async function listSessions(
  connection: Connection,
  { limit = DEFAULT_LIMIT, tenant }: { limit: number | undefined; tenant: string | undefined },
  { output }: Context,
): Promise<void> {
  const rows: FunctionReturnType<typeof api.sessions.list>["page"] = [];
  const found = pages(
    (paginationOpts) =>
      connection.run("query", api.sessions.list, {
        paginationOpts,
        ...(tenant !== undefined && { tenantId: tenant }),
      }),
    Math.min(limit, 100),
  );
  for await (const row of found) {
    rows.push(row);
    if (rows.length === limit) break;
  }
  const lines = columns(
    rows.map((row) => [
      row.sessionId,
      row.status,
      `${row.readyCount}/${Math.max(row.sceneCount, row.plannedSceneCount ?? 0)}`,
      size(row.totalAssetSize),
      date(row.createdAt),
      row.project,
      plain(row.title),
    ]),
  );
  rows.forEach((row, index) => output.give(row, lines[index] ?? ""));
  if (rows.length === 0) output.say("no sessions yet: reelsync session create --help");
}

async function listAssets(
  connection: Connection,
  sessionId: string,
  history: boolean,
  { output }: Context,
): Promise<void> {
  const found = pages((paginationOpts) =>
    connection.run("query", api.assets.ofSession, { sessionId, history, paginationOpts }),
  );
  const assets: Asset[] = [];
  for await (const asset of found) assets.push(asset);
  const timeline = await connection.run("query", api.playback.timeline, { sessionId });
  const scenes = new Map(timeline?.scenes.map((scene) => [scene.sceneId, scene]));
  const placed = assets
    .map((asset) => ({ asset, scene: scenes.get(asset.entityId) }))
    .sort((a, b) => (a.scene?.index ?? -1) - (b.scene?.index ?? -1));
  const lines = columns(placed.map(({ asset, scene }) => row(asset, scene?.sceneKey, history)));
  placed.forEach(({ asset, scene }, index) => {
    output.give({ ...asset, ...(scene !== undefined && { sceneKey: scene.sceneKey }) }, lines[index] ?? "");
  });
  if (assets.length === 0) output.say("no assets yet");
}

function row(asset: Asset, sceneKey: string | undefined, history: boolean): string[] {
  return [
    asset.assetId,
    sceneKey === undefined ? "(session)" : plain(sceneKey),
    asset.assetType,
    String(asset.chunkIndex),
    `v${asset.version}`,
    ...(history ? [asset.status] : []),
    size(asset.size),
    asset.s3Key,
  ];
}
