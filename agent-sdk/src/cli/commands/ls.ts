/** `reelsync ls`: the sessions there are, or the current assets of one. */
import type { FunctionReturnType } from "convex/server";
import type { Asset } from "../../../../contract/asset.ts";
import { api } from "../../../../convex/_generated/api.js";
import { ReelsyncError } from "../../errors.ts";
import { columns, plain } from "../columns.ts";
import { connect, pages, type Connection } from "../connection.ts";
import { defineCommand } from "../command.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit-code.ts";
import { date, size } from "../quantities.ts";
import { runAll } from "../run-all.ts";

const DEFAULT_LIMIT = 50;
/** Scenes read at once; each is one small query. */
const SCENES_AT_ONCE = 8;

export const ls = defineCommand({
  path: ["ls"],
  summary: "List sessions, newest first, or the current assets of one session",
  details:
    "Without a session: id, state, scenes ready, size, date, project and title of each. With one: id, scene, type, chunk, version, size and key of each " +
    "current asset that a viewer sees. With --json one document a line.",
  args: {
    sessionId: { takes: "optional", placeholder: "session-id", summary: "A session, to list its assets" },
  },
  options: {
    limit: { kind: "count", min: 1, summary: `Sessions to list, ${DEFAULT_LIMIT} unless given` },
    tenant: { kind: "text", placeholder: "ID", summary: "The tenant, for a person who is in several" },
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
      else await listAssets(connection, sessionId, context);
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
  { output, signal }: Context,
): Promise<void> {
  const [session, timeline] = await Promise.all([
    connection.run("query", api.sessions.get, { sessionId }),
    connection.run("query", api.playback.timeline, { sessionId }),
  ]);
  if (timeline === null) throw new ReelsyncError("SESSION_NOT_FOUND", `No session with id "${sessionId}"`);
  const scenes = await runAll(
    timeline.scenes,
    SCENES_AT_ONCE,
    ({ sceneId }) => connection.run("query", api.scenes.get, { sceneId }),
    signal,
  );
  const assets = [
    ...scenes.flatMap((scene) =>
      [...scene.chunkAssets, scene.subtitleAsset, scene.thumbnailAsset, scene.sourceCodeAsset]
        .filter((asset) => asset !== undefined)
        .map((asset) => ({ ...asset, sceneKey: scene.sceneKey })),
    ),
    ...[session.combinedVideoAsset, session.combinedSubtitleAsset, session.manifestAsset].filter(
      (asset) => asset !== undefined,
    ),
  ];
  const lines = columns(assets.map(row));
  assets.forEach((asset, index) => output.give(asset, lines[index] ?? ""));
  if (assets.length === 0) output.say("no assets yet");
}

function row(asset: Asset & { sceneKey?: string }): string[] {
  return [
    asset.assetId,
    plain(asset.sceneKey ?? "(session)"),
    asset.assetType,
    String(asset.chunkIndex),
    `v${asset.version}`,
    size(asset.size),
    asset.s3Key,
  ];
}
