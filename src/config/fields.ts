/**
 * The types of configuration values. Every message is written here and holds fixed words only: valibot's own
 * messages quote the value, which may be a secret in the wrong place. `{in}` becomes the place.
 */
import * as v from 'valibot'
import { parseDuration } from '../core/duration.ts'
import { isIdentityName } from '../core/names.ts'
import { type EnvRef, isEnvRef, isLine, isVariableName, type Text } from './env-tag.ts'
import { findNearest } from './nearest.ts'
import { findHostFault, findUrlFault } from './urls.ts'

type Check = v.CheckAction<string, string>

const TEXT = 'expected text in {in}'

/** Creates a rule. All of our messages contain `{in}`, so a message without it is valibot's. */
export function defineRule(passes: (text: string) => boolean, expected: string): Check {
  return v.check(passes, `expected ${expected} in {in}`)
}

const LINE = defineRule(isLine, 'text of one line')

/** A literal text without `!env`, for values that are needed before a variable is read: kinds, names. */
export function defineWord(about: string, ...rules: Check[]) {
  const checks: Check[] = rules.length > 0 ? rules : [LINE]
  const checked = v.pipe(v.string(TEXT), ...checks)
  return v.pipe(checked, v.description(about)) as unknown as v.GenericSchema<string, string>
}

/** Text, or `!env NAME`. */
export function defineText(about: string, ...rules: Check[]) {
  const written = defineWord(about, ...rules)
  const read = v.custom<EnvRef>(isEnvRef)
  return v.pipe(v.union([written, read], TEXT), v.description(about)) as unknown as v.GenericSchema<
    Text,
    Text
  >
}

export function defineChoice<const T extends readonly string[]>(about: string, words: T) {
  return v.pipe(v.picklist(words, `expected ${words.join(' or ')} in {in}`), v.description(about))
}

export function defineFlag(about: string) {
  return v.pipe(v.boolean('expected true or false in {in}'), v.description(about))
}

export function defineList<S extends v.GenericSchema>(about: string, item: S) {
  return v.pipe(v.array(item, 'expected a list in {in}'), v.description(about))
}

/** A list, or one text with its items separated by spaces, as OAuth writes scopes. */
export function defineSpacedList(about: string) {
  const schema = v.union(
    [v.array(defineText('One scope')), defineText(about)],
    'expected a list of texts in {in}',
  )
  const split = (given: Text | Text[]): Text[] =>
    typeof given === 'string' ? given.split(/\s+/).filter(Boolean) : Array.isArray(given) ? given : [given]
  return v.pipe(schema, v.description(about), v.transform(split))
}

/** The YAML parser keeps numbers as text, so a port arrives as text. */
export const port = v.pipe(
  v.string('expected a port from 1 to 65535 in {in}'),
  defineRule((digits) => /^[1-9]\d{0,4}$/.test(digits) && Number(digits) <= 65_535, 'a port from 1 to 65535'),
  v.description('A port, 1 to 65535'),
  v.transform(Number),
)

export const defineUrl = (about: string, query: 'query' | 'no query' = 'no query') => {
  const fault = (given: string) => findUrlFault(given, query === 'query')
  return defineText(
    about,
    v.check(
      (given: string) => fault(given) === undefined,
      (issue) => `${fault(issue.input)} in {in}`,
    ) as unknown as Check,
  )
}

/** A page that shows the code, or the draft value for showing the code without a redirect. */
export const definePasteRedirect = (about: string) =>
  defineText(
    about,
    defineRule(
      (given) => given === 'urn:ietf:wg:oauth:2.0:oob' || findUrlFault(given, true) === undefined,
      'urn:ietf:wg:oauth:2.0:oob or an https URL',
    ),
  )

export const defineHost = (about: string) =>
  defineText(
    about,
    defineRule((given) => findHostFault(given) === undefined, 'a host like api.example.com'),
  )

export const defineDuration = (about: string) =>
  defineText(about, defineRule(isDuration, 'a length of time like 90s, 10m or 12h'))

export const defineVariable = (about: string) =>
  defineWord(about, defineRule(isVariableName, 'the name of an environment variable'))

