/** The shells that can be taught. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof SHELLS)[number];

// Each script hands the words up to the cursor to `km __complete` and shows what it prints: a line for each word that may
// stand there, with a tab before its description, and at last what the shell itself has, as in `:files`.

const BASH = `# bash completion for km. In ~/.bashrc: source <(km completion bash)
_km() {
  local line more= cur=\${COMP_WORDS[COMP_CWORD]}
  [ "$cur" = = ] && cur=
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :*) more=\${line#:} ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <("\${COMP_WORDS[0]/#\\~/$HOME}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  case $more in
    files)
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur")
      ;;
    commands) while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -c -- "$cur") ;;
  esac
}
complete -F _km km
`;

const ZSH = `#compdef km
# zsh completion for km. In ~/.zshrc, after compinit: source <(km completion zsh)
_km() {
  local line more
  local -a found
  while IFS= read -r line; do
    case $line in
      :*) more=\${line#:} ;;
      *$'\\t'*) found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
      *) found+=("\${line//:/\\\\:}") ;;
    esac
  done < <("\${(Q)words[1]/#\\~/$HOME}" __complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)
  (( \${#found} )) && _describe km found
  case $more in
    files) _files ;;
    commands) _command_names -e ;;
  esac
}
if [ "$funcstack[1]" = _km ]; then _km "$@"; else compdef _km km; fi
`;

const FISH = `# fish completion for km: km completion fish > ~/.config/fish/completions/km.fish
function __km_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l km $words[1]
    set -e words[1]
    for line in (command $km __complete -- $words "$current" 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path "$current"
            case ':commands'
                complete -C "$current"
            case ':*'
            case '*'
                echo $line
        end
    end
end
complete -c km -f -a '(__km_complete)'
`;

/** What makes `shell` complete the words of `km`. */
export function shellScript(shell: Shell): string {
  return { bash: BASH, zsh: ZSH, fish: FISH }[shell];
}
