/** Whom a payload names, and whom each of its private values is about (SPEC.md §2). */
import type { ClearRef, EntryFields, PersonRef } from "./payload.ts";

type Place = PersonRef | ClearRef | undefined;
type People = Pick<EntryFields, "actor" | "on_behalf_of" | "subjects" | "targets">;

/** The pseudonym at a place of the payload; null when there is no person. */
export function refOf(place: Place): string | null {
  return place && "ref" in place ? place.ref : null;
}

/** Whom a value is about that does not say so itself: the actor, else on whose behalf, else the first person named. */
export function mainSubject(fields: People): string | null {
  const people = [fields.actor, fields.on_behalf_of, ...(fields.subjects ?? []), ...(fields.targets ?? [])];
  return people.map(refOf).find((ref) => ref !== null) ?? null;
}

/** The pseudonyms of a payload, each once. */
export function peopleOf(fields: People): string[] {
  const places = [fields.actor, fields.on_behalf_of, ...(fields.subjects ?? []), ...(fields.targets ?? [])];
  return [...new Set(places.map(refOf).filter((ref) => ref !== null))];
}

/**
 * Whom the private value at a pointer of the event is about (`null`: nobody), told from the payload alone: what is left to
 * read when the value itself is gone.
 */
export function subjectOf(fields: People, pointer: string): string | null {
  if (pointer.startsWith("/actor/")) return refOf(fields.actor);
  if (pointer.startsWith("/on_behalf_of/")) return refOf(fields.on_behalf_of);
  const target = /^\/targets\/(\d+)\/name$/.exec(pointer)?.[1];
  const named = target === undefined ? null : refOf(fields.targets?.[Number(target)]);
  return named ?? mainSubject(fields);
}
