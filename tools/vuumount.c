/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tools/fsmount_place.h"
#include "tools/model.h"
#include "tools/session.h"
#include "tools/tool.h"

/* Said by a signal, as the request is waited for in one call. */
static void tell_patience(int sig)
{
	static const char text[] = "storing what was written...\n";

	(void)sig;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
}

/* Unmounting may store much: on a terminal that is said after a second. */
static int ask_patiently(const char *name, int fd,
			 const struct session_request *req)
{
	struct sigaction act = { .sa_handler = tell_patience,
				 .sa_flags = SA_RESTART };
	int status;

	if (!isatty(STDERR_FILENO))
		return session_ask(name, fd, req);
	sigaction(SIGALRM, &act, NULL);
	alarm(1);
	status = session_ask(name, fd, req);
	alarm(0);
	return status;
}

/* The newest mount of a view with this text in a column. NULL: none */
static const struct record *newest(const struct model *m, int column,
				   const char *text)
{
	const struct record_list *l = &m->list[KIND_MOUNT];
	const struct record *found = NULL;
	unsigned long view = 0;

	if (m->list[KIND_INFO].n)
		view = record_number(m->list[KIND_INFO].record, INFO_VIEW);
	for (size_t i = 0; i < l->n; i++) {
		const struct record *r = &l->record[i];

		if (record_number(r, MOUNT_VIEW) == view &&
		    !strcmp(record_text(r, column), text) &&
		    (!found || record_number(r, MOUNT_ID) >
		     record_number(found, MOUNT_ID)))
			found = r;
	}
	return found;
}

/*
 * Where an image is mounted, unless its file is a target itself.
 * Return: to be freed; NULL: nowhere, or *covered: under another mount
 */
static char *target_of_image(const struct model *m, const char *image,
			     bool *covered)
{
	const struct record *r = newest(m, MOUNT_SOURCE, image);
	const char *target;

	*covered = false;
	if (!r || newest(m, MOUNT_TARGET, image))
		return NULL;
	target = record_text(r, MOUNT_TARGET);
	*covered = newest(m, MOUNT_TARGET, target) != r;
	return *covered ? NULL : tool_copy(target);
}

/*
 * What an operand means: itself, or where the image that it is is mounted.
 * Return: to be freed, or NULL with a message
 */
static char *meant(const char *name, int fd, const char *operand)
{
	struct model m = { 0 };
	char path[PATH_MAX], *target = NULL;
	char *point = tool_point_name(operand);
	bool covered = false;
	struct stat st;

	if (model_fetch(name, fd, &m) == TOOL_OK &&
	    !(point && newest(&m, MOUNT_TARGET, point)) &&
	    !stat(operand, &st) && !S_ISDIR(st.st_mode) &&
	    realpath(operand, path))
		target = target_of_image(&m, path, &covered);
	model_clear(&m);
	free(point);
	if (covered) {
		tool_error(name, "%s: something else is mounted over it",
			   operand);
		return NULL;
	}
	return target ? target : tool_copy(operand);
}

static int unmount(const char *name, int fd, const char *operand,
		   const char *flags)
{
	char *target = meant(name, fd, operand), *point;
	struct session_request req = { .word = { "umount", target, flags } };
	int status;

	if (!target)
		return TOOL_FAILED;
	point = tool_point_name(target);
	status = ask_patiently(name, fd, &req);
	if (status == TOOL_OK)
		fsmount_place_remove(point ? point : target);
	free(point);
	free(target);
	return status;
}

static int unmount_all(const char *name, unsigned flags, char **operand)
{
	int status = TOOL_OK;
	int fd = session_open(name, &status);
	char text[12];

	if (fd < 0)
		return status;
	snprintf(text, sizeof(text), "%u", flags);
	for (; *operand; operand++) {
		if (unmount(name, fd, *operand, text) != TOOL_OK)
			status = TOOL_FAILED;
	}
	close(fd);
	return status;
}

/* --- for umount(8) -------------------------------------------------------- */

/*
 * umount(8) executes umount.TYPE TARGET [OPTION]... for types that have such a
 * program, and ends as that does: by its own table of statuses.
 */
#define HELPER "umount."

enum { HELPER_MISUSED = 1, HELPER_FAILED = 32 };

static int run_helper(int argc, char **argv)
{
	unsigned flags = 0;
	int option;

	while ((option = getopt(argc, argv, "flnrvt:")) != -1) {
		switch (option) {
		case 'f': flags |= MNT_FORCE; break;
		case 'l': flags |= MNT_DETACH; break;
		case '?': return HELPER_MISUSED;
		default: break;	/* no table to write, nothing to say */
		}
	}
	if (optind == argc) {
		tool_error(argv[0], "a target is needed");
		return HELPER_MISUSED;
	}
	return unmount_all("umount", flags, argv + optind) == TOOL_OK ? 0 :
	       HELPER_FAILED;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "lazy", no_argument, NULL, 'l' },
		{ "detach", no_argument, NULL, 'd' },
		TOOL_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 }
	};
	unsigned flags = 0;
	int option;

	if (!strncmp(argv[0], HELPER, strlen(HELPER)))
		return run_helper(argc, argv);
	while ((option = getopt_long(argc, argv, "fldh", options,
				     NULL)) != -1) {
		switch (option) {
		case 'f': flags |= MNT_FORCE; break;
		case 'l':
		case 'd': flags |= MNT_DETACH; break;
		default: return tool_option(&tool_umount, argv[0], option);
		}
	}
	if (optind == argc)
		return tool_misused(&tool_umount, argv[0],
				    "a target is needed");
	return unmount_all(argv[0], flags, argv + optind);
}

static const char *const stands_for[] = { HELPER, NULL };

const struct tool tool_umount = {
	.stands_for = stands_for,
	.word = "umount",
	.program = "vuumount",
	.alias = "viewumount",
	.help = "undo a mount of this view",
	.usage = "[-f] [-l|-d] TARGET...\n"
		 "       (the file of an image, for where it is mounted)\n"
		 "\n"
		 "  -f, --force    give up what is under way in the mount\n"
		 "  -l, --lazy     take it out of sight now, finish when\n"
		 "                 nobody uses it any more\n"
		 "  -d, --detach   the same as --lazy\n"
		 "  -h, --help     this text\n"
		 "      --version  version\n",
	.run = run,
};
