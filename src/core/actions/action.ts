/**
 * What an action type is (S1-2, S2-18). The registry names what happens for an auditor who does not know the software: one
 * sentence, how grave it is, which door it came through, and which fields of its events may be about people. It is public and
 * holds nothing of anybody. Names are frozen once released: entries with them stay for ever.
 */

/** admin: somebody with a credential, by API or page. system: the software itself, in passing. webhook: another system called,
 * or was called. cron: a clock. */
export const ACTION_SURFACES = ["admin", "system", "webhook", "cron"] as const;
export type ActionSurface = (typeof ACTION_SURFACES)[number];

export const ACTION_CATEGORIES = [
  "authentication",
  "identity",
  "credential",
  "customer_data",
  "content",
  "configuration",
  "execution",
  "integration",
  "billing",
  "privacy",
  "security",
  "operation",
  "audit",
] as const;
export type ActionCategory = (typeof ACTION_CATEGORIES)[number];

export const ACTION_SENSITIVITIES = ["low", "medium", "high"] as const;
export type ActionSensitivity = (typeof ACTION_SENSITIVITIES)[number];

/** Fields of an event that may be about people, as in `payload/fields.ts`; a field stands for all below it. */
export const PERSON_FIELDS = [
  "/actor",
  "/on_behalf_of",
  "/targets/*",
  "/subjects/*",
  "/changes/*",
  "/context",
  "/reason",
  "/metadata/*",
] as const;
export type PersonField = (typeof PERSON_FIELDS)[number];

interface Settings {
  category: ActionCategory;
  sensitivity: ActionSensitivity;
  /** At least one. */
  surfaces: readonly ActionSurface[];
  people: readonly PersonField[];
}

export interface ActionRow extends Settings {
  /** One sentence. */
  says: string;
  does: "read" | "write";
}

type Row = Pick<ActionRow, "says" | "does"> & Partial<Settings>;

/** An action that changes something. What is not given is the family's. */
export const write = (says: string, own: Partial<Settings> = {}): Row => ({ says, does: "write", ...own });

/** An action that only looks. */
export const read = (says: string, own: Partial<Settings> = {}): Row => ({ says, does: "read", ...own });

/** The rows of a family, each with what the family has in common where it says nothing else. */
export function family<Name extends string>(
  common: Settings,
  rows: Readonly<Record<Name, Row>>,
): Readonly<Record<Name, ActionRow>> {
  const whole = Object.entries<Row>(rows).map(([name, row]) => [name, { ...common, ...row }]);
  return Object.fromEntries(whole) as Record<Name, ActionRow>;
}
