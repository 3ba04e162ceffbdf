/** One store of signed URLs for the whole app, so that a page full of thumbnails is one request. */
import { useConvex } from "convex/react";
import { createContext, use, useEffect, useState, type ReactNode } from "react";
import { api } from "../../../convex/_generated/api";
import { SignedUrls } from "../player/signed-urls.ts";

const Context = createContext<SignedUrls | null>(null);

export function AssetUrlsProvider({ children }: { children: ReactNode }) {
  const convex = useConvex();
  const [urls] = useState(() => new SignedUrls((assetIds) => convex.action(api.playback.urls, { assetIds })));
  return <Context value={urls}>{children}</Context>;
}

export function useAssetUrls(): SignedUrls {
  const urls = use(Context);
  if (!urls) throw new Error("useAssetUrls is used outside of AssetUrlsProvider");
  return urls;
}

/** Undefined until there is one, or when there is none. Another `attempt` asks again. */
export function useAssetUrl(assetId: string | undefined, attempt = 0): string | undefined {
  const urls = useAssetUrls();
  const [found, setFound] = useState<{ assetId: string; url: string }>();
  useEffect(() => {
    if (assetId === undefined) return;
    let left = false;
    urls.get(assetId).then(
      (url) => !left && setFound({ assetId, url }),
      () => undefined,
    );
    return () => {
      left = true;
    };
  }, [urls, assetId, attempt]);
  return found?.assetId === assetId ? found?.url : undefined;
}
