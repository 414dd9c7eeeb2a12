# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Completion of vu, umvu and the commands of View-OS for bash. Needs nothing
# but bash: source it, or install it as bash-completion/completions/vu.

# _vu_words WORD...: those that begin with the current word
_vu_words() {
	mapfile -t COMPREPLY < <(compgen -W "$*" -- "${COMP_WORDS[COMP_CWORD]}")
}

# Lines from a command, names with spaces and all
_vu_lines() {
	local line cur=${COMP_WORDS[COMP_CWORD]}
	COMPREPLY=()
	while IFS= read -r line; do
		printf -v line %b "$line"
		[[ $line == "$cur"* ]] && COMPREPLY+=("$line")
	done < <("$@" 2>/dev/null)
	compopt -o filenames 2>/dev/null
}

_vu_files() {
	mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
	compopt -o filenames 2>/dev/null
}

# Modules there are, loaded or not
_vu_modules() {
	local dir file bin names=()
	bin=$(readlink -f "$(type -P vu)")
	for dir in ~/.local/lib/vu "${bin%/bin/*}/lib/vu"; do
		for file in "$dir"/*.so; do
			[ -e "$file" ] || continue
			file=${file##*/}
			names+=("${file%.so}")
		done
	done
	_vu_words "${names[@]}"
}

_vu_loaded() {
	local names
	names=$(vu ls --list=modules 2>/dev/null)
	# shellcheck disable=SC2086
	_vu_words $names
}

# The monitors of this user
_vu_monitors() {
	local names
	names=$(vu ls --all --list=monitors 2>/dev/null)
	# shellcheck disable=SC2086
	_vu_words $names
}

_vu_guests() {
	local names
	names=$(vu ls --list=guests 2>/dev/null)
	# shellcheck disable=SC2086
	_vu_words $names
}

# _vu_list_words WORD...: the last of a list: "ro,noe" completes behind the
# comma
_vu_list_words() {
	local cur=${COMP_WORDS[COMP_CWORD]} before='' i
	[[ $cur == *,* ]] && before=${cur%,*},
	mapfile -t COMPREPLY < <(compgen -W "$*" -- "${cur##*,}")
	for i in "${!COMPREPLY[@]}"; do
		COMPREPLY[i]=$before${COMPREPLY[i]}
	done
	compopt -o nospace 2>/dev/null
}

_vu_mount_options() {
	_vu_list_words ro rw nosuid nodev noexec remount noatime nodiratime \
		relatime strictatime lazytime sync dirsync silent bind rbind \
		move rdonly hide except= permanent rw+ human uid= gid=
}

# Types of modules, and those of fuse.types
_vu_types() {
	local names
	names=$(vu ls --list=modules 2>/dev/null; vu mount --list-types \
		2>/dev/null | sed 's/ .*//')
	# shellcheck disable=SC2086
	_vu_words auto $names
}

_vu_mount() {
	case $2 in
	-t|--types) _vu_types ;;
	-o|--options) _vu_mount_options ;;
	*)	case $1 in
		-*) _vu_words -t --types -o --options -r --read-only -w \
			--read-write -B --bind -M --move -R --rbind -L \
			--list-types -h --help --version ;;
		*) _vu_files ;;
		esac ;;
	esac
}

_vu_umount() {
	case $1 in
	-*) _vu_words -f --force -l --lazy -d --detach -h --help --version ;;
	*) _vu_lines vu ls --list=mounts
	   [ ${#COMPREPLY[@]} != 0 ] || _vu_files ;;
	esac
}

_vu_fuse_options() {
	_vu_list_words ro rw noexec noatime nodiratime sync dirsync \
		nosymfollow fsname= subtype= auto_unmount allow_other \
		default_permissions max_read= blksize=
}

_vu_fusermount() {
	case $2 in
	-o|--options) _vu_fuse_options ;;
	--comm-fd) COMPREPLY=() ;;
	-u|-z|-q|-uz|--unmount|--lazy|--quiet)
		case $1 in
		-*) _vu_fusermount "$1" ;;
		*) _vu_lines vu ls --list=mounts ;;
		esac ;;
	*)	case $1 in
		-*) _vu_words -o --options -u --unmount -z --lazy -q --quiet \
			--auto-unmount --comm-fd -h --help -V --version ;;
		*) _vu_files ;;
		esac ;;
	esac
}

