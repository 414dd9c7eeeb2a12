/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/discard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <unistd.h>
#include "tools/commit.h"
#include "tools/stores_place.h"
#include "tools/tool.h"

static int failed(const char *name, const char *path, const char *why)
{
	tool_error(name, "%s: %s", path, why);
	return TOOL_FAILED;
}

/*
 * Nobody may begin to use it while it goes.
 * Return: a descriptor to be closed, -1: there is nothing to lock,
 * -EWOULDBLOCK
 */
static int lock(int dir)
{
	int fd = openat(dir, ".vufs/lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return -EWOULDBLOCK;
	}
	return fd < 0 ? -1 : fd;
}

/* What cannot be removed leaves a store, not a half of one with its name. */
static int remove_store(const char *path, int dir)
{
	struct opened o = { .dir = dir };
	int err = store_empty(&o);

	return err ? err : remove_tree(AT_FDCWD, path);
}

int discard_store(const char *name, const char *path)
{
	int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int held, err;

	if (dir < 0)
		return failed(name, path, strerror(errno));
	if (!stores_is_one(dir)) {
		close(dir);
		return failed(name, path, "not a store");
	}
	held = lock(dir);
	if (held == -EWOULDBLOCK) {
		close(dir);
		return failed(name, path, "the store is in use");
	}
	err = remove_store(path, dir);
	if (held >= 0)
		close(held);
	close(dir);
	return err ? failed(name, path, strerror(-err)) : TOOL_OK;
}

/* Return: true when the answer is yes */
static bool ask(const char *path)
{
	char answer[16] = "";

	fprintf(stderr, "discard %s and all that is in it? [y/N] ", path);
	return fgets(answer, sizeof(answer), stdin) &&
	       (!strcasecmp(answer, "y\n") || !strcasecmp(answer, "yes\n"));
}

static int discard_one(const char *name, const char *operand, bool force)
{
	char *path = stores_find(operand);
	int status;

	if (!path)
		return failed(name, operand, strerror(errno));
	if (!force && !isatty(STDIN_FILENO))
		status = failed(name, path, "there is no terminal to ask on: "
				"-f discards it without");
	else if (!force && !ask(path))
		status = failed(name, path, "kept");
	else
		status = discard_store(name, path);
	free(path);
	return status;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "force", no_argument, NULL, 'f' },
		TOOL_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 }
	};
	int option, status = TOOL_OK;
	bool force = false;

	while ((option = getopt_long(argc, argv, "fh", options, NULL)) != -1) {
		switch (option) {
		case 'f': force = true; break;
		default: return tool_option(&tool_discard, argv[0], option);
		}
	}
	if (optind == argc)
		return tool_misused(&tool_discard, argv[0],
				    "a store is needed; 'vu stores' lists "
				    "them");
	for (int i = optind; i < argc; i++) {
		if (discard_one(argv[0], argv[i], force) != TOOL_OK)
			status = TOOL_FAILED;
	}
	return status;
}

const struct tool tool_discard = {
	.word = "discard",
	.help = "remove a store, and so the changes in it",
	.usage = "[-f] STORE...\n"
		 "\n"
		 "  -f, --force    do not ask\n"
		 "  -h, --help     this text\n"
		 "      --version  version\n",
	.run = run,
};
