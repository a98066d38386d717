/** A reason not to go on, as the operator reads it: a stable code, what is wrong, what to do. */
export class Refused extends Error {
  readonly code: string;

  constructor(code: string, line: string) {
    super(`${code} ${line}`);
    this.code = code;
  }
}
