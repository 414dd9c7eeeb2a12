/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal is .vufs/commit in the store:
 *
 *	vu commit 1
 *	OP /PATH /FROM MODE UID GID RDEV MTIME		a step; "-" for no FROM
 *	...
 *	begin		without this line nothing has been done
 *	done		for each step, in order
 *
 * In names what is not printable, blanks and backslashes are \ooo.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/escape.h"
#include "lib/strbuf.h"
#include "tools/commit.h"
#include "tools/tool.h"

#define JOURNAL ".vufs/commit"
#define HEAD "vu commit 1\n"

static const char *const ops[STEP_OPS] = {
	"stash", "put", "mkdir", "file", "content", "link", "remove", "attr",
	"forget", "empty",
};

void steps_add(struct steps *s, enum step_op op, const char *path,
	       const char *from, const struct stat *st)
{
	static const struct stat none;

	if ((s->n & (s->n + 1)) == 0)
		s->list = tool_resize(s->list, 2 * s->n + 2, sizeof(*s->list));
	s->list[s->n++] = (struct step){
		.op = op, .path = tool_copy(path),
		.from = from ? tool_copy(from) : NULL, .st = st ? *st : none,
	};
}

void steps_free(struct steps *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->list[i].path);
		free(s->list[i].from);
	}
	free(s->list);
	*s = (struct steps){ 0 };
}

/* --- writing ------------------------------------------------------------- */

static void put_name(struct strbuf *text, const char *name)
{
	if (!name) {
		strbuf_puts(text, " -");
		return;
	}
	strbuf_puts(text, " /");
	escape_put(text, name, " ");
}

static void put_step(struct strbuf *text, const struct step *s)
{
	strbuf_puts(text, ops[s->op]);
	put_name(text, s->path);
	put_name(text, s->from);
	strbuf_printf(text, " %o %u %u %llu %lld.%09ld\n",
		      (unsigned)s->st.st_mode, s->st.st_uid, s->st.st_gid,
		      (unsigned long long)s->st.st_rdev,
		      (long long)s->st.st_mtim.tv_sec, s->st.st_mtim.tv_nsec);
}

static int write_all(int fd, const char *s, size_t len)
{
	while (len) {
		ssize_t n = write(fd, s, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		s += n;
		len -= n;
	}
	return 0;
}

static int write_text(const struct opened *o, const struct strbuf *text)
{
	int fd = openat(o->dir, JOURNAL ".new", O_WRONLY | O_CREAT | O_TRUNC |
			O_NOFOLLOW | O_CLOEXEC, 0600);
	int err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, text->data, text->len);
	if (!err && fsync(fd) < 0)
		err = -errno;
	close(fd);
	if (!err && renameat(o->dir, JOURNAL ".new", o->dir, JOURNAL) < 0)
		err = -errno;
	return err;
}

int journal_write(const struct opened *o, const struct steps *s)
{
	struct strbuf text = { 0 };
	int err;

	strbuf_puts(&text, HEAD);
	for (size_t i = 0; i < s->n; i++)
		put_step(&text, &s->list[i]);
	strbuf_puts(&text, "begin\n");
	err = text.failed ? -ENOMEM : write_text(o, &text);
	strbuf_free(&text);
	return err;
}

int journal_done(const struct opened *o, struct steps *s)
{
	static const char line[] = "done\n";
	int fd = openat(o->dir, JOURNAL, O_WRONLY | O_APPEND | O_NOFOLLOW |
			O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, line, sizeof(line) - 1);
	close(fd);
	s->done += !err;
	return err;
}

int journal_remove(const struct opened *o)
{
	return unlinkat(o->dir, JOURNAL, 0) < 0 && errno != ENOENT ? -errno : 0;
}

bool journal_exists(int store)
{
	struct stat st;

	return fstatat(store, JOURNAL, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* --- reading ------------------------------------------------------------- */

/* A name is only one that stays within the target. */
static bool is_safe(const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");

		if (!len || (len <= 2 && !strncmp(path, "..", len)))
			return false;
		path += len;
		if (*path == '/' && !*++path)
			return false;
	}
	return true;
}

static bool take_name(char *word, char **name)
{
	*name = NULL;
	if (!strcmp(word, "-"))
		return true;
	if (*word != '/')
		return false;
	escape_take(word + 1);
	*name = word + 1;
	return is_safe(word + 1);
}

static bool take_op(const char *word, enum step_op *op)
{
	for (int i = 0; i < STEP_OPS; i++) {
		if (!strcmp(word, ops[i])) {
			*op = i;
			return true;
		}
	}
	return false;
}

static bool take_stat(char **word, struct stat *st)
{
	long long sec;
	long nsec;

	*st = (struct stat){ 0 };
	st->st_mode = strtoul(word[0], NULL, 8);
	st->st_uid = strtoul(word[1], NULL, 10);
	st->st_gid = strtoul(word[2], NULL, 10);
	st->st_rdev = strtoull(word[3], NULL, 10);
	if (sscanf(word[4], "%lld.%ld", &sec, &nsec) != 2)
		return false;
	st->st_mtim = (struct timespec){ sec, nsec };
	return true;
}

static bool take_step(char *line, struct steps *s)
{
	char *word[8], *rest = NULL, *path, *from;
	enum step_op op;
	struct stat st;
	int n = 0;

	for (char *w = strtok_r(line, " ", &rest); w && n < 8;
	     w = strtok_r(NULL, " ", &rest))
		word[n++] = w;
	if (n != 8 || !take_op(word[0], &op) || !take_name(word[1], &path) ||
	    !path || !take_name(word[2], &from) || !take_stat(word + 3, &st))
		return false;
	steps_add(s, op, path, from, &st);
	return true;
}

/* Return: 1, 0: not begun, -EINVAL */
static int take_lines(FILE *f, struct steps *s)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	bool begun = false;
	int err = 0;

	if (getline(&line, &size, f) < 0 || strcmp(line, HEAD))
		err = -EINVAL;
	while (!err && (len = getline(&line, &size, f)) > 0) {
		if (line[len - 1] != '\n')
			break;		/* cut off: it does not count */
		line[len - 1] = '\0';
		if (begun)
			s->done += !strcmp(line, "done");
		else if (!strcmp(line, "begin"))
			begun = true;
		else if (!take_step(line, s))
			err = -EINVAL;
	}
	free(line);
	if (s->done > s->n)
		s->done = s->n;
	return err ? err : begun;
}

int journal_read(const struct opened *o, struct steps *s)
{
	int fd = openat(o->dir, JOURNAL, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	FILE *f;
	int result;

	*s = (struct steps){ 0 };
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	result = take_lines(f, s);
	fclose(f);
	if (result <= 0)
		steps_free(s);
	return result;
}
