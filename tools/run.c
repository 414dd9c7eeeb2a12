/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "tools/run.h"
#include "tools/tool.h"

/* What a shell answers for a command it cannot start. */
enum { CANNOT_EXECUTE = 126, NOT_FOUND = 127 };

/* The path of umvu beside this binary. Return: 0 or -errno */
static int find_beside(char *path, size_t size)
{
	static const char umvu[] = "umvu";
	ssize_t len = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (len < 0)
		return -errno;
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (!slash || (size_t)(slash + 1 - path) + sizeof(umvu) > size)
		return -ENAMETOOLONG;
	memcpy(slash + 1, umvu, sizeof(umvu));
	return access(path, X_OK) == 0 ? 0 : -errno;
}

int run_umvu(const char *name, char **argv)
{
	static char umvu[] = "umvu";
	char path[PATH_MAX];
	int err;

	argv[0] = umvu;
	if (find_beside(path, sizeof(path)) == 0)
		execv(path, argv);
	else
		execvp(umvu, argv);
	err = errno;
	tool_error(name, "umvu: %s", strerror(err));
	return err == ENOENT ? NOT_FOUND : CANNOT_EXECUTE;
}

/* Every option is umvu's: nothing is looked at here. */
static int run(int argc, char **argv)
{
	(void)argc;
	return run_umvu(argv[0], argv);
}

const struct tool tool_run = {
	.word = "run",
	.help = "run a command in a new view (the same as umvu)",
	.usage = "[OPTION]... [--] [COMMAND [ARGUMENT]...]\n"
		 "\n"
		 "  options are those of umvu: see umvu --help\n",
	.run = run,
};
