/**
 * `require` for the two optional native packages. In the CommonJS bundle it is there, and quicker than one that is made;
 * in a module it is made, from a built-in that is loaded anyway.
 */
function loadModule(specifier: string): unknown {
  if (typeof __filename === 'string') return require(specifier)
  return process.getBuiltinModule('node:module').createRequire(import.meta.url)(specifier)
}

/** The first of these that loads. Not installed, of another system, for another libc: `undefined`. */
export function loadFirst(specifiers: readonly string[]): { loaded: unknown; from: string } | undefined {
  for (const from of specifiers) {
    try {
      return { loaded: loadModule(from), from }
    } catch {
      // An optional package; whoever needs it says what to install.
    }
  }
  return undefined
}
