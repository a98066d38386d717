/** The registry: every action type with its family, in the order of the files. */
import type { ActionCategory, ActionRow, ActionSurface } from "./action.ts";
import { PRODUCT_FAMILIES } from "./product.ts";
import { TENANT_FAMILIES } from "./tenants.ts";

export type ActionFamily = keyof typeof PRODUCT_FAMILIES | keyof typeof TENANT_FAMILIES;

export const WRITERS = ["product", "tenant"] as const;
export type Writer = (typeof WRITERS)[number];

export interface ActionType extends ActionRow {
  name: string;
  family: ActionFamily;
  /** product: this software writes it about itself, and no client can. tenant: a tenant's own software sends it. */
  writtenBy: Writer;
}

export const ACTION_FAMILIES = [...Object.keys(PRODUCT_FAMILIES), ...Object.keys(TENANT_FAMILIES)] as ActionFamily[];

export const ACTION_TYPES: readonly ActionType[] = [
  ...typesOf(PRODUCT_FAMILIES, "product"),
  ...typesOf(TENANT_FAMILIES, "tenant"),
];

const CATEGORIES: ReadonlyMap<string, ActionCategory> = new Map(
  ACTION_TYPES.map(({ name, category }) => [name, category]),
);

/** Null for an action that the registry does not know. */
export const categoryOf = (action: string): ActionCategory | null => CATEGORIES.get(action) ?? null;

export interface WantedTypes {
  category?: ActionCategory | undefined;
  surface?: ActionSurface | undefined;
  writtenBy?: Writer | undefined;
}

/** Those that all that is given holds for. */
export function actionTypes(wanted: WantedTypes): ActionType[] {
  return ACTION_TYPES.filter(
    ({ category, surfaces, writtenBy }) =>
      (wanted.category === undefined || category === wanted.category) &&
      (wanted.surface === undefined || surfaces.includes(wanted.surface)) &&
      (wanted.writtenBy === undefined || writtenBy === wanted.writtenBy),
  );
}

function typesOf(
  families: Readonly<Record<string, Readonly<Record<string, ActionRow>>>>,
  writtenBy: Writer,
): ActionType[] {
  return Object.entries(families).flatMap(([family, rows]) =>
    Object.entries(rows).map(([name, row]) => ({ name, family: family as ActionFamily, writtenBy, ...row })),
  );
}
