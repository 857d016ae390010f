/** How a shell is started so that its prompt says whose credential it has, and is the person's own otherwise. */

/** What is written to a folder first, and what the shell is given. */
export interface PromptSetup {
  args: readonly string[]
  files: Readonly<Record<string, string>>
  env: Readonly<Record<string, string>>
}

/** The variable whose value stands in the mark. */
export const SHELL_IDENTITY = 'DAYPASS_SHELL_IDENTITY'

/** Behind whatever else makes the prompt, each time. A shell within a shell has one mark. */
const MARK_FUNCTION = `__daypass_mark() { PS1="(daypass:$${SHELL_IDENTITY}) \${PS1#'(daypass:'*') '}"; }`

// The file of the whole machine is read as ever; the person's own one is ours to read.
const BASHRC = `[ -r ~/.bashrc ] && . ~/.bashrc
${MARK_FUNCTION}
case $(declare -p PROMPT_COMMAND 2>/dev/null) in
  'declare -a'*) PROMPT_COMMAND+=(__daypass_mark) ;;
  *) PROMPT_COMMAND="\${PROMPT_COMMAND:+$PROMPT_COMMAND
}__daypass_mark" ;;
esac
`

// Their files lie where they say, and may be moved by the first of them.
const ZSHENV = `__daypass_ours=$ZDOTDIR
if [[ -n $DAYPASS_ZDOTDIR ]]; then ZDOTDIR=$DAYPASS_ZDOTDIR; else unset ZDOTDIR; fi
unset DAYPASS_ZDOTDIR
[[ -r \${ZDOTDIR:-$HOME}/.zshenv ]] && . \${ZDOTDIR:-$HOME}/.zshenv
__daypass_theirs=\${ZDOTDIR-}
ZDOTDIR=$__daypass_ours
`

// The file of the whole machine may have put the history beside ours.
const ZSHRC = `if [[ -n $__daypass_theirs ]]; then ZDOTDIR=$__daypass_theirs; else unset ZDOTDIR; fi
[[ \${HISTFILE-} == $__daypass_ours/* ]] && HISTFILE=\${ZDOTDIR:-$HOME}/\${HISTFILE##*/}
unset __daypass_ours __daypass_theirs
[[ -r \${ZDOTDIR:-$HOME}/.zshrc ]] && . \${ZDOTDIR:-$HOME}/.zshrc
${MARK_FUNCTION}
precmd_functions+=(__daypass_mark)
`

// Runs behind their configuration. What a prompt says of the last command stays true.
const FISH = `functions -c fish_prompt __daypass_prompt
function __daypass_status; return $argv[1]; end
function fish_prompt
  set -l last $status
  printf '(daypass:%s) ' $${SHELL_IDENTITY}
  __daypass_status $last
  __daypass_prompt
end`

/** `undefined`: a shell whose prompt we cannot mark. `folder` is where the files will lie. */
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
