/**
 * The routes about people, keys and access for `ServerDouble`: bodies are held against the server's own schemas, and so is what
 * is answered. Sensitive operations want a second factor of sessions, as the server does.
 */
import { z } from "@hono/zod-openapi";
import * as access from "../../../src/http/schemas/access.ts";
import * as factors from "../../../src/http/schemas/factors.ts";
import * as keys from "../../../src/http/schemas/keys.ts";
import * as people from "../../../src/http/schemas/people.ts";
import {
  apiKeySchema,
  createKeySchema,
  issuedKeySchema,
  principalSchema,
} from "../../../src/http/schemas/resources.ts";

import {
  ACCOUNT_OF,
  API_KEY,
  ASKED,
  AT,
  DEVICE,
  FACTORS,
  INVITATION_OF,
  KEY_ID,
  LATER,
  MEMBER,
  MEMBER_OF,
  PRINCIPAL,
  REACH,
  SESSION_ID,
  SESSION_OF,
  TENANT_EU,
  TOKEN,
} from "./people-answers.ts";

export type Poll = "pending" | "slow_down" | "expired" | "denied" | "approved" | "away" | "lost";

export interface Asked {
  method: string;
  pathname: string;
  search: URLSearchParams;
  body: string;
  credential: string | undefined;
}

export type Answer = { status: number; body: object } | { problem: [number, string]; extra?: object } | "lost";

interface Route {
  takes?: z.ZodType;
  gives?: z.ZodType;
  status?: number;
  sensitive?: true;
  public?: true;
  answer(body: never, path: string, search: URLSearchParams): unknown;
}

export class PeopleDouble {
  /** What the device is told, in order; the last one again and again. */
  polls: Poll[] = ["approved"];
  /** Codes that are accepted, each once. */
  codes: string[] = ["123456"];
  isFactorShown = false;
  /** Nothing of the tenant's is there yet. */
  isEmpty = false;
  factors: z.infer<typeof factors.factorsSchema> = FACTORS;
  state: z.infer<typeof access.accessSchema>["state"] = "requested";
  issued = "";
  readonly #routes: Record<string, Route>;

  constructor() {
    this.#routes = this.#table();
  }

