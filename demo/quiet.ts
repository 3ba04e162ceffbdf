/** Imported first: the AWS SDK's notice about future Node versions is for developers of this project, not for people who try it. */
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";
