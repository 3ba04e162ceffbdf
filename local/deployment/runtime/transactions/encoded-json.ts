/** A syscall's answer that already is JSON text: documents are passed on as they are stored. */
export class EncodedJson {
  constructor(readonly text: string) {}
}
