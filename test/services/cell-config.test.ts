/** A cell with a wrong setting refuses to serve, and says which setting, never its value. */
import { describe, expect, test } from "vitest";
import { formatOperatorSecret } from "../../src/core/api-key.ts";
import { AppError, isAppError } from "../../src/core/errors.ts";
import { SLOT_NAMES } from "../../src/crypto/key-registry.ts";
import { slotSecretName } from "../../src/crypto/slot-keys.ts";
import { type CellSettings, cellConfig } from "../../src/services/cell-config.ts";
import { testBindings } from "../support/bindings.ts";

const local = () => ({ JURISDICTION: "eu", ...testBindings("eu") });
const deployed = (): CellSettings => {
  const { UNPINNED_LOCAL: _, ...rest } = local();
  return { ...rest, DO_JURISDICTION: "eu" };
};

function refusal(settings: CellSettings): AppError | null {
  try {
    cellConfig(settings);
    return null;
  } catch (error) {
    if (!isAppError(error)) throw error;
    return error;
  }
}

const base64Of = (byteLength: number, fill: number) => Buffer.alloc(byteLength, fill).toString("base64");
const SLOT_SECRETS = SLOT_NAMES.map((slot) => slotSecretName(slot, 1));
const SECRETS = [
  "API_KEY_PEPPER",
  "PSEUDONYM_PEPPER",
  "LOG_SIGNING_KEY",
  "WITNESS_SIGNING_KEY",
  ...SLOT_SECRETS,
] as const;

