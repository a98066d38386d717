/** Mail behind a port: what is sent, and the texts. Plain text only, and nothing in it that somebody else has written freely. */
import { safeText } from "../../core/safe-text.ts";

export interface Mail {
  /** One address, as `EMAIL_PATTERN` spells it. */
  to: string;
  subject: string;
  text: string;
}

/** A mail of a local run, which goes nowhere. */
export interface KeptMail extends Mail {
  id: number;
  at: string;
}

export interface Mailer {
  /** Rejects when it was not taken; whether it arrives is not known. */
  send(mail: Mail): Promise<void>;
}

/** A tenant's name is the operator's or an owner's word: on one line, and short. */
const TITLE_CHARS = 80;
const titled = (title: string): string => safeText(title, TITLE_CHARS);

export function loginMail(to: string, title: string, link: string, minutes: number): Mail {
  return {
    to,
    subject: `Sign in to ${titled(title)}`,
    text: `Somebody, we hope you, asked to sign in to ${titled(title)} with this address.

Open this link in the browser that asked, within ${minutes} minutes:

${link}

It works once, and only in that browser. If it was not you, do nothing: without this mail nobody gets in, and the link is
worthless to whoever asked.
`,
  };
}

export function invitationMail(to: string, title: string, link: string, days: number): Mail {
  return {
    to,
    subject: `You are invited to ${titled(title)}`,
    text: `You are invited to ${titled(title)}, which keeps its audit log with Moonseal.

Accept within ${days} days:

${link}

The link works once. Whoever has it can accept, so do not pass it on. If you expected no invitation, do nothing.
`,
  };
}

const NOTICES = {
  break_glass: {
    subject: "The operator has taken access to",
    says: "One of the operator's people has taken access without waiting for an approval. It began at once.",
    at: "access",
    todo: "Read there who, why, to what and until when. POST to `<its address>/end` ends it at once.",
  },
  recovery: {
    subject: "The operator wants to invite a new owner to",
    says: "The operator has asked for a new owner to be invited, a day from now. Nothing has changed yet.",
    at: "recovery",
    todo: "Read there whom and why. If nobody of you asked for it, POST to `<that address>/stop` stops it.",
  },
  api_key_leaked: {
    subject: "An API key was found where it does not belong, and revoked:",
    says: "Somebody has reported an API key that works. It is revoked: whatever used it needs a new one.",
    at: "keys",
    todo: "See there which one it is, and in the audit log what it was used for lately.",
  },
} as const;

/** To an owner, about what the operator did, or somebody else from outside: no names, and nothing to click that would change something. */
export function noticeMail(to: string, title: string, notice: keyof typeof NOTICES, tenantUrl: string): Mail {
  const { subject, says, at, todo } = NOTICES[notice];
  return {
    to,
    subject: `${subject} ${titled(title)}`,
    text: `${says}

${tenantUrl}/${at}

${todo}

The same stands in the audit log of ${titled(title)}.
`,
  };
}
