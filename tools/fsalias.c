/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * Another name for a type is a row of the table of types, see fuse.types(5),
 * and belongs to the view. So is the file that it is in: one without a name
 * on disk, mounted by vufs beside the shipped table, where everybody in the
 * view, and in views that come from it, finds it, and nobody else. Whoever
 * changes it mounts another in its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>
#include "tools/fstypes.h"
#include "tools/session.h"
#include "tools/tool.h"

struct change {
	const char *name;	/* of the command, for messages */
	const char *alias;
	const char *type;	/* NULL: delete the alias */
	int session;
	char file[PATH_MAX];	/* where the view's rows are */
	struct fstypes old;	/* those there are */
	char *text;		/* those there will be */
	size_t size;
};

static int complain(const struct change *c, const char *what)
{
	tool_error(c->name, "%s", what);
	return TOOL_FAILED;
}

static int read_old(struct change *c)
{
	int err = fstypes_view_file(c->file, sizeof(c->file));

	if (err)
		return complain(c, strerror(-err));
	if (access(c->file, F_OK))
		return TOOL_OK;
	return fstypes_read(&c->old, c->file) ? complain(c, c->old.error) :
	       TOOL_OK;
}

/* Return: was there such an alias? */
static bool write_others(const struct change *c, FILE *out)
{
	bool had = false;

	for (size_t i = 0; i < c->old.n; i++) {
		if (strcmp(c->old.row[i].name, c->alias) == 0)
			had = true;
		else
			fstype_write(out, &c->old.row[i], c->old.row[i].name);
	}
	return had;
}

static int write_new(const struct change *c, FILE *out, bool had)
{
	struct fstypes all = { 0 };
	const struct fstype *row;
	int status = TOOL_OK;

	if (!c->type && had)
		return TOOL_OK;
	if (!c->type) {
		tool_error(c->name, "%s: no such alias", c->alias);
		return TOOL_FAILED;
	}
	if (fstypes_load(&all)) {
		status = complain(c, all.error);
	} else if (!(row = fstypes_find(&all, c->type))) {
		tool_error(c->name, "%s: no such type (see vumount "
			   "--list-types)", c->type);
		status = TOOL_FAILED;
	} else {
		fstype_write(out, row, c->alias);
	}
	fstypes_clear(&all);
	return status;
}

/* What is written must be a table again: an alias may be no name. */
static int check_text(const struct change *c)
{
	struct fstypes t = { 0 };
	int status = TOOL_OK;

	if (fstypes_parse(&t, c->alias, c->text, c->size)) {
		tool_error(c->name, "%s: not a name for a type", c->alias);
		status = TOOL_FAILED;
	}
	fstypes_clear(&t);
	return status;
}

static int write_text(struct change *c)
{
	FILE *out = open_memstream(&c->text, &c->size);
	int status;

	if (!out)
		return complain(c, strerror(errno));
	status = write_new(c, out, write_others(c, out));
	if (fclose(out) && status == TOOL_OK)
		status = complain(c, strerror(errno));
	return status == TOOL_OK ? check_text(c) : status;
}

/* Return: descriptor, or -1 with a message */
static int file_of_text(const struct change *c)
{
	int fd = memfd_create("fuse.types", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && write(fd, c->text, c->size) == (ssize_t)c->size &&
	    !fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW |
		   F_SEAL_SHRINK))
		return fd;
	complain(c, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static int mount_text(const struct change *c)
{
	char source[64], flags[24];
	struct session_request insmod = { .word = { "insmod", "vufs", "" } };
	struct session_request req = {
		.word = { "mount", "vufs", source, c->file, "", flags },
	};
	int fd = file_of_text(c), status;

	if (fd < 0)
		return TOOL_FAILED;
	session_try(c->session, &insmod);
	snprintf(source, sizeof(source), "/proc/%d/fd/%d", (int)getpid(), fd);
	snprintf(flags, sizeof(flags), "%d", MS_RDONLY);
	status = session_ask(c->name, c->session, &req);
	close(fd);
	return status;
}

static int replace(struct change *c)
{
	struct session_request umount = { .word = { "umount", c->file, "0" } };
	int status = read_old(c);

	if (status == TOOL_OK)
		status = write_text(c);
	if (status == TOOL_OK && c->old.n)
		status = session_ask(c->name, c->session, &umount);
	if (status == TOOL_OK && c->size)
		status = mount_text(c);
	fstypes_clear(&c->old);
	free(c->text);
	return status;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		TOOL_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 }
	};
	struct change c = { .name = argv[0] };
	int option, status = TOOL_OK;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1)
		return tool_option(&tool_fsalias, argv[0], option);
	if (argc - optind < 1 || argc - optind > 2)
		return tool_misused(&tool_fsalias, argv[0],
				    "an alias and a type are needed");
	c.alias = argv[optind];
	c.type = argv[optind + 1];
	c.session = session_open(c.name, &status);
	if (c.session < 0)
		return status;
	status = replace(&c);
	close(c.session);
	return status;
}

const struct tool tool_fsalias = {
	.word = "fsalias",
	.program = "vu_fsalias",
	.alias = "um_fsalias",
	.help = "give a type of mount another name in this view",
	.usage = "ALIAS [TYPE]\n"
		 "       without a type: delete the alias\n"
		 "\n"
		 "  -h, --help     this text\n"
		 "      --version  version\n",
	.run = run,
};
