/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * A mount by type is a FUSE program run in the view; the module vufuse does
 * the rest, and does not know of types. What is done here, in this order, so
 * that nothing has happened yet when something is wrong:
 *
 *	the table's row of the type; of the source, for the type auto
 *	source and target: are they there, and what the row wants?
 *	options: can they be had?
 *	the program: is it installed? and would it notice what it cannot read?
 *	a lock on the image, so that no two write it, or read what one writes
 *	the module, if it is not loaded
 *	the program (fsmount_run.c)
 *
 * The lock is flock(2)'s: it goes with the open file, which the program
 * inherits, and is no hindrance to the program's own locks by fcntl(2).
 */
#include "tools/fsmount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tools/fsmount_lock.h"
#include "tools/fsmount_options.h"
#include "tools/fsmount_place.h"
#include "tools/fsmount_probe.h"
#include "tools/fsmount_program.h"
#include "tools/fsmount_run.h"
#include "tools/fstypes.h"
#include "tools/fstypes_auto.h"
#include "tools/model.h"
#include "tools/session.h"
#include "tools/tool.h"

#define MODULE "vufuse"

struct job {
	const struct fsmount *f;
	char label[64];		/* the type, in messages */
	struct fstypes types;
	const struct fstype *row;
	struct fsmount_wish wish;
	struct fsmount_program program;
	char called[64];	/* the program, in messages */
	char source[PATH_MAX];	/* for the program */
	char shown[PATH_MAX];	/* for lists of mounts */
	char target[PATH_MAX];
	bool source_made, target_made;
	char list[FSMOUNT_LIST_SIZE];
	int lock;		/* of the image; -1: none, as those below */
	int place, nothing;	/* of a target, a source that we made */
	int session;
	unsigned long newest;	/* mount there was before ours */
};

static int failed(const struct job *j, const char *what, int err)
{
	tool_error(j->f->name, "%s: %s: %s", j->label, what, strerror(err));
	return TOOL_FAILED;
}

/* --- the row ------------------------------------------------------------- */

static bool is_auto(const char *type)
{
	return strcmp(type, "auto") == 0;
}

static int load_table(const char *name, struct fstypes *t)
{
	if (!fstypes_load(t))
		return TOOL_OK;
	tool_error(name, "%s", t->error);
	return TOOL_FAILED;
}

static int find_row(struct job *j)
{
	const struct fsmount *f = j->f;
	char why[256];

	snprintf(j->label, sizeof(j->label), "%s", f->type);
	if (load_table(f->name, &j->types) != TOOL_OK)
		return TOOL_FAILED;
	if (!is_auto(f->type)) {
		j->row = fstypes_find(&j->types, f->type);
		if (j->row)
			return TOOL_OK;
		tool_error(f->name, "%s: no such type (see --list-types)",
			   f->type);
		return TOOL_FAILED;
	}
	j->row = fstypes_recognize(&j->types, f->source, why, sizeof(why));
	if (!j->row) {
		tool_error(f->name, "auto: %s: %s", f->source, why);
		return TOOL_FAILED;
	}
	snprintf(j->label, sizeof(j->label), MODULE "%s", j->row->name);
	return TOOL_OK;
}

bool fsmount_serves(const char *type)
{
	struct fstypes t = { 0 };
	bool serves = is_auto(type) || fstypes_prefixed(type);

	/* A table that is wrong is not in the way of what modules serve. */
	if (!serves && !fstypes_load(&t))
		serves = fstypes_find(&t, type);
	fstypes_clear(&t);
	return serves;
}

/* --- source and target --------------------------------------------------- */

/* Absolute, and there. Return: 0 or an errno */
static int resolve(const char *given, char path[PATH_MAX], struct stat *st)
{
	if (!realpath(given, path) || stat(path, st))
		return errno;
	return 0;
}

