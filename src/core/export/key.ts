/** Not under `audit/`, which may stand under a lock. */
export const exportPrefix = (domainId: string): string => `exports/${domainId}/`;
export const exportKey = (domainId: string, exportId: string): string => `${exportPrefix(domainId)}${exportId}.zip`;
