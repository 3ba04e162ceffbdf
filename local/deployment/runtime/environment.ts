/** `process` as pushed code sees it: nothing but the deployment's variables. */

export type Environment = Readonly<Record<string, string>>;

/** Names the deployment sets itself. */
export function withBuiltIns(
  variables: Environment,
  urls: { cloudUrl: string; siteUrl: string },
): Environment {
  return { ...variables, CONVEX_CLOUD_URL: urls.cloudUrl, CONVEX_SITE_URL: urls.siteUrl };
}

/** `noteRead` hears of every name the code asks for, set or not. */
export function createProcess(current: () => Environment, noteRead: (name: string) => void): object {
  const env = new Proxy(
    {},
    {
      get(_target, name) {
        if (typeof name !== "string") return undefined;
        noteRead(name);
        const variables = current();
        return Object.hasOwn(variables, name) ? variables[name] : undefined;
      },
      has(_target, name) {
        if (typeof name !== "string") return false;
        noteRead(name);
        return Object.hasOwn(current(), name);
      },
      ownKeys() {
        const names = Object.keys(current());
        names.forEach(noteRead);
        return names;
      },
      getOwnPropertyDescriptor(_target, name) {
        if (typeof name !== "string") return undefined;
        noteRead(name);
        const value = current()[name];
        return value === undefined
          ? undefined
          : { value, enumerable: true, configurable: true, writable: false };
      },
      set(_target, name) {
        throw new TypeError(`Cannot set process.env.${String(name)}: use \`npx convex env set\` instead.`);
      },
    },
  );
  return { env };
}
