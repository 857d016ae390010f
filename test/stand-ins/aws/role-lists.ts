import type { Constraint } from './constraints.ts'

/** Session tags of AssumeRole, as the query protocol writes them. */
export const LISTS = /^Tags\.member\.([1-9]\d*)\.(Key|Value)$/

const MOST_TAGS = 50

function texts(form: URLSearchParams, name: (index: number) => string): string[] {
  const found: string[] = []
  for (let index = 1; form.has(name(index)); index += 1) found.push(form.get(name(index))!)
  return found
}

export const tagKeys = (form: URLSearchParams): string[] => texts(form, (index) => `Tags.member.${index}.Key`)

const LETTERS = /[\p{L}\p{Z}\p{N}_.:/=+\-@]*/u

/** What each tag must be; a member that is not there is `null`. */
export function tagConstraints(form: URLSearchParams): Constraint[] {
  const common = { required: true, pattern: LETTERS }
  return tagKeys(form).flatMap((_, index) => {
    const [name, member] = [`Tags.member.${index + 1}`, `tags.${index + 1}.member`]
    return [
      { ...common, name: `${name}.Key`, member: `${member}.key`, length: [1, 128] },
      { ...common, name: `${name}.Value`, member: `${member}.value`, length: [0, 256] },
    ] satisfies Constraint[]
  })
}

function tagsProblem(form: URLSearchParams): string | undefined {
  const keys = tagKeys(form).map((key) => key.toLowerCase())
  if (keys.length > MOST_TAGS) return 'The number of session tags exceeds 50'
  if (new Set(keys).size < keys.length) {
    return 'Duplicate tag keys found. Please note that Tag keys are case insensitive.'
  }
  return undefined
}

/** Members are counted from one without a gap; what stands behind a gap would be lost. */
function gapProblem(form: URLSearchParams): string | undefined {
  const counted = [...form.keys()].flatMap((name) => {
    const found = name.match(/^(.*\.member)\.(\d+)(.*)$/)
    return found
      ? [{ name, before: `${found[1]}.${Number(found[2]) - 1}${found[3]}`, first: found[2] === '1' }]
      : []
  })
  const odd = counted.find(({ before, first }) => !first && !form.has(before))
  return odd && `${odd.name} stands behind a gap`
}

export const listProblem = (form: URLSearchParams): string | undefined =>
  gapProblem(form) ?? tagsProblem(form)
