/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tools/fsmount.h"
#include "tools/fstypes_auto.h"
#include "tools/model.h"
#include "tools/mountopt.h"
#include "tools/session.h"
#include "tools/term.h"
#include "tools/tool.h"

#define DEFAULT_TYPE "vufs"
#define LISTS_MAX 32

/* The command line. Lists wait for the type: it decides what a word is. */
struct command {
	const char *type;
	const char *list[LISTS_MAX];
	size_t nlist;
	unsigned long flags;
	bool list_types;
};

static int too_long(const char *name)
{
	tool_error(name, "too many mount options");
	return TOOL_FAILED;
}

static const char *text_or(const struct record *r, int column,
			   const char *otherwise)
{
	const char *s = record_text(r, column);

	return *s ? s : otherwise;
}

static void list_line(const struct term *t, const struct record *r)
{
	term_safe(t, text_or(r, MOUNT_SOURCE, "none"));
	fputs(" on ", t->out);
	term_safe(t, record_text(r, MOUNT_TARGET));
	fputs(" type ", t->out);
	term_safe(t, record_text(r, MOUNT_TYPE));
	fputs(" (", t->out);
	term_safe(t, text_or(r, MOUNT_OPTIONS, "rw"));
	fputs(")\n", t->out);
}

/* The mounts of the caller's view, as mount(8) would print them. */
static int list_mounts(const char *name, const char *type)
{
	struct term term = term_open(stdout);
	struct model m = { 0 };
	const struct record_list *mounts = &m.list[KIND_MOUNT];
	unsigned long view = 0;
	int status = TOOL_OK;
	int fd = session_open(name, &status);

	if (fd < 0)
		return status;
	status = model_fetch(name, fd, &m);
	if (m.list[KIND_INFO].n)
		view = record_number(m.list[KIND_INFO].record, INFO_VIEW);
	for (size_t i = 0; i < mounts->n; i++) {
		const struct record *r = &mounts->record[i];

		if (record_number(r, MOUNT_VIEW) != view)
			continue;
		if (!type || strcmp(type, record_text(r, MOUNT_TYPE)) == 0)
			list_line(&term, r);
	}
	model_clear(&m);
	close(fd);
	return status;
}

static int mount_one(const char *name, const char *type, const char *source,
		     const char *target, const struct mount_options *o)
{
	char flags[24];
	struct session_request req = {
		.word = { "mount", type, source, target, o->data, flags },
	};
	int status = TOOL_OK;
	int fd = session_open(name, &status);

	if (fd < 0)
		return status;
	snprintf(flags, sizeof(flags), "%lu", o->flags);
	status = session_ask(name, fd, &req);
	close(fd);
	return status;
}

static bool is_kind(const char *path, mode_t kind)
{
	struct stat st;

	return !stat(path, &st) && (st.st_mode & S_IFMT) == kind;
}

/*
 * Without -t: what can only be an image or a remote directory is recognized,
 * all else is another name.
 */
static const char *usual_type(int n, char **operand)
{
	struct stat st;

	if (n == 1)
		return "auto";
	if (is_kind(operand[1], S_IFDIR) &&
	    (is_kind(operand[0], S_IFREG) || is_kind(operand[0], S_IFBLK)))
		return "auto";
	if (fstypes_looks_remote(operand[0]) && lstat(operand[0], &st))
		return "auto";
	return DEFAULT_TYPE;
}

static int mount_by(const char *name, const char *type, char **operand,
		    const struct mount_options *o)
{
	struct fsmount f = {
		.name = name, .type = type, .options = o,
		.source = operand[0], .target = operand[1],
	};

	return fsmount_by_type(&f);
}

static int collect(const char *name, const struct command *c,
		   struct mount_options *o)
{
	o->own_move = mount_type_owns_move(c->type ? c->type : DEFAULT_TYPE);
	for (size_t i = 0; i < c->nlist; i++) {
		if (mount_options_add(o, c->list[i]) < 0)
			return too_long(name);
	}
	return TOOL_OK;
}

/*
 * Operands: none (a listing), source and target, a source that is given a
 * target, or a target to remount.
 */
static int act(const char *name, const struct command *c, int n, char **operand)
{
	struct mount_options o = { .flags = c->flags };
	const char *type = c->type;
	bool module_only;

	if (n == 0 && !c->nlist && !c->flags)
		return list_mounts(name, c->type);
	if (collect(name, c, &o) != TOOL_OK)
		return TOOL_FAILED;
	/* What the flags ask for, only a module could do. */
	module_only = o.flags & (MS_REMOUNT | MS_BIND | MS_MOVE);
	if (!type)
		type = module_only || !n ? DEFAULT_TYPE :
		       usual_type(n, operand);
	if (n == 1 && (o.flags & MS_REMOUNT))
		return mount_one(name, type, "none", operand[0], &o);
	if ((n == 1 || n == 2) && !module_only && fsmount_serves(type))
		return mount_by(name, type, operand, &o);
	if (n != 2)
		return tool_misused(&tool_mount, name, "%s", n < 2 ?
				    "a source and a target are needed" :
				    "too many operands");
	return mount_one(name, type, operand[0], operand[1], &o);
}

