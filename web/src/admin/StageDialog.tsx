import { Button, Checkbox, Modal, Textarea, TextInput } from "@mantine/core";
import { useMutation } from "convex/react";
import { useState } from "react";
import { api } from "../../../convex/_generated/api";
import { ROLLBACK_TO, ROLLOUT_STAGES, type RolloutStage } from "../../../contract/rollout.ts";
import { useViewer } from "../shell/viewer.ts";
import styles from "./StageDialog.module.css";
import { useAdminAction } from "./useAdminAction.ts";
import { STAGES } from "./wording.ts";

/** A change somebody is asked about. `project`: empty while it has to be named. `to: null`: to follow the tenant again. */
export interface StageStep {
  project: string | undefined;
  from: RolloutStage;
  pinned: boolean;
  to: RolloutStage | null;
  tenants: RolloutStage;
}

interface Props {
  step: StageStep | undefined;
  onClose: () => void;
}

export function StageDialog({ step, onClose }: Props) {
  const { tenant } = useViewer();
  const title =
    step === undefined
      ? ""
      : step.project === ""
        ? "Set the stage of a project"
        : step.to === null
          ? `Let ${step.project} follow ${tenant.name} again?`
          : `Set ${step.project ?? tenant.name} to ${STAGES[step.to].label.toLowerCase()}?`;
  return (
    <Modal opened={step !== undefined} onClose={onClose} title={title} size="lg">
      {step && <Question step={step} onClose={onClose} />}
    </Modal>
  );
}

function Question({ step, onClose }: { step: StageStep; onClose: () => void }) {
  const { tenant } = useViewer();
  const set = useMutation(api.flags.set);
  const { busy, run } = useAdminAction();
  const [project, setProject] = useState(step.project);
  const [to, setTo] = useState(step.to);
  const [pinned, setPinned] = useState(step.to === step.from && step.pinned);
  const [reason, setReason] = useState("");
  const target = to ?? step.tenants;
  const mayFall = to !== null && ROLLBACK_TO[to] !== undefined;

  const submit = async (): Promise<void> => {
    const done = await run("The change", () =>
      set({
        tenantId: tenant.tenantId,
        stage: to,
        pinned: mayFall && pinned,
        ...(project === undefined ? {} : { project: project.trim() }),
        ...(reason.trim() === "" ? {} : { reason: reason.trim() }),
      }),
    );
    if (done) onClose();
  };

  return (
    <form
      className={styles["form"]}
      data-testid="stage-dialog"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {step.project === "" && (
        <>
          <TextInput
            label="Project"
            placeholder="teaser"
            required
            value={project}
            onChange={(event) => setProject(event.currentTarget.value)}
            data-autofocus
          />
          <div className={styles["choices"]} role="group" aria-label="Stage">
            {ROLLOUT_STAGES.map((stage) => (
              <button key={stage} type="button" aria-pressed={stage === to} onClick={() => setTo(stage)}>
                {STAGES[stage].label}
              </button>
            ))}
          </div>
        </>
      )}
      <p className={styles["meaning"]}>
        {STAGES[target].meaning} {step.to !== step.from && "Running agents follow within seconds."}
        {target === "off" && " What waits on their disks stays there."}
      </p>
      <Textarea
        label="Why"
        description="Kept in the history, for those who look later"
        autosize
        minRows={2}
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        {...(step.project === "" ? {} : { "data-autofocus": true })}
      />
      {mayFall && (
        <Checkbox
          label="Pin it: never take it back by itself"
          checked={pinned}
          onChange={(event) => setPinned(event.currentTarget.checked)}
        />
      )}
      <footer>
        <Button variant="default" onClick={onClose}>
          Leave it as it is
        </Button>
        <Button
          type="submit"
          loading={busy}
          {...(to === "off" && { color: "red" })}
          data-testid="confirm-stage"
        >
          {to === null ? `Follow ${tenant.name}` : `Set to ${STAGES[to].label.toLowerCase()}`}
        </Button>
      </footer>
    </form>
  );
}
