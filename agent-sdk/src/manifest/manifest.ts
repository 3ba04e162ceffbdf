/** The manifest of a session: made from its records, stored as its `manifest` asset. */
import type { Asset } from "../../../contract/asset.ts";
import { MAX_URLS_PER_CALL } from "../../../contract/limits.ts";
import { manifestSchema, type Manifest, type ManifestAsset } from "../../../contract/manifest.ts";
import { api } from "../../../convex/_generated/api.js";
import type { Call } from "../call.ts";
import type { Config } from "../config.ts";
import type { CallConvex } from "../convex/convex-caller.ts";
import type { CallOptions, Core } from "../core.ts";
import type { ReadSession } from "../folders/session-content.ts";
import type { Guard } from "../resilience/guard.ts";
import type { UploadResult } from "../upload-request.ts";

export interface ManifestOptions extends CallOptions {
  /** Adds a fresh URL to every asset, for a reader of now; never stored. */
  urls?: boolean;
}

export interface Manifests {
  /** What the session holds: keys, sizes, hashes and types, in the order of its scenes. */
  getAssetManifest: (sessionId: string, options?: ManifestOptions) => Promise<Manifest>;
  /** The same as `manifest.json` in the bucket, recorded as the session's `manifest`. While nothing changes it is one version. */
  writeManifest: (
    sessionId: string,
    options?: CallOptions,
  ) => Promise<{ manifest: Manifest; upload: UploadResult }>;
}

export interface ManifestParts {
  config: Pick<Config, "s3">;
  core: Pick<Core, "storage" | "uploadWithConvexSync">;
  convex: CallConvex;
  guard: Guard;
  readSession: ReadSession;
  during: <T>(options: CallOptions | undefined, work: (call: Call) => Promise<T>) => Promise<T>;
}

type UrlOf = (asset: Asset) => string | undefined;

export function createManifests(parts: ManifestParts): Manifests {
  const { config, core, convex, guard, readSession, during } = parts;

  async function publicUrls(assets: readonly Asset[]): Promise<UrlOf> {
    if (config.s3.publicBaseUrl === undefined) return () => undefined;
    const urls = new Map<string, string>();
    for (const { s3Key } of assets) urls.set(s3Key, (await core.storage.getPresignedUrl("GET", s3Key)).url);
    return ({ s3Key }) => urls.get(s3Key);
  }

  async function freshUrls(assets: readonly Asset[], call: Call): Promise<UrlOf> {
    const urls = new Map<string, string>();
    for (let from = 0; from < assets.length; from += MAX_URLS_PER_CALL) {
      const assetIds = assets.slice(from, from + MAX_URLS_PER_CALL).map(({ assetId }) => assetId);
      const signed = await guard(call, "playback:urls", () =>
        convex("action", api.playback.urls, { assetIds }, call),
      );
      for (const { assetId, url } of signed) urls.set(assetId, url);
    }
    return ({ assetId }) => urls.get(assetId);
  }

  async function getAssetManifest(
    sessionId: string,
    { urls = false, ...callOptions }: ManifestOptions = {},
  ): Promise<Manifest> {
    return during(callOptions, async (call) => {
      const { timeline, assets } = await readSession(sessionId, call);
      const told = assets.filter(({ assetType }) => assetType !== "manifest");
      const urlOf = urls ? await freshUrls(told, call) : await publicUrls(told);
      const of = (entityId: string) =>
        told
          .filter((asset) => asset.entityId === entityId)
          .map((asset) => manifestAsset(asset, urlOf(asset)));
      return {
        manifestVersion: 1,
        sessionId: timeline.sessionId,
        title: timeline.title,
        totalSize: told.reduce((sum, { size }) => sum + size, 0),
        assets: of(timeline.sessionId),
        scenes: timeline.scenes.map(({ sceneId, sceneKey, index, title }) => ({
          sceneId,
          sceneKey,
          index,
          title,
          assets: of(sceneId),
        })),
      };
    });
  }

  return {
    getAssetManifest,
    async writeManifest(sessionId, options = {}) {
      const manifest = manifestSchema.parse(await getAssetManifest(sessionId, options));
      const upload = await core.uploadWithConvexSync({
        ...options,
        file: Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`),
        entity: { type: "session", id: sessionId },
        assetType: "manifest",
        fileName: "manifest.json",
        contentType: "application/json",
      });
      return { manifest, upload };
    },
  };
}

function manifestAsset(asset: Asset, url: string | undefined): ManifestAsset {
  const { assetId, assetType, chunkIndex, version, fileName, contentType, size, s3Key, s3Url } = asset;
  return {
    assetId,
    assetType,
    chunkIndex,
    version,
    fileName,
    contentType,
    size,
    sha256: asset.checksum,
    s3Key,
    s3Url,
    ...(asset.durationMs !== undefined && { durationMs: asset.durationMs }),
    ...(url !== undefined && { url }),
  };
}
