import { expect, test } from "vitest";
import { buildPlan } from "../../web/src/player/playback-plan.ts";
import { stepScene } from "../../web/src/player/player-commands.ts";
import { readyScene, scene } from "./support/timelines.ts";

/** Scenes of 4 s; the third is still to come. */
const plan = buildPlan(
  {
    status: "live",
    scenes: [readyScene(0), readyScene(1), scene(2, { plannedDurationMs: 4000 }), readyScene(3)],
  },
  new Map(),
);

function step(currentTime: number, direction: 1 | -1): string | undefined {
  let went: string | undefined;
  stepScene({ plan, currentTime, seekToScene: (sceneId) => (went = sceneId) }, direction);
  return went;
}

test("next goes to the next scene there is something to see of", () => {
  expect([step(0, 1), step(5, 1), step(9, 1)]).toEqual(["s1", "s3", "s3"]);
});

test("next at the last scene stays", () => {
  expect(step(13, 1)).toBeUndefined();
});

test("previous first restarts the scene, and near its start goes to the one before", () => {
  expect([step(7.5, -1), step(4.5, -1), step(12.5, -1)]).toEqual(["s1", "s0", "s1"]);
});

test("previous in the first scene restarts it", () => {
  expect([step(1, -1), step(3.5, -1)]).toEqual(["s0", "s0"]);
});
