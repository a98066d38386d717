/** The way out for mails: Cloudflare's e-mail service, or on a machine without jurisdictions the outbox of the cell's desk. */
import type { CellEnv } from "../src/env.ts";
import type { CellConfig } from "../src/services/cell-config.ts";
import type { Mailer } from "../src/services/mail/mail.ts";
import { cellDesk } from "./gates.ts";

/** Null: this cell sends no mail. */
export function mailerFor(env: CellEnv, config: CellConfig): Mailer | null {
  if (config.pinnedTo === null) return { send: (mail) => cellDesk(env, config).keepMail(mail) };
  const { MAIL: service } = env;
  const { mailFrom: from } = config;
  if (!service || from === null) return null;
  return {
    async send({ to, subject, text }) {
      await service.send({ from, to, subject, text });
    },
  };
}