# IMAGE MOUNTPOINT
_vu_fat() {
	case $2 in
	-o) _vu_list_words ro rw uid= gid= umask= tz=UTC fsname= noexec \
		noatime sync dirsync allow_other default_permissions ;;
	*)	case $1 in
		-*) _vu_words -o -f -d -s -h --help -V --version ;;
		*) _vu_files ;;
		esac ;;
	esac
}

_vu_fsalias() {
	case $1 in
	-*) _vu_words -h --help --version ;;
	*) _vu_types ;;
	esac
}

_vu_insmod() {
	case $1 in
	-*) _vu_words -p --permanent -h --help --version ;;
	*/*) _vu_files ;;
	*) _vu_modules ;;
	esac
}

_vu_rmmod() {
	case $1 in
	-*) _vu_words -h --help --version ;;
	*) _vu_loaded ;;
	esac
}

_vu_lsmod() {
	_vu_words -h --help --version
}

_vu_name() {
	case $1 in
	-*) _vu_words -a --all -s --kernel-name -n --nodename -r \
		--kernel-release -v --kernel-version -m --machine -p \
		--processor -i --hardware-platform -o --operating-system \
		-U --serverid -V -N --viewname -P --prompt -x --no-uname \
		-q --quiet -h --help --version ;;
	esac
}

_vu_users() {
	mapfile -t COMPREPLY < <(compgen -u -- "${COMP_WORDS[COMP_CWORD]}")
}

_vu_su() {
	case $2 in
	-c|--command) COMPREPLY=() ;;
	-s|--shell) _vu_files ;;
	*)	case $1 in
		-*) _vu_words -c --command -l --login -m -p \
			--preserve-environment -s --shell -h --help --version ;;
		*) _vu_users ;;
		esac ;;
	esac
}

# Options of viewsudo up to the command; $1: where they begin
_vu_sudo_from() {
	local i prev=${COMP_WORDS[COMP_CWORD-1]}
	for ((i = $1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-u|--user|-g|--group) i=$((i + 1)) ;;
		-*) ;;
		*) _vu_command "$i"; return ;;
		esac
	done
	case $prev in
	-u|--user) _vu_users; return ;;
	-g|--group) mapfile -t COMPREPLY < <(compgen -g -- \
		"${COMP_WORDS[COMP_CWORD]}"); return ;;
	esac
	case ${COMP_WORDS[COMP_CWORD]} in
	-*) _vu_words -u --user -g --group -h --help --version ;;
	*) _vu_command "$COMP_CWORD" ;;
	esac
}

# A command behind position $1, then its arguments
_vu_command() {
	if [ "$COMP_CWORD" = "$1" ]; then
		mapfile -t COMPREPLY < <(compgen -c -- \
			"${COMP_WORDS[COMP_CWORD]}")
	else
		_vu_files
	fi
}

_vu_debug() {
	local i
	for ((i = 1; i < COMP_CWORD; i++)); do
		[ "${COMP_WORDS[i]}" = -- ] || continue
		_vu_command $((i + 1))
		return
	done
	_vu_words +{a,c,d,m,n,p,s} -{a,c,d,m,n,p,s} - '?' -- -h --help --version
}

_vu_ls() {
	case $2 in
	-p|--pid) _vu_monitors ;;
	-l|--list) _vu_words guests modules monitors mounts views ;;
	*) _vu_words -a --all -p --pid -j --json -l --list -h --help --version ;;
	esac
}

_vu_trace() {
	case $2 in
	-p|--pid) _vu_monitors ;;
	-o|--output) _vu_files ;;
	*)	case $1 in
		-*) _vu_words -c --summary -C --both -o --output -p --pid \
			-h --help --version ;;
		*) _vu_guests ;;
		esac ;;
	esac
}

_vu_doctor() {
	_vu_words -j --json -q --quiet -h --help --version
}

# Options of umvu up to the command; $1: where they begin
_vu_run_from() {
	local i cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	for ((i = $1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-m|--module|-V|--name|-f|--rc|-o|--log) i=$((i + 1)) ;;
		--) _vu_command $((i + 1)); return ;;
		-*) ;;
		*) _vu_command "$i"; return ;;
		esac
	done
	case $prev in
	-m|--module) _vu_modules; return ;;
	-V|--name) COMPREPLY=(); return ;;
	-f|--rc|-o|--log) _vu_files; return ;;
	esac
	case $cur in
	-*) _vu_words -m --module -V --name -R --root -f --rc -N --norc -G \
		--no-gate -t --trace -o --log -v --verbose -q --quiet -h \
		--help --version ;;
	*) _vu_command "$COMP_CWORD" ;;
	esac
}

# Options of vu try up to the command; $1: where they begin
_vu_try_from() {
	local i prev=${COMP_WORDS[COMP_CWORD-1]}
	for ((i = $1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-D|--store|-x|--except|--net) i=$((i + 1)) ;;
		--) _vu_command $((i + 1)); return ;;
		-*) ;;
		*) _vu_command "$i"; return ;;
		esac
	done
	case $prev in
	-D|--store|-x|--except) _vu_files; return ;;
	--net) _vu_words none; return ;;
	esac
	case ${COMP_WORDS[COMP_CWORD]} in
	-*) _vu_words -D --store -x --except --net -y --yes -n --no -h \
		--help --version ;;
	*) _vu_command "$COMP_CWORD" ;;
	esac
}

# What vu stores lists, and directories
_vu_stores_and_files() {
	local names
	names=$(vu stores 2>/dev/null | sed '1d; s/ .*//')
	# shellcheck disable=SC2086
	mapfile -t COMPREPLY < <(compgen -W "$names" -d -- \
		"${COMP_WORDS[COMP_CWORD]}")
	compopt -o filenames 2>/dev/null
}

