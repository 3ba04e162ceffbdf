/**
 * One schedule from its seed to its verdict: agents work while things go wrong, then everything is put right and they
 * finish, then the checker looks; then old requests arrive once more, and it looks again.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { S3Client } from "@aws-sdk/client-s3";
import type { ReelsyncStack } from "../../demo/stack.ts";
import { BUCKET } from "../../demo/stack.ts";
import type { AgentTask } from "./agent-child.ts";
import type { AgentPool } from "./agent-pool.ts";
import { check, checkRedelivery, type Verdict } from "./checker.ts";
import { bytesOf } from "./content.ts";
import { readDiary, writeEntry, type Entry } from "./diary.ts";
import type { Exchange } from "./exchange.ts";
import { openDoor, type Door, type Meeting } from "./fault-proxy.ts";
import { createFaultPlan, type FaultPlan } from "./faults.ts";
import { damageJournal } from "./journal-damage.ts";
import { observe, type Observed } from "./observe.ts";
import { seededRandom } from "./random.ts";
import { drawSchedule, type Schedule, type TimedEvent } from "./schedule.ts";

export interface World {
  stack: ReelsyncStack;
  runAsOperator: ReelsyncStack["runAsOperator"];
  agents: AgentPool;
  /** Processes beside an agent's own, on the same journal. */
  others: AgentPool;
  s3: S3Client;
  /** Where schedules keep diaries, files and letters. */
  directory: string;
}

export interface Outcome extends Verdict {
  seed: number;
  seconds: number;
  wishes: number;
  mode: Schedule["agent"]["mode"];
  acked: number;
  queued: number;
  rejected: number;
  replayed: number;
  kills: number;
  /** Uploads that were begun before they were hashed. */
  unhashed: number;
  codes: Record<string, number>;
  faults: Record<string, number>;
}

/** More lives than any schedule takes. */
const MAX_LIVES = 12;

export async function runSchedule(world: World, seed: number): Promise<Outcome> {
  const startedAt = performance.now();
  const schedule = drawSchedule(seed);
  const stage = await setStage(world, schedule);
  try {
    const kills = await act(world, schedule, stage);
    const verdict = await judge(world, schedule, stage);
    const seconds = (performance.now() - startedAt) / 1000;
    const outcome = summarize(schedule, stage, kills, verdict, seconds);
    if (verdict.violations.length === 0) rmSync(stage.directory, { recursive: true, force: true });
    else writeFileSync(join(stage.directory, "outcome.json"), JSON.stringify({ schedule, outcome }, null, 2));
    return outcome;
  } finally {
    await Promise.all(Object.values(stage.doors).map((door) => door.close()));
  }
}

/** What differs from one life of the agent to the next. */
type Life = Pick<AgentTask, "wishes" | "clockSkewMs" | "disk" | "drains" | "replayLetters" | "quiet">;

interface Stage {
  directory: string;
  diary: string;
  plan: FaultPlan;
  doors: Record<"s3" | "convex" | "token", Door>;
  /** What reached the doors, to be delivered once more in the end. */
  captured: Exchange[];
  /** What events set going. */
  outages: Promise<unknown>[];
  observed: Observed;
  journalDir: string;
  task: Omit<AgentTask, keyof Life>;
}

const RETRY = { attempts: 3, baseDelayMs: 10, maxDelayMs: 60 };

