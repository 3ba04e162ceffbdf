/** A Convex value as functions see it. `undefined` is not one: it means a missing field. */
export type Value =
  null | bigint | number | boolean | string | ArrayBuffer | Value[] | { [field: string]: Value };
