/**
 * `require` for the two optional native packages. In the CommonJS bundle it is there, and quicker than one that is made;
 * in a module it is made, from a built-in that is loaded anyway.
 */
function getRequire(): NodeJS.Require {
  if (typeof __filename === 'string') return require
  return process.getBuiltinModule('node:module').createRequire(import.meta.url)
}

/** The path of the first of these that is installed. */
export function findFirst(specifiers: readonly string[]): string | undefined {
  for (const specifier of specifiers) {
    try {
      return getRequire().resolve(specifier)
    } catch {
      // An optional package, as below.
    }
  }
  return undefined
}

/** The first of these that loads. Not installed, of another system, for another libc: `undefined`. */
export function loadFirst(specifiers: readonly string[]): { loaded: unknown; from: string } | undefined {
  for (const from of specifiers) {
    try {
      return { loaded: getRequire()(from), from }
    } catch {
      // An optional package; whoever needs it says what to install.
    }
  }
  return undefined
}
