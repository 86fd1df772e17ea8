import { z } from 'zod'
import { appRouter } from '../router.ts'

/** A procedure as the router has it, and how to fill its input. */
export interface Procedure {
  path: string
  type: 'query' | 'mutation' | 'subscription'
  schema: JsonSchema | null
  /** Does its input name a thing? */
  takesIds: boolean
  /** Does its input have a text that is not one of a list? */
  takesText: boolean
}

interface JsonSchema {
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  allOf?: JsonSchema[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  items?: JsonSchema
  minItems?: number
  minimum?: number
  minLength?: number
  format?: string
  pattern?: string
}

export interface Fill {
  /** For every field that names a thing. */
  id: number | string
  /** For every text that is not one of a list; left out: a harmless one. */
  text?: string
}

const ID = /(^i|I)d(s|entity)?$/

/** Every procedure of the router, so that a new one is attacked without anybody adding it. */
export const procedures: Procedure[] = Object.entries(
  appRouter._def.procedures as unknown as Record<
    string,
    { _def: { type: Procedure['type']; inputs: unknown[] } }
  >,
).map(([path, { _def }]) => {
  const input = _def.inputs.find((one) => one instanceof z.ZodType)
  const schema = input ? (z.toJSONSchema(input, { unrepresentable: 'any', io: 'input' }) as JsonSchema) : null
  const text = JSON.stringify(sample(schema ?? {}, { id: 7_777_777, text: '§text§' }))
  return {
    path,
    type: _def.type,
    schema,
    takesIds: text?.includes('7777777') ?? false,
    takesText: text?.includes('§text§') ?? false,
  }
})

/** An input of the schema's shape: what is required, and whatever names a thing. */
export function sample(schema: JsonSchema, fill: Fill, name = ''): unknown {
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) {
    const naming = choices.find((choice) => /"\w*Ids?"/.test(JSON.stringify(choice)))
    return sample(naming ?? choices.find(({ type }) => type !== 'null') ?? choices[0]!, fill, name)
  }
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  if (schema.properties || type === 'object') {
    const entries = Object.entries(schema.properties ?? {}).filter(
      ([key]) => schema.required?.includes(key) || ID.test(key),
    )
    return Object.fromEntries(entries.map(([key, value]) => [key, sample(value, fill, key)]))
  }
  if (type === 'array') return [sample(schema.items ?? {}, fill, name.replace(/s$/, ''))]
  if (type === 'boolean') return true
  if (type === 'integer' || type === 'number')
    return ID.test(name) ? Number(fill.id) : Math.max(1, schema.minimum ?? 1)
  if (type === 'string') {
    if (ID.test(name)) return String(fill.id)
    if (fill.text !== undefined) return fill.text
    if (schema.format === 'email') return 'somebody@x.example'
    if (schema.format === 'uri') return 'https://x.example/'
    if (schema.pattern?.includes('\\d{4}')) return '2026-11-24'
    return 'sample'.padEnd(schema.minLength ?? 0, 'x')
  }
  return 'sample'
}

/** Is this a text that somebody writes: none of a list, and of no format? */
const isFree = ({ type, enum: choices, const: constant }: JsonSchema) =>
  type === 'string' && !choices && constant === undefined

/** Inputs of the schema's shape that are harmless but for one text, for each text in it, optional ones too; with its path. */
export function hostileInputs(
  schema: JsonSchema,
  fill: Required<Fill>,
  name = '',
): { path: string; input: unknown }[] {
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return choices.flatMap((choice) => hostileInputs(choice, fill, name))
  if (schema.properties) {
    const rest = sample(schema, { id: fill.id }) as object
    return Object.entries(schema.properties).flatMap(([key, value]) =>
      hostileInputs(value, fill, key).map(({ path, input }) => ({
        path: path === '' ? key : `${key}.${path}`,
        input: { ...rest, [key]: input },
      })),
    )
  }
  if (schema.type === 'array')
    return hostileInputs(schema.items ?? {}, fill, name.replace(/s$/, '')).map(({ path, input }) => ({
      path: path === '' ? '0' : `0.${path}`,
      input: [input],
    }))
  return isFree(schema) ? [{ path: '', input: fill.text }] : []
}
