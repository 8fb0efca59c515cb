/** The shells that can be taught. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof SHELLS)[number];

// Each script hands the words up to the cursor to `km __complete` and shows what it prints: a line for each word that may
// stand there, with a tab before its description, and at last what the shell itself has, as in `:files`.

const BASH = `# bash completion for km. In ~/.bashrc: source <(km completion bash)
_km() {
  local i line word part before last=. more= rest=\${COMP_LINE:0:COMP_POINT}
  local -a words=()
  # What bash took apart at = : @ is one word again, up to the cursor.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    line=\${rest#"\${rest%%[![:space:]]*}"}
    word=\${COMP_WORDS[i]}
    [ "$i" = "$COMP_CWORD" ] && word=$line
    if [[ $i -gt 0 && $line = "$rest" && (-z \${word//[=:@]/} || -z \${last//[=:@]/}) ]]; then
      words[\${#words[@]}-1]+=$word
    else
      words+=("$word")
    fi
    last=$word
    rest=\${line#"$word"}
  done
  word=\${words[\${#words[@]}-1]}
  # bash replaces what follows the last of them, and an @ itself: it is not told what is before.
  part=$word
  for i in = :; do [[ $COMP_WORDBREAKS == *"$i"* ]] && part=\${part##*"$i"}; done
  [[ $COMP_WORDBREAKS == *@* && $part == *@* ]] && part=@\${part##*@}
  before=\${word%"$part"}
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :*) more=\${line#:} ;;
      *)
        line=\${line%%$'\\t'*}
        COMPREPLY+=("\${line#"$before"}")
        ;;
    esac
  done < <("\${words[0]/#\\~/$HOME}" __complete -- "\${words[@]:1}" 2>/dev/null)
  case $more in
    files)
      compopt -o filenames 2>/dev/null
      word=\${word#*=}
      before=\${word%"$part"}
      while IFS= read -r line; do COMPREPLY+=("\${line#"$before"}"); done < <(compgen -f -- "$word")
      [ \${#COMPREPLY[@]} -gt 0 ] || while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$part")
      ;;
    commands) while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -c -- "$part") ;;
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
    files) compset -P 1 '-*='; _files ;;
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
                set -l flag (string match -r -- '^-[^=]*=' "$current")
                for path in (__fish_complete_path (string replace -r -- '^-[^=]*=' '' "$current"))
                    echo "$flag$path"
                end
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
