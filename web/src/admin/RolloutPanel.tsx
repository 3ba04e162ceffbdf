import { Button } from "@mantine/core";
import type { FunctionReturnType } from "convex/server";
import { Lock, Undo2 } from "lucide-react";
import { useState } from "react";
import type { api } from "../../../convex/_generated/api";
import { ROLLOUT_STAGES, type OutcomeCounts, type RolloutStage } from "../../../contract/rollout.ts";
import { useViewer } from "../shell/viewer.ts";
import { RelativeTime } from "../ui/RelativeTime.tsx";
import { StatusBadge } from "../ui/StatusBadge.tsx";
import { percentText, severityOf } from "./agent-health.ts";
import { RolloutHistory } from "./RolloutHistory.tsx";
import styles from "./RolloutPanel.module.css";
import { StageDialog, type StageStep } from "./StageDialog.tsx";
import { STAGES } from "./wording.ts";

type Flag = FunctionReturnType<typeof api.flags.get>[number];

export function RolloutPanel({ stages, outcomes }: { stages: Flag[]; outcomes: OutcomeCounts }) {
  const { tenant } = useViewer();
  const [step, setStep] = useState<StageStep>();
  const [own, ...projects] = stages;
  if (own === undefined) return null;
  const ask = (flag: Flag, to: RolloutStage | null): void => {
    setStep({ project: flag.project, from: flag.stage, pinned: flag.pinned, to, tenants: own.stage });
  };
  return (
    <section className={styles["panel"]} aria-labelledby="rollout-title" data-testid="rollout">
      <div className={styles["top"]}>
        <h2 id="rollout-title">Rollout</h2>
        {own.pinned && (
          <span className={styles["pinned"]}>
            <Lock size={14} aria-hidden="true" /> Pinned: never taken back by itself
          </span>
        )}
        <p className={styles["rate"]} data-testid="error-rate">
          {outcomes.uploads === 0 ? (
            "No uploads within the last five minutes"
          ) : (
            <>
              <strong data-failed={severityOf(outcomes)}>{percentText(outcomes)}</strong> of{" "}
              {outcomes.uploads} uploads failed within five minutes
            </>
          )}
        </p>
      </div>
      {own.automatic && own.from !== undefined && <RolledBack flag={own} onRaise={(to) => ask(own, to)} />}
      <div className={styles["stages"]} role="group" aria-label={`Stage of ${tenant.name}`}>
        {ROLLOUT_STAGES.map((stage) => (
          <button
            key={stage}
            type="button"
            aria-pressed={stage === own.stage}
            data-testid={`stage-${stage}`}
            onClick={() => ask(own, stage)}
          >
            <span className={styles["name"]}>{STAGES[stage].label}</span>
            <span className={styles["meaning"]}>{STAGES[stage].meaning}</span>
          </button>
        ))}
      </div>
      {projects.length > 0 && (
        <ul className={styles["projects"]} aria-label="Projects with a stage of their own">
          {projects.map((flag) => (
            <li key={flag.project} data-testid="project-stage">
              <code>{flag.project}</code>
              <StatusBadge tone={flag.automatic ? "failed" : "neutral"}>
                {STAGES[flag.stage].label}
              </StatusBadge>
              {flag.reason && <span className={styles["why"]}>{flag.reason}</span>}
              <span className={styles["actions"]}>
                {flag.automatic && flag.from !== undefined && (
                  <Button size="xs" variant="default" onClick={() => ask(flag, flag.from ?? null)}>
                    Raise to {STAGES[flag.from].label.toLowerCase()}…
                  </Button>
                )}
                <Button size="xs" variant="default" onClick={() => ask(flag, null)}>
                  Follow {tenant.name}…
                </Button>
              </span>
            </li>
          ))}
        </ul>
      )}
      <footer className={styles["foot"]}>
        <p>
          More than 5 % failures among at least 50 uploads of five minutes take it back by itself: from on
          write to end of run, from shadow to off. Nothing is lost by it.
        </p>
        <Button
          size="xs"
          variant="default"
          onClick={() =>
            setStep({ project: "", from: own.stage, pinned: false, to: "shadow", tenants: own.stage })
          }
        >
          Set for a project…
        </Button>
      </footer>
      <RolloutHistory />
      <StageDialog step={step} onClose={() => setStep(undefined)} />
    </section>
  );
}

function RolledBack({ flag, onRaise }: { flag: Flag; onRaise: (to: RolloutStage) => void }) {
  const { from, stage, by, changedAt, reason } = flag;
  if (from === undefined || changedAt === undefined) return null;
  return (
    <div className={styles["rollback"]} role="alert" data-testid="rolled-back">
      <Undo2 size={18} aria-hidden="true" />
      <div>
        <strong>
          Taken back from {STAGES[from].label.toLowerCase()} to {STAGES[stage].label.toLowerCase()},{" "}
          <RelativeTime at={changedAt} />
        </strong>
        <p>
          {reason} The last of them was reported by {by}. Raise it when the cause is mended.
        </p>
      </div>
      <Button onClick={() => onRaise(from)} data-testid="raise">
        Raise to {STAGES[from].label.toLowerCase()}…
      </Button>
    </div>
  );
}
