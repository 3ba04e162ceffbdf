/**
 * A Convex-compatible deployment on this machine, for development and tests: the official clients and the official
 * CLI talk to it unchanged.
 *
 * Not simulated
 *   file storage (`/api/storage`), components, a prefix for HTTP actions, full-text and vector search, import and
 *   export, streaming export, the dashboard's own queries, chunked transitions (a Transition is always one frame).
 * Differs by design
 *   - one snapshot is kept, the newest: `consistentQuery` refuses (409) once the data has changed;
 *   - errors are shown in full, as a development deployment does;
 *   - what pushed modules keep outside of functions outlives a call, and a query that did not see the clock or randomness
 *     is not run again before something it read has changed;
 *   - request bodies of HTTP actions are read whole before the action starts;
 *   - transitions carry no clock estimate, so clients refresh a cached token at once;
 *   - `/api/run` without the admin key finds out a function's type by trying it as a query first;
 *   - providers of tokens may use plain http; keys are fetched again when a key id is unknown.
 * Client quirks
 *   - a mutation stays pending until a Transition reaches its timestamp, so each is followed by one even when the
 *     client watches nothing;
 *   - the client closes a socket that is silent for a minute, and pings of the socket do not count;
 *   - `errorData: null` would turn every error into a ConvexError: it is left out when there is none;
 *   - the CLI waits half a minute on a 404 for its addresses, and hangs after a refused push unless CI=1 is set.
 */
import { type Deployment, type DoorOptions, openDoors } from "./doors.ts";
import { openEngine } from "./open-engine.ts";

export type { Deployment } from "./doors.ts";

export interface DeploymentOptions extends DoorOptions {
  dataDir: string;
}

export async function startDeployment({ dataDir, ...doors }: DeploymentOptions): Promise<Deployment> {
  return openDoors(doors, (addresses) => openEngine({ dataDir, ...addresses }));
}
