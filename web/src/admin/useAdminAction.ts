import { notifications } from "@mantine/notifications";
import { useCallback, useState } from "react";
import { describeError } from "../describe-error.ts";

/** Runs one admin action at a time; a refusal is shown with its code and fix and stays until it was read. */
export function useAdminAction(): {
  busy: boolean;
  run: (what: string, action: () => Promise<unknown>) => Promise<boolean>;
} {
  const [busy, setBusy] = useState(false);
  const run = useCallback(async (what: string, action: () => Promise<unknown>) => {
    setBusy(true);
    try {
      await action();
      return true;
    } catch (error) {
      const { code, message, fix } = describeError(error);
      notifications.show({
        color: "red",
        title: `${what} was refused`,
        message: `${message} ${fix} (${code})`,
        autoClose: false,
        role: "alert",
      });
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  return { busy, run };
}
