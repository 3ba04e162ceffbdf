import { Clapperboard } from "lucide-react";
import { CodeBlock } from "../ui/CodeBlock.tsx";
import { Notice } from "../ui/Notice.tsx";
import { AGENT_EXAMPLE } from "./agent-example.ts";

export function FirstSession() {
  return (
    <Notice title="No sessions yet" icon={<Clapperboard size={24} />} testId="no-sessions" wide>
      <p>
        A session appears here the moment an agent creates one, and can be watched as soon as its first scene
        is uploaded. A few lines in your agent are enough:
      </p>
      <CodeBlock title="agent.ts" code={AGENT_EXAMPLE} />
    </Notice>
  );
}
