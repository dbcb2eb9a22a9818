#compdef PROGRAM
# Completion of PROGRAM for zsh: source <(PROGRAM completion zsh), or a file _PROGRAM in a folder of $fpath.
_PROGRAM() {
	local line files= described=()
	while IFS= read -r line; do
		case $line in
		:files | :folders) files=$line ;;
		*) described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
		esac
	done < <(PROGRAM complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
	(( $#described )) && _describe PROGRAM described
	if [[ -n $files ]]; then
		compset -P '--*='
		if [[ $files == :folders ]]; then _files -/; else _files; fi
	fi
}
if [[ $funcstack[1] == _PROGRAM ]]; then _PROGRAM "$@"; else compdef _PROGRAM PROGRAM; fi
