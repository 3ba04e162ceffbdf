/** Web Crypto for queries and mutations: randomness comes from the execution's seed, and keys cannot be generated. */
import { activeFacilities, refusal } from "./facilities.ts";

const trueRandomness = new Set(["generateKey"]);

export function createDeterministicCrypto(original: Crypto): () => object {
  const subtle = new Proxy(original.subtle, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (typeof name === "string" && trueRandomness.has(name)) {
        return () => Promise.reject(refusal("cryptographic randomness"));
      }
      return (...args: unknown[]) => {
        const result: unknown = Reflect.apply(member, target, args);
        if (result instanceof Promise) activeFacilities()?.follow(result);
        return result;
      };
    },
  });
  const fill = (bytes: Uint8Array) => activeFacilities()?.random.fill(bytes);
  const replacement = {
    subtle,
    getRandomValues<T extends ArrayBufferView>(view: T): T {
      if (view.byteLength > 65_536)
        throw new DOMException("The requested length exceeds 65,536 bytes", "QuotaExceededError");
      fill(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
      return view;
    },
    randomUUID(): string {
      const bytes = new Uint8Array(16);
      fill(bytes);
      bytes[6] = (bytes[6]! & 0x0f) | 0x40;
      bytes[8] = (bytes[8]! & 0x3f) | 0x80;
      const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
      return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join(
        "-",
      );
    },
  };
  return () => replacement;
}
