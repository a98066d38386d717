/**
 * The class of every field of an event (DESIGN §3). This table is the specification: SPEC.md prints it, and a test sends
 * a canary through each row and looks where it comes out.
 *
 * clear      stands in the payload as sent
 * pseudonym  stands in the payload as the subject's pseudonym
 * private    never stands in the payload; at most a commitment does, under `private`
 * refused    the whole event is refused, with the pointer of the field
 */
export type FieldClass = "clear" | "pseudonym" | "private" | "refused";

export interface FieldRow {
  /** JSON Pointer pattern in the event; `*` is one array index or object key. */
  field: string;
  class: FieldClass;
  /** When the row applies, where the path alone does not say it. */
  when?: string;
}

export const FIELD_CLASSES: readonly FieldRow[] = [
  { field: "/id", class: "clear" },
  { field: "/action", class: "clear" },
  { field: "/occurred_at", class: "clear" },
  { field: "/outcome", class: "clear" },
  { field: "/actor/type", class: "clear" },
  { field: "/actor/id", class: "pseudonym", when: "type user or support" },
  { field: "/actor/id", class: "clear", when: "type service or system" },
  { field: "/actor/name", class: "private" },
  { field: "/actor/email", class: "private" },
  { field: "/actor/via", class: "private" },
  { field: "/actor/idp_claim_names", class: "private" },
  { field: "/on_behalf_of/type", class: "clear" },
  { field: "/on_behalf_of/id", class: "pseudonym" },
  { field: "/on_behalf_of/name", class: "private" },
  { field: "/on_behalf_of/email", class: "private" },
  { field: "/targets/*/type", class: "clear" },
  { field: "/targets/*/id", class: "pseudonym", when: "type user or person" },
  { field: "/targets/*/id", class: "clear", when: "any other type" },
  { field: "/targets/*/name", class: "private" },
  { field: "/subjects/*/type", class: "clear" },
  { field: "/subjects/*/id", class: "pseudonym" },
  { field: "/subjects/*/role", class: "clear" },
  { field: "/changes/*/path", class: "clear" },
  { field: "/changes/*/from", class: "private" },
  { field: "/changes/*/to", class: "private" },
  { field: "/context/ip", class: "private" },
  { field: "/context/user_agent", class: "private" },
  { field: "/context/location", class: "private" },
  { field: "/context/session", class: "private" },
  { field: "/context/request_id", class: "clear" },
  { field: "/context/traceparent", class: "clear" },
  { field: "/reason", class: "private" },
  { field: "/metadata/*", class: "clear", when: "the key stands in clear_metadata" },
  { field: "/metadata/*", class: "private", when: "any other key" },
  { field: "/schema_version", class: "clear" },
  { field: "/caveats/*", class: "clear", when: "a name; there is no place for a value" },
  { field: "(any clear field)", class: "refused", when: "a card number, a secret; personal data, by its guard" },
];
