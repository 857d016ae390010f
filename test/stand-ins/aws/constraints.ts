/** What AWS' model of STS says about a parameter, and the sentences it says no with. */
export interface Constraint {
  name: string
  /** The member's name in AWS' model, where it is not the parameter's. */
  member?: string
  required?: boolean
  /** Of the length of a text. */
  length?: readonly [number, number]
  /** Of a number. */
  range?: readonly [number, number]
  pattern?: RegExp
}

const must = (what: string): string => `Member must ${what}`

function lengthProblem(value: string, [least, most]: readonly [number, number]): string | undefined {
  if (value.length < least) return must(`have length greater than or equal to ${least}`)
  return value.length > most ? must(`have length less than or equal to ${most}`) : undefined
}

function rangeProblem(value: string, [least, most]: readonly [number, number]): string | undefined {
  if (!/^-?\d+$/.test(value)) return must('be a number')
  if (Number(value) < least) return must(`have value greater than or equal to ${least}`)
  return Number(value) > most ? must(`have value less than or equal to ${most}`) : undefined
}

const matches = (value: string, pattern: RegExp): boolean =>
  new RegExp(`^(?:${pattern.source})$`, 'u').test(value)

function problemsOf(value: string | null, { required, length, range, pattern }: Constraint): string[] {
  if (value === null) return required ? [must('not be null')] : []
  const wrong = pattern !== undefined && !matches(value, pattern)
  return [
    length && lengthProblem(value, length),
    range && rangeProblem(value, range),
    wrong ? must(`satisfy regular expression pattern: ${pattern.source}`) : undefined,
  ].filter((problem) => problem !== undefined)
}

/** AWS names members as its model does: `RoleArn` is `roleArn`. */
const memberOf = (name: string): string => name[0]!.toLowerCase() + name.slice(1)

/** Every violation in one message, in AWS' words; `undefined`: there is none. */
export function violations(form: URLSearchParams, constraints: readonly Constraint[]): string | undefined {
  const found = constraints.flatMap((constraint) => {
    const value = form.get(constraint.name)
    const shown = value === null ? 'null' : `'${value}'`
    const member = constraint.member ?? memberOf(constraint.name)
    const at = `Value ${shown} at '${member}' failed to satisfy constraint`
    return problemsOf(value, constraint).map((problem) => `${at}: ${problem}`)
  })
  if (found.length === 0) return undefined
  return `${found.length} validation error${found.length > 1 ? 's' : ''} detected: ${found.join('; ')}`
}

/** What is neither a constraint's parameter nor one of the lists. */
export function unknownName(
  form: URLSearchParams,
  constraints: readonly Constraint[],
  lists?: RegExp,
): string | undefined {
  const known = new Set(['Action', 'Version', ...constraints.map(({ name }) => name)])
  return [...form.keys()].find((name) => !known.has(name) && !lists?.test(name))
}
