/** What a stopped object leaves behind: always what it signed and what it holds; evidence only where there are two signatures. */
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/core/bytes.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { classifyEvent } from "../../../src/core/payload/classify.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { noteSigner } from "../../../src/crypto/signer.ts";
import { type Alarm, type AlarmDeps, alarmOf, forkAgainst, violationEvent } from "../../../src/services/log/fork.ts";
import { verifyFork } from "../../../src/verifier/fork.ts";
import { DOMAIN, ORIGIN, PLATFORM, ProvedLog, rowsFromGenesis, trust } from "../../verifier/proved-log.ts";
import { TiledLog } from "../../verifier/tiles/tiled-log.ts";
import { TreeDouble } from "./tree-double.ts";

const rows = rowsFromGenesis(400);
const real = new ProvedLog(rows);
const forged = new ProvedLog(rowsFromGenesis(400, "forged"));

/** An object whose tree has the first `held` entries of `tree`, which signed `last`, and whose mirror has the whole of a log. */
function depsOf(
  tree: ProvedLog,
  held: number,
  last: [ProvedLog, number] | null,
  mirrored: [ProvedLog, number] | null,
): AlarmDeps {
  const tiles = new TiledLog();
  for (const { entryHash } of mirrored?.[0].rows.slice(0, mirrored[1]) ?? [])
    tiles.append(fromHex(entryHash) as Uint8Array);
  const files = tiles.files();
  return {
    tree: new TreeDouble(tree.rows.slice(0, held)),
    checkpoints: {
      lastCheckpoint: () =>
        last && { size: last[1], root: last[0].root(last[1]), note: last[0].checkpoint(last[1], null), signedAtMs: 0 },
    },
    mirror: {
      checkpoint: async () => mirrored && mirrored[0].checkpoint(mirrored[1]),
      tile: async (path) => files.get(path) ?? null,
    },
    signer: real.signer,
    sha256,
  };
}
const provedBy = ({ fork }: Alarm) => fork !== null && verifyFork(fork, trust(), PLATFORM).misbehaved;

describe("a checkpoint that somebody else kept", () => {
  const misbehaved = (fork: string | null) => fork !== null && verifyFork(fork, trust(), PLATFORM).misbehaved;

  test.each([1, 2, 255, 256, 257, 399, 400])(
    "of %i entries proves to everybody that the log was rewritten, and nothing against one that only grew",
    (size) => {
      expect(misbehaved(forkAgainst(real.checkpoint(size, null), depsOf(forged, 400, [forged, 400], null)))).toBe(true);
      expect(forkAgainst(real.checkpoint(size, null), depsOf(real, 400, [real, 400], null))).toBeNull();
    },
  );

  test("with cosignatures proves the same", () => {
    expect(misbehaved(forkAgainst(real.checkpoint(300), depsOf(forged, 400, [forged, 400], null)))).toBe(true);
  });

  test("proves nothing when the log is shorter now, when another key signed it, or when it is none", () => {
    const deps = depsOf(forged, 300, [forged, 300], null);
    expect(forkAgainst(real.checkpoint(400, null), deps)).toBeNull();
    const stranger = { ...deps, signer: noteSigner(ORIGIN, new Uint8Array(32).fill(7)) };
    expect(forkAgainst(real.checkpoint(200, null), stranger)).toBeNull();
    expect(forkAgainst("?", deps)).toBeNull();
  });
});

