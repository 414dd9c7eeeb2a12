/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/orig.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/escape.h"
#include "store/store_internal.h"

#define FILE_NAME "orig"

/* --- writing ------------------------------------------------------------- */

void orig_note_target(struct store *s, const char *origin,
		      const struct stat *st)
{
	struct strbuf line = { 0 };
	int fd;

	if (s->meta < 0 || (s->flags & STORE_RDONLY))
		return;
	strbuf_puts(&line, "orig /");
	escape_put(&line, origin, " ");
	strbuf_printf(&line, " %" PRIu64 " %" PRIu64 " %lld.%09ld %lld.%09ld\n",
		      (uint64_t)st->st_ino, (uint64_t)st->st_size,
		      (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		      (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
	fd = openat(s->meta, FILE_NAME, O_WRONLY | O_APPEND | O_CREAT |
		    O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && !line.failed)
		(void)!write(fd, line.data, line.len);
	if (fd >= 0)
		close(fd);
	strbuf_free(&line);
}

/* Is it still the target's that is seen there, untold of? */
static bool is_untouched(const struct store *s, const struct seen *at,
			 const char *path, const struct stat *target)
{
	struct stat own;

	if (at->node && at->node->attr.set)
		return false;
	return at->store == HAS_NOT || stat_own(s, path, &own) ||
	       (S_ISDIR(own.st_mode) && S_ISDIR(target->st_mode));
}

void orig_note(struct store *s, const char *path)
{
	struct seen *at = malloc(sizeof(*at));
	struct stat st;

	if (at && !seen_at(s, path, at) && at->target &&
	    !store_stat_target(s, at->origin, &st) &&
	    is_untouched(s, at, path, &st))
		orig_note_target(s, at->origin, &st);
	free(at);
}

/* --- reading ------------------------------------------------------------- */

bool store_orig_is(const struct store_orig *o, const struct stat *st)
{
	return o->ino == st->st_ino && o->size == (uint64_t)st->st_size &&
	       o->mtime.tv_sec == st->st_mtim.tv_sec &&
	       o->mtime.tv_nsec == st->st_mtim.tv_nsec &&
	       o->ctime.tv_sec == st->st_ctim.tv_sec &&
	       o->ctime.tv_nsec == st->st_ctim.tv_nsec;
}

static bool take_time(const char *word, struct timespec *t)
{
	long long sec;
	long nsec;

	if (sscanf(word, "%lld.%ld", &sec, &nsec) != 2)
		return false;
	*t = (struct timespec){ sec, nsec };
	return true;
}

/* A line without its end; an incomplete one is none. */
static bool take_line(char *line, struct store_orig *o)
{
	char *word[6], *rest = NULL;
	int n = 0;

	for (char *w = strtok_r(line, " ", &rest); w && n < 6;
	     w = strtok_r(NULL, " ", &rest))
		word[n++] = w;
	if (n != 6 || strcmp(word[0], "orig") || word[1][0] != '/')
		return false;
	escape_take(word[1]);
	o->path = word[1] + 1;
	o->ino = strtoull(word[2], NULL, 10);
	o->size = strtoull(word[3], NULL, 10);
	return take_time(word[4], &o->mtime) && take_time(word[5], &o->ctime);
}

int store_each_orig(struct store *s,
		    int (*each)(void *arg, const struct store_orig *o),
		    void *arg)
{
	int fd = s->meta < 0 ? -1 : openat(s->meta, FILE_NAME, O_RDONLY |
					   O_NOFOLLOW | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	struct store_orig o;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int err = 0;

	if (!f)
		return fd >= 0 ? -ENOMEM : 0;
	while (!err && (len = getline(&line, &size, f)) > 0) {
		if (line[len - 1] != '\n')
			break;
		line[len - 1] = '\0';
		if (take_line(line, &o))
			err = each(arg, &o);
	}
	free(line);
	fclose(f);
	return err;
}
