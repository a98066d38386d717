/**
 * The classes of OCSF 1.x that are mapped, with the action of each activity. Names in a log can never be fixed, so the table is
 * frozen; activities that a later version adds are added here. docs/ingesting.md prints it, and a test compares the two.
 */

/** Of an activity that is unknown, other, or not in the table. */
export const OTHER_ACTIVITY = "other";

export interface OcsfClass {
  name: string;
  /** First segment of actions that are no activity of the table. */
  noun: string;
  /** By `activity_id`. */
  activities: Readonly<Record<number, string>>;
  /** Whose doing it is where `actor` names nobody: the `user` of the class, or the service. */
  userActs: boolean;
}

export const API_ACTIVITY = 6003;
export const AUTHENTICATION = 3002;

export const OCSF_CLASSES: Readonly<Record<number, OcsfClass>> = {
  [API_ACTIVITY]: {
    name: "API Activity",
    noun: "api",
    activities: { 1: "api.create", 2: "api.read", 3: "api.update", 4: "api.delete" },
    userActs: false,
  },
  [AUTHENTICATION]: {
    name: "Authentication",
    noun: "authentication",
    activities: {
      1: "session.opened",
      2: "session.ended",
      3: "authentication.ticket_requested",
      4: "authentication.service_ticket_requested",
      5: "authentication.service_ticket_renewed",
      6: "authentication.preauthenticated",
      7: "authentication.account_switched",
    },
    userActs: true,
  },
  3001: {
    name: "Account Change",
    noun: "account",
    activities: {
      1: "user.created",
      2: "user.reactivated",
      3: "password.changed",
      4: "password.reset",
      5: "user.suspended",
      6: "user.deleted",
      7: "user.policy_attached",
      8: "user.policy_detached",
      9: "user.locked",
      10: "second_factor.enrolled",
      11: "second_factor.removed",
      12: "user.unlocked",
    },
    userActs: false,
  },
  3003: {
    name: "Authorize Session",
    noun: "authorization",
    activities: {
      1: "authorization.privileges_assigned",
      2: "authorization.groups_assigned",
      3: "authorization.roles_assigned",
    },
    userActs: false,
  },
  3004: {
    name: "Entity Management",
    noun: "entity",
    activities: {
      1: "entity.created",
      2: "entity.read",
      3: "entity.updated",
      4: "entity.deleted",
      5: "entity.moved",
      6: "entity.enrolled",
      7: "entity.unenrolled",
      8: "entity.enabled",
      9: "entity.disabled",
      10: "entity.activated",
      11: "entity.deactivated",
      12: "entity.suspended",
      13: "entity.resumed",
    },
    userActs: false,
  },
  3005: {
    name: "User Access Management",
    noun: "user_access",
    activities: {
      1: "user_access.privileges_assigned",
      2: "user_access.privileges_revoked",
      3: "role.granted",
      4: "role.revoked",
    },
    userActs: false,
  },
  3006: {
    name: "Group Management",
    noun: "team",
    activities: {
      1: "team.privileges_assigned",
      2: "team.privileges_revoked",
      3: "team.member_added",
      4: "team.member_removed",
      5: "team.deleted",
      6: "team.created",
      7: "team.subgroup_added",
      8: "team.subgroup_removed",
      9: "team.updated",
      10: "team.policies_attached",
      11: "team.policies_detached",
      12: "team.roles_assigned",
      13: "team.roles_removed",
    },
    userActs: false,
  },
};
