import { Button } from "@mantine/core";
import { useQuery } from "convex/react";
import { Radio } from "lucide-react";
import { api } from "../../../convex/_generated/api";
import { useViewer } from "../shell/viewer.ts";
import { Notice } from "../ui/Notice.tsx";
import { usePages } from "../ui/usePages.ts";
import { useNow } from "../ui/useNow.ts";
import { useTitle } from "../ui/useTitle.ts";
import styles from "./Admin.module.css";
import { AgentRow } from "./AgentRow.tsx";
import pageStyles from "./AgentsPage.module.css";
import { isQuiet, recentOutcomes, type Agent } from "./agent-health.ts";
import { RolloutPanel } from "./RolloutPanel.tsx";

const PAGE = 50;

export default function AgentsPage() {
  useTitle("Agents");
  const { tenant } = useViewer();
  const now = useNow();
  const stages = useQuery(api.flags.get, { tenantId: tenant.tenantId });
  const { results, status, loadMore } = usePages(api.agents.list, { tenantId: tenant.tenantId }, PAGE);
  const isLoading = status === "LoadingFirstPage" || stages === undefined;
  // A report is never from the future: the page's clock is coarse.
  const at = Math.max(now, ...results.map(({ reportedAt }) => reportedAt));

  return (
    <>
      <header className={styles["heading"]}>
        <div>
          <h1>Agents</h1>
          <p>How far uploads are rolled out, and how the machines are that make them.</p>
        </div>
      </header>
      {!isLoading && (
        <>
          <RolloutPanel stages={stages} outcomes={recentOutcomes(results, at)} />
          {results.length === 0 ? (
            <Notice title="No agent has reported yet" icon={<Radio size={24} />} testId="no-agents">
              <p>
                An agent appears here with its first upload: whether it reaches storage and Convex, what waits
                on its disk, and how many of its uploads fail.
              </p>
            </Notice>
          ) : (
            <>
              <AgentList title="Reporting" agents={results.filter((one) => !isQuiet(one, at))} now={at} />
              <AgentList title="Quiet" agents={results.filter((one) => isQuiet(one, at))} now={at} />
            </>
          )}
        </>
      )}
      {status !== "Exhausted" && status !== "LoadingFirstPage" && (
        <Button variant="default" mt="md" loading={status === "LoadingMore"} onClick={() => loadMore(PAGE)}>
          Show more
        </Button>
      )}
    </>
  );
}

function AgentList({ title, agents, now }: { title: string; agents: Agent[]; now: number }) {
  if (agents.length === 0) return null;
  return (
    <section className={pageStyles["group"]} aria-label={`${title} agents`}>
      <h2>
        {title} <span>{agents.length}</span>
      </h2>
      <ul>
        {agents.map((agent) => (
          <AgentRow key={agent.agentHealthId} agent={agent} now={now} />
        ))}
      </ul>
    </section>
  );
}
