const MAX_FIELD_NAME_LENGTH = 1024;
const MAX_IDENTIFIER_LENGTH = 64;

/** Why an object may not have this field, or null. Rules for the top level of documents are the database's. */
export function fieldNameProblem(name: string): string | null {
  if (name.length > MAX_FIELD_NAME_LENGTH) {
    return `Field name ${name.slice(0, 64)}… exceeds maximum field name length ${MAX_FIELD_NAME_LENGTH}.`;
  }
  if (name.charCodeAt(0) === 0x24) return `Field name ${name} starts with a '$', which is reserved.`;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code < 32 || code > 126) {
      return `Field name ${name} has invalid character '${name.charAt(i)}': use only printable ASCII characters.`;
    }
  }
  return null;
}

/** Why a table, index or indexed field cannot be called this, or null. */
export function identifierProblem(name: string): string | null {
  if (name.length > MAX_IDENTIFIER_LENGTH) return `is longer than ${MAX_IDENTIFIER_LENGTH} characters`;
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) {
    return "must start with a letter and contain only letters, digits and underscores";
  }
  return null;
}
