/** Pages of a list as Convex paginates them. */
import type { PaginationOptions, PaginationResult } from "convex/server";
import * as z from "zod";
import { present } from "./present.ts";

/** Convex's own pagination options, as zod so that the builders can parse them beside the rest. */
export const paginationOpts = z.object({
  numItems: z.number(),
  cursor: z.string().nullable(),
  endCursor: z.string().nullable().optional(),
  id: z.number().optional(),
  maximumRowsRead: z.number().optional(),
  maximumBytesRead: z.number().optional(),
});
export type PaginationOpts = z.infer<typeof paginationOpts>;

/** Rows one page may hold; a caller that asks for more gets more pages. */
const MAX_PAGE = 200;

export function bounded(opts: PaginationOpts): PaginationOptions {
  return present({ ...opts, numItems: Math.max(1, Math.min(opts.numItems, MAX_PAGE)) });
}

export function mapPage<Row, Item>(
  result: PaginationResult<Row>,
  toItem: (row: Row) => Item,
): PaginationResult<Item> {
  return { ...result, page: result.page.map(toItem) };
}
