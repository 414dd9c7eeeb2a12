/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One binary for all the commands. It is called by the name of a program
 * (vumount, or viewmount as it once was; fusermount, where it stands in for
 * that) or as "vu WORD"; either way the command finds in argv[0] the name
 * its messages begin with.
 */
#include "tools/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct tool *const tool_table[] = {
	&tool_run,
	&tool_try,
	&tool_diff,
	&tool_commit,
	&tool_discard,
	&tool_stores,
	&tool_su,
	&tool_sudo,
	&tool_mount,
	&tool_umount,
	&tool_fsalias,
	&tool_fusermount,
	&tool_insmod,
	&tool_rmmod,
	&tool_lsmod,
	&tool_name,
	&tool_debug,
	&tool_ls,
	&tool_ps,
	&tool_trace,
	&tool_doctor,
	&tool_help,
	NULL
};

static int same(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

/* See struct tool, stands_for. */
static int is_kind(const char *kind, const char *name)
{
	size_t len = strlen(kind);

	return kind[len - 1] == '.' && strncmp(kind, name, len) == 0;
}

/* Is this a name of the program, not just its word? */
static int is_program(const struct tool *t, const char *name)
{
	const char *const *other = t->stands_for;

	if (same(t->program, name) || same(t->alias, name))
		return 1;
	while (other && *other) {
		if (same(*other, name) || is_kind(*other, name))
			return 1;
		other++;
	}
	return 0;
}

const struct tool *tool_find(const char *name)
{
	for (size_t i = 0; tool_table[i]; i++) {
		const struct tool *t = tool_table[i];

		if (same(t->word, name) || is_program(t, name))
			return t;
	}
	return NULL;
}

/*
 * A standard descriptor that is closed would be the next one opened, and
 * what is printed would go to the monitor. Fill the gap with something that
 * refuses: printing then fails, as it should.
 */
static void guard_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		int mode = fd ? O_RDONLY : O_WRONLY;

		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", mode | O_CLOEXEC) != fd)
			_exit(TOOL_FAILED);
	}
}

/* What was printed and did not arrive is a failure of the command. */
static int finish(const char *name, int status)
{
	int failed = ferror(stdout);

	if (fflush(stdout) == 0 && !failed)
		return status;
	tool_error(name, "write error: %s",
		   errno ? strerror(errno) : "output is incomplete");
	return status == TOOL_OK ? TOOL_FAILED : status;
}

static int run(const struct tool *t, int argc, char **argv)
{
	int status = t->run(argc, argv);

	return finish(argv[0], status);
}

/* "vu WORD ...": the word and the name before it become one. */
static int run_word(int argc, char **argv)
{
	static char name[32];
	const char *word = argc > 1 ? argv[1] : "help";
	const struct tool *t;

	if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0)
		word = "help";
	if (strcmp(word, "--version") == 0) {
		printf("vu (View-OS) %s\n", VU_VERSION);
		return finish("vu", TOOL_OK);
	}
	t = tool_find(word);
	if (!t) {
		tool_error("vu", "%s: no such command; 'vu help' lists them",
			   word);
		return TOOL_MISUSED;
	}
	snprintf(name, sizeof(name), "vu %s", t->word);
	if (argc < 2) {
		char *alone[] = { name, NULL };

		return run(t, 1, alone);
	}
	argv[1] = name;
	return run(t, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	const char *base, *slash;
	const struct tool *t;
	static char nameless[] = "vu", *nothing[] = { nameless, NULL };

	setlocale(LC_CTYPE, "");
	guard_standard_descriptors();
	if (argc < 1)
		return run_word(1, nothing);
	slash = strrchr(argv[0], '/');
	base = slash ? slash + 1 : argv[0];
	t = strcmp(base, "vu") ? tool_find(base) : NULL;
	/* A bare word is only a command behind "vu". */
	if (!t || !is_program(t, base))
		return run_word(argc, argv);
	argv[0] += base - argv[0];
	return run(t, argc, argv);
}
