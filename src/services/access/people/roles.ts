/** Who may make whom what. */
import { AppError } from "../../../core/errors.ts";
import { type Permission, permissionsOf, ROLES, type Role } from "../../permissions.ts";
import type { Person } from "./records.ts";

/** What whoever asks holds; `any`: the product's own doing, or the operator's where that was allowed before. */
export type Holding = readonly Permission[] | "any";

/** Whether who holds these holds all that the role holds. */
export const holdsAll = (held: readonly Permission[], role: Role): boolean =>
  permissionsOf(role).every((permission) => held.includes(permission));

/** Nobody grants, changes or takes away a role that holds more than they do themselves. Throws `auth.forbidden`. */
export function demandWithin(role: Role | null, holding: Holding): void {
  if (role === null || holding === "any") return;
  const missing = permissionsOf(role).find((permission) => !holding.includes(permission));
  if (missing) throw new AppError("auth.forbidden", { detail: `the role ${role} holds ${missing}, which you do not` });
}

const isOwner = (role: Role | null): boolean => role !== null && ROLES.indexOf(role) >= ROLES.indexOf("owner");

/** A tenant is never without somebody who holds what an owner holds. Throws `member.last_owner`. */
export function demandAnOwner(people: readonly Person[], person: Person, becomes: Role | null): void {
  if (!isOwner(person.role) || isOwner(becomes)) return;
  if (!people.some(({ id, role }) => id !== person.id && isOwner(role))) throw new AppError("member.last_owner");
}
