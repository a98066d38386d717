/** The registry of actions as it goes over the wire. No Hono here: the gateway answers with the same. */
import { ACTION_CATEGORIES, ACTION_SURFACES } from "../core/actions/action.ts";
import { actionTypes, type WantedTypes, WRITERS } from "../core/actions/index.ts";
import { AppError, type FieldError } from "../core/errors.ts";

export function eventTypesDocument(wanted: WantedTypes = {}) {
  return actionTypes(wanted).map(
    ({ name, family, says, category, does, sensitivity, surfaces, people, writtenBy }) => ({
      name,
      family,
      description: says,
      category,
      does,
      sensitivity,
      surfaces: [...surfaces],
      people: [...people],
      written_by: writtenBy,
    }),
  );
}

const FILTERS: Readonly<Record<string, readonly string[]>> = {
  category: ACTION_CATEGORIES,
  surface: ACTION_SURFACES,
  written_by: WRITERS,
};

/** What an untrusted query string asks for. Throws `request.invalid`, naming each field that is none, has no such value or stands twice. */
export function eventTypesWanted(query: Readonly<Record<string, readonly string[]>>): WantedTypes {
  const errors = Object.entries(query).flatMap(([name, values]): FieldError[] => {
    const allowed = Object.hasOwn(FILTERS, name) ? FILTERS[name] : undefined;
    const pointer = `query:${name}`;
    if (!allowed) return [{ pointer, detail: "is not a field of this" }];
    const fits = values.length === 1 && allowed.includes(values[0] ?? "");
    return fits ? [] : [{ pointer, detail: `must be one of ${allowed.join(", ")}` }];
  });
  if (errors.length > 0) throw new AppError("request.invalid", { errors: errors.slice(0, MAX_ERRORS) });
  const { category, surface, written_by: writtenBy } = query;
  return { category: category?.[0], surface: surface?.[0], writtenBy: writtenBy?.[0] } as WantedTypes;
}

const MAX_ERRORS = 100;
