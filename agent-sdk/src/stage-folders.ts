/** Where the older layout `stages` has its folders: read when its objects are taken in, and where temporary ones are looked for. */
import { STAGE_FOLDERS, type Stage, type StageFolders } from "../../contract/key-layouts.ts";
import { folder, type Setting } from "./setting.ts";

const setting = (stage: Stage) =>
  ({
    option: `stages.${stage}`,
    env: [`S3_${stage.toUpperCase()}_PREFIX`],
    schema: folder.default(STAGE_FOLDERS[stage]),
    to: `the folder of the older layout's ${stage}, e.g. ${STAGE_FOLDERS[stage]}`,
  }) as const satisfies Setting;

export const STAGE_SETTINGS = {
  videosFolder: setting("videos"),
  transcriptsFolder: setting("transcripts"),
  tempFolder: setting("temp"),
  processedFolder: setting("processed"),
};

type StageValues = Record<keyof typeof STAGE_SETTINGS, string>;

export function stageFolders(values: StageValues): StageFolders {
  const { videosFolder, transcriptsFolder, tempFolder, processedFolder } = values;
  return {
    videos: videosFolder,
    transcripts: transcriptsFolder,
    temp: tempFolder,
    processed: processedFolder,
  };
}

/** What lies below the temporary folder is removed when it is old: neither records nor another stage may. */
export function tempFolderFaults(values: Partial<StageValues>): string[] {
  const { tempFolder, videosFolder, transcriptsFolder, processedFolder } = values;
  if (tempFolder === undefined) return [];
  const fault = (what: string) => [
    `S3_TEMP_PREFIX is wrong (${JSON.stringify(tempFolder)}: ${what}): set it to a folder of its own`,
  ];
  if (/^(t|quarantine)\//.test(tempFolder)) return fault("the objects of records are there");
  const others = [videosFolder, transcriptsFolder, processedFolder];
  const held = others.find((other) => other?.startsWith(tempFolder) === true);
  return held === undefined ? [] : fault(`${held} lies in it`);
}
