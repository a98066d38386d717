/** The people of a tenant, and their sessions. */
import { type CallOptions, type Requests, tenantPath } from "./requests.ts";
import type { Invitation, Invite, Member, Session, UpdateMember } from "./types.ts";

export class MemberClient {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  async list(tenantId: string, options: CallOptions = {}): Promise<Member[]> {
    return (await this.#requests.get<{ members: Member[] }>(`${tenantPath(tenantId)}/members`, {}, options)).members;
  }

  /** Throws the problem `member.last_owner` for the last one. */
  update(tenantId: string, memberId: string, change: UpdateMember, options: CallOptions = {}): Promise<Member> {
    return this.#requests.patch(memberPath(tenantId, memberId), change, options);
  }

  /** Ends their sessions and forgets their address and name. Throws the problem `member.last_owner` for the last one. */
  async remove(tenantId: string, memberId: string, options: CallOptions = {}): Promise<void> {
    await this.#requests.delete(memberPath(tenantId, memberId), options);
  }

  /** Takes all second factors of a member away and ends their sessions. */
  async resetFactors(tenantId: string, memberId: string, options: CallOptions = {}): Promise<void> {
    await this.#requests.delete(`${memberPath(tenantId, memberId)}/factors`, options);
  }

  /** Sends a mail with a link that works once, for seven days. */
  invite(tenantId: string, invite: Invite, options: CallOptions = {}): Promise<Invitation> {
    return this.#requests.post(`${tenantPath(tenantId)}/invitations`, invite, options);
  }

  async invitations(tenantId: string, options: CallOptions = {}): Promise<Invitation[]> {
    const path = `${tenantPath(tenantId)}/invitations`;
    return (await this.#requests.get<{ invitations: Invitation[] }>(path, {}, options)).invitations;
  }

  /** A new mail with a new link; the one before ends. */
  resendInvitation(tenantId: string, invitationId: string, options: CallOptions = {}): Promise<Invitation> {
    return this.#requests.post(`${invitationPath(tenantId, invitationId)}/send`, undefined, options);
  }

  async withdrawInvitation(tenantId: string, invitationId: string, options: CallOptions = {}): Promise<void> {
    await this.#requests.delete(invitationPath(tenantId, invitationId), options);
  }
}

export class SessionClient {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Those of whoever asks; a key has none. */
  async own(options: CallOptions = {}): Promise<Session[]> {
    return (await this.#requests.get<{ sessions: Session[] }>("/v1/sessions", {}, options)).sessions;
  }

  /** Of a tenant's members, or of one of them. */
  async list(tenantId: string, memberId?: string, options: CallOptions = {}): Promise<Session[]> {
    const path = `${tenantPath(tenantId)}/sessions`;
    return (await this.#requests.get<{ sessions: Session[] }>(path, { member_id: memberId }, options)).sessions;
  }

  /** Felt everywhere within a minute. */
  async endOwn(sessionId: string, options: CallOptions = {}): Promise<void> {
    await this.#requests.delete(`/v1/sessions/${encodeURIComponent(sessionId)}`, options);
  }

  /** All of one's own but the one that asks; how many ended. */
  async endOthers(options: CallOptions = {}): Promise<number> {
    return (await this.#requests.delete<{ ended: number }>("/v1/sessions", options)).ended;
  }

  async end(tenantId: string, sessionId: string, options: CallOptions = {}): Promise<void> {
    await this.#requests.delete(`${tenantPath(tenantId)}/sessions/${encodeURIComponent(sessionId)}`, options);
  }

  /** All of a member; how many ended. */
  async endOfMember(tenantId: string, memberId: string, options: CallOptions = {}): Promise<number> {
    const path = `${memberPath(tenantId, memberId)}/sessions`;
    return (await this.#requests.delete<{ ended: number }>(path, options)).ended;
  }
}

const memberPath = (tenantId: string, memberId: string) =>
  `${tenantPath(tenantId)}/members/${encodeURIComponent(memberId)}`;
const invitationPath = (tenantId: string, invitationId: string) =>
  `${tenantPath(tenantId)}/invitations/${encodeURIComponent(invitationId)}`;
