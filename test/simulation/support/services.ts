/** The services that the actor drives; a mutant replaces one of them. */
import { append } from "../../../src/services/log/append.ts";
import { archiveStep, segmentDueAt } from "../../../src/services/log/archive.ts";
import { copyStep } from "../../../src/services/log/copy.ts";
import { createDomain } from "../../../src/services/log/genesis.ts";
import { receiptsFor } from "../../../src/services/log/receipts.ts";
import { releaseCopied } from "../../../src/services/log/release.ts";
import { compareCopies } from "../../../src/services/log/start.ts";

export const SERVICES = {
  append,
  archiveStep,
  segmentDueAt,
  copyStep,
  createDomain,
  receiptsFor,
  releaseCopied,
  compareCopies,
};

export type Services = typeof SERVICES;
