import { Button, Loader } from "@mantine/core";
import { useEffect, useState } from "react";
import type { TimelineAsset } from "../../../contract/playback.ts";
import { useAssetUrls } from "../media/AssetUrls.tsx";
import { CodeBlock } from "../ui/CodeBlock.tsx";
import { Delayed } from "../ui/Delayed.tsx";
import { formatBytes } from "../ui/format.ts";
import styles from "./SceneParts.module.css";

/** More is no help to a reader and slows the page down; the file itself can be opened under Files. */
const MAX_BYTES = 256 * 1024;

type Loaded = { kind: "loading" } | { kind: "text"; text: string } | { kind: "failed"; why: string };

/** `fetch` reports every failure of the network as a TypeError with a browser's own wording. */
function reasonOf(error: unknown): string {
  if (error instanceof TypeError) return "the storage cannot be reached";
  return error instanceof Error ? error.message : String(error);
}

interface Props {
  asset: TimelineAsset | undefined;
  /** Without an asset: whether one may still come. */
  isExpected: boolean;
}

export function SourceCode({ asset, isExpected }: Props) {
  const urls = useAssetUrls();
  const [loaded, setLoaded] = useState<Loaded>({ kind: "loading" });
  const [attempt, setAttempt] = useState(0);
  const assetId = asset?.assetId;
  const isTooLarge = asset !== undefined && asset.size > MAX_BYTES;

  useEffect(() => {
    if (assetId === undefined || isTooLarge) return;
    const stop = new AbortController();
    const load = async (): Promise<void> => {
      try {
        const response = await fetch(await urls.get(assetId), { signal: stop.signal });
        if (!response.ok) throw new Error(`the storage answered with status ${response.status}`);
        setLoaded({ kind: "text", text: await response.text() });
      } catch (error) {
        if (stop.signal.aborted) return;
        urls.invalidate(assetId);
        setLoaded({ kind: "failed", why: reasonOf(error) });
      }
    };
    void load();
    return () => stop.abort();
  }, [urls, assetId, isTooLarge, attempt]);

  if (!asset) {
    return (
      <p className={styles["empty"]}>
        {isExpected
          ? "No source code yet. It appears here as soon as it is uploaded."
          : "No source code was uploaded for this scene."}
      </p>
    );
  }
  if (isTooLarge) {
    return <p className={styles["empty"]}>The source is {formatBytes(asset.size)}: open it under Files.</p>;
  }
  switch (loaded.kind) {
    case "loading":
      return (
        <Delayed>
          <Loader size="sm" aria-label="Loading source code" />
        </Delayed>
      );
    case "failed":
      return (
        <div className={styles["empty"]} role="alert">
          <p>The source code could not be loaded: {loaded.why}.</p>
          <Button
            variant="default"
            mt="sm"
            onClick={() => {
              setLoaded({ kind: "loading" });
              setAttempt((n) => n + 1);
            }}
          >
            Try again
          </Button>
        </div>
      );
    case "text":
      return <CodeBlock title={`Version ${asset.version} · ${formatBytes(asset.size)}`} code={loaded.text} />;
  }
}