describe("a cell serves", () => {
  test("pinned to its jurisdiction when deployed, unpinned on a machine that says so", () => {
    expect(cellConfig(deployed())).toMatchObject({ jurisdiction: "eu", pinnedTo: "eu" });
    expect(cellConfig(local())).toMatchObject({ jurisdiction: "eu", pinnedTo: null });
  });

  test("S2-1 S2-6 with a key for each of the twelve slots, which are read at its start", () => {
    const { slots } = cellConfig(local());
    expect(SLOT_NAMES).toHaveLength(12);
    for (const slot of SLOT_NAMES) expect(slots.newest(slot)).toMatchObject({ version: 1 });
  });

  test("without a second key as a witness, from before there was one, and says so; with one of 32 bytes alone", async () => {
    for (const absent of [undefined, ""]) {
      const { WITNESS_ML_DSA_KEY: _, ...before } = local();
      const settings = absent === undefined ? before : { ...before, WITNESS_ML_DSA_KEY: absent };
      expect(cellConfig(settings).mlDsaCosigner).toBeNull();
    }
    expect(await cellConfig(local()).mlDsaCosigner?.verifierKey()).toMatch(/\/witness-eu\+[0-9a-f]{8}\+B/);
    const refused = [base64Of(31, 9), base64Of(33, 9), "x", local().WITNESS_SIGNING_KEY];
    for (const wrong of refused) expect(() => cellConfig({ ...local(), WITNESS_ML_DSA_KEY: wrong })).toThrow(AppError);
  });

  test("S3-31 without a key for documents, and makes no PDF; with one of 32 bytes that guards nothing else", () => {
    const { DOCUMENT_SIGNING_KEY: _, ...before } = local();
    expect(cellConfig(before).documents).toBeNull();
    expect(cellConfig(local()).documents?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    const refused = [base64Of(31, 9), base64Of(33, 9), "x", local().WITNESS_SIGNING_KEY];
    for (const wrong of refused)
      expect(() => cellConfig({ ...local(), DOCUMENT_SIGNING_KEY: wrong })).toThrow(AppError);
  });

  test("with the log key that is being replaced beside the new one, and publishes those that sign no more", () => {
    const { LOG_SIGNING_KEY } = local();
    const next = base64Of(32, 201);
    const { signer, retiredKeys } = cellConfig({
      ...local(),
      LOG_SIGNING_KEY: next,
      LOG_SIGNING_KEY_PREVIOUS: LOG_SIGNING_KEY,
      LOG_RETIRED_KEYS: ` ${base64Of(32, 7)},${base64Of(32, 8)}`,
    });
    const [present] = cellConfig({ ...local(), LOG_SIGNING_KEY: next }).signer.verifierKeys;
    expect(signer.verifierKeys).toEqual([present, cellConfig(local()).signer.verifierKey]);
    expect(retiredKeys).toEqual([new Uint8Array(32).fill(7), new Uint8Array(32).fill(8)]);
  });

  test.each([
    ["the same key twice", { LOG_SIGNING_KEY_PREVIOUS: local().LOG_SIGNING_KEY }],
    ["half a previous key", { LOG_SIGNING_KEY_PREVIOUS: base64Of(16, 1) }],
    ["a retired key that is none", { LOG_RETIRED_KEYS: "abc" }],
  ])("not with %s", (_, settings) => {
    expect(refusal({ ...local(), ...settings })?.code).toBe("internal");
  });

  test("with further versions of a slot, and seals under the newest", () => {
    const { slots, sealer } = cellConfig({ ...local(), SLOT_CONTACT_V2: base64Of(32, 99) });
    expect(slots.newest("contact")).toEqual({ version: 2, key: new Uint8Array(32).fill(99) });
    const place = { table: "audit_subject_pii", column: "email_claim", rowId: "a" };
    const owner = { tenantId: "tnt_eu_1", tenantKeyVersion: 1, subject: null, ikm: new Uint8Array(32) };
    const sealed = sealer.seal("contact", "ana@example.com", place, owner);
    expect(sealed[3]).toBe(2);
    // The cell before the second version was put does not open it.
    expect(cellConfig(local()).sealer.open(sealed, "contact", place, owner)).toBeNull();
  });
});

describe("S4-34 R1 R2 a cell whose residency is unknown refuses to serve", () => {
  test.each<[string, Partial<CellSettings>, CellSettings]>([
    ["an empty DO_JURISDICTION without UNPINNED_LOCAL", { DO_JURISDICTION: "" }, deployed()],
    ["another DO_JURISDICTION than JURISDICTION", { DO_JURISDICTION: "us" }, deployed()],
    ["an unknown DO_JURISDICTION", { DO_JURISDICTION: "de" }, deployed()],
    ["DO_JURISDICTION in capitals", { DO_JURISDICTION: "EU" }, deployed()],
    ["an unknown JURISDICTION", { JURISDICTION: "de" }, deployed()],
    ["no JURISDICTION", { JURISDICTION: "" }, deployed()],
    ["UNPINNED_LOCAL on a deployed cell", { UNPINNED_LOCAL: "true" }, deployed()],
    ["UNPINNED_LOCAL in another spelling", { UNPINNED_LOCAL: "1" }, local()],
    ["another pinning on a local machine", { DO_JURISDICTION: "us" }, local()],
  ])("%s", (_, change, base) => {
    expect(refusal({ ...base, ...change })).toMatchObject({ code: "residency.unknown" });
  });

  test("no DO_JURISDICTION at all", () => {
    const { DO_JURISDICTION: _, ...rest } = deployed();
    expect(refusal(rest as CellSettings)).toMatchObject({ code: "residency.unknown" });
    expect(refusal({ ...rest, UNPINNED_LOCAL: "true" } as CellSettings)).toMatchObject({ code: "residency.unknown" });
  });
});

describe("S2-6 a cell without right secrets refuses to serve", () => {
  const wrongSecrets: [string, (right: string) => string | undefined][] = [
    ["missing", () => undefined],
    ["empty", () => ""],
    ["of 31 bytes", () => base64Of(31, 7)],
    ["of 33 bytes", () => base64Of(33, 7)],
    ["not base64", () => "not base64 at all!"],
    ["base64 without its padding", (right) => right.replaceAll("=", "")],
  ];
  const cases = SECRETS.flatMap((name) => wrongSecrets.map(([how, make]) => [name, how, make] as const));

  test.each(cases)("S4-29 %s %s", (name, _, make) => {
    const settings = local();
    const error = refusal({ ...settings, [name]: make(settings[name]) } as CellSettings);
    expect(error).toMatchObject({ code: "internal", internal: expect.stringContaining(name) });
    expect(error?.detail).toBeUndefined();
  });

  const pairs = SECRETS.flatMap((first, i) => SECRETS.slice(i + 1).map((second) => [first, second] as const));
  test.each(pairs)("%s doubled as %s", (first, second) => {
    const settings = local();
    expect(refusal({ ...settings, [second]: settings[first] })).toMatchObject({
      code: "internal",
      internal: expect.stringMatching(/are the same$/),
    });
  });

  test.each(SECRETS)("%s of the bytes of OPERATOR_SECRET, or as another version of a slot", (name) => {
    const settings = local();
    const bytes = Buffer.from(settings[name] ?? "", "base64");
    const same = { code: "internal", internal: expect.stringMatching(/are the same$/) };
    expect(refusal({ ...settings, OPERATOR_SECRET: formatOperatorSecret("eu", bytes) })).toMatchObject(same);
    expect(refusal({ ...settings, SLOT_RECORDS_V2: settings[name] })).toMatchObject(same);
  });

  test("S2-6 without a key for session tokens, or with one that guards something else too", () => {
    for (const value of [undefined, "", base64Of(31, 7), base64Of(32, 7)]) {
      const settings = { ...local(), TOKEN_SIGNING_KEY: value } as CellSettings;
      expect(refusal(settings)).toMatchObject({ internal: expect.stringContaining("TOKEN_SIGNING_KEY") });
    }
    const shared = { ...local(), TOKEN_ALGORITHM: "HS256" };
    const same = { code: "internal", internal: expect.stringMatching(/are the same$/) };
    expect(refusal({ ...shared, TOKEN_SIGNING_KEY: base64Of(32, 7) })).toBeNull();
    for (const name of SECRETS) {
      expect(refusal({ ...shared, TOKEN_SIGNING_KEY: local()[name] })).toMatchObject(same);
      expect(refusal({ ...local(), TOKEN_SIGNING_KEY_PREVIOUS: local()[name] })).toMatchObject(same);
    }
  });

  test("S1-23 without an audience of its own", () => {
    const { TOKEN_AUDIENCE: _, ...rest } = local();
    expect(refusal(rest as unknown as CellSettings)?.internal).toContain("TOKEN_AUDIENCE");
  });

  test.each(["SLOT_CONTACT_V0", "SLOT_CONTACT_V01", "SLOT_CONTACT_V65536", "SLOT_CONTACT_V"])(
    "%s, which is no version",
    (name) => {
      const settings = { ...local(), [name]: base64Of(32, 99) };
      expect(refusal(settings)).toMatchObject({ code: "internal", internal: expect.stringContaining(name) });
    },
  );

  test.each<[string, string]>([
    ["missing", ""],
    ["of the other jurisdiction", testBindings("us").OPERATOR_SECRET],
    ["mistyped", `${testBindings("eu").OPERATOR_SECRET.slice(0, -1)}!`],
    ["too short", "mso_eu_secret"],
  ])("OPERATOR_SECRET %s", (_, value) => {
    expect(refusal({ ...local(), OPERATOR_SECRET: value })).toMatchObject({ code: "internal" });
  });

  test("never repeats a value", () => {
    for (const name of [...SECRETS, "OPERATOR_SECRET"] as const) {
      const canary = "Q0FOQVJZLWNhbmFyeQ==";
      expect(JSON.stringify(refusal({ ...local(), [name]: canary }))).not.toContain(canary);
      expect(String(refusal({ ...local(), [name]: canary }))).not.toContain(canary);
    }
  });
});

describe("other settings that must be right", () => {
  test.each<Partial<CellSettings>>([
    { LOG_HOST: "" },
    { LOG_HOST: "https://log.test" },
    { LOG_HOST: "Log.Test" },
    { BACKLOG_BYTES: "lots" },
    { BACKLOG_BYTES: "1.5" },
  ])("%j is refused", (change) => {
    expect(refusal({ ...local(), ...change })).toMatchObject({ code: "internal" });
  });
});
