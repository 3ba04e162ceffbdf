/** A text that may quote a URL, without the user and password in it: hides too much rather than too little of a broken one. */
export function withoutLogin(text: string): string {
  return text.replace(/\/\/\S*@/g, "//…@");
}