_vu_diff() {
	case $2 in
	--html) _vu_files; return ;;
	esac
	case $1 in
	-*) _vu_words -u --unified --tree --stat --json --html -h --help \
		--version ;;
	*) _vu_stores_and_files ;;
	esac
}

_vu_commit() {
	case $1 in
	-*) _vu_words -n --dry-run --ours --theirs --skip -h --help --version ;;
	*) _vu_stores_and_files ;;
	esac
}

_vu_discard() {
	case $1 in
	-*) _vu_words -f --force -h --help --version ;;
	*) _vu_stores_and_files ;;
	esac
}

_vu_stores() {
	_vu_words --json -h --help --version
}

_vu_help() {
	_vu_words run try diff commit discard stores su sudo mount umount \
		fsalias fusermount insmod rmmod lsmod name debug ls ps trace \
		doctor help -m --manual -h --help --version
}

_vu() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		_vu_words run try diff commit discard stores su sudo mount \
			umount fsalias fusermount insmod rmmod lsmod name \
			debug ls ps trace doctor help -h --help --version
		return
	fi
	case ${COMP_WORDS[1]} in
	run) _vu_run_from 2 ;;
	try) _vu_try_from 2 ;;
	sudo) _vu_sudo_from 2 ;;
	ps) _vu_ls "$cur" "$prev" ;;
	diff|commit|discard|stores|su|mount|umount|fsalias|fusermount|insmod|\
	rmmod|lsmod|name|debug|ls|trace|doctor|help)
		"_vu_${COMP_WORDS[1]}" "$cur" "$prev" ;;
	esac
}

# The same commands under names of their own
_vu_alone() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	COMPREPLY=()
	case ${1##*/} in
	vumount|viewmount) _vu_mount "$cur" "$prev" ;;
	vuumount|viewumount) _vu_umount "$cur" "$prev" ;;
	vu_fsalias|um_fsalias) _vu_fsalias "$cur" "$prev" ;;
	vu_fusermount) _vu_fusermount "$cur" "$prev" ;;
	vu_insmod|um_add_service) _vu_insmod "$cur" "$prev" ;;
	vu_rmmod|um_del_service) _vu_rmmod "$cur" "$prev" ;;
	vu_lsmod|um_ls_service) _vu_lsmod ;;
	vuname|viewname) _vu_name "$cur" "$prev" ;;
	vudebug) _vu_debug ;;
	vusu|viewsu) _vu_su "$cur" "$prev" ;;
	viewsudo|vusudo) _vu_sudo_from 1 ;;
	vufat) _vu_fat "$cur" "$prev" ;;
	umvu|umview|kmview) _vu_run_from 1 ;;
	esac
}

complete -F _vu vu
complete -F _vu_alone vumount viewmount vuumount viewumount vu_fsalias \
	um_fsalias vu_fusermount \
	vu_insmod um_add_service vu_rmmod um_del_service vu_lsmod um_ls_service \
	vuname viewname vudebug vusu viewsu viewsudo vusudo vufat umvu umview kmview
