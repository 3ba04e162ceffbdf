/** Public functions of running agents: they report how they are, admins look. No page that viewers see reads any of it. */
import * as z from "zod";
import { agentReportSchema } from "../contract/agent-report.ts";
import { adminQuery, agentMutation } from "./functions.ts";
import { listAgents, recordReport } from "./model/agentHealth.ts";
import { paginationOpts } from "./model/page.ts";

export const report = agentMutation({
  args: agentReportSchema.shape,
  handler: async (ctx, args) => recordReport(ctx, ctx.caller, args),
});

/** The agent that appeared last comes first. */
export const list = adminQuery({
  args: { paginationOpts, tenantId: z.string().optional() },
  handler: async (ctx, args) => listAgents(ctx, ctx.caller, args),
});
