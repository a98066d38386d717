/** What a domain's self-check found, and what follows from it, over HTTP. Runs in workerd. */
import { expect, test } from "vitest";
import { append, call, event, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { checkDomain, settle } from "../support/self-check.ts";
import { tamper } from "../support/tamper.ts";

interface Check {
  name: string;
  state: string;
  note: string | null;
  findings: object[];
  verified_to: number | null;
}

async function healthOf(tenant: TestTenant, domainId: string) {
  const answer = await call(`/v1/domains/${domainId}/health`, { key: tenant.key });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Cache-Control")).toBe("no-store");
  return (await answer.json()) as {
    state: string;
    status: string;
    on_violation: string;
    checks: Check[];
    last_run: object;
    unrecorded: object;
  };
}

const ledgerIn = ({ checks }: { checks: Check[] }) => checks.find(({ name }) => name === "ledger");

async function setOnViolation(tenant: TestTenant, domainId: string, on_violation: string): Promise<void> {
  const path = `/v1/domains/${domainId}/settings`;
  const etag = (await call(path, { key: tenant.key })).headers.get("ETag") ?? "";
  const answer = await call(path, {
    key: tenant.key,
    method: "PATCH",
    body: { on_violation },
    headers: { "If-Match": etag },
  });
  expect(answer.status).toBe(200);
}

test.each([
  ["stop", "stopped"],
  ["flag", "running"],
])(
  "a domain that is set to %s is %s after a violation, and its health names what was found",
  async (policy, status) => {
    const tenant = await newTenant();
    const domainId = await newDomain(tenant);
    await setOnViolation(tenant, domainId, policy);
    expect(await healthOf(tenant, domainId)).toMatchObject({ state: "unknown", last_run: null, on_violation: policy });
    await append(domainId, [event(), event()], { waitForCopy: true });
    await settle(domainId);
    await checkDomain(domainId);
    const whole = await healthOf(tenant, domainId);
    expect(whole.state).toBe("ok");
    expect(whole.unrecorded).toEqual({ waiting: 0, dropped: 0, code: null });
    expect(whole.checks.map(({ state, note }) => [state, note])).toEqual(
      whole.checks.map(({ name }) => (name === "witness" ? ["unknown", "never looked at"] : ["ok", null])),
    );
    const size = ledgerIn(whole)?.verified_to ?? 0;
    expect(size).toBeGreaterThanOrEqual(3);
    await tamper(domainId, "UPDATE audit_log SET payload = payload || ' ' WHERE domain_id = ?1 AND seq = 1");
    await checkDomain(domainId);
    const damaged = await healthOf(tenant, domainId);
    expect(damaged).toMatchObject({ state: "bad", status });
    expect(ledgerIn(damaged)).toMatchObject({
      state: "bad",
      findings: [{ store: "ledger", fault: "entry_hash_mismatch", first_bad_seq: 1 }],
    });
    const answer = await call(`/v1/domains/${domainId}/audit/entries`, { key: tenant.key, body: event() });
    expect(answer.ok).toBe(policy === "flag");
  },
);
