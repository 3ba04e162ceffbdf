import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { api } from "../../../convex/_generated/api";
import { useViewer } from "../shell/viewer.ts";

export type DeleteFreeze = NonNullable<FunctionReturnType<typeof api.reconcile.frozen>>;

/** Who froze the tenant's deletes, when and why; null while they are not, undefined until it is known. */
export function useDeleteFreeze(): DeleteFreeze | null | undefined {
  const { tenant } = useViewer();
  return useQuery(api.reconcile.frozen, { tenantId: tenant.tenantId });
}