async function setStage(world: World, schedule: Schedule): Promise<Stage> {
  const { stack, s3, runAsOperator } = world;
  const { seed, agent } = schedule;
  const directory = join(world.directory, `schedule-${seed}`);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const startedAt = Date.now();
  const tenant = `chaos-${seed}-${startedAt.toString(36)}`;
  const { tenantId, agentKey } = (await runAsOperator("setup:bootstrap", {
    tenant,
    tenantName: tenant,
    members: [],
    agentKey: { name: "chaos" },
  })) as { tenantId: string; agentKey: string };

  const diskDir = join(directory, "disk");
  const journalDir = join(diskDir, "journal");
  const spoolDir = join(diskDir, "letters", "spool");
  mkdirSync(diskDir);
  if (agent.spool === "full") writeFileSync(join(diskDir, "letters"), "");
  const plan = createFaultPlan(schedule);
  const captured: Exchange[] = [];
  const outages: Promise<unknown>[] = [];
  const doors = {} as Stage["doors"];
  const meet = async (exchange: Exchange): Promise<Meeting> => {
    if (isRepeatable(exchange)) captured.push(exchange);
    const { fault, events } = plan.meet(exchange);
    return applyEvents(world, doors, outages, events, fault);
  };
  doors.s3 = await openDoor({ name: "s3", target: stack.local.objectStore.endpoint, meet });
  doors.convex = await openDoor({ name: "convex", target: stack.local.deployment.url, meet });
  doors.token = await openDoor({ name: "token", target: stack.local.deployment.siteUrl, meet });

  const task = {
    seed,
    options: {
      env: {
        ...stack.agentEnv,
        REELSYNC_AGENT_KEY: agentKey,
        CONVEX_URL: doors.convex.url,
        CONVEX_SITE_URL: doors.token.url,
        S3_ENDPOINT_URL: doors.s3.url,
      },
      agentName: tenant,
      mode: agent.mode,
      deadLetterDir: spoolDir,
      journalDir,
      retry: RETRY,
      s3: {
        maxAttempts: agent.s3Attempts,
        multipartThreshold: agent.multipartThreshold,
        signParts: agent.signParts,
      },
    },
    diary: join(directory, "diary.jsonl"),
    scenes: schedule.scenes,
    files: writeFiles(schedule, directory),
    racing: schedule.racing,
  };
  const observed = {
    s3,
    bucket: BUCKET,
    runAsOperator,
    tenantId,
    keyPrefix: `t/${tenant}/`,
    startedAt,
    spoolDir,
    journalDir,
  };
  return { directory, diary: task.diary, journalDir, plan, doors, captured, outages, observed, task };
}

function writeFiles({ seed, wishes }: Schedule, directory: string): Record<number, string> {
  const files: Record<number, string> = {};
  for (const { id, content, size, source } of wishes) {
    if (source === "buffer") continue;
    const path = join(directory, `wish-${id}`);
    writeFileSync(path, bytesOf({ seed, content, size }));
    files[id] = path;
  }
  return files;
}

/** Large bodies are not kept: what delivers them again says nothing that small ones do not. */
const MAX_CAPTURED_BYTES = 512 * 1024;
const REPEATABLE =
  /^(assets:(begin|commit|fail|uploading)|deadLetters:record|sessions:create|scenes:upsert|PUT object)$/;

function isRepeatable({ operation, body }: Exchange): boolean {
  return REPEATABLE.test(operation) && body.length <= MAX_CAPTURED_BYTES;
}

function applyEvents(
  { stack, agents }: World,
  doors: Stage["doors"],
  outages: Promise<unknown>[],
  events: TimedEvent[],
  fault: Meeting["fault"],
): Meeting {
  let meeting: Meeting = { fault };
  for (const { kind, downMs } of events) {
    switch (kind) {
      case "killBefore":
        agents.kill();
        meeting = { fault: { kind: "breakBefore", afterMs: 0 } };
        break;
      case "killAfter":
        meeting = { ...meeting, beforeReply: () => agents.kill() };
        break;
      case "restartConvex":
        outages.push(restart(stack.local.deployment, downMs));
        break;
      case "restartS3":
        outages.push(restart(stack.local.objectStore, downMs));
        break;
      case "refuseConvex":
        outages.push(doors.convex.refuse(downMs));
        break;
      case "refuseS3":
        outages.push(doors.s3.refuse(downMs));
        break;
    }
  }
  return meeting;
}

interface Service {
  stop: () => Promise<void>;
  start: () => Promise<void>;
}

async function restart(service: Service, downMs: number): Promise<void> {
  await service.stop();
  await wait(downMs);
  await service.start();
}

/** Answers how often an agent was killed. */
async function act({ agents, others }: World, schedule: Schedule, stage: Stage): Promise<number> {
  const { task, plan, diary, doors, outages } = stage;
  const { mode, clockSkewsMs, disk, takenOver, replaysEarly, drains, letters } = schedule.agent;
  const unanswered = () => {
    const answered = new Set(readDiary(diary).flatMap((entry) => ("via" in entry ? [entry.wish] : [])));
    return schedule.wishes.filter(({ id }) => !answered.has(id));
  };
  let restarts = mode === "queue" ? schedule.agent.restarts : 0;
  let kills = 0;
  for (let life = 0; life < MAX_LIVES; life++) {
    const trouble = { ...disk, killAt: life === 0 ? disk.killAt : null };
    const loud = {
      ...task,
      clockSkewMs: clockSkewsMs[life % clockSkewsMs.length] ?? 0,
      disk: { folder: join(stage.directory, "disk"), trouble },
      drains,
      replayLetters: replaysEarly,
      quiet: false,
    };
    const drainer =
      life > 0 && takenOver
        ? others.run({ ...loud, disk: null, wishes: [], drains: true, replayLetters: false })
        : undefined;
    if (drainer !== undefined) plan.counts["second process"] = (plan.counts["second process"] ?? 0) + 1;
    const ended = await agents.run({ ...loud, wishes: unanswered() });
    await drainer;
    if (ended === "killed") kills += 1;
    else if (restarts-- <= 0) break;
    damageOnce(schedule, stage);
  }
  plan.end();
  await Promise.all(outages);
  await Promise.all(Object.values(doors).map((door) => door.settled()));
  const quiet = {
    disk: null,
    clockSkewMs: 0,
    drains: true,
    replayLetters: letters === "replay",
    quiet: true,
  };
  await agents.run({ ...task, ...quiet, wishes: unanswered() });
  return kills;
}

