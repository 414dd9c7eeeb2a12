# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the scripts in test/: . "$TOP/test/lib.sh". What test/run gives them:
#
#	TOP		the tree (its build directory is $BUILD)
#	UMVU, VU_BIN	the monitor; the directory of all commands, on PATH
#	ROLE		root, user or cage
#	TEST_TMP	an empty directory of one's own, the working directory
#	TEST_BIN	the compiled test programs, as in $TEST_BIN/helper/NAME
#
# A script leaves with 0, with 77 and the reason on its last line, or with
# anything else. finish does that for those that use ok, same and fails.

failures=0

say_failed() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}

skip() { echo "$*"; exit 77; }

# need COMMAND...: skip without them
need() {
	local c
	for c; do
		command -v "$c" >/dev/null || skip "needs $c"
	done
}

# ok NAME COMMAND...: must succeed
ok() {
	local name=$1 status
	shift
	"$@" && return 0
	status=$?
	say_failed "$name: status $status: $*"
}

# fails NAME STATUS COMMAND...: must end with just this status
fails() {
	local name=$1 want=$2 status=0
	shift 2
	"$@" || status=$?
	[ "$status" = "$want" ] ||
		say_failed "$name: status $status, not $want: $*"
}

# same NAME WANTED GOT: the two texts must be equal
same() {
	[ "$2" = "$3" ] && return 0
	say_failed "$1"
	diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") | sed 's/^/	/'
	return 0
}

# view COMMAND...: run it in an empty view
view() { "$UMVU" -N -- "$@"; }

# vufs_view COMMAND...: run it in a view with vufs loaded
vufs_view() { "$UMVU" -N -m vufs -- "$@"; }

finish() {
	[ "$failures" = 0 ] || { echo "$failures failed"; exit 1; }
	exit 0
}