static int check_kind(const struct job *j, mode_t mode)
{
	bool file = S_ISREG(mode) || S_ISBLK(mode);

	if (fstype_source(j->row) == SOURCE_DIRECTORY)
		return S_ISDIR(mode) ? TOOL_OK :
		       failed(j, j->f->source, ENOTDIR);
	if (file)
		return TOOL_OK;
	if (S_ISDIR(mode))
		return failed(j, j->f->source, EISDIR);
	tool_error(j->f->name, "%s: %s: neither a file nor a block device",
		   j->label, j->f->source);
	return TOOL_FAILED;
}

static int check_remote(struct job *j)
{
	if (fstypes_looks_remote(j->f->source) &&
	    strlen(j->f->source) < sizeof(j->source)) {
		strcpy(j->source, j->f->source);
		return TOOL_OK;
	}
	tool_error(j->f->name, "%s: %s: not [USER@]HOST:[DIRECTORY]",
		   j->label, j->f->source);
	return TOOL_FAILED;
}

/* An empty directory that is gone when it is mounted. */
static int make_nothing(struct job *j)
{
	int err = fsmount_place_make("nothing", j->source, sizeof(j->source),
				     &j->nothing);

	if (err)
		return failed(j, "a directory to show", -err);
	j->source_made = true;
	return TOOL_OK;
}

static int check_source(struct job *j)
{
	const char *given = j->f->source;
	struct stat st;
	int err;

	snprintf(j->shown, sizeof(j->shown), "%s", given);
	switch (fstype_source(j->row)) {
	case SOURCE_REMOTE: return check_remote(j);
	case SOURCE_NONE: return TOOL_OK;
	case SOURCE_FILE:
	case SOURCE_DIRECTORY: break;
	}
	err = resolve(given, j->source, &st);
	if (err)
		return failed(j, given, err);
	strcpy(j->shown, j->source);
	return check_kind(j, st.st_mode);
}

/* One that cannot be read is left for the program to judge. */
static bool is_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	int n = 0;

	if (!dir)
		return true;
	while (n <= 2 && (e = readdir(dir)))
		n++;
	closedir(dir);
	return n <= 2;
}

static int check_target(struct job *j)
{
	struct stat st;
	int err;

	if (!j->f->target)
		return TOOL_OK;
	err = resolve(j->f->target, j->target, &st);
	if (!err && !S_ISDIR(st.st_mode))
		err = ENOTDIR;
	return err ? failed(j, j->f->target, err) : TOOL_OK;
}

/* --- options and program ------------------------------------------------- */

static bool source_writable(const struct job *j)
{
	return fstype_source(j->row) != SOURCE_FILE ||
	       !faccessat(AT_FDCWD, j->source, W_OK, AT_EACCESS);
}

static int check_options(struct job *j)
{
	bool writable = source_writable(j), asked_ro;

	if (fsmount_wish_read(&j->wish, j->f->options))
		goto refused;
	asked_ro = j->wish.read_only;
	j->wish.nonempty = j->f->target && !is_empty(j->target);
	if (fsmount_wish_settle(&j->wish, j->row, writable))
		goto refused;
	if (!asked_ro && !writable && fstype_access(j->row) == ACCESS_WRITE)
		tool_error(j->f->name, "%s: %s: write-protected, mounting it "
			   "read-only", j->label, j->f->source);
	return fsmount_list(&j->wish, j->row, j->shown, j->list) ?
	       failed(j, "options", E2BIG) : TOOL_OK;
refused:
	tool_error(j->f->name, "%s: %s", j->label, j->wish.refused);
	return TOOL_FAILED;
}

/* Nobody gets further than to the names with these. */
static bool mount_denied(void)
{
	return mount(NULL, NULL, NULL, 0, NULL) && errno == EPERM;
}

static int check_calls(const struct job *j)
{
	if (!fstype_flag(j->row, FSTYPE_BY_MOUNT) || !mount_denied())
		return TOOL_OK;
	tool_error(j->f->name, "%s: a sandbox around the view denies mount(2) "
		   "before the view sees it, and %s knows no other way",
		   j->label, j->called);
	return TOOL_FAILED;
}

