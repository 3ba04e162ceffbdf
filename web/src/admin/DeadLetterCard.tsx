import { Button, Modal, Textarea } from "@mantine/core";
import { useMutation } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { RotateCw, Trash2 } from "lucide-react";
import { useState } from "react";
import { api } from "../../../convex/_generated/api";
import { fixBeyond } from "../describe-error.ts";
import { Bytes } from "../ui/Bytes.tsx";
import { Copyable } from "../ui/Copyable.tsx";
import { formatCount } from "../ui/format.ts";
import { RelativeTime } from "../ui/RelativeTime.tsx";
import { StatusBadge } from "../ui/StatusBadge.tsx";
import styles from "./DeadLetterCard.module.css";
import { useAdminAction } from "./useAdminAction.ts";
import { LETTER_STATES, STEP_LABEL } from "./wording.ts";

type Letter = FunctionReturnType<typeof api.deadLetters.list>["page"][number];

export function DeadLetterCard({ letter }: { letter: Letter }) {
  const requestReplay = useMutation(api.deadLetters.requestReplay);
  const { busy, run } = useAdminAction();
  const [discarding, setDiscarding] = useState(false);
  const { label, tone, live } = LETTER_STATES[letter.state];
  const { intent, deadLetterId } = letter;
  const isSettled = letter.state === "resolved" || letter.state === "discarded";
  const fix = fixBeyond(letter.message, letter.code);

  return (
    <article className={styles["card"]} data-testid="dead-letter" data-state={letter.state}>
      <header>
        <div className={styles["title"]}>
          <h2>{intent.fileName}</h2>
          <StatusBadge tone={tone} live={live ?? false} testId="letter-state">
            {label}
          </StatusBadge>
        </div>
        <p>
          {[letter.sessionTitle, letter.sceneTitle].filter(Boolean).join(" › ") || intent.entityId}
          {" · "}
          {intent.assetType.replaceAll("_", " ")} · <Bytes value={intent.size} /> · {letter.agent}
        </p>
      </header>
      <div className={styles["cause"]}>
        <p>
          <code>{letter.code}</code> while {STEP_LABEL[letter.step]}, after{" "}
          {formatCount(letter.attempts, "attempt")}, <RelativeTime at={letter.updatedAt} />
        </p>
        <p className={styles["message"]}>{letter.message}</p>
        {fix && !isSettled && (
          <p className={styles["fix"]}>
            <strong>What helps:</strong> {fix}
          </p>
        )}
        {letter.reason && (
          <p>
            <strong>Discarded because:</strong> {letter.reason}
          </p>
        )}
      </div>
      <div className={styles["foot"]}>
        {letter.filePath ? (
          <Copyable value={letter.filePath} label="file path" wrap />
        ) : (
          <span className={styles["soft"]}>Came from memory: only its agent can send it again.</span>
        )}
        {!isSettled && (
          <div className={styles["actions"]}>
            <Button
              variant="subtle"
              color="gray"
              leftSection={<Trash2 size={15} />}
              onClick={() => setDiscarding(true)}
            >
              Discard…
            </Button>
            <Button
              leftSection={<RotateCw size={15} />}
              loading={busy}
              disabled={letter.state === "replay_requested"}
              onClick={() => void run("The replay", () => requestReplay({ deadLetterId }))}
              data-testid="replay-letter"
            >
              Replay
            </Button>
          </div>
        )}
      </div>
      <Modal opened={discarding} onClose={() => setDiscarding(false)} title={`Discard ${intent.fileName}?`}>
        <Discard deadLetterId={deadLetterId} onDone={() => setDiscarding(false)} />
      </Modal>
    </article>
  );
}

function Discard({ deadLetterId, onDone }: { deadLetterId: string; onDone: () => void }) {
  const discard = useMutation(api.deadLetters.discard);
  const { busy, run } = useAdminAction();
  const [reason, setReason] = useState("");
  const submit = async (): Promise<void> => {
    if (await run("Discarding", () => discard({ deadLetterId, reason: reason.trim() }))) onDone();
  };
  return (
    <form
      className={styles["form"]}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <p className={styles["soft"]}>
        The upload will not be tried again. The file on the agent&apos;s machine is not touched, and the
        letter stays in the list with your reason.
      </p>
      <Textarea
        label="Why"
        placeholder="The scene was rendered again under another name"
        required
        autosize
        minRows={2}
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        data-autofocus
      />
      <div className={styles["actions"]}>
        <Button variant="default" onClick={onDone}>
          Keep it
        </Button>
        <Button type="submit" color="red" loading={busy} disabled={reason.trim() === ""}>
          Discard
        </Button>
      </div>
    </form>
  );
}
