/** Parsed JSON text, before or after Convex's own tags (`$integer`, `$float`, `$bytes`) are applied. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
