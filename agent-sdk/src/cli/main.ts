#!/usr/bin/env node
import "./quiet.ts";
import { runCli } from "./run-cli.ts";

await runCli(process);
