/** The registry of actions: what it must hold, and that it and the event schema agree about what is whose. */

import { describe, expect, test } from "vitest";
import { ACTION_CATEGORIES, ACTION_SURFACES } from "../../../src/core/actions/action.ts";
import { ACTION_FAMILIES, ACTION_TYPES, actionTypes } from "../../../src/core/actions/index.ts";
import { isProductsOwn, PRODUCT_FAMILIES } from "../../../src/core/actions/product.ts";
import { TENANT_FAMILIES } from "../../../src/core/actions/tenants.ts";
import { ACTION_PATTERN, RESERVED_ACTION_NOUNS } from "../../../src/core/event.ts";
import { FIELD_CLASSES } from "../../../src/core/payload/fields.ts";

const nounOf = (name: string) => name.slice(0, name.indexOf("."));
const nouns = (writtenBy: "product" | "tenant") => new Set(actionTypes({ writtenBy }).map(({ name }) => nounOf(name)));

describe("S2-18 the registry", () => {
  test("has at least 180 action types, each name once", () => {
    expect(ACTION_TYPES.length).toBeGreaterThanOrEqual(180);
    expect(new Set(ACTION_TYPES.map(({ name }) => name)).size).toBe(ACTION_TYPES.length);
  });

  test.each(ACTION_SURFACES)("has types of the surface %s, of the product and of tenants", (surface) => {
    expect(actionTypes({ surface, writtenBy: "product" }).length).toBeGreaterThan(0);
    expect(actionTypes({ surface, writtenBy: "tenant" }).length).toBeGreaterThanOrEqual(10);
  });

  test.each(ACTION_CATEGORIES)("has types of the category %s", (category) => {
    expect(actionTypes({ category }).length).toBeGreaterThan(0);
  });

  test("answers with those that everything asked for holds for", () => {
    const found = actionTypes({ surface: "cron", category: "customer_data", writtenBy: "product" });
    expect(found.map(({ name }) => name)).toEqual(["tenant.access_timed_out", "tenant.access_expired"]);
  });

  test("has no family in both halves", () => {
    expect(new Set(ACTION_FAMILIES).size).toBe(ACTION_FAMILIES.length);
    expect(ACTION_FAMILIES.length).toBe(Object.keys({ ...PRODUCT_FAMILIES, ...TENANT_FAMILIES }).length);
  });
});

test("S1-2 read, write, delete, login, access to customer data, change of configuration and execution of flows are there", () => {
  const of = (wanted: Partial<(typeof ACTION_TYPES)[number]>) =>
    ACTION_TYPES.filter((type) => Object.entries(wanted).every(([key, value]) => type[key as "name"] === value));
  expect(of({ does: "read" }).length).toBeGreaterThan(0);
  expect(of({ does: "write" }).length).toBeGreaterThan(0);
  expect(ACTION_TYPES.filter(({ name }) => name.endsWith(".deleted")).length).toBeGreaterThan(0);
  expect(of({ name: "session.opened", category: "authentication" })).toHaveLength(1);
  expect(of({ does: "read", category: "customer_data" }).length).toBeGreaterThan(0);
  expect(of({ name: "config.updated", category: "configuration" })).toHaveLength(1);
  expect(of({ name: "flow.executed", category: "execution" })).toHaveLength(1);
});

describe.each(ACTION_TYPES)("$name", ({ name, says, surfaces, people, writtenBy }) => {
  test("is a name that an event may have, with one sentence, a surface, and fields that events have", () => {
    expect(name).toMatch(ACTION_PATTERN);
    expect(says).toMatch(/^[A-Z][^|]{10,110}[^.]$/);
    expect(surfaces.length).toBeGreaterThan(0);
    expect(new Set(surfaces).size).toBe(surfaces.length);
    expect(new Set(people).size).toBe(people.length);
    for (const pointer of people)
      expect(FIELD_CLASSES.some(({ field }) => field === pointer || field.startsWith(`${pointer}/`))).toBe(true);
    expect(isProductsOwn(name)).toBe(writtenBy === "product");
  });
});

test("S2-21 every noun that clients may not use is the product's", () => {
  const ofReservedDomains = ["cell", "log", "staff"];
  expect([...nouns("product")].filter((noun) => !ofReservedDomains.includes(noun)).toSorted()).toEqual(
    [...RESERVED_ACTION_NOUNS].toSorted(),
  );
});
