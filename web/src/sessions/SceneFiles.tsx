import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { ExternalLink } from "lucide-react";
import { api } from "../../../convex/_generated/api";
import { Bytes } from "../ui/Bytes.tsx";
import { Copyable } from "../ui/Copyable.tsx";
import styles from "./SceneParts.module.css";
import { useOpenAsset } from "./useOpenAsset.ts";

type Scene = FunctionReturnType<typeof api.scenes.get>;
type Asset = Scene["chunkAssets"][number];

const TYPE_NAMES: Record<string, string> = {
  video_chunk: "Video",
  source_code: "Source code",
  thumbnail: "Thumbnail",
  subtitle: "Captions",
};

interface Props {
  sceneId: string;
  /** Whether a file that is missing may still come. */
  isExpected: boolean;
}

export function SceneFiles({ sceneId, isExpected }: Props) {
  const scene = useQuery(api.scenes.get, { sceneId });
  const open = useOpenAsset();
  if (!scene) return null;
  const assets = filesOf(scene);
  if (assets.length === 0) {
    return (
      <p className={styles["empty"]}>
        {isExpected ? "No files yet." : "No files were uploaded for this scene."}
      </p>
    );
  }
  return (
    <ul className={styles["rows"]} data-testid="files">
      {assets.map((asset) => (
        <li key={asset.assetId}>
          <div className={styles["line"]}>
            <strong>{TYPE_NAMES[asset.assetType] ?? asset.assetType}</strong>
            {asset.chunkIndex > 0 && <span>part {asset.chunkIndex + 1}</span>}
            <span className={styles["soft"]}>
              v{asset.version} · <Bytes value={asset.size} />
            </span>
            <button type="button" className={styles["open"]} onClick={() => void open(asset.assetId)}>
              <ExternalLink size={13} /> Open
            </button>
          </div>
          <dl className={styles["pairs"]}>
            <dt>Key</dt>
            <dd>
              <Copyable value={asset.s3Key} label="object key" wrap />
            </dd>
            <dt>SHA-256</dt>
            <dd>
              <Copyable value={asset.checksum} label="SHA-256" />
            </dd>
            <dt>Type</dt>
            <dd>{asset.contentType}</dd>
          </dl>
        </li>
      ))}
    </ul>
  );
}

function filesOf(scene: Scene): Asset[] {
  return [...scene.chunkAssets, scene.subtitleAsset, scene.thumbnailAsset, scene.sourceCodeAsset].filter(
    (asset): asset is Asset => asset !== undefined,
  );
}
