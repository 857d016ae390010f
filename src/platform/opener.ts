export interface OpenOptions {
  /** `--browser CMD`: this one and no other, since another browser is often another account. */
  command?: string | undefined
  env: Readonly<Record<string, string | undefined>>
  platform: NodeJS.Platform
  wsl: boolean
}

/** A program by its absolute path, and its arguments. */
export type Argv = readonly [program: string, ...rest: string[]]