/** The region is part of a host (`signin.<region>.…`): only letters, digits and hyphens are allowed. */
export const defineRegion = (about: string) =>
  defineText(
    about,
    defineRule((given) => /^[a-z][a-z0-9-]{0,31}$/.test(given), 'a region like eu-west-1'),
  )

export const defineName = (about: string) => defineWord(about, defineRule(isIdentityName, NAME_RULE))

const NAME_RULE = 'a name of 1 to 64 of A-Z a-z 0-9 . _ @ -, beginning with a letter or a digit,'

function isDuration(given: string): boolean {
  try {
    return parseDuration(given) > 0
  } catch {
    return false
  }
}

/** One schema for each key of T and for no other key. */
export type Entries<T> = {
  [K in keyof T]-?: object extends Pick<T, K>
    ? v.ExactOptionalSchema<v.GenericSchema<unknown, NonNullable<T[K]>>, undefined>
    : v.GenericSchema<unknown, T[K]>
}

/** A block of known keys. T must be given explicitly or by the context; it is never inferred. */
export function defineBlock<T extends object = never>(
  about: string,
  entries: Entries<NoInfer<T>>,
): v.GenericSchema<unknown, T> {
  const known = Object.keys(entries)
  const schema = v.strictObject(entries, (issue) => formatBlockMessage(issue, known))
  const stray = v.strictObject(Object.create(null), (issue) => formatBlockMessage(issue, known))
  const run: (typeof schema)['~run'] = (dataset, config) => {
    const given = Object.entries(Object(dataset.value))
    const unknown = given.filter(([key]) => !Object.hasOwn(entries, key))
    if (typeof dataset.value !== 'object' || unknown.length === 0) return schema['~run'](dataset, config)
    // Unknown keys are reported one by one, because valibot stops at the first. `stray` has no prototype, or
    // `constructor` would be known.
    const rest = given.filter(([key]) => Object.hasOwn(entries, key))
    const strays = unknown.map(([key]) => stray['~run']({ value: Object.fromEntries([[key, null]]) }, config))
    const fields = schema['~run']({ value: Object.fromEntries(rest) }, config)
    const issues = [fields, ...strays].flatMap((each) => each.issues ?? [])
    return { typed: false, value: fields.value, issues: issues as [v.StrictObjectIssue] }
  }
  const whole = v.pipe(rejectLists({ ...schema, '~run': run }), v.description(about))
  return whole as unknown as v.GenericSchema<unknown, T>
}

/** Definitions under names that the user chooses. */
export function defineRecord<S extends v.GenericSchema>(about: string, value: S) {
  const schema = v.record(defineName('A name'), value, 'expected keys and values in {in}')
  return v.pipe(rejectLists(schema), v.description(about))
}

/** Texts under keys that another system defines. */
export function defineTextRecord(about: string, value: string) {
  const schema = v.record(v.string(), defineText(value), 'expected keys and values in {in}')
  return v.pipe(rejectLists(schema), v.description(about))
}

/** Valibot treats a list as an object, and an empty list would pass for a block. */
function rejectLists<S extends v.GenericSchema>(schema: S): S {
  const run: S['~run'] = (dataset, config) =>
    schema['~run'](Array.isArray(dataset.value) ? { value: 'a list' } : dataset, config)
  return { ...schema, '~run': run }
}

function formatBlockMessage(issue: v.StrictObjectIssue, known: readonly string[]): string {
  const key = issue.path?.[0]?.key
  if (issue.expected === 'never') return describeUnknownKey(String(key), known)
  if (typeof key === 'string' && issue.expected === `"${key}"`) return `missing key "${key}" in {in}`
  return 'expected keys and values in {in}'
}

/** Quotes the key only where it looks like one: a misplaced secret may stand before a colon too. */
function describeUnknownKey(key: string, known: readonly string[]): string {
  const meant = findNearest(key, known)
  const looksLikeKey = key.length <= 32 && /^[a-z]+([_-][a-z]+)*$/.test(key)
  const shown = meant !== undefined || looksLikeKey ? `unknown key "${key}"` : 'unknown key'
  if (meant !== undefined) return `${shown} in {in}, did you mean "${meant}"`
  return `${shown} in {in}, known are ${known.join(', ')}`
}
