import type { RequestKind, TransactionRequests } from "../transaction-messages.ts";
import type { Thread } from "./thread.ts";

export type Handlers = {
  [Kind in RequestKind]: (
    thread: Thread,
    input: TransactionRequests[Kind]["input"],
  ) => TransactionRequests[Kind]["output"] | Promise<TransactionRequests[Kind]["output"]>;
};
