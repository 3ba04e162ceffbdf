import { Checkbox } from "@mantine/core";
import { OctagonAlert } from "lucide-react";
import styles from "./OverLimitStop.module.css";
import type { Run } from "./RunPicker.tsx";
import { OVER_LIMIT } from "./wording.ts";

interface Props {
  over: Run["overLimit"];
  agreed: boolean;
  onAgree: (agreed: boolean) => void;
}

const number = new Intl.NumberFormat("en");

/** Stands before a repair of more than drift explains. Its tick is one of its own: having looked at the list says nothing of the bucket. */
export function OverLimitStop({ over, agreed, onAgree }: Props) {
  return (
    <section className={styles["stop"]} aria-labelledby="stop-title" data-testid="apply-stop">
      <OctagonAlert size={20} aria-hidden="true" />
      <div className={styles["text"]}>
        <h3 id="stop-title">This is more than drift explains</h3>
        {over.map(({ kind, found, compared }) => (
          <p key={kind}>
            <strong>
              {number.format(found)} of {number.format(compared)} {OVER_LIMIT[kind].fact}
            </strong>
            . {OVER_LIMIT[kind].danger}
          </p>
        ))}
        <p>
          Check <code>S3_BUCKET</code> and <code>S3_BASE_PREFIX</code> of the deployment first, and whether
          another one uses the same.
        </p>
        <Checkbox
          label="I have checked that: bucket and prefix are right, and nobody else uses them"
          checked={agreed}
          onChange={(event) => onAgree(event.currentTarget.checked)}
          data-testid="over-limit"
        />
      </div>
    </section>
  );
}