  /** Null: a route that is not about people. */
  answer(asked: Asked): Answer | null {
    const { method, pathname, search, body, credential } = asked;
    const name = `${method} ${pathname.replace(TENANT_EU, ":t").replace(/\/[a-z]{3}_eu_[0-9a-z]{26}/g, "/:id")}`;
    const route = Object.hasOwn(this.#routes, name) ? this.#routes[name] : undefined;
    if (!route) return null;
    if (route.public ? credential : !credential) return { problem: [route.public ? 400 : 401, "auth.required"] };
    if (credential === `Bearer ${TOKEN}` && route.sensitive && !this.isFactorShown) {
      const extra = { continue: "POST /v1/auth/eu/second-factor" };
      return { problem: [403, "auth.step_up_required"], extra };
    }
    if (Boolean(route.takes) !== (body !== "")) return { problem: [400, "test.body"] };
    const parsed = route.takes?.safeParse(JSON.parse(body));
    if (parsed?.success === false) return problemOf(parsed.error);
    const answered = route.answer(parsed?.data as never, pathname, search);
    if (answered === "lost") return "lost";
    if (Array.isArray(answered)) return { problem: answered as [number, string] };
    return { status: route.status ?? 200, body: (route.gives?.parse(answered) ?? {}) as object };
  }

  #table(): Record<string, Route> {
    const one = this.#list.bind(this);
    const shown = () => ({ shown_at: AT, good_until: LATER, recovery_codes_left: 9 });
    const accessOf = () => this.#access();
    return {
      "POST /v1/auth/eu/device": { public: true, gives: people.deviceSchema, answer: () => DEVICE },
      "POST /v1/auth/eu/device/token": {
        public: true,
        takes: people.deviceTokenSchema,
        gives: people.tokenSchema,
        answer: () => this.#poll(),
      },
      "POST /v1/auth/eu/logout": { status: 204, answer: () => ({}) },
      "GET /v1/auth/eu/factors": { gives: factors.factorsSchema, answer: () => this.factors },
      "POST /v1/auth/eu/second-factor": {
        takes: factors.secondFactorSchema,
        gives: factors.factorShownSchema,
        answer: (body: { totp?: string; recovery_code?: string }) => {
          const at = this.codes.indexOf(body.totp ?? body.recovery_code ?? "");
          if (at < 0) return [403, "auth.factor_wrong"];
          this.codes.splice(at, 1);
          this.isFactorShown = true;
          return shown();
        },
      },
      "POST /v1/auth/eu/factors/totp": {
        gives: factors.totpEnrolmentSchema,
        answer: () => ({ secret: "AAAA BBBB", uri: "otpauth://totp/x?secret=AAAABBBB", qr_svg: "<svg/>" }),
      },
      "POST /v1/auth/eu/factors/totp/confirm": {
        takes: factors.confirmTotpSchema,
        gives: factors.factorAddedSchema,
        answer: () => ({ factors: FACTORS, recovery_codes: ["aaaa-bbbb"] }),
      },
      "DELETE /v1/auth/eu/factors/totp": { sensitive: true, gives: factors.factorsSchema, answer: () => FACTORS },
      "POST /v1/auth/eu/factors/recovery-codes": {
        sensitive: true,
        gives: factors.recoveryCodesSchema,
        answer: () => ({ recovery_codes: ["cccc-dddd"] }),
      },
      "GET /v1/whoami": { gives: principalSchema, answer: () => PRINCIPAL },
      "GET /v1/sessions": {
        gives: listOf("sessions", people.sessionSchema),
        answer: () => one("sessions", SESSION_OF),
      },
      "DELETE /v1/sessions": { gives: z.object({ ended: z.int() }), answer: () => ({ ended: 2 }) },
      "DELETE /v1/sessions/:id": { status: 204, answer: () => ({}) },
      "GET /v1/tenants/:t/sessions": {
        gives: listOf("sessions", people.sessionSchema),
        answer: () => one("sessions", { ...SESSION_OF, current: false }),
      },
      "DELETE /v1/tenants/:t/sessions/:id": { status: 204, answer: () => ({}) },
      "DELETE /v1/tenants/:t/members/:id/sessions": {
        gives: z.object({ ended: z.int() }),
        answer: () => ({ ended: 1 }),
      },
      "GET /v1/tenants/:t/members": {
        gives: listOf("members", people.memberSchema),
        answer: () => one("members", MEMBER_OF),
      },
      "PATCH /v1/tenants/:t/members/:id": {
        sensitive: true,
        takes: people.updateMemberSchema,
        gives: people.memberSchema,
        answer: ({ role }: { role: string }) => ({ ...MEMBER_OF, role }),
      },
      "DELETE /v1/tenants/:t/members/:id": { sensitive: true, status: 204, answer: () => ({}) },
      "DELETE /v1/tenants/:t/members/:id/factors": { sensitive: true, status: 204, answer: () => ({}) },
      "GET /v1/tenants/:t/invitations": {
        gives: listOf("invitations", people.invitationSchema),
        answer: () => one("invitations", INVITATION_OF),
      },
      "POST /v1/tenants/:t/invitations": {
        takes: people.inviteSchema,
        gives: people.invitationSchema,
        status: 201,
        answer: (invite: object) => ({ ...INVITATION_OF, ...invite }),
      },
      "POST /v1/tenants/:t/invitations/:id/send": { gives: people.invitationSchema, answer: () => INVITATION_OF },
      "DELETE /v1/tenants/:t/invitations/:id": { status: 204, answer: () => ({}) },
      "GET /v1/tenants/:t/keys": { gives: listOf("keys", apiKeySchema), answer: () => one("keys", API_KEY) },
      "POST /v1/tenants/:t/keys": {
        sensitive: true,
        takes: createKeySchema,
        gives: issuedKeySchema,
        status: 201,
        answer: ({ name }: { name: string }) => ({ ...API_KEY, name, key: this.issued }),
      },
      "POST /v1/tenants/:t/keys/:id/rotate": {
        sensitive: true,
        takes: keys.rotateKeySchema,
        gives: keys.rotatedKeySchema,
        status: 201,
        answer: () => ({
          api_key: { ...API_KEY, replaces: KEY_ID, key: this.issued },
          replaced: { ...API_KEY, expires_at: LATER },
        }),
      },
      "DELETE /v1/tenants/:t/keys/:id": { gives: apiKeySchema, answer: () => ({ ...API_KEY, revoked_at: AT }) },
      "GET /v1/tenants/:t/service-accounts": {
        gives: listOf("service_accounts", keys.serviceAccountSchema),
        answer: () => one("service_accounts", { ...ACCOUNT_OF, created_at: AT, removed_at: null }),
      },
      "GET /v1/tenants/:t/service-accounts/:id": {
        gives: keys.serviceAccountWithKeysSchema,
        answer: () => ({ ...ACCOUNT_OF, created_at: AT, removed_at: null, keys: [API_KEY] }),
      },
      "POST /v1/tenants/:t/service-accounts": {
        sensitive: true,
        takes: keys.createServiceAccountSchema,
        gives: keys.serviceAccountSchema,
        status: 201,
        answer: (wanted: object) => ({ ...ACCOUNT_OF, ...wanted, created_at: AT, removed_at: null }),
      },
      "DELETE /v1/tenants/:t/service-accounts/:id": {
        sensitive: true,
        gives: keys.serviceAccountSchema,
        answer: () => ({ ...ACCOUNT_OF, created_at: AT, removed_at: AT }),
      },
      "GET /v1/tenants/:t/access": {
        gives: listOf("access", access.accessSchema),
        answer: () => one("access", this.#access()),
      },
      "GET /v1/tenants/:t/access/:id": { gives: access.accessSchema, answer: accessOf },
      "POST /v1/tenants/:t/access": {
        takes: access.requestAccessSchema,
        gives: access.accessSchema,
        status: 201,
        answer: accessOf,
      },
      "POST /v1/tenants/:t/access/break-glass": {
        takes: access.breakGlassSchema,
        gives: access.accessSchema,
        status: 201,
        answer: () => this.#becomes("approved"),
      },
      "POST /v1/tenants/:t/access/:id/approve": {
        sensitive: true,
        takes: access.approveAccessSchema,
        gives: access.accessSchema,
        answer: () => this.#becomes("approved"),
      },
      "POST /v1/tenants/:t/access/:id/deny": {
        sensitive: true,
        gives: access.accessSchema,
        answer: () => this.#becomes("denied"),
      },
      "POST /v1/tenants/:t/access/:id/end": { gives: access.accessSchema, answer: () => this.#becomes("ended") },
      "POST /v1/tenants/:t/access/:id/withdraw": {
        gives: access.accessSchema,
        answer: () => this.#becomes("withdrawn"),
      },
    };
  }

  #list(name: string, thing: object): object {
    return { [name]: this.isEmpty ? [] : [thing] };
  }

  #poll(): unknown {
    const next = this.polls.length > 1 ? this.polls.shift() : this.polls[0];
    if (next === "lost") return "lost";
    if (next === "away") return [503, "storage.unavailable"];
    if (next === "pending") return [400, "device.authorization_pending"];
    if (next === "slow_down") return [400, "device.slow_down"];
    if (next === "expired") return [400, "device.expired_token"];
    if (next === "denied") return [400, "device.access_denied"];
    return { token: TOKEN, expires_at: LATER, session_id: SESSION_ID, person_id: MEMBER, tenant_id: TENANT_EU };
  }

  #becomes(state: PeopleDouble["state"]): object {
    this.state = state;
    return this.#access();
  }

  #access(): z.infer<typeof access.accessSchema> {
    const granted =
      this.state === "approved" ? { ...REACH, permissions: [...REACH.permissions], from: AT, until: LATER } : null;
    return {
      ...ASKED,
      state: this.state,
      asked: { ...REACH, permissions: [...REACH.permissions], duration_seconds: 3600 },
      answer_by: LATER,
      granted,
      first_used_at: null,
      changes: [],
    };
  }
}

/** What the server answers to a body that is not as its schema has it. */
export function problemOf({ issues }: z.ZodError): Answer {
  const errors = issues.map(({ path, message }) => ({ pointer: `/${path.join("/")}`, detail: message }));
  return { problem: [422, "request.invalid"], extra: { errors } };
}

const listOf = (name: string, schema: z.ZodType) => z.strictObject({ [name]: z.array(schema) });