static int add_list(struct command *c, const char *list)
{
	if (c->nlist == LISTS_MAX)
		return -1;
	c->list[c->nlist++] = list;
	return 0;
}

/* --- for mount(8) ---------------------------------------------------------- */

/*
 * mount(8) executes mount.TYPE SOURCE TARGET [OPTION]... for types that have
 * such a program, and ends as that does: by its own table of statuses.
 */
#define HELPER "mount."

enum { HELPER_MISUSED = 1, HELPER_FAILED = 32 };

static int helper_status(int status)
{
	switch (status) {
	case TOOL_OK: return 0;
	case TOOL_MISUSED: return HELPER_MISUSED;
	default: return HELPER_FAILED;
	}
}

/* mount(8) takes these from the environment, and programs need them. */
static void restore_environment(void)
{
	const struct passwd *pw = getpwuid(getuid());

	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
	       "/sbin:/bin", 0);
	if (pw)
		setenv("HOME", pw->pw_dir, 0);
}

static int run_helper(int argc, char **argv)
{
	struct command c = { .type = argv[0] + strlen(HELPER) };
	bool fake = false;
	int option;

	while ((option = getopt(argc, argv, "sfnvrwo:t:")) != -1) {
		const char *list = option == 'o' ? optarg :
				   option == 'r' ? "ro" :
				   option == 'w' ? "rw" : NULL;

		switch (option) {
		case 'f': fake = true; break;
		case 't': c.type = optarg; break;
		case '?': return HELPER_MISUSED;
		default: break;	/* no table to write, nothing to say */
		}
		if (list && add_list(&c, list) < 0)
			return helper_status(too_long(argv[0]));
	}
	if (argc - optind != 2) {
		tool_error(argv[0], "a source and a target are needed");
		return HELPER_MISUSED;
	}
	restore_environment();
	return fake ? 0 : helper_status(act("mount", &c, 2, argv + optind));
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "types", required_argument, NULL, 't' },
		{ "options", required_argument, NULL, 'o' },
		{ "read-only", no_argument, NULL, 'r' },
		{ "read-write", no_argument, NULL, 'w' },
		{ "bind", no_argument, NULL, 'B' },
		{ "move", no_argument, NULL, 'M' },
		{ "rbind", no_argument, NULL, 'R' },
		{ "list-types", no_argument, NULL, 'L' },
		TOOL_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 }
	};
	struct command c = { 0 };
	const char *list;
	int option;

	if (!strncmp(argv[0], HELPER, strlen(HELPER)))
		return run_helper(argc, argv);
	while ((option = getopt_long(argc, argv, "t:o:rwBMRLh", options,
				     NULL)) != -1) {
		list = NULL;
		switch (option) {
		case 't': c.type = optarg; break;
		case 'o': list = optarg; break;
		case 'r': list = "ro"; break;
		case 'w': list = "rw"; break;
		case 'B': c.flags |= MS_BIND; break;
		case 'M': c.flags |= MS_MOVE; break;
		case 'R': c.flags |= MS_BIND | MS_REC; break;
		case 'L': c.list_types = true; break;
		default: return tool_option(&tool_mount, argv[0], option);
		}
		if (list && add_list(&c, list) < 0)
			return too_long(argv[0]);
	}
	if (c.list_types)
		return fsmount_list_types(argv[0]);
	return act(argv[0], &c, argc - optind, argv + optind);
}

static const char *const stands_for[] = { HELPER, NULL };

const struct tool tool_mount = {
	.word = "mount",
	.program = "vumount",
	.alias = "viewmount",
	.stands_for = stands_for,
	.help = "mount something in this view, or list its mounts",
	.usage = "[-t TYPE] [-o LIST] [-r|-w] [-B|-M|-R] SOURCE [TARGET]\n"
		 "       without operands: list the mounts of this view\n"
		 "\n"
		 "  -t, --types TYPE      a module's type, one of fuse.types, or\n"
		 "                        auto (default: " DEFAULT_TYPE ", for "
		 "images auto)\n"
		 "  -o, --options LIST    comma separated options, repeatable\n"
		 "  -r, --read-only       the same as -o ro\n"
		 "  -w, --read-write      the same as -o rw\n"
		 "  -B, --bind            set MS_BIND\n"
		 "  -M, --move            set MS_MOVE\n"
		 "  -R, --rbind           set MS_BIND and MS_REC\n"
		 "  -L, --list-types      list the types of fuse.types\n"
		 "  -h, --help            this text\n"
		 "      --version         version\n",
	.run = run,
};
