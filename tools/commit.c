/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tools/commit_run.h"
#include "tools/diff_show.h"
#include "tools/stores_place.h"
#include "tools/tool.h"

struct command {
	const char *name;
	struct commit_options options;
};

/* --- which changes ------------------------------------------------------- */

/* Put one aside: its strings go, the list closes up. */
static void drop(struct changes *c, bool *wanted)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (wanted[i]) {
			c->list[n++] = c->list[i];
			continue;
		}
		free(c->list[i].path);
		free(c->list[i].from);
		free(c->list[i].base);
	}
	c->n = n;
}

/* Is there no such directory but by this change? Then others need it. */
static bool makes_directory(const struct change *c)
{
	return S_ISDIR(c->after.st_mode) &&
	       (c->kind == CHANGE_CREATED || c->kind == CHANGE_MOVED ||
		(c->parts & PART_TYPE));
}

static void want_above(const struct changes *c, size_t which, bool *wanted)
{
	char *path = tool_copy(c->list[which].path), *slash;

	while ((slash = strrchr(path, '/'))) {
		const struct change *above;

		*slash = '\0';
		above = changes_find(c, path);
		if (above && makes_directory(above))
			wanted[above - c->list] = true;
	}
	free(path);
}

static bool is_chosen(const struct change *c, char *const *path)
{
	for (; *path; path++) {
		if (change_within(c->path, *path) ||
		    (c->from && change_within(c->from, *path)))
			return true;
	}
	return false;
}

static void choose(struct changes *c, char *const *path)
{
	bool *wanted = tool_resize(NULL, c->n, sizeof(*wanted));

	for (size_t i = 0; i < c->n; i++)
		wanted[i] = is_chosen(&c->list[i], path);
	for (size_t i = 0; i < c->n; i++) {
		if (wanted[i])
			want_above(c, i, wanted);
	}
	drop(c, wanted);
	free(wanted);
}

/* --- whose version ------------------------------------------------------- */

struct resolving {
	const struct command *cmd;
	const struct opened *o;
	const struct changes *c;
	bool *wanted;
};

static void on_conflict(void *ctx, size_t i, const char *how)
{
	struct resolving *r = ctx;
	const struct change *change = &r->c->list[i];
	enum commit_side side = r->cmd->options.side;
	char *whole = opened_outside(r->o, change->from ? change->from :
				     change->path);

	tool_error(r->cmd->name, "%s: %s%s", whole, how,
		   side == SIDE_OURS ? ": replaced" :
		   side == SIDE_THEIRS ? ": kept" : "");
	free(whole);
	r->wanted[i] = side != SIDE_THEIRS;
}

/* Return: TOOL_OK or TOOL_FAILED */
static int resolve(const struct command *cmd, const struct opened *o,
		   struct changes *c)
{
	struct resolving r = { .cmd = cmd, .o = o, .c = c };
	int n;

	r.wanted = tool_resize(NULL, c->n, sizeof(bool));
	memset(r.wanted, true, c->n);
	n = conflicts_find(o, c, on_conflict, &r);
	if (n > 0 && cmd->options.side == SIDE_THEIRS)
		drop(c, r.wanted);
	free(r.wanted);
	if (n < 0)
		tool_error(cmd->name, "%s: %s", o->path, strerror(-n));
	if (n > 0 && cmd->options.side == SIDE_NONE)
		tool_error(cmd->name, "nothing has been done; --ours puts the "
			   "store's version there, --theirs keeps what is "
			   "there");
	return n < 0 || (n > 0 && cmd->options.side == SIDE_NONE) ?
	       TOOL_FAILED : TOOL_OK;
}

/* --- doing it ------------------------------------------------------------ */

static void warn(const struct doing *d, const struct step *s,
		 const char *what)
{
	char *whole = opened_outside(d->o, s->path);

	tool_error(d->ctx, "%s: %s", whole, what);
	free(whole);
}

static int all_steps(const struct command *cmd, const struct opened *o,
		     struct steps *s)
{
	struct doing d = { .o = o, .warn = warn, .ctx = (void *)cmd->name };
	int err = 0;

	while (s->done < s->n) {
		const struct step *step = &s->list[s->done];
		char *whole;

		err = step_do(&d, step);
		if (!err)
			err = journal_done(o, s);
		if (!err)
			continue;
		/* Where it is put aside says nothing to anybody. */
		whole = opened_outside(o, step->op == STEP_STASH ?
				       step->from : step->path);
		tool_error(cmd->name, "%s: %s", whole, strerror(-err));
		tool_error(cmd->name, "stopped after %zu of %zu steps; the "
			   "same command goes on, with --skip without this "
			   "one", s->done, s->n);
		free(whole);
		return TOOL_FAILED;
	}
	err = journal_remove(o);
	if (err)
		tool_error(cmd->name, "%s: %s", o->path, strerror(-err));
	return err || d.warned ? TOOL_FAILED : TOOL_OK;
}

static int begin(const struct command *cmd, const struct opened *o,
		 const struct changes *c, bool all)
{
	struct steps s;
	int err, status = TOOL_FAILED;

	steps_plan(o, c, all, &s);
	err = journal_write(o, &s);
	if (err)
		tool_error(cmd->name, "%s: %s", o->path, strerror(-err));
	else
		status = all_steps(cmd, o, &s);
	steps_free(&s);
	return status;
}

static void tell(const struct command *cmd, const struct opened *o,
		 const struct changes *c)
{
	struct term term = term_open(stdout);

	if (cmd->options.dry_run) {
		changes_tree(o, c, &term, false);
		return;
	}
	fputs("committed: ", stdout);
	changes_summary(c, &term);
}

