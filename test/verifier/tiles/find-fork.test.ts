/** Of an older head only its frontier is kept, and a rewritten log is still proved to everybody. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { formatCheckpoint } from "../../../src/core/checkpoint.ts";
import { formatForkEvidence } from "../../../src/core/fork-evidence.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { verifyFork } from "../../../src/verifier/fork.ts";
import { findFork } from "../../../src/verifier/tiles/find-fork.ts";
import { TileReader } from "../../../src/verifier/tiles/tile-reader.ts";
import { logSigner, ORIGIN, PLATFORM, trust } from "../proved-log.ts";
import { fetchFrom, leafOf, TiledLog } from "./tiled-log.ts";

const note = (log: TiledLog, size: number) => logSigner().sign(formatCheckpoint({ origin: ORIGIN, ...log.head(size) }));
const known = (log: TiledLog, size: number) => ({
  ...log.head(size),
  note: note(log, size),
  frontier: log.frontier(size),
});
const readerOf = (log: TiledLog, size: number) => new TileReader(sha256, log.head(size), fetchFrom(log.files(size)));
const real = new TiledLog(800);

test("any rewritten beginning is proved from frontier and tiles, whatever the sizes; the proof convinces a stranger", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 800 }),
      fc.nat(),
      fc.integer({ min: 1, max: 900 }),
      async (size, at, grown) => {
        const forkAt = at % size;
        const forged = new TiledLog(Math.max(size, grown), (i) => leafOf(i, i < forkAt ? "leaf" : "forged"));
        const evidence = await findFork(known(real, size), readerOf(forged, forged.size), note(forged, forged.size));
        expect(evidence).not.toBeNull();
        const report = verifyFork(evidence ? formatForkEvidence(evidence) : "", trust(), PLATFORM);
        expect(report.misbehaved).toBe(true);
      },
    ),
    { numRuns: 40 },
  );
});

test("a log that only grew is never accused", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(800), fc.nat(800), async (size, other) => {
      expect(await findFork(known(real, size), readerOf(real, other), note(real, other))).toBeNull();
    }),
    { numRuns: 60 },
  );
});

test("a shorter log with another beginning is proved too; one that was cut is not, and cannot be", async () => {
  const forged = new TiledLog(600, (i) => leafOf(i, i < 10 ? "leaf" : "forged"));
  expect(await findFork(known(real, 800), readerOf(forged, 600), note(forged, 600))).toMatchObject({
    contradiction: { kind: "subtree", level: 9, index: 0 },
  });
  expect(await findFork(known(real, 800), readerOf(real, 600), note(real, 600))).toBeNull();
});
