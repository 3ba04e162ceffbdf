/** The table of operations. Its type makes an operation without a handler a compile error. */
import type { Operation } from "../detect.ts";
import type { Handler } from "../request.ts";
import * as acl from "./acl.ts";
import * as buckets from "./buckets.ts";
import * as settings from "./bucket-settings.ts";
import * as copy from "./copy.ts";
import * as listings from "./listings.ts";
import * as multipart from "./multipart.ts";
import * as multipartComplete from "./multipart-complete.ts";
import * as multipartCopy from "./multipart-copy.ts";
import * as multipartListings from "./multipart-listings.ts";
import * as objectRead from "./object-read.ts";
import * as objectWrite from "./object-write.ts";
import * as tagging from "./tagging.ts";

export const HANDLERS: Record<Operation, Handler> = {
  ...buckets,
  ...settings,
  ...acl,
  ...listings,
  ...objectRead,
  ...objectWrite,
  ...copy,
  ...tagging,
  ...multipart,
  ...multipartComplete,
  ...multipartCopy,
  ...multipartListings,
};
