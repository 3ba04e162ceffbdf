import { Button, Modal, Textarea } from "@mantine/core";
import { useMutation } from "convex/react";
import { useState } from "react";
import { api } from "../../../convex/_generated/api";
import { useViewer } from "../shell/viewer.ts";
import styles from "./FreezeDialog.module.css";
import { useAdminAction } from "./useAdminAction.ts";

export type FreezeStep = "freeze" | "thaw";

interface Props {
  step: FreezeStep | undefined;
  onClose: () => void;
}

const QUESTIONS = {
  freeze: {
    title: "Freeze deletes?",
    meaning:
      "Nothing leaves the bucket until somebody thaws them: no repair and no clean-up takes an object away, and what waits for quarantine keeps waiting. Uploads go on, and records can still be marked.",
    placeholder: "The bucket is being moved",
    back: "Leave it as it is",
    go: "Freeze deletes",
  },
  thaw: {
    title: "Thaw deletes?",
    meaning:
      "Objects can be repaired and cleaned up again. What waited for quarantine goes on, hour by hour; what came due meanwhile waits for a day more.",
    placeholder: "The bucket is moved",
    back: "Keep them frozen",
    go: "Thaw deletes",
  },
} as const;

export function FreezeDialog({ step, onClose }: Props) {
  return (
    <Modal
      opened={step !== undefined}
      onClose={onClose}
      title={step === undefined ? "" : QUESTIONS[step].title}
      size="lg"
    >
      {step && <Question step={step} onClose={onClose} />}
    </Modal>
  );
}

function Question({ step, onClose }: { step: FreezeStep; onClose: () => void }) {
  const { tenant } = useViewer();
  const freeze = useMutation(api.reconcile.freeze);
  const thaw = useMutation(api.reconcile.thaw);
  const { busy, run } = useAdminAction();
  const [reason, setReason] = useState("");
  const { meaning, placeholder, back, go } = QUESTIONS[step];

  const submit = async (): Promise<void> => {
    const args = { tenantId: tenant.tenantId, reason: reason.trim() };
    const done = await run(step === "freeze" ? "Freezing" : "Thawing", () =>
      step === "freeze" ? freeze(args) : thaw(args),
    );
    if (done) onClose();
  };

  return (
    <form
      className={styles["form"]}
      data-testid="freeze-dialog"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <p className={styles["meaning"]}>{meaning}</p>
      <Textarea
        label="Why"
        description={
          step === "freeze" ? "Shown to everybody who meets the freeze" : "Kept in the audit log; optional"
        }
        placeholder={placeholder}
        required={step === "freeze"}
        autosize
        minRows={2}
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        data-autofocus
      />
      <footer>
        <Button variant="default" onClick={onClose}>
          {back}
        </Button>
        <Button
          type="submit"
          loading={busy}
          disabled={step === "freeze" && reason.trim() === ""}
          data-testid="confirm-freeze"
        >
          {go}
        </Button>
      </footer>
    </form>
  );
}
