/** What a monitor remembers: never less than before, whoever writes at the same time. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { formatState, type MonitorState, parseState, readState, saveState } from "../../../src/cli/monitor/state.ts";
import { formatCheckpoint } from "../../../src/core/checkpoint.ts";
import { Frontier } from "../../../src/core/merkle/tree.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { logSigner, ORIGIN } from "../../verifier/proved-log.ts";
import { TiledLog } from "../../verifier/tiles/tiled-log.ts";
import { tempDir } from "../support/run-cli.ts";

const tree = new TiledLog(300);
const stateAt = (size: number, read = size, more: Partial<MonitorState> = {}): MonitorState => ({
  origin: ORIGIN,
  head: {
    ...tree.head(size),
    note: logSigner().sign(formatCheckpoint({ origin: ORIGIN, ...tree.head(size) })),
    frontier: tree.frontier(size),
  },
  seenAt: "2026-11-21T10:00:00.000Z",
  read: {
    frontier: new Frontier(sha256, read, tree.frontier(read)),
    lastLeaf: read === 0 ? null : "ab".repeat(32),
  },
  entriesFrom: null,
  behind: null,
  fork: null,
  ...more,
});

let path: string;
beforeEach(async () => {
  path = join(await tempDir(), "deep/er/state.json");
});

test("every state is read back as it was", () => {
  for (const [size, read] of [
    [0, 0],
    [1, 0],
    [1, 1],
    [300, 7],
    [299, 256],
    [256, 256],
  ] as const) {
    const state = stateAt(size, read, { entriesFrom: 0, behind: { size, since: "2026-11-21T10:00:00.000Z" } });
    const text = formatState(state);
    const again = parseState(text);
    expect(again && formatState(again)).toBe(text);
    expect(again?.head).toEqual(state.head);
  }
});

test("a state whose parts do not fit each other is none", () => {
  const { head } = stateAt(20);
  const broken: MonitorState[] = [
    { ...stateAt(20), head: { ...head, frontier: tree.frontier(21) } },
    { ...stateAt(20), head: { ...head, frontier: head.frontier.slice(1) } },
    { ...stateAt(20), read: stateAt(21).read },
    {
      ...stateAt(20),
      read: {
        frontier: new Frontier(sha256, 20, [...new TiledLog(20, () => sha256("x")).frontier(20)]),
        lastLeaf: "ab".repeat(32),
      },
    },
    { ...stateAt(20), read: { ...stateAt(20).read, lastLeaf: null } },
    { ...stateAt(20), origin: `${ORIGIN}x` },
    { ...stateAt(20), entriesFrom: 21 },
    { ...stateAt(20), seenAt: "yesterday" },
  ];
  for (const state of broken) expect(parseState(formatState(state))).toBeNull();
  expect(parseState(formatState(stateAt(20)))).not.toBeNull();
});

test("a run that was overtaken does not take back a larger head, and nobody takes back a proved fork", async () => {
  await saveState(path, stateAt(200));
  await saveState(path, stateAt(100));
  expect((await readState(path))?.head.size).toBe(200);
  const fork = { seenAt: "2026-11-21T10:00:00.000Z", file: "/evidence.txt" };
  await saveState(path, stateAt(100, 100, { fork }));
  expect(await readState(path)).toMatchObject({ head: { size: 200 }, fork });
  await saveState(path, stateAt(300));
  expect(await readState(path)).toMatchObject({ head: { size: 300 }, fork });
});

test("a state of another log is not written over", async () => {
  await saveState(path, stateAt(20));
  const before = await readFile(path, "utf8");
  await expect(saveState(path, { ...stateAt(30), origin: "log.test/other" })).rejects.toThrow(/remembers/);
  expect(await readFile(path, "utf8")).toBe(before);
});
