/* eslint-disable */
/**
 * Generated `api` utility.
 *
 * THIS CODE IS AUTOMATICALLY GENERATED.
 *
 * To regenerate, run `npx convex dev`.
 * @module
 */

import type * as agentKeys from "../agentKeys.js";
import type * as agents from "../agents.js";
import type * as assets from "../assets.js";
import type * as bucket from "../bucket.js";
import type * as crons from "../crons.js";
import type * as deadLetters from "../deadLetters.js";
import type * as flags from "../flags.js";
import type * as functions from "../functions.js";
import type * as housekeeping from "../housekeeping.js";
import type * as http from "../http.js";
import type * as model_access from "../model/access.js";
import type * as model_agentAudience from "../model/agentAudience.js";
import type * as model_agentHealth from "../model/agentHealth.js";
import type * as model_agentKey from "../model/agentKey.js";
import type * as model_agentKeys from "../model/agentKeys.js";
import type * as model_agentOutcomes from "../model/agentOutcomes.js";
import type * as model_agentToken from "../model/agentToken.js";
import type * as model_assetBatch from "../model/assetBatch.js";
import type * as model_assetCleanup from "../model/assetCleanup.js";
import type * as model_assetCommit from "../model/assetCommit.js";
import type * as model_assetEffects from "../model/assetEffects.js";
import type * as model_assetFailure from "../model/assetFailure.js";
import type * as model_assetIntent from "../model/assetIntent.js";
import type * as model_assetMove from "../model/assetMove.js";
import type * as model_assetRows from "../model/assetRows.js";
import type * as model_assets from "../model/assets.js";
import type * as model_audit from "../model/audit.js";
import type * as model_begins from "../model/begins.js";
import type * as model_comparison from "../model/comparison.js";
import type * as model_deadLetterViews from "../model/deadLetterViews.js";
import type * as model_deadLetters from "../model/deadLetters.js";
import type * as model_deleteFreeze from "../model/deleteFreeze.js";
import type * as model_deleteQueue from "../model/deleteQueue.js";
import type * as model_flags from "../model/flags.js";
import type * as model_localUrl from "../model/localUrl.js";
import type * as model_objectStore from "../model/objectStore.js";
import type * as model_page from "../model/page.js";
import type * as model_playable from "../model/playable.js";
import type * as model_present from "../model/present.js";
import type * as model_presign from "../model/presign.js";
import type * as model_quarantine from "../model/quarantine.js";
import type * as model_reconcileRuns from "../model/reconcileRuns.js";
import type * as model_reconcileSteps from "../model/reconcileSteps.js";
import type * as model_refusal from "../model/refusal.js";
import type * as model_repair from "../model/repair.js";
import type * as model_repairLimit from "../model/repairLimit.js";
import type * as model_repeatedBegin from "../model/repeatedBegin.js";
import type * as model_rollback from "../model/rollback.js";
import type * as model_s3Client from "../model/s3Client.js";
import type * as model_scan from "../model/scan.js";
import type * as model_sceneState from "../model/sceneState.js";
import type * as model_scenes from "../model/scenes.js";
import type * as model_sessionCounters from "../model/sessionCounters.js";
import type * as model_sessions from "../model/sessions.js";
import type * as model_setup from "../model/setup.js";
import type * as model_storageEnv from "../model/storageEnv.js";
import type * as model_timeline from "../model/timeline.js";
import type * as model_uploadCalls from "../model/uploadCalls.js";
import type * as model_usage from "../model/usage.js";
import type * as model_viewer from "../model/viewer.js";
import type * as model_wishOrder from "../model/wishOrder.js";
import type * as playback from "../playback.js";
import type * as reconcile from "../reconcile.js";
import type * as reconcileSteps from "../reconcileSteps.js";
import type * as scenes from "../scenes.js";
import type * as sessions from "../sessions.js";
import type * as setup from "../setup.js";
import type * as storage from "../storage.js";
import type * as viewer from "../viewer.js";

