import { usePaginatedQuery, type PaginatedQueryReference, type UsePaginatedQueryResult } from "convex/react";
import type { FunctionArgs, FunctionReference, FunctionReturnType, PaginationResult } from "convex/server";

type PagedQuery = FunctionReference<"query">;
type Item<Query extends PagedQuery> =
  FunctionReturnType<Query> extends PaginationResult<infer Row> ? Row : never;

/**
 * `usePaginatedQuery` for functions whose pagination options were declared with zod: same shape, but optional fields
 * that may also be `undefined`, which Convex's own type does not accept.
 */
export function usePages<Query extends PagedQuery>(
  query: Query,
  args: Omit<FunctionArgs<Query>, "paginationOpts"> | "skip",
  initialNumItems: number,
): UsePaginatedQueryResult<Item<Query>> {
  const paged = query as unknown as PaginatedQueryReference;
  return usePaginatedQuery(paged, args, { initialNumItems });
}
