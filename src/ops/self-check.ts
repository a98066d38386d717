/** What `npm start -- --once` proves: the deployment takes an event in each jurisdiction, gives it back, and its log verifies. */
import { randomUUID } from "node:crypto";
import { JURISDICTIONS } from "../core/ids.ts";
import type { Demos } from "./demo.ts";
import { expectStatus, type LocalApi } from "./local-api.ts";

/** One line for each thing checked; throws on the first that fails. */
export async function selfCheck(api: LocalApi, demos: Demos): Promise<string[]> {
  const lines: string[] = [];
  for (const jurisdiction of JURISDICTIONS) {
    const { domainId, key } = demos[jurisdiction];
    const place = jurisdiction.toUpperCase();
    const entries = `/v1/domains/${domainId}/audit/entries`;
    const id = randomUUID();
    const event = { id, action: "self_check.made", actor: { type: "service", id: "npm-start" } };
    const appended = await api.post(entries, key, event, { prefer: "wait=replicated" });
    const [receipt] = expectStatus(`${place}: append`, 201, appended).receipts;
    const entry = expectStatus(
      `${place}: read`,
      200,
      await api.get(`${entries}/${receipt.seq}?consistency=latest`, key),
    );
    if (entry.id !== id || entry.entry_hash !== receipt.entry_hash)
      throw new Error(`${place}: read another entry than was appended`);
    lines.push(`${place}  appended and read entry ${receipt.seq}`);

    const verification = expectStatus(
      `${place}: verify`,
      200,
      await api.get(`/v1/domains/${domainId}/audit/verify`, key),
    );
    if (verification.verdict !== "verified")
      throw new Error(`${place}: the log is ${verification.verdict}: ${verification.detail}`);
    lines.push(`${place}  verified ${verification.entries} entries`);

    const other = demos[jurisdiction === "eu" ? "us" : "eu"];
    expectStatus(`${place}: another jurisdiction's key`, 404, await api.get(`/v1/domains/${domainId}`, other.key));
    lines.push(`${place}  another jurisdiction's key finds nothing`);
  }
  return lines;
}
