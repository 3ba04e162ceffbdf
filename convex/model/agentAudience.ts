/** `aud` of the tokens agents carry: the deployment accepts no token made for something else by the same issuer. */
export const AGENT_AUDIENCE = "reelsync-agent";