static int check_program(struct job *j)
{
	const char *package = fstype_value(j->row, FSTYPE_PACKAGE);

	if (!fsmount_program_find(j->row, &j->program, j->called,
				  sizeof(j->called)))
		return check_calls(j);
	tool_error(j->f->name, "%s: %s is not installed%s%s%s", j->label,
		   j->called, *package ? " (Debian package " : "", package,
		   *package ? ")" : "");
	return TOOL_FAILED;
}

static int check_content(struct job *j)
{
	char why[256];

	if (!fsmount_probe(j->row, j->source, why, sizeof(why)))
		return TOOL_OK;
	tool_error(j->f->name, "%s: %s: %s", j->label, j->f->source, why);
	return TOOL_FAILED;
}

/* --- the lock ------------------------------------------------------------ */

static int lock_source(struct job *j)
{
	bool written;
	int err;

	if (fstype_source(j->row) != SOURCE_FILE)
		return TOOL_OK;
	err = fsmount_lock(j->source, j->wish.read_only, &j->lock, &written);
	if (err != -EBUSY)
		return err ? failed(j, j->f->source, -err) : TOOL_OK;
	tool_error(j->f->name, "%s: %s: in use by another view or program "
		   "(mounted for %s)", j->label, j->f->source,
		   written ? "writing" : "reading");
	return TOOL_FAILED;
}

/* --- the view ------------------------------------------------------------ */

/* The newest mount of the caller's view, on target if that is not NULL. */
static const struct record *newest_record(const struct model *m,
					  const char *target)
{
	const struct record_list *l = &m->list[KIND_MOUNT];
	const struct record *record = NULL;
	unsigned long newest = 0, view = 0;

	if (m->list[KIND_INFO].n)
		view = record_number(m->list[KIND_INFO].record, INFO_VIEW);
	for (size_t i = 0; i < l->n; i++) {
		const struct record *r = &l->record[i];
		unsigned long id = record_number(r, MOUNT_ID);

		if (record_number(r, MOUNT_VIEW) == view && id > newest &&
		    (!target || !strcmp(record_text(r, MOUNT_TARGET), target))) {
			newest = id;
			record = r;
		}
	}
	return record;
}

/* Return: its id, or 0 */
static unsigned long newest_mount(const struct model *m, const char *target)
{
	const struct record *r = newest_record(m, target);

	return r ? record_number(r, MOUNT_ID) : 0;
}

static bool has_module(const struct model *m)
{
	const struct record_list *l = &m->list[KIND_MODULE];

	for (size_t i = 0; i < l->n; i++) {
		if (!strcmp(record_text(&l->record[i], MODULE_NAME), MODULE))
			return true;
	}
	return false;
}

/* Load the module, and see what is mounted before we begin. */
static int prepare_view(struct job *j)
{
	struct session_request insmod = { .word = { "insmod", MODULE, "" } };
	struct model m = { 0 };
	int status = model_fetch(j->f->name, j->session, &m);

	if (status == TOOL_OK && !has_module(&m)) {
		status = session_ask(j->f->name, j->session, &insmod);
		model_clear(&m);
		if (status == TOOL_OK)
			status = model_fetch(j->f->name, j->session, &m);
	}
	j->newest = newest_mount(&m, NULL);
	model_clear(&m);
	return status;
}

static bool mounted(void *ctx)
{
	const struct job *j = ctx;
	struct model m = { 0 };
	bool is;

	is = model_fetch(j->f->name, j->session, &m) == TOOL_OK &&
	     newest_mount(&m, j->target) > j->newest;
	model_clear(&m);
	return is;
}

/* Has the program mounted it so by itself? */
static bool is_read_only(const struct job *j)
{
	struct model m = { 0 };
	const struct record *r;
	bool is;

	is = model_fetch(j->f->name, j->session, &m) == TOOL_OK &&
	     (r = newest_record(&m, j->target)) &&
	     !strncmp(record_text(r, MOUNT_OPTIONS), "ro", 2);
	model_clear(&m);
	return is;
}

static void undo_mount(struct job *j)
{
	char flags[16];
	struct session_request req = { .word = { "umount", j->target, flags } };

	if (!mounted(j))
		return;
	snprintf(flags, sizeof(flags), "%d", MNT_DETACH);
	session_ask(j->f->name, j->session, &req);
}