describe("an alarm", () => {
  test("of an object that was set back holds the checkpoint that it no longer knows, and what it has now", async () => {
    const alarm = await alarmOf("set back", depsOf(real, 300, [real, 300], [real, 400]));
    expect(alarm).toEqual({
      reason: "set back",
      origin: ORIGIN,
      held: { size: 300, root: toHex(real.root(300)) },
      checkpoint: real.checkpoint(400),
      fork: null,
    });
  });

  test("of an object whose tree was changed holds the checkpoint that it signed", async () => {
    const alarm = await alarmOf("another root", depsOf(forged, 400, [real, 400], null));
    expect(alarm.checkpoint).toBe(real.checkpoint(400, null));
    expect(alarm.fork).toBeNull();
  });

  test("of one whose tree is the one that it signed has no checkpoint: something else is wrong", async () => {
    const alarm = await alarmOf("the ledger is damaged", depsOf(real, 400, [real, 390], [real, 300]));
    expect(alarm).toMatchObject({ checkpoint: null, fork: null, held: { size: 400 } });
    expect(await alarmOf("new", depsOf(real, 5, null, null))).toMatchObject({ checkpoint: null, fork: null });
  });

  test("does not fail because tiles of the object are missing", async () => {
    const deps = depsOf(real, 400, [real, 400], [real, 300]);
    const tree = Object.assign(Object.create(deps.tree), { tile: () => null, frontier: () => deps.tree.frontier() });
    expect((await alarmOf("damaged", { ...deps, tree })).checkpoint).toBe(real.checkpoint(400, null));
  });

  test("listens to no checkpoint in the mirror that somebody else signed", async () => {
    const deps = {
      ...depsOf(real, 300, [real, 300], [real, 400]),
      signer: noteSigner(ORIGIN, new Uint8Array(32).fill(7)),
    };
    expect((await alarmOf("x", deps)).checkpoint).toBeNull();
  });
});

describe("evidence of a fork", () => {
  test.each<[string, [ProvedLog, number], [ProvedLog, number]]>([
    ["two roots of one size", [real, 400], [forged, 400]],
    ["a longer one in the mirror", [real, 300], [forged, 400]],
    ["a shorter one in the mirror", [real, 400], [forged, 257]],
  ])("is made when the key has signed two histories: %s", async (_, last, mirrored) => {
    const alarm = await alarmOf("two histories", depsOf(real, 400, last, mirrored));
    expect(provedBy(alarm)).toBe(true);
    expect(alarm.checkpoint).toBe(mirrored[0].checkpoint(mirrored[1]));
  });

  test("is not made of one history, nor where the mirror lacks the tiles that would show it", async () => {
    expect((await alarmOf("x", depsOf(real, 400, [real, 400], [real, 300]))).fork).toBeNull();
    const deps = depsOf(real, 400, [real, 300], [forged, 400]);
    expect((await alarmOf("x", { ...deps, mirror: { ...deps.mirror, tile: async () => null } })).fork).toBeNull();
  });

  test("that cannot be had because the mirror is away is not passed over: its error is thrown", async () => {
    const deps = depsOf(real, 400, [real, 400], null);
    const away = async () => {
      throw new Error("away");
    };
    await expect(alarmOf("x", { ...deps, mirror: { checkpoint: away, tile: away } })).rejects.toThrow("away");
  });
});

describe("the entry integrity.violation", () => {
  const alarm: Alarm = {
    reason: "r",
    origin: ORIGIN,
    held: { size: 1, root: "00" },
    checkpoint: "note\n",
    fork: "fork\n",
  };

  test("says reason, what is held, and the signed notes, all in clear; the log's own guard accepts it", async () => {
    const made = await alarmOf("two histories", depsOf(real, 400, [real, 300], [forged, 400]));
    const event = violationEvent(DOMAIN, made.reason, made);
    expect(event.metadata).toEqual({
      reason: made.reason,
      held: made.held,
      checkpoint: made.checkpoint,
      fork: made.fork,
    });
    expect(event.clear_metadata).toEqual(["reason", "held", "checkpoint", "fork"]);
    const { fields, privateValues } = classifyEvent(event, () => "");
    expect(fields.metadata).toEqual(event.metadata);
    expect(privateValues).toEqual([]);
  });

  test("is said whatever does not fit into it, and whatever the guard would refuse", () => {
    const long = "x".repeat(LIMITS.metadataBytes);
    expect(violationEvent(DOMAIN, "r", { ...alarm, fork: long }).metadata).toMatchObject({ checkpoint: "note\n" });
    expect(violationEvent(DOMAIN, "r", { ...alarm, fork: long }).metadata).not.toHaveProperty("fork");
    expect(violationEvent(DOMAIN, "r", { ...alarm, checkpoint: "4111111111111111" }).metadata).toEqual({
      reason: "r",
      held: alarm.held,
      fork: "fork\n",
    });
    expect(violationEvent(DOMAIN, "r", null).metadata).toEqual({ reason: "r" });
  });
});
