/** Tables that exist from the start and that functions only read. Their numbers lie below those of user tables. */
export const SYSTEM_TABLES = [
  { name: "_storage", number: 512 },
  { name: "_scheduled_functions", number: 513 },
] as const;
