/**
 * `require` for the two optional native packages. The CommonJS bundle has it, and it is faster than a created
 * one. A module creates it, from a built-in that is loaded anyway.
 */
function getRequire(): NodeJS.Require {
  if (typeof __filename === 'string') return require
  return process.getBuiltinModule('node:module').createRequire(import.meta.url)
}

/** Returns the path of the first package that is installed; undefined where none is. */
export function findFirst(specifiers: readonly string[]): string | undefined {
  for (const specifier of specifiers) {
    try {
      return getRequire().resolve(specifier)
    } catch {
      // The package is optional, as in `loadFirst`.
    }
  }
  return undefined
}

/**
 * Returns the first package that loads. Returns undefined where none does: not installed, or built for
 * another system or libc.
 */
export function loadFirst(specifiers: readonly string[]): { loaded: unknown; from: string } | undefined {
  for (const from of specifiers) {
    try {
      return { loaded: getRequire()(from), from }
    } catch {
      // The package is optional; the caller that needs it says what to install.
    }
  }
  return undefined
}
