import { Button } from "@mantine/core";
import { Play } from "lucide-react";
import { api } from "../../../convex/_generated/api";
import { Bytes } from "../ui/Bytes.tsx";
import { Copyable } from "../ui/Copyable.tsx";
import { formatDuration } from "../ui/format.ts";
import { RelativeTime } from "../ui/RelativeTime.tsx";
import { StatusBadge, type Tone } from "../ui/StatusBadge.tsx";
import { usePages } from "../ui/usePages.ts";
import styles from "./SceneParts.module.css";
import { useOpenAsset } from "./useOpenAsset.ts";

const PAGE = 12;

const STATUS: Record<string, { label: string; tone: Tone }> = {
  ready: { label: "Current", tone: "ready" },
  superseded: { label: "Replaced", tone: "neutral" },
  pending: { label: "Announced", tone: "planned" },
  uploading: { label: "Uploading", tone: "working" },
  error: { label: "Failed", tone: "failed" },
  missing: { label: "Missing", tone: "failed" },
  deleted: { label: "Deleted", tone: "neutral" },
};

export function SceneVersions({ sceneId }: { sceneId: string }) {
  const { results, status, loadMore } = usePages(
    api.scenes.versions,
    { sceneId, assetType: "video_chunk" },
    PAGE,
  );
  const open = useOpenAsset();
  if (status === "LoadingFirstPage") return null;
  if (results.length === 0)
    return <p className={styles["empty"]}>Nothing was rendered for this scene yet.</p>;
  return (
    <>
      <ul className={styles["rows"]} data-testid="versions">
        {results.map((asset) => {
          const { label, tone } = STATUS[asset.status] ?? { label: asset.status, tone: "neutral" };
          const canOpen = asset.status === "ready" || asset.status === "superseded";
          return (
            <li key={asset.assetId}>
              <div className={styles["line"]}>
                <strong>v{asset.version}</strong>
                {asset.chunkIndex > 0 && <span>part {asset.chunkIndex + 1}</span>}
                <StatusBadge tone={tone}>{label}</StatusBadge>
                {canOpen && (
                  <button type="button" className={styles["open"]} onClick={() => void open(asset.assetId)}>
                    <Play size={13} /> Watch
                  </button>
                )}
              </div>
              <div className={styles["facts"]}>
                <RelativeTime at={asset.uploadedAt ?? asset.createdAt} />
                <Bytes value={asset.size} />
                {asset.durationMs !== undefined && <span>{formatDuration(asset.durationMs / 1000)}</span>}
                {asset.checksum !== "" && (
                  <Copyable
                    value={asset.checksum}
                    label="SHA-256"
                  >{`${asset.checksum.slice(0, 10)}…`}</Copyable>
                )}
              </div>
              {asset.errorMessage && <p className={styles["error"]}>{asset.errorMessage}</p>}
            </li>
          );
        })}
      </ul>
      {status !== "Exhausted" && (
        <Button variant="default" fullWidth mt="sm" onClick={() => loadMore(PAGE)}>
          Show older versions
        </Button>
      )}
    </>
  );
}
