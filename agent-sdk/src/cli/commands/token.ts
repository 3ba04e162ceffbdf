/** `reelsync token create`: an agent key, made by an operator. */
import { internal } from "../../../../convex/_generated/api.js";
import { defineCommand } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { runAsOperator } from "../operator.ts";

export const tokenCreate = defineCommand({
  path: ["token", "create"],
  summary: "Make an agent key, as an operator",
  details:
    "Needs the deployment's URL (CONVEX_SELF_HOSTED_URL or CONVEX_URL) and its key (CONVEX_SELF_HOSTED_ADMIN_KEY or CONVEX_DEPLOY_KEY). With --tenant-name a tenant is " +
    "created if there is none with this slug; one that is there stays as it is. The key is shown this once; only its hash is stored.",
  args: {},
  options: {
    name: { kind: "text", required: true, summary: "How the agent is called in the console" },
    tenant: { kind: "text", placeholder: "SLUG", required: true, summary: "The tenant it works for" },
    "tenant-name": {
      kind: "text",
      placeholder: "NAME",
      summary: "Create the tenant under this name, if there is none",
    },
    project: {
      kind: "text",
      placeholder: "SLUG",
      many: true,
      summary: "A project it may work in; all unless given",
    },
  },
  examples: [
    {
      does: "into the agent's environment",
      line: "export REELSYNC_AGENT_KEY=$(reelsync token create --name renderer --tenant studio)",
    },
    {
      does: "for a new tenant",
      line: 'reelsync token create --name renderer --tenant studio --tenant-name "Studio"',
    },
    {
      does: "for one project only",
      line: "reelsync token create --name renderer --tenant studio --project reels",
    },
  ],
  async run({ options }, context) {
    const tenantName = options["tenant-name"];
    const { tenantId, agentKey } = await runAsOperator(context, internal.setup.createAgentKey, {
      tenant: options.tenant,
      name: options.name,
      ...(tenantName !== undefined && { tenantName }),
      ...(options.project.length > 0 && { projects: options.project }),
    });
    context.output.give({ agentKey, name: options.name, tenantId }, agentKey);
    context.output.say("keep it: it cannot be shown again");
    return EXIT.ok;
  },
});
