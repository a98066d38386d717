/** Strings that stand for what is private about a person: wherever one of them is found, something of a person is found. */
export const CANARY = {
  identityId: "usr-canary-7f3d9c1e55",
  name: "Zoraida Canaria-Quintanilla",
  email: "zoraida.canary@quintanilla.example",
  ip: "203.0.113.217",
  userAgent: "CanaryBrowser/77.31 (Lanzarote; rv:9)",
  session: "canary-session-b81f0e2d77",
  reason: "because Zoraida asked for it on the phone",
  privateMetadata: "canary-metadata-55aa0c9b13",
  location: "Calle del Canario 93, Arrecife",
  changedValue: "canary-changed-91cc20f4ab",
  claimName: "canary_claim_6e0d51",
  otherPerson: "usr-canary-behalf-2b90aa41",
  holdReason: "canary hold against Zoraida, file 88/31",
  holdOwner: "Owner Canaria-Delgado",
} as const;

/** An event that holds most of them, where they belong. */
export const canaryEvent = () => ({
  action: "invoice.exported",
  actor: {
    type: "user",
    id: CANARY.identityId,
    name: CANARY.name,
    email: CANARY.email,
    idp_claim_names: [CANARY.claimName],
  },
  on_behalf_of: { type: "person", id: CANARY.otherPerson, name: CANARY.name },
  targets: [
    { type: "invoice", id: "inv_9", name: CANARY.privateMetadata },
    { type: "user", id: CANARY.identityId },
  ],
  reason: CANARY.reason,
  changes: [{ path: "/address", from: CANARY.location, to: CANARY.changedValue }],
  context: {
    ip: CANARY.ip,
    user_agent: CANARY.userAgent,
    location: { street: CANARY.location },
    session: CANARY.session,
  },
  metadata: { note: CANARY.privateMetadata, deep: { list: [CANARY.email] } },
});
