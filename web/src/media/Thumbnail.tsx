import { Film } from "lucide-react";
import { useState } from "react";
import { useAssetUrl } from "./AssetUrls.tsx";
import styles from "./Thumbnail.module.css";

/** A picture of fixed shape; a quiet placeholder until it is there and when there is none. */
export function Thumbnail({ assetId }: { assetId: string | undefined }) {
  const url = useAssetUrl(assetId);
  const [broken, setBroken] = useState<string>();
  return (
    <span className={styles["frame"]}>
      {url && broken !== url ? (
        <img src={url} alt="" loading="lazy" decoding="async" onError={() => setBroken(url)} />
      ) : (
        <Film size={20} aria-hidden="true" />
      )}
    </span>
  );
}
