/**
 * Actions that tenants' own software is invited to use. Nothing is refused that is not here: a name is free as long as its noun
 * is not the product's. Who uses these gets their meaning, weight and fields about people explained in `GET /v1/event-types`.
 */
import { BILLING } from "./billing.ts";
import { CONFIGURATION, SECURITY } from "./configuration.ts";
import { CHAT_SESSIONS, DOCUMENTS, PERSONAS } from "./content.ts";
import { CUSTOMER_DATA, PRIVACY } from "./customer-data.ts";
import { AGENTS, FLOWS, JOBS } from "./execution.ts";
import { MESSAGES, WEBHOOKS } from "./integration.ts";
import { MEMBERSHIP, USERS } from "./people.ts";
import { CREDENTIALS, SIGN_IN } from "./sign-in.ts";

export const TENANT_FAMILIES = {
  sign_in: SIGN_IN,
  credential: CREDENTIALS,
  user: USERS,
  membership: MEMBERSHIP,
  customer_data: CUSTOMER_DATA,
  privacy: PRIVACY,
  persona: PERSONAS,
  document: DOCUMENTS,
  chat_session: CHAT_SESSIONS,
  configuration: CONFIGURATION,
  security: SECURITY,
  flow: FLOWS,
  job: JOBS,
  agent: AGENTS,
  webhook: WEBHOOKS,
  message: MESSAGES,
  billing: BILLING,
} as const;
