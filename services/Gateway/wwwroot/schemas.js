// What a JSON schema says, in words and in parts; nothing here knows a page.

const shownMax = 12;

/** The name of the component that a schema refers to, or nothing. */
export function nameOf(schema) {
  return schema.$ref?.split("/").at(-1) ?? "";
}

/** The kinds of value that a schema takes, as parts of a line: texts, and names of components as `{ ref }`. Null goes without saying. */
export function partsOf(schema) {
  if (schema.$ref)
    return [{ ref: nameOf(schema) }];
  if (schema.anyOf)
    return joined(schema.anyOf.filter((one) => one.type !== "null").map(partsOf), " or ");
  if ("const" in schema)
    return [JSON.stringify(schema.const)];
  if (schema.enum)
    return [wordsOf(schema.enum)];
  const types = [schema.type ?? []].flat().filter((type) => type !== "null");
  if (types.length === 0)
    return [schema.type === "null" ? "null" : "anything"];
  return joined(types.map((type) => typeParts(type, schema)), " or ");
}

/** The members of an object, those of an array's objects, or those of the only kind that has any. */
export function fieldsOf(schema) {
  const own = [schema, schema.items].find((one) => one?.properties);
  const holder = own ?? schema.anyOf?.find((one) => fieldsOf(one).length > 0);
  if (!holder)
    return [];
  if (!holder.properties)
    return fieldsOf(holder);
  return Object.entries(holder.properties).map(([name, field]) => ({
    name, schema: field, text: field.description ?? "", needed: holder.required?.includes(name) === true,
    other: field["x-other-servers"] === true,
  }));
}

/** The forms that a schema has where it has several of objects. */
export function formsOf(schema) {
  return schema.anyOf ? schema.anyOf.filter((one) => one.properties) : [];
}

/** A request for a shell, with the example that the document has. */
export function curlOf(method, path, operation, origin) {
  const lines = [`curl ${method === "GET" ? "" : `-X ${method} `}${origin}${path}`];
  if (operation.security?.length !== 0)
    lines.push("-H \"Authorization: Bearer $PARLEY_API_KEY\"");
  const example = operation.requestBody?.content["application/json"]?.example;
  if (example !== undefined) {
    lines.push("-H 'content-type: application/json'");
    lines.push(`-d '${JSON.stringify(example).replaceAll("'", "'\\''")}'`);
  }
  return lines.join(" \\\n  ");
}

function typeParts(type, schema) {
  if (type === "array") {
    const most = schema.maxItems === undefined ? "" : `, at most ${schema.maxItems}`;
    return schema.prefixItems
      ? ["pair of ", ...joined(schema.prefixItems.map(partsOf), " and ")]
      : ["array of ", ...(schema.items ? partsOf(schema.items) : ["anything"]), most];
  }
  if (type === "object" && typeof schema.additionalProperties === "object")
    return ["object of ", ...partsOf(schema.additionalProperties)];
  if (type === "string" && schema.maxLength !== undefined)
    return [`string of at most ${schema.maxLength} characters`];
  const above = schema.exclusiveMinimum === undefined ? "" : `above ${schema.exclusiveMinimum}`;
  const least = schema.minimum === undefined ? above : `from ${schema.minimum}`;
  const most = schema.maximum === undefined ? "" : `to ${schema.maximum}`;
  return [[type, least, most].filter((part) => part !== "").join(" ")];
}

function wordsOf(words) {
  const shown = words.filter((word) => word !== null).map((word) => JSON.stringify(word));
  return shown.length > shownMax ? `${shown.slice(0, shownMax).join(", ")} …` : shown.length === 0 ? "null" : shown.join(", ");
}

function joined(lists, separator) {
  return lists.flatMap((list, index) => (index === 0 ? list : [separator, ...list]));
}
