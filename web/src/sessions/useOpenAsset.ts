import { notifications } from "@mantine/notifications";
import { useCallback } from "react";
import { describeError } from "../describe-error.ts";
import { useAssetUrls } from "../media/AssetUrls.tsx";

/** Opens an asset in a tab of its own, with a URL made at that moment. */
export function useOpenAsset(): (assetId: string) => Promise<void> {
  const urls = useAssetUrls();
  return useCallback(
    async (assetId) => {
      // Opened now, filled later: a window opened after waiting counts as a pop-up.
      const tab = window.open("about:blank", "_blank");
      try {
        const url = await urls.get(assetId);
        if (tab) {
          tab.opener = null;
          tab.location.href = url;
        }
      } catch (error) {
        tab?.close();
        const { message, code } = describeError(error);
        notifications.show({
          color: "red",
          title: "The file could not be opened",
          message: `${message} (${code})`,
          autoClose: false,
        });
      }
    },
    [urls],
  );
}
