/** S4-36: of a caveat the name is stored, and its value nowhere: neither where it is refused nor in what tells of the refusal. */
import { beforeAll, describe, expect, test } from "vitest";
import { alarmLater, call, event, logOf, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { dumpCell, placesWith } from "../support/dump.ts";

const CANARY = "canary-value-7f3e";
const NAME = "region_of_canary";
const TWO_HOURS_MS = 7_200_000;
let tenant: TestTenant;
let domainId: string;

beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
});

const path = (query = "") => `/v1/domains/${domainId}/audit/entries${query}`;
const NDJSON = { "Content-Type": "application/x-ndjson" };

const WITH_VALUE: [string, unknown][] = [
  ["an object with name and value", [{ name: NAME, value: CANARY }]],
  ["an object with the name as its key", [{ [NAME]: CANARY }]],
  ["a map", { [NAME]: CANARY }],
  ["name=value", [`${NAME}=${CANARY}`]],
  ["name: value", [`${NAME}: ${CANARY}`]],
  ["name and value as a pair", [[NAME, CANARY]]],
  ["an expression", [`${NAME} < '${CANARY}'`]],
];

describe("S4-36 a caveat with its value", () => {
  test.each(WITH_VALUE)(
    "%s is refused in every form of an append, and the value is in no store and no answer",
    async (_what, caveats) => {
      const { size } = await logOf(domainId).head();
      const bad = event({ caveats });
      const answers = [
        await call(path(), { key: tenant.key, body: bad }),
        await call(path(), { key: tenant.key, body: [event(), bad] }),
        await call(path("?mode=partial"), { key: tenant.key, body: [bad] }),
        await call(path("?mode=partial"), { key: tenant.key, rawBody: JSON.stringify(bad), headers: NDJSON }),
      ];
      for (const answer of answers) {
        const text = await answer.text();
        expect(text).toContain("/caveats");
        expect(text).not.toContain(CANARY);
      }
      expect(answers.slice(0, 2).map(({ status }) => status)).toEqual([422, 422]);
      expect((await logOf(domainId).head()).size).toBe(size);
      await alarmLater(domainId, TWO_HOURS_MS);
      expect(placesWith(await dumpCell(), CANARY)).toEqual([]);
    },
  );

  test("its name alone is stored: in the object, in D1, and in the archive", async () => {
    const answer = await call(path(), { key: tenant.key, body: event({ caveats: [NAME] }) });
    expect(answer.status).toBe(201);
    const waiting = placesWith(await dumpCell(), NAME);
    await logOf(domainId).flush();
    await alarmLater(domainId, TWO_HOURS_MS);
    const places = [...waiting, ...placesWith(await dumpCell(), NAME)];
    for (const store of ["object ", "D1 LEDGER_00.audit_log", `R2 LOG audit/${domainId}/`]) {
      expect(
        places.some((place) => place.startsWith(store)),
        store,
      ).toBe(true);
    }
  });

  test("claims of an identity provider are names as well: one with a value is refused, a name is stored sealed only", async () => {
    for (const claims of [{ groups: CANARY }, [{ groups: CANARY }]]) {
      const bad = event({ actor: { type: "user", id: "usr_42", idp_claim_names: claims } });
      expect((await call(path(), { key: tenant.key, body: bad })).status).toBe(422);
    }
    const good = event({ actor: { type: "user", id: "usr_claims", idp_claim_names: ["claim_of_canary"] } });
    expect((await call(path(), { key: tenant.key, body: good })).status).toBe(201);
    const dump = await dumpCell();
    expect([...placesWith(dump, CANARY), ...placesWith(dump, "claim_of_canary")]).toEqual([]);
  });
});
