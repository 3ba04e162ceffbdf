import { Button, SegmentedControl } from "@mantine/core";
import { MailCheck } from "lucide-react";
import { useState } from "react";
import { api } from "../../../convex/_generated/api";
import { useViewer } from "../shell/viewer.ts";
import { Notice } from "../ui/Notice.tsx";
import { usePages } from "../ui/usePages.ts";
import { useTitle } from "../ui/useTitle.ts";
import styles from "./Admin.module.css";
import { DeadLetterCard } from "./DeadLetterCard.tsx";
import listStyles from "./DeadLettersPage.module.css";

const PAGE = 30;

type Filter = "all" | "parked" | "resolved" | "discarded";

const FILTERS: { value: Filter; label: string }[] = [
  { value: "all", label: "All" },
  { value: "parked", label: "Parked" },
  { value: "resolved", label: "Resolved" },
  { value: "discarded", label: "Discarded" },
];

export default function DeadLettersPage() {
  useTitle("Dead letters");
  const { tenant } = useViewer();
  const [filter, setFilter] = useState<Filter>("all");
  const { results, status, loadMore } = usePages(
    api.deadLetters.list,
    { tenantId: tenant.tenantId, ...(filter === "all" ? {} : { state: filter }) },
    PAGE,
  );

  return (
    <>
      <header className={styles["heading"]}>
        <div>
          <h1>Dead letters</h1>
          <p>
            Uploads an agent gave up on, with the cause. The bytes are still on the agent&apos;s machine; a
            replay is carried out there.
          </p>
        </div>
        <SegmentedControl value={filter} onChange={setFilter} data={FILTERS} aria-label="State" />
      </header>
      {status === "LoadingFirstPage" ? null : results.length === 0 ? (
        <Notice
          title={filter === "all" ? "No dead letters" : `None ${filter}`}
          icon={<MailCheck size={24} />}
          testId="no-letters"
        >
          <p>
            {filter === "all"
              ? `Every upload of ${tenant.name} so far was carried through. Should one fail for good, it appears here with its cause.`
              : "Nothing is in this state at the moment."}
          </p>
        </Notice>
      ) : (
        <ul className={listStyles["list"]} data-testid="dead-letters">
          {results.map((letter) => (
            <li key={letter.deadLetterId}>
              <DeadLetterCard letter={letter} />
            </li>
          ))}
        </ul>
      )}
      {status !== "Exhausted" && status !== "LoadingFirstPage" && (
        <Button variant="default" mt="md" loading={status === "LoadingMore"} onClick={() => loadMore(PAGE)}>
          Show more
        </Button>
      )}
    </>
  );
}
