/** What every key service must do, whatever its kind and wherever the client runs. */
import { expect, test } from "vitest";
import type { KeyServiceFailure } from "../../../src/core/key-service.ts";
import type { KeyService } from "../../../src/services/ports.ts";

export interface Subject {
  service: KeyService;
  revoke: () => void;
  restore: () => void;
}

export const TENANT = "tnt_eu_01jcy3x8e7f4s9m2k5n8q1r4tv";
export const OTHER_TENANT = "tnt_eu_01jcy3x8e7f4s9m2k5n8q1r4tw";
export const KEY = new Uint8Array(32).map((_, i) => i * 7);

/** The failure of a call that must fail. */
export async function failureOf(call: Promise<unknown>): Promise<KeyServiceFailure> {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: "keys.unavailable", retryAfterSeconds: 5 });
  return error as KeyServiceFailure;
}

export function keepsTheContract(subject: () => Subject): void {
  test("S3-41 what was wrapped opens again, in other bytes each time", async () => {
    const { service } = subject();
    const wrapped = [await service.wrap(TENANT, KEY, 3), await service.wrap(TENANT, KEY, 3)];
    expect(new Set(wrapped).size).toBe(2);
    for (const one of wrapped) {
      expect(one).toMatch(/^[A-Za-z0-9+/]+={0,2}$/);
      expect(Buffer.from(one, "base64").includes(Buffer.from(KEY))).toBe(false);
      expect(await service.unwrap(TENANT, one, 3)).toEqual(KEY);
    }
  });

  test.each([
    ["another tenant", OTHER_TENANT, 3],
    ["another version", TENANT, 4],
  ])("S3-41 what was wrapped does not open for %s", async (_, tenantId, version) => {
    const { service } = subject();
    const wrapped = await service.wrap(TENANT, KEY, 3);
    expect((await failureOf(service.unwrap(tenantId, wrapped, version))).fault).toBe("refused");
  });

  test("S3-41 what was changed by a bit does not open", async () => {
    const { service } = subject();
    const bytes = Buffer.from(await service.wrap(TENANT, KEY, 1), "base64");
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    expect((await failureOf(service.unwrap(TENANT, bytes.toString("base64"), 1))).fault).toBe("refused");
  });

  test("S3-41 revoked there it refuses in plain words, restored there everything opens again", async () => {
    const { service, revoke, restore } = subject();
    const wrapped = await service.wrap(TENANT, KEY, 1);
    revoke();
    const failures = [
      await failureOf(service.unwrap(TENANT, wrapped, 1)),
      await failureOf(service.wrap(TENANT, KEY, 2)),
    ];
    for (const { fault, detail } of failures) {
      expect(fault).toBe("refused");
      expect(detail).toMatch(/^the tenant's key service refused: the key is (revoked|disabled) there/);
    }
    restore();
    expect(await service.unwrap(TENANT, wrapped, 1)).toEqual(KEY);
  });
}
