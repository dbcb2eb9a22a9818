# Completion of PROGRAM for bash: source <(PROGRAM completion bash)
_PROGRAM() {
	local current=${COMP_WORDS[COMP_CWORD]} line word
	COMPREPLY=()
	[[ $current == = ]] && current=
	while IFS= read -r line; do
		case $line in
		:files) compopt -o filenames; while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current") ;;
		:folders) compopt -o filenames; while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -d -- "$current") ;;
		*)
			word=${line%%$'\t'*}
			[[ $current != -* ]] && word=${word##--*=} # bash completes what follows the sign
			COMPREPLY+=("$word")
			;;
		esac
	done < <(PROGRAM complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _PROGRAM PROGRAM
