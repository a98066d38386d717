/** What actions there are, the schemas of a tenant's own, and what was refused for them (docs/event-schemas.md). */
import type { ActionCategory, ActionSensitivity, ActionSurface } from "../core/actions/action.ts";
import { auditPath, type CallOptions, type Requests, type Tagged, tenantPath } from "./requests.ts";
import type {
  AddEventType,
  AddEventTypeVersion,
  EventTypeVersion,
  OwnEventType,
  OwnEventTypes,
  RejectedEvents,
} from "./types.ts";

/** A type that every deployment knows. */
export interface RegisteredEventType {
  name: string;
  family: string;
  description: string;
  category: ActionCategory;
  does: "read" | "write";
  sensitivity: ActionSensitivity;
  surfaces: ActionSurface[];
  /** JSON Pointers of the event's fields that may be about people. */
  people: string[];
  written_by: "product" | "tenant";
}

export interface EventTypeFilter {
  category?: ActionCategory | undefined;
  surface?: ActionSurface | undefined;
  written_by?: "product" | "tenant" | undefined;
}

export class EventTypeClient {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** What every deployment knows. */
  registered(filter: EventTypeFilter = {}, options: CallOptions = {}): Promise<RegisteredEventType[]> {
    return this.#requests.get("/v1/event-types", { ...filter }, options);
  }

  /** The tenant's own, withdrawn ones included; `all` adds what every deployment knows. */
  list(tenantId: string, { all }: { all?: true | undefined } = {}, options: CallOptions = {}): Promise<OwnEventTypes> {
    return this.#requests.get(typesPath(tenantId), { all: all ? "true" : undefined }, options);
  }

  read(tenantId: string, action: string, options: CallOptions = {}): Promise<Tagged<OwnEventType>> {
    return this.#requests.tagged(typesPath(tenantId, action), options);
  }

  /** It never changes. */
  version(tenantId: string, action: string, version: number, options: CallOptions = {}): Promise<EventTypeVersion> {
    return this.#requests.get(`${typesPath(tenantId, action)}/versions/${encodeURIComponent(version)}`, {}, options);
  }

  add(tenantId: string, type: AddEventType, options: CallOptions = {}): Promise<OwnEventType> {
    return this.#requests.post(typesPath(tenantId), type, options);
  }

  /** `etag`: of the type as it was read. A type that was withdrawn is in use again. */
  addVersion(
    tenantId: string,
    action: string,
    version: AddEventTypeVersion,
    etag: string,
    options: CallOptions = {},
  ): Promise<Tagged<OwnEventType>> {
    return this.#requests.change("POST", `${typesPath(tenantId, action)}/versions`, version, etag, options);
  }

  /** Its events are refused from now on. */
  withdraw(tenantId: string, action: string, etag: string, options: CallOptions = {}): Promise<Tagged<OwnEventType>> {
    return this.#requests.change("POST", `${typesPath(tenantId, action)}/withdraw`, undefined, etag, options);
  }

  /** Which events a domain refused, and at least how often. */
  rejected(domainId: string, options: CallOptions = {}): Promise<RejectedEvents> {
    return this.#requests.get(`${auditPath(domainId)}/rejected`, {}, options);
  }
}

const typesPath = (tenantId: string, action?: string) =>
  `${tenantPath(tenantId)}/event-types${action === undefined ? "" : `/${encodeURIComponent(action)}`}`;
