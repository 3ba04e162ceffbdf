import { Film } from "lucide-react";
import { useEffect, useState } from "react";
import { useAssetUrl, useAssetUrls } from "./AssetUrls.tsx";
import styles from "./Thumbnail.module.css";

/** A picture that did not come is asked for again, ever less often. */
const RETRY_AFTER_MS = [2_000, 8_000, 30_000];

/** A picture of fixed shape; a quiet placeholder until it is there and when there is none. */
export function Thumbnail({ assetId }: { assetId: string | undefined }) {
  const [failures, setFailures] = useState(0);
  const [broken, setBroken] = useState(false);
  const urls = useAssetUrls();
  const url = useAssetUrl(assetId, failures);

  useEffect(() => {
    const wait = RETRY_AFTER_MS[failures];
    if (!broken || assetId === undefined || wait === undefined) return;
    const timer = setTimeout(() => {
      urls.invalidate(assetId);
      setFailures(failures + 1);
      setBroken(false);
    }, wait);
    return () => clearTimeout(timer);
  }, [broken, failures, assetId, urls]);

  return (
    <span className={styles["frame"]}>
      {url && !broken ? (
        <img
          key={failures}
          src={url}
          alt=""
          loading="lazy"
          decoding="async"
          onError={() => setBroken(true)}
        />
      ) : (
        <Film size={20} aria-hidden="true" />
      )}
    </span>
  );
}
