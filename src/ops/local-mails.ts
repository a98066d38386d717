/** Mails of a local run, which go nowhere, told to whoever runs it: to whom, about what, and the link. */
import { setTimeout as sleep } from "node:timers/promises";
import { JURISDICTIONS, type Jurisdiction } from "../core/ids.ts";
import { safeText } from "../core/safe-text.ts";

const POLL_MS = 2000;

interface ShownMail {
  id: number;
  to: string;
  subject: string;
  text: string;
}

/** One block for each mail. Untrusted text in it cannot move a cursor. */
export function mailBlock({ to, subject, text }: ShownMail): string {
  const link = /^https?:\S+$/m.exec(text)?.[0] ?? "";
  return [`✉ to ${safeText(to)}: ${safeText(subject)}`, `  ${safeText(link)}`].join("\n");
}

/** Looks every two seconds until `signal` ends it. A cell that does not answer is asked again. */
export async function tellMails(
  url: string,
  operatorSecrets: Readonly<Record<Jurisdiction, string>>,
  print: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const seen = new Map<Jurisdiction, number>();
  while (!signal.aborted) {
    for (const jurisdiction of JURISDICTIONS) {
      const mails = await outboxOf(url, operatorSecrets[jurisdiction]);
      const newest = mails?.[0]?.id ?? 0;
      const before = seen.get(jurisdiction);
      // What is there at the start was told by an earlier run.
      for (const mail of (mails ?? []).filter(({ id }) => before !== undefined && id > before).reverse()) {
        print(mailBlock(mail));
      }
      if (mails) seen.set(jurisdiction, newest);
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function outboxOf(url: string, secret: string): Promise<ShownMail[] | null> {
  try {
    const answer = await fetch(`${url}/v1/outbox`, { headers: { Authorization: `Bearer ${secret}` } });
    return answer.ok ? ((await answer.json()) as { mails: ShownMail[] }).mails : null;
  } catch {
    return null;
  }
}
