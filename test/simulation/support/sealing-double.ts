/**
 * The simulated clients send nothing private and nobody's name: what is sealed has its own tests (test/services/keys,
 * test/durable-objects). Anything that wants to be sealed here fails the run.
 */
import type { Sealing } from "../../../src/services/log/sealing/sealing.ts";
import type { SealedSource } from "../../../src/services/log/sealing/source.ts";
import type { SealedRows } from "../../../src/services/ports.ts";

const nothing = (): SealedRows => ({ privates: [], subjects: [] });

export const NO_SEALING: Sealing = {
  prepare: async (planned) => {
    if (planned.some(({ privateValues, people }) => privateValues.length + people.length > 0)) {
      throw new Error("a simulated event holds something private");
    }
    return { begin: () => {}, commitTo: () => undefined, store: () => new Map() };
  },
};

export const NOTHING_SEALED: SealedSource = {
  journal: { pendingSealed: nothing, sealedUpTo: (_, toSeq) => toSeq, subjects: () => [] },
  pages: { put: async () => {}, get: async () => nothing() },
};

export const NOTHING_TO_RELEASE = { releaseSealed: () => {} };
