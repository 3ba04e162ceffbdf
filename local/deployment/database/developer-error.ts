import { ValueError } from "../values/convex-json.ts";
import { DatabaseError } from "./database.ts";

/** Values that are none are the developer's mistake too. */
export function asDeveloperError<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof ValueError) throw new DatabaseError(error.message);
    throw error;
  }
}
