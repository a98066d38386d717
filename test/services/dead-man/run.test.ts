/** A run of a job against a real receiver of pings on the loopback. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AppError } from "../../../src/core/errors.ts";
import { ping } from "../../../src/services/dead-man/ping.ts";
import { type RunCalls, runJob } from "../../../src/services/dead-man/run.ts";
import { Receiver } from "../../support/receiver.ts";

const RUN = "01890a5d-ac96-774b-bcce-b302099a8057";
let receiver: Receiver;
let base: string;

beforeEach(async () => {
  receiver = new Receiver();
  base = `${await receiver.start()}/key/moonseal-eu-wake-domains`;
});
afterEach(async () => {
  vi.restoreAllMocks();
  await receiver.stop();
});

function deps({ failing = {} as Partial<Record<keyof RunCalls, "before" | "after">> } = {}) {
  const recorded: unknown[] = [];
  const write =
    (call: keyof RunCalls) =>
    async (...args: unknown[]) => {
      if (failing[call] === "before") throw new AppError("storage.unavailable");
      recorded.push([call, ...args]);
      if (failing[call] === "after") throw new AppError("storage.unavailable");
    };
  let nowMs = 1000;
  return {
    recorded,
    record: { jobStarted: write("jobStarted"), jobEnded: write("jobEnded") } as RunCalls,
    ping: (_: unknown, kind: "start" | "success" | "fail", told: { run: string; code?: string | null }) =>
      ping(base, kind, told, undefined, 500),
    clock: () => (nowMs += 500),
    uuid: () => RUN,
  };
}

const PREFIX = "/key/moonseal-eu-wake-domains";

describe("S2-42 S2-44 a run of a job", () => {
  test("pings start and success under one run id, and is on record", async () => {
    const it = deps();
    expect(await runJob("wake_domains", async () => "done", it)).toBeNull();
    expect(receiver.paths(PREFIX)).toEqual(["/start", ""]);
    expect(receiver.received.map(({ method, search, body }) => [method, search, body])).toEqual([
      ["POST", `?rid=${RUN}`, ""],
      ["POST", `?rid=${RUN}`, ""],
    ]);
    expect(it.recorded).toEqual([
      ["jobStarted", "wake_domains", 1500],
      ["jobEnded", "wake_domains", { startedMs: 1500, atMs: 2000, code: null, pingFault: null }],
    ]);
  });

  test("that fails pings the failure with a code and no message", async () => {
    const said = vi.spyOn(console, "error").mockImplementation(() => {});
    const it = deps();
    const secret = "row of usr_42 at https://hc.example/key";
    expect(await runJob("wake_domains", () => Promise.reject(new Error(secret)), it)).toBe("internal");
    expect(receiver.paths(PREFIX)).toEqual(["/start", "/fail"]);
    expect(receiver.received[1]?.body).toBe("internal");
    expect(it.recorded[1]).toMatchObject(["jobEnded", "wake_domains", { code: "internal" }]);
    expect(JSON.stringify([receiver.received, it.recorded, said.mock.calls])).not.toContain("usr_42");
  });

  test.each([
    ["jobStarted", "before"],
    ["jobStarted", "after"],
    ["jobEnded", "before"],
    ["jobEnded", "after"],
  ] as const)(
    "whose record fails (%s, %s it is written) runs all the same, and pings a failure",
    async (call, when) => {
      vi.spyOn(console, "error").mockImplementation(() => {});
      const work = vi.fn(async () => {});
      expect(await runJob("wake_domains", work, deps({ failing: { [call]: when } }))).toBe("storage.unavailable");
      expect(work).toHaveBeenCalledOnce();
      expect(receiver.paths(PREFIX)).toEqual(["/start", "/fail"]);
    },
  );

  test.each([
    [500, "answered_500"],
    [404, "answered_404"],
    [302, "answered_302"],
    [null, "timeout"],
  ] as const)("is not disturbed by a receiver that answers %s; the next record says it", async (answer, fault) => {
    receiver.answer = answer;
    const it = deps();
    expect(await runJob("wake_domains", async () => {}, it)).toBeNull();
    expect(it.recorded[1]).toMatchObject(["jobEnded", "wake_domains", { code: null, pingFault: fault }]);
    // A redirect is not followed.
    expect(receiver.paths(PREFIX)).toEqual(["/start", ""]);
  });

  test("does not wait for a receiver that is not there", async () => {
    await receiver.stop();
    const it = deps();
    expect(await runJob("wake_domains", async () => {}, it)).toBeNull();
    expect(it.recorded[1]).toMatchObject(["jobEnded", "wake_domains", { pingFault: "unreachable" }]);
  });
});
