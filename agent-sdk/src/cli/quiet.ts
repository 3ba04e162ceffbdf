/** Loaded first: the AWS SDK's notice about future Node versions would stand in front of every command's output. */
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
