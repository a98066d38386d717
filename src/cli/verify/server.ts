/** `verify --server`: the server recomputes, this command only asks until it has come to the end. */
import type { MoonsealClient, Verification, VerifyQuery } from "../../client/index.ts";
import { EXIT } from "../../verifier/chain.ts";
import { CliError, CODE } from "../io.ts";

export interface ServerVerdict {
  answer: Verification;
  exitCode: number;
}

/** The last answer of the run. Throws when the server makes no progress, so that it ends in any case. */
export async function verifyByServer(
  client: Pick<MoonsealClient, "verify">,
  domainId: string,
  range: VerifyQuery,
  signal: AbortSignal,
  onAnswer: (answer: Verification) => void = () => {},
): Promise<ServerVerdict> {
  let query = range;
  let through = -2;
  for (;;) {
    const answer = await client.verify(domainId, query, { signal });
    onAnswer(answer);
    if (answer.verdict === "verified") return { answer, exitCode: EXIT.verified };
    if (answer.verdict === "refuted") return { answer, exitCode: EXIT.refuted };
    if (!answer.next_cursor || answer.verified_through <= through) {
      throw new CliError("could not check: the server's verification makes no progress", CODE.unreachable);
    }
    through = answer.verified_through;
    query = { cursor: answer.next_cursor };
  }
}
