/**
 * Parses AWS' `config` and `credentials` as AWS' own tools do: botocore (Python's RawConfigParser) and the
 * SDKs. Where they differ, only what both understand counts. Every key has its place in the text, for edits.
 */

/** A header in `credentials` is the bare name, in `config` it is `[profile name]` or `[default]`. */
export type AwsFile = 'config' | 'credentials'

export interface IniKey {
  /** Lower case, as in botocore. */
  name: string
  /** Empty where indented lines follow (`s3 =`): those are nested keys. */
  value: string
  /** Offsets of the whole line, with the lines that continue it. */
  start: number
  end: number
  indent: string
}

export interface IniSection {
  header: string
  /** Offsets of the header's line. */
  start: number
  headEnd: number
  /** Offset of the next section. */
  end: number
  keys: IniKey[]
}

export type Profiles = ReadonlyMap<string, ReadonlyMap<string, string>>

/** Parses every profile with its plain keys. Keys of a repeated profile are merged; later ones win. */
export function parseProfiles(text: string, file: AwsFile): Profiles {
  const found = new Map<string, Map<string, string>>()
  for (const section of parseIni(text)) {
    const name = parseProfileName(section.header, file)
    if (name === undefined) continue
    const keys = found.get(name) ?? new Map<string, string>()
    for (const { name: key, value } of section.keys) if (value !== '') keys.set(key, value)
    found.set(name, keys)
  }
  return found
}

/** Lists the sections of one profile. Tools differ in how they read more than one. */
export function listSections(text: string, file: AwsFile, profile: string): IniSection[] {
  return parseIni(text).filter(({ header }) => parseProfileName(header, file) === profile)
}

/** Returns undefined for another kind of header (`[sso-session x]`, `[services x]`). */
function parseProfileName(header: string, file: AwsFile): string | undefined {
  if (file === 'credentials' || header === 'default') return header
  const [, said] = /^profile\s+(.+?)\s*$/.exec(header) ?? []
  if (said === undefined) return undefined
  const [, , quoted] = /^(["'])(.*)\1$/.exec(said) ?? []
  if (quoted !== undefined) return quoted
  return /\s/.test(said) ? undefined : said
}

interface Line {
  text: string
  start: number
  end: number
}

function* splitIniLines(text: string): Generator<Line> {
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline === -1 ? text.length : newline + 1
    // A byte order mark belongs to no line.
    const from = start === 0 && text.startsWith('\ufeff') ? 1 : start
    yield { text: text.slice(from, end).replace(/\r?\n$/, ''), start: from, end }
    start = end
  }
}

/** Parses an INI file. `stray` gets each invalid line: Python refuses the file, SDKs skip the line. */
export function parseIni(text: string, stray: (at: number) => void = () => {}): IniSection[] {
  const sections: IniSection[] = []
  for (const line of splitIniLines(text)) {
    if (/^\s*(?:[#;].*)?$/.test(line.text)) continue
    const section = sections.at(-1)
    if (isContinuation(line, section?.keys.at(-1))) section!.keys.at(-1)!.end = line.end
    else if (!addParsedLine(line, section, sections)) stray(line.start)
  }
  for (const section of sections) if (section.end === 0) section.end = text.length
  return sections
}

/** Returns true for deeper indent than the key above: Python reads even a header as its value. */
function isContinuation(line: Line, key: IniKey | undefined): boolean {
  return key !== undefined && matchIndent(line.text).length > key.indent.length
}

function addParsedLine(line: Line, section: IniSection | undefined, sections: IniSection[]): boolean {
  const header = parseIniHeader(line.text)
  if (header !== undefined) {
    if (section !== undefined) section.end = line.start
    sections.push({ header, start: line.start, headEnd: line.end, end: 0, keys: [] })
    return true
  }
  const key = parseIniKey(line)
  if (key !== undefined) section?.keys.push(key)
  return key !== undefined && section !== undefined
}

const parseIniHeader = (line: string) => /^\s*\[(.+)\]\s*$/.exec(stripComment(line))?.[1]

function parseIniKey({ text, start, end }: Line): IniKey | undefined {
  const [, name, value] = /^\s*([^=:]+?)\s*[=:](.*)$/.exec(text) ?? []
  if (name === undefined || value === undefined) return undefined
  return {
    name: name.toLowerCase(),
    value: stripComment(value).trim(),
    start,
    end,
    indent: matchIndent(text),
  }
}

/** Removes a comment, only after white space: an ARN or a password may contain `#`. */
const stripComment = (text: string) => text.replace(/(?:^|\s)[#;].*$/, '')

const matchIndent = (line: string) => /^[ \t]*/.exec(line)![0]
