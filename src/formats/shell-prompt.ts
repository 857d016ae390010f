/** Starts a shell whose prompt names the credential and is otherwise the person's own. */

/** Files to write before the start, and the arguments and variables of the shell. */
export interface PromptSetup {
  args: readonly string[]
  files: Readonly<Record<string, string>>
  env: Readonly<Record<string, string>>
}

/** The variable that the mark shows. */
export const SHELL_IDENTITY = 'DAYPASS_SHELL_IDENTITY'

/** Runs after all other prompt code, each time. A nested shell shows one mark. */
const MARK_FUNCTION = `__daypass_mark() { PS1="(daypass:$${SHELL_IDENTITY}) \${PS1#'(daypass:'*') '}"; }`

// bash reads the system's file itself; the person's own file must be read here.
const BASHRC = `[ -r ~/.bashrc ] && . ~/.bashrc
${MARK_FUNCTION}
case $(declare -p PROMPT_COMMAND 2>/dev/null) in
  'declare -a'*) PROMPT_COMMAND+=(__daypass_mark) ;;
  *) PROMPT_COMMAND="\${PROMPT_COMMAND:+$PROMPT_COMMAND
}__daypass_mark" ;;
esac
`

// The person's files are in their ZDOTDIR, which the first file may change.
const ZSHENV = `__daypass_ours=$ZDOTDIR
if [[ -n $DAYPASS_ZDOTDIR ]]; then ZDOTDIR=$DAYPASS_ZDOTDIR; else unset ZDOTDIR; fi
unset DAYPASS_ZDOTDIR
[[ -r \${ZDOTDIR:-$HOME}/.zshenv ]] && . \${ZDOTDIR:-$HOME}/.zshenv
__daypass_theirs=\${ZDOTDIR-}
ZDOTDIR=$__daypass_ours
`

// The system's file may have placed the history in our folder.
const ZSHRC = `if [[ -n $__daypass_theirs ]]; then ZDOTDIR=$__daypass_theirs; else unset ZDOTDIR; fi
[[ \${HISTFILE-} == $__daypass_ours/* ]] && HISTFILE=\${ZDOTDIR:-$HOME}/\${HISTFILE##*/}
unset __daypass_ours __daypass_theirs
[[ -r \${ZDOTDIR:-$HOME}/.zshrc ]] && . \${ZDOTDIR:-$HOME}/.zshrc
${MARK_FUNCTION}
precmd_functions+=(__daypass_mark)
`

// Runs after the person's configuration. Keeps the status of the last command for their prompt.
const FISH = `functions -c fish_prompt __daypass_prompt
function __daypass_status; return $argv[1]; end
function fish_prompt
  set -l last $status
  printf '(daypass:%s) ' $${SHELL_IDENTITY}
  __daypass_status $last
  __daypass_prompt
end`

/** Returns undefined for a shell whose prompt we cannot mark. `folder`: where the files will be. */
export function preparePrompt(
  shell: string,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): PromptSetup | undefined {
  switch (shell.split('/').at(-1)) {
    case 'bash':
      return { args: ['--rcfile', `${folder}/bashrc`, '-i'], files: { bashrc: BASHRC }, env: {} }
    case 'zsh':
      return {
        args: ['-i'],
        files: { '.zshenv': ZSHENV, '.zshrc': ZSHRC },
        env: { ZDOTDIR: folder, DAYPASS_ZDOTDIR: env.ZDOTDIR ?? '' },
      }
    case 'fish':
      return { args: ['--interactive', '--init-command', FISH], files: {}, env: {} }
    default:
      return undefined
  }
}
