/** Each cell as the witness of the other, through the gateway: what crosses the border, and what stays. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { JURISDICTIONS, type Jurisdiction } from "../../src/core/ids.ts";
import { parseNote } from "../../src/core/note.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { originHash } from "../../src/services/witness/witness.ts";
import { testBindings } from "../support/bindings.ts";
import { deployment } from "../support/deployment.ts";
import { problemOf } from "../support/problems.ts";

const { server, cells, start, stop, ask } = deployment();
const other = (jurisdiction: Jurisdiction) => (jurisdiction === "eu" ? "us" : "eu");

interface Log {
  domainId: string;
  key: string;
}
const logs = {} as Record<Jurisdiction, Log>;

async function begin(jurisdiction: Jurisdiction): Promise<Log> {
  const operator = testBindings(jurisdiction).OPERATOR_SECRET;
  const made = await ask("/v1/tenants", {
    key: operator,
    body: { name: "canary-of-a-name", jurisdiction, tier: "pro" },
  });
  const { tenant, api_key } = (await made.json()) as { tenant: { tenant_domain_id: string }; api_key: { key: string } };
  return { domainId: tenant.tenant_domain_id, key: api_key.key };
}

const checkpoint = async ({ domainId, key }: Log) =>
  (await ask(`/v1/domains/${domainId}/log/checkpoint`, { key })).text();
const submit = async (witness: string, body: string): Promise<Response> =>
  (await server.fetch(`/witness/${witness}/add-checkpoint`, { method: "POST", body })) as unknown as Response;

beforeAll(async () => {
  await start();
  for (const jurisdiction of JURISDICTIONS) logs[jurisdiction] = await begin(jurisdiction);
});
afterAll(() => stop());

describe.each(JURISDICTIONS)("a log of the %s", (jurisdiction) => {
  const witness = other(jurisdiction);

  test("is cosigned by the other cell, which then tells its size and holds up what it cosigned", async () => {
    const note = await checkpoint(logs[jurisdiction]);
    const answer = await submit(witness, `old 0\n\n${note}`);
    const line = await answer.text();
    expect(answer.status, line).toBe(200);
    expect(parseNote(note + line)?.signatures.map(({ name }) => name)).toContain(`log.test/witness-${witness}`);
    const again = await submit(witness, `old 0\n\n${note}`);
    expect([again.status, again.headers.get("Content-Type")]).toEqual([409, "text/x.tlog.size"]);
    expect(await again.text()).toBe(`${note.split("\n")[1]}\n`);
    const hash = originHash(sha256, note.split("\n")[0] ?? "");
    expect(await (await ask(`/witness/${witness}/${hash}/checkpoint`)).text()).toBe(note + line);
  });

  test("leaves nothing in the other cell but sizes, hashes and signatures", async () => {
    const note = await checkpoint(logs[jurisdiction]);
    const [origin = "", size, root = ""] = note.split("\n");
    const storage = await cells[witness].getDurableObjectStorage("WITNESS_LOG", { name: originHash(sha256, origin) });
    expect(await storage.exec("SELECT size, hex(root) AS root FROM witnessed")).toEqual([
      { size: Number(size), root: Buffer.from(root, "base64").toString("hex").toUpperCase() },
    ]);
    const [published] = (await storage.exec("SELECT note FROM published")) as { note: string }[];
    expect(parseNote(published?.note ?? "")?.text).toBe(`${origin}\n${size}\n${root}\n`);
  });

  test("is unknown or not signed for, where nobody trusts its key for that origin", async () => {
    const note = await checkpoint(logs[jurisdiction]);
    await problemOf(
      await submit(witness, `old 0\n\n${note.replaceAll("log.test/", "log.other/")}`),
      "witness.origin_unknown",
    );
    await problemOf(
      await submit(witness, `old 0\n\n${note.replace("log.test/dom", "log.test/dam")}`),
      "witness.signature_wrong",
    );
  });
});