import type {
  ApiFromModules,
  FilterApi,
  FunctionReference,
} from "convex/server";

declare const fullApi: ApiFromModules<{
  agentKeys: typeof agentKeys;
  agents: typeof agents;
  assets: typeof assets;
  bucket: typeof bucket;
  crons: typeof crons;
  deadLetters: typeof deadLetters;
  flags: typeof flags;
  functions: typeof functions;
  housekeeping: typeof housekeeping;
  http: typeof http;
  "model/access": typeof model_access;
  "model/agentAudience": typeof model_agentAudience;
  "model/agentHealth": typeof model_agentHealth;
  "model/agentKey": typeof model_agentKey;
  "model/agentKeys": typeof model_agentKeys;
  "model/agentOutcomes": typeof model_agentOutcomes;
  "model/agentToken": typeof model_agentToken;
  "model/assetBatch": typeof model_assetBatch;
  "model/assetCleanup": typeof model_assetCleanup;
  "model/assetCommit": typeof model_assetCommit;
  "model/assetEffects": typeof model_assetEffects;
  "model/assetFailure": typeof model_assetFailure;
  "model/assetIntent": typeof model_assetIntent;
  "model/assetMove": typeof model_assetMove;
  "model/assetRows": typeof model_assetRows;
  "model/assets": typeof model_assets;
  "model/audit": typeof model_audit;
  "model/begins": typeof model_begins;
  "model/comparison": typeof model_comparison;
  "model/deadLetterViews": typeof model_deadLetterViews;
  "model/deadLetters": typeof model_deadLetters;
  "model/deleteFreeze": typeof model_deleteFreeze;
  "model/deleteQueue": typeof model_deleteQueue;
  "model/flags": typeof model_flags;
  "model/localUrl": typeof model_localUrl;
  "model/objectStore": typeof model_objectStore;
  "model/page": typeof model_page;
  "model/playable": typeof model_playable;
  "model/present": typeof model_present;
  "model/presign": typeof model_presign;
  "model/quarantine": typeof model_quarantine;
  "model/reconcileRuns": typeof model_reconcileRuns;
  "model/reconcileSteps": typeof model_reconcileSteps;
  "model/refusal": typeof model_refusal;
  "model/repair": typeof model_repair;
  "model/repairLimit": typeof model_repairLimit;
  "model/repeatedBegin": typeof model_repeatedBegin;
  "model/rollback": typeof model_rollback;
  "model/s3Client": typeof model_s3Client;
  "model/scan": typeof model_scan;
  "model/sceneState": typeof model_sceneState;
  "model/scenes": typeof model_scenes;
  "model/sessionCounters": typeof model_sessionCounters;
  "model/sessions": typeof model_sessions;
  "model/setup": typeof model_setup;
  "model/storageEnv": typeof model_storageEnv;
  "model/timeline": typeof model_timeline;
  "model/uploadCalls": typeof model_uploadCalls;
  "model/usage": typeof model_usage;
  "model/viewer": typeof model_viewer;
  "model/wishOrder": typeof model_wishOrder;
  playback: typeof playback;
  reconcile: typeof reconcile;
  reconcileSteps: typeof reconcileSteps;
  scenes: typeof scenes;
  sessions: typeof sessions;
  setup: typeof setup;
  storage: typeof storage;
  viewer: typeof viewer;
}>;

/**
 * A utility for referencing Convex functions in your app's public API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = api.myModule.myFunction;
 * ```
 */
export declare const api: FilterApi<
  typeof fullApi,
  FunctionReference<any, "public">
>;

/**
 * A utility for referencing Convex functions in your app's internal API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = internal.myModule.myFunction;
 * ```
 */
export declare const internal: FilterApi<
  typeof fullApi,
  FunctionReference<any, "internal">
>;

export declare const components: {};
