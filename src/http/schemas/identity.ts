/** Who a person is to the tenant: one schema for events and for every request about the people in them, so that both name the same. */
import { z } from "@hono/zod-openapi";
import { LIMITS } from "../../core/limits.ts";

const NO_CONTROL_CHARACTERS = /^[^\p{Cc}]*$/u;

/** Text of one line, at least one character. */
export const line = (maxChars: number) =>
  z.string().min(1).max(maxChars).regex(NO_CONTROL_CHARACTERS, "must not contain control characters");

export const identityId = line(LIMITS.identityIdChars);
