export interface OpenOptions {
  /** `--browser CMD`: only this one, since another browser is often another account. */
  command?: string | undefined
  env: Readonly<Record<string, string | undefined>>
  platform: NodeJS.Platform
  wsl: boolean
}

/** The absolute path of a program, and its arguments. */
export type Argv = readonly [program: string, ...rest: string[]]
