import { Button } from "@mantine/core";
import { Snowflake } from "lucide-react";
import { RelativeTime } from "../ui/RelativeTime.tsx";
import styles from "./FreezeBanner.module.css";
import type { DeleteFreeze } from "./useDeleteFreeze.ts";

interface Props {
  freeze: DeleteFreeze;
  onThaw: () => void;
}

/** A state somebody has chosen, and no alarm. */
export function FreezeBanner({ freeze: { by, since, reason }, onThaw }: Props) {
  return (
    <section className={styles["banner"]} aria-labelledby="freeze-title" data-testid="frozen">
      <Snowflake size={20} aria-hidden="true" />
      <div className={styles["text"]}>
        <h2 id="freeze-title">Deletes are frozen</h2>
        <p className={styles["reason"]}>{reason}</p>
        <p>
          By {by}, <RelativeTime at={since} />. Nothing leaves the bucket meanwhile; records can still be
          marked.
        </p>
      </div>
      <Button variant="default" onClick={onThaw} data-testid="thaw">
        Thaw…
      </Button>
    </section>
  );
}