/** Something in the journal of a life that is over; the first time there is such a thing. */
function damageOnce({ seed, agent }: Schedule, { diary, journalDir, plan }: Stage): void {
  if (agent.damage === null || readDiary(diary).some(({ kind }) => kind === "damaged")) return;
  const damaged = damageJournal(journalDir, agent.damage, seededRandom("damage", seed));
  if (damaged === undefined) return;
  plan.counts[`damage ${agent.damage}`] = 1;
  writeEntry(diary, { kind: "damaged", what: agent.damage, uploadId: damaged.uploadId });
}

const REDELIVERED_AT_ONCE = 5;

async function judge(world: World, schedule: Schedule, stage: Stage): Promise<Verdict> {
  const entries = readDiary(stage.diary);
  const before = await observe(stage.observed);
  const verdict = check(schedule, entries, before);
  const order = seededRandom("redelivery", schedule.seed).shuffled(stage.captured);
  for (let at = 0; at < order.length; at += REDELIVERED_AT_ONCE) {
    const some = order.slice(at, at + REDELIVERED_AT_ONCE);
    await Promise.all(some.map((exchange) => stage.doors[exchange.door].redeliver(exchange)));
  }
  const after = await observe(stage.observed);
  const again = check(schedule, entries, after, { quiesced: false }).violations.map((violation) => ({
    ...violation,
    what: `after old requests came again: ${violation.what}`,
  }));
  if (verdict.violations.length > 0 || again.length > 0) {
    writeFileSync(join(stage.directory, "found.json"), JSON.stringify({ before, after }, null, 2));
  }
  return {
    ...verdict,
    violations: [
      ...(verdict.violations.length > 0 ? verdict.violations : again),
      ...checkRedelivery(entries, before, after),
    ],
  };
}

function summarize(
  schedule: Schedule,
  { diary, plan, captured }: Stage,
  kills: number,
  verdict: Verdict,
  seconds: number,
): Outcome {
  const entries = readDiary(diary);
  const rejected = entries.filter((entry) => entry.kind === "rejected");
  const codes: Record<string, number> = {};
  for (const { code, step } of rejected) {
    const name = `${code}/${step ?? "replay"}`;
    codes[name] = (codes[name] ?? 0) + 1;
  }
  return {
    ...verdict,
    seed: schedule.seed,
    seconds,
    wishes: schedule.wishes.length,
    mode: schedule.agent.mode,
    acked: entries.filter((entry) => entry.kind === "acked").length,
    queued: entries.filter((entry) => entry.kind === "queued").length,
    rejected: rejected.length,
    replayed: entries.filter(({ kind }) => kind === "replaying").length,
    kills,
    codes,
    unhashed: new Set(captured.flatMap(unhashedBegins)).size,
    faults: { ...plan.counts, ...countsOfWorld(schedule, entries) },
  };
}

function unhashedBegins({ operation, body }: Exchange): string[] {
  if (operation !== "assets:begin") return [];
  const { args } = JSON.parse(body.toString()) as { args: [{ uploadId: string; sha256?: string }] };
  return args[0].sha256 === undefined ? [args[0].uploadId] : [];
}

/** Trouble that is no exchange's: each once a schedule, however often it came. */
function countsOfWorld({ agent }: Schedule, entries: Entry[]): Record<string, number> {
  const met = (what: "full" | "killed") =>
    Number(entries.some((entry) => entry.kind === "disk" && entry.what === what));
  return {
    "disk full": met("full"),
    "killed while writing": met("killed"),
    "clock skewed": Number(agent.clockSkewsMs.some((skew) => skew !== 0)),
  };
}
