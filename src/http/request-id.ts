/** A request id of the client is kept when it is harmless, so that both sides can find the request; else one is made. */
export function requestIdOf(header: string | undefined | null): string {
  return header && /^[A-Za-z0-9_.-]{8,128}$/.test(header) ? header : crypto.randomUUID();
}
