/** Measures other installed programs that hand out a static credential from their own folder. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newHome } from './home.ts'
import { cleanEnvironment, type Program } from './measure.ts'

interface Peer {
  /** The first one that runs is measured. An old version or a shim fails. */
  ways: readonly string[]
  /** The input of the program: file name, text, and the variables that point to the file. */
  file: string
  text: string
  env(folder: string): Record<string, string>
}

const PEERS: readonly Peer[] = [
  {
    ways: ['gh auth token'],
    file: 'hosts.yml',
    text: 'github.com:\n    oauth_token: gho_not-a-real-token\n    user: bench\n    git_protocol: https\n',
    env: (folder) => ({ GH_CONFIG_DIR: folder }),
  },
  {
    ways: [
      // Debian's own copy, whatever the PATH finds first.
      '/usr/bin/aws configure export-credentials --format env',
      'aws configure export-credentials --format env',
      // For versions before `export-credentials` existed. It prints one of the lines.
      'aws configure get aws_secret_access_key',
    ],
    file: 'aws',
    text: '[default]\naws_access_key_id = not-a-real-id\naws_secret_access_key = not-a-real-key\n',
    env: (folder) => ({
      AWS_SHARED_CREDENTIALS_FILE: join(folder, 'aws'),
      AWS_CONFIG_FILE: join(folder, 'none'),
    }),
  },
]

function runs({ command: [program, ...args], env }: Program): boolean {
  return spawnSync(program, args, { env, cwd: env.HOME, stdio: 'ignore' }).status === 0
}

/** Returns the programs by the command that a person would type. */
export function peers(): { programs: Record<string, Program>; aws?: string; missing: string[] } {
  const programs: Record<string, Program> = {}
  const missing: string[] = []
  for (const { ways, file, text, env } of PEERS) {
    const { folder } = newHome()
    writeFileSync(join(folder, file), text, { mode: 0o600 })
    const program = (way: string): Program => ({
      command: way.split(' ') as [string, ...string[]],
      env: cleanEnvironment({ HOME: folder, ...env(folder) }),
    })
    const way = ways.find((each) => runs(program(each)))
    if (way === undefined) missing.push(`\`${ways[0]}\``)
    else programs[`\`${way}\``] = program(way)
  }
  const aws = Object.keys(programs).find((name) => /^`(\/usr\/bin\/)?aws /.test(name))
  return { programs, ...(aws !== undefined && { aws }), missing }
}
