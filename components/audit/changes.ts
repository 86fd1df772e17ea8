/** A field of a deed: what it was and what it became; null where there was nothing. */
export interface Change {
  field: string
  before: string | null
  after: string | null
}

/**
 * What a deed changed, field by field; what stayed as it was is left out, and fields within fields are named as "a.b".
 * @param before JSON; null: it was made
 * @param after JSON; null: it is gone
 */
export function changesOf(before: string | null, after: string | null): Change[] {
  const [was, is] = [fieldsOf(before), fieldsOf(after)]
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((field) => {
    // A deed that only tells what it did to the thing says nothing of its other fields.
    if (after !== null && before !== null && !is.has(field)) return []
    const change = { field, before: was.get(field) ?? null, after: is.get(field) ?? null }
    return change.before === change.after ? [] : [change]
  })
}

function fieldsOf(json: string | null): Map<string, string | null> {
  const fields = new Map<string, string | null>()
  const walk = (value: unknown, name: string) => {
    if (value === null || value === '') fields.set(name || 'value', null)
    else if (typeof value === 'object' && !Array.isArray(value))
      for (const [key, part] of Object.entries(value)) walk(part, name ? `${name}.${key}` : key)
    else fields.set(name || 'value', typeof value === 'string' ? value : JSON.stringify(value))
  }
  if (json !== null) walk(JSON.parse(json), '')
  return fields
}

/**
 * Ids of a field with the names of what they are ids of; an id without a name stays as it is.
 * @param field as in `Change`; a name belongs to its last part
 * @param names by `FIELD ID`
 */
export function withNames(field: string, text: string, names: Readonly<Record<string, string>>): string {
  const last = field.slice(field.lastIndexOf('.') + 1)
  const ids = /^\[[\d,]+\]$/.test(text) ? text.slice(1, -1).split(',') : [text]
  const said = ids.map((id) => {
    const name = names[`${last} ${id}`]
    return name === undefined ? id : `${name} (${id})`
  })
  return said.some((one, at) => one !== ids[at]) ? said.join(', ') : text
}
