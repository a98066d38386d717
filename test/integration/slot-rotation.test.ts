/** S2-4 on a running cell: a slot's second secret, everything sealed anew across kills, the first secret gone, everything opens. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SlotName } from "../../src/crypto/key-registry.ts";
import { slotSecretName } from "../../src/crypto/slot-keys.ts";
import { expectStatus } from "../storm/support/story.ts";
import { type Opened, SETTINGS, SealedCell, type Settings } from "./support/sealed-cell.ts";

const base64Of = (fill: number) => Buffer.alloc(32, fill).toString("base64");
const SLOTS: SlotName[] = ["private_values", "contact", "subject_identity", "records"];

const cell = new SealedCell("slot-rotation");
let before: Opened;
let settings: Settings = SETTINGS;
beforeAll(async () => {
  await cell.begin();
  before = await cell.opened();
});
afterAll(() => cell.kill());

const step = async (slot: SlotName) => expectStatus(200, await cell.operator("POST", "/v1/slot-rotations", { slot }));
const retire = async (slot: SlotName, look_again = false) =>
  expectStatus(200, await cell.operator("POST", "/v1/slot-retirements", { slot, look_again }));

async function rotate(slot: SlotName): Promise<{ values: number; done: boolean }> {
  for (let steps = 0; steps < 50; steps++) {
    const view = await step(slot);
    if (view.done) return view;
    expect(view.stuck).toBe(false);
  }
  throw new Error("the rotation does not come to its end");
}

describe("S2-4 a slot gets another secret", () => {
  test.each(SLOTS.map((slot, i) => [slot, i] as const))(
    "%s: old and new open side by side, and after the rotation the new one alone opens everything",
    async (slot, i) => {
      const second = { ...settings, [slotSecretName(slot, 2)]: base64Of(200 + i) };
      await cell.again(second);
      expect(await cell.opened()).toEqual(before);
      const { slots } = expectStatus(200, await cell.operator("GET", "/v1/keys"));
      const own = slots.find((each: { slot: string }) => each.slot === slot);
      expect(own.versions.map(({ version }: { version: number }) => version)).toEqual([1, 2]);
      const { values } = await rotate(slot);
      expect(values).toBeGreaterThan(0);
      expect((await step(slot)).values).toBe(values);
      expect((await retire(slot, true)).retired).toEqual([1]);
      const { [slotSecretName(slot, 1)]: _, ...without } = second;
      settings = without;
      await cell.again(settings);
      expect(await cell.opened()).toEqual(before);
    },
  );

  test("killed in the middle it goes on, and what is appended meanwhile is under the new secret", async () => {
    await cell.append(600, 100);
    const third: Settings = { ...settings, [slotSecretName("private_values", 3)]: base64Of(220) };
    await cell.again(third);
    const before = await cell.opened();
    const pending = step("private_values").catch(() => null);
    await new Promise((resolve) => setTimeout(resolve, 150));
    await cell.again(third);
    await pending;
    expect(await cell.opened()).toEqual(before);
    const during = cell.append(20);
    await rotate("private_values");
    await during;
    expect((await retire("private_values", true)).retired).toEqual([2]);
    const { [slotSecretName("private_values", 2)]: _, ...without } = third;
    await cell.again(without);
    expect(await cell.opened()).toEqual(before);
  });

  test("is told on the platform's log: begun, finished, retired, once each", async () => {
    const platform = expectStatus(200, await cell.operator("GET", "/v1/whoami"));
    expect(platform.kind).toBe("operator");
    const { platformDomainId } = await import("../../src/core/ids.ts");
    const at = `/v1/domains/${platformDomainId("eu")}/audit/entries?consistency=latest&limit=200`;
    const { entries } = expectStatus(200, await cell.operator("GET", at));
    const told = entries
      .map(({ payload }: { payload: { action: string; targets: { id: string }[] } }) => payload)
      .filter(({ action }: { action: string }) => action.startsWith("key."))
      .map(({ action, targets }: { action: string; targets: { id: string }[] }) => `${action} ${targets[0]?.id}`);
    const expected = [...SLOTS, "private_values"].flatMap((slot) =>
      ["key.slot_rotation_started", "key.slot_rotation_finished", "key.slot_version_retired"].map(
        (action) => `${action} ${slot}`,
      ),
    );
    expect(told).toEqual(expected);
  });
});
