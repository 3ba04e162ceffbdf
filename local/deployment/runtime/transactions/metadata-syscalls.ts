/** What a function may ask about its caller, itself and its transaction. */
import { displayPath, parseFunctionPath } from "../function-path.ts";
import { functionHandle, pathOfReference } from "../function-reference.ts";
import type { AsyncSyscall } from "./syscall.ts";
import { requireMutation } from "./syscall.ts";

export const metadataSyscalls: Record<string, AsyncSyscall> = {
  "1.0/getUserIdentity": ({ run }) => run.identity,
  "1.0/getFunctionMetadata": ({ found }) => ({ name: displayPath(found), componentPath: "" }),
  "1.0/getTransactionMetrics": ({ run }) => run.transaction.metrics(),
  "1.0/getDeploymentMetadata": () => ({ name: "local", region: null, class: "s16" }),
  "1.0/getRequestMetadata": (execution) => {
    requireMutation(execution, "`getRequestMetadata`");
    const { requestId, scheduledFunctionId } = execution.run;
    return { ip: null, userAgent: null, requestId, scheduledFunctionId, authToken: null };
  },
  "1.0/createFunctionHandle": (_execution, args) => functionHandle(parseFunctionPath(pathOfReference(args))!),
  "1.0/auditLog": () => null,
};