/* --- doing it ------------------------------------------------------------ */

static int make_directories(struct job *j)
{
	int err = 0;

	if (fstype_source(j->row) == SOURCE_NONE &&
	    make_nothing(j) != TOOL_OK)
		return TOOL_FAILED;
	if (!j->f->target) {
		err = fsmount_place_make(j->f->source, j->target,
					 sizeof(j->target), &j->place);
		j->target_made = !err;
	}
	return err ? failed(j, "a directory to mount on", -err) : TOOL_OK;
}

/*
 * A program that takes the word ro for itself has the view not know of it; of
 * exceptions no program knows, and they can be made when it answers.
 */
static int remount(struct job *j)
{
	char flags[24];
	struct session_request req = {
		.word = { "mount", "fuse", "none", j->target, j->wish.except,
			  flags },
	};
	unsigned long read_only = j->wish.read_only || is_read_only(j) ?
				  MS_RDONLY : 0;

	if (!j->wish.read_only && !j->wish.except[0])
		return TOOL_OK;
	snprintf(flags, sizeof(flags), "%lu", MS_REMOUNT | read_only);
	return session_ask(j->f->name, j->session, &req);
}

static int serve(struct job *j)
{
	struct fsmount_server s = {
		.name = j->f->name, .label = j->label,
		.program = j->program.path, .shown = j->called,
		.argv = j->program.word, .target = j->target, .lock = j->lock,
		.place = j->place,
		.via = j->wish.via,
		.terminal = fstype_flag(j->row, FSTYPE_TERMINAL),
		.foreground = j->wish.debug ||
			      fstype_flag(j->row, FSTYPE_FOREGROUND),
		.mounted = mounted, .ctx = j,
	};
	int status;

	fsmount_program_words(j->row, &j->program, j->source, j->target,
			      j->list);
	status = fsmount_serve(&s);
	if (status == TOOL_OK)
		status = remount(j);
	if (status != TOOL_OK)
		undo_mount(j);
	else if (j->target_made)
		puts(j->target);
	return status;
}

static void drop_locks(const struct job *j)
{
	if (j->lock >= 0)
		close(j->lock);
	if (j->place >= 0)
		close(j->place);
	if (j->nothing >= 0)
		close(j->nothing);
}

static int do_mount(struct job *j)
{
	static int (*const step[])(struct job *) = {
		find_row, check_source, check_target, check_options,
		check_program, check_content, lock_source, prepare_view,
		make_directories, serve,
	};
	int status = TOOL_OK;

	for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		status = step[i](j);
		if (status != TOOL_OK)
			break;
	}
	if (j->source_made)
		rmdir(j->source);
	if (j->target_made && status != TOOL_OK)
		rmdir(j->target);
	drop_locks(j);
	fstypes_clear(&j->types);
	return status;
}

int fsmount_by_type(const struct fsmount *f)
{
	struct job *j = tool_resize(NULL, 1, sizeof(*j));
	int status = TOOL_OK;

	memset(j, 0, sizeof(*j));
	j->f = f;
	j->lock = j->place = j->nothing = -1;
	j->session = session_open(f->name, &status);
	if (j->session >= 0) {
		status = do_mount(j);
		close(j->session);
	}
	free(j);
	return status;
}

/* --- the list ------------------------------------------------------------ */

static void list_row(const struct fstype *row)
{
	const char *package = fstype_value(row, FSTYPE_PACKAGE);
	struct fsmount_program p;
	char called[64];
	int err = fsmount_program_find(row, &p, called, sizeof(called));

	printf(MODULE "%-12s %s%s", row->name, called,
	       err ? ", not installed" : "");
	if (err && *package)
		printf(" (Debian package %s)", package);
	putchar('\n');
}

int fsmount_list_types(const char *name)
{
	struct fstypes t = { 0 };
	int status = load_table(name, &t);

	for (size_t i = 0; i < t.n && status == TOOL_OK; i++) {
		if (fstypes_find(&t, t.row[i].name) == &t.row[i])
			list_row(&t.row[i]);
	}
	fstypes_clear(&t);
	return status;
}
