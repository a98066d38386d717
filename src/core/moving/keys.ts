/** Where an import lies in R2 LOG. Not under `audit/`, which may stand under a lock. */
export const importPrefix = (domainId: string): string => `imports/${domainId}/`;
/** The archive as it was sent; deleted once its entries are in the log, or it was refused. `upload`: a UUID. */
export const incomingKey = (domainId: string, upload: string): string =>
  `${importPrefix(domainId)}incoming/${upload}.zip`;
/** What stays as evidence, written once. `manifestHash`: SHA-256 in lower-case hex. */
export const keptKey = (domainId: string, manifestHash: string, name: string): string =>
  `${importPrefix(domainId)}${manifestHash}/${name}`;