static int carry_over(const struct command *cmd, const struct opened *o,
		      char *const *path)
{
	struct changes c;
	int status = TOOL_OK, err = changes_collect(o, NULL, &c);

	if (err) {
		tool_error(cmd->name, "%s: %s", o->path, strerror(-err));
		return TOOL_FAILED;
	}
	if (*path)
		choose(&c, path);
	status = resolve(cmd, o, &c);
	if (status == TOOL_OK && !cmd->options.dry_run)
		status = begin(cmd, o, &c, !*path);
	if (status == TOOL_OK)
		tell(cmd, o, &c);
	changes_free(&c);
	return status;
}

static int resume(const struct command *cmd, const struct opened *o,
		  struct steps *s)
{
	int status;

	if (cmd->options.dry_run) {
		printf("interrupted: %zu of %zu steps are done\n", s->done,
		       s->n);
		return TOOL_OK;
	}
	if (cmd->options.skip && s->done < s->n && journal_done(o, s) < 0)
		return TOOL_FAILED;
	tool_error(cmd->name, "going on with what was interrupted after %zu "
		   "of %zu steps", s->done, s->n);
	status = all_steps(cmd, o, s);
	if (status == TOOL_OK)
		puts("committed");
	return status;
}

static char **inside(const char *name, const struct opened *o,
		     char *const *operand)
{
	char **path = tool_resize(NULL, 1, sizeof(*path));
	size_t n = 0;

	for (; *operand; operand++) {
		char *one = opened_inside(name, o, *operand);

		if (!one)
			break;
		path = tool_resize(path, n + 2, sizeof(*path));
		path[n++] = one;
	}
	path[n] = NULL;
	if (!*operand)
		return path;
	while (n)
		free(path[--n]);
	free(path);
	return NULL;
}

static void free_all(char **path)
{
	for (size_t i = 0; path && path[i]; i++)
		free(path[i]);
	free(path);
}

/* A store of ours that has nothing more to tell is gone. */
static void clean_up(const struct opened *o)
{
	char *place = stores_place(), *real = NULL;
	char *slash = strrchr(o->path, '/');

	if (place)
		real = realpath(place, NULL);
	if (real && slash && strlen(real) == (size_t)(slash - o->path) &&
	    !strncmp(real, o->path, slash - o->path))
		remove_tree(AT_FDCWD, o->path);
	free(real);
	free(place);
}

static int with_store(const struct command *cmd, const struct opened *o,
		      char *const *operand)
{
	char **path = inside(cmd->name, o, operand);
	struct steps s;
	int pending, status = TOOL_FAILED;
	bool emptied;

	if (!path)
		return TOOL_FAILED;
	pending = journal_read(o, &s);
	emptied = pending > 0 ? s.n && s.list[s.n - 1].op == STEP_EMPTY :
				!*path;
	if (pending < 0)
		tool_error(cmd->name, "%s: the journal of an interrupted "
			   "commit cannot be read: %s", o->path,
			   strerror(-pending));
	else if (pending > 0)
		status = resume(cmd, o, &s);
	else if (cmd->options.skip)
		tool_error(cmd->name, "%s: --skip: no commit was interrupted",
			   o->path);
	else
		status = carry_over(cmd, o, path);
	if (status == TOOL_OK && emptied && !cmd->options.dry_run)
		clean_up(o);
	if (pending > 0)
		steps_free(&s);
	free_all(path);
	return status;
}

int commit_store(const char *name, const char *store, char *const *path,
		 const struct commit_options *options)
{
	struct command cmd = { .name = name, .options = *options };
	struct opened o;
	int status;

	if (opened_open(name, store, !options->dry_run, &o) < 0)
		return TOOL_FAILED;
	status = with_store(&cmd, &o, path);
	opened_close(&o);
	return status;
}

static int run(int argc, char **argv)
{
	enum { OPTION_OURS = 0x100, OPTION_THEIRS, OPTION_SKIP };
	static const struct option options[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "ours", no_argument, NULL, OPTION_OURS },
		{ "theirs", no_argument, NULL, OPTION_THEIRS },
		{ "skip", no_argument, NULL, OPTION_SKIP },
		TOOL_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 }
	};
	struct commit_options o = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "nh", options, NULL)) != -1) {
		switch (option) {
		case 'n': o.dry_run = true; break;
		case OPTION_OURS: o.side = SIDE_OURS; break;
		case OPTION_THEIRS: o.side = SIDE_THEIRS; break;
		case OPTION_SKIP: o.skip = true; break;
		default: return tool_option(&tool_commit, argv[0], option);
		}
	}
	if (optind == argc)
		return tool_misused(&tool_commit, argv[0],
				    "a store is needed; 'vu stores' lists "
				    "them");
	return commit_store(argv[0], argv[optind], argv + optind + 1, &o);
}

const struct tool tool_commit = {
	.word = "commit",
	.help = "make the changes of a store real",
	.usage = "[-n] [--ours|--theirs] [--skip] STORE [PATH...]\n"
		 "       all of them, or those of the named paths; after an "
		 "interruption\n"
		 "       the same command goes on\n"
		 "\n"
		 "  -n, --dry-run  only show what would be done\n"
		 "      --ours     replace what has been changed meanwhile\n"
		 "      --theirs   keep what has been changed meanwhile\n"
		 "      --skip     go on, but without what it stopped at\n"
		 "  -h, --help     this text\n"
		 "      --version  version\n",
	.run = run,
};
