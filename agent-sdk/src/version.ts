/** This package's version, as the deployment is told it; a test holds it to package.json. */
export const SDK_VERSION = "0.1.0";
