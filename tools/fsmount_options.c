/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of a mount by type: ours become what the row makes of them,
 * the flags of mount(2) become the words that libfuse knows again, and what
 * is left is the program's.
 */
#include "tools/fsmount_options.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>
#include "tools/tool.h"

/* Words of the old modules, or of other types, that no program can serve. */
static const char *const not_ours[] = {
	"merge", "cow", "mincow", "move", "hide", "permanent",
	"format", "fmt", "pre", "post", "nosource"
};

/* Of these libfuse makes flags again. nosuid and nodev hold anyway. */
static const struct {
	unsigned long flag;
	const char *word;
} flag_words[] = {
	{ MS_NOEXEC, "noexec" },
	{ MS_SYNCHRONOUS, "sync" },
	{ MS_DIRSYNC, "dirsync" },
	{ MS_NOATIME, "noatime" },
};

/* --- reading ------------------------------------------------------------- */

static int refuse(struct fsmount_wish *w, const char *word, size_t len,
		  const char *why)
{
	snprintf(w->refused, sizeof(w->refused), "%.*s: %s",
		 (int)(len < 128 ? len : 128), word, why);
	return -EINVAL;
}

/* Is it NAME, or NAME=VALUE? */
static bool is_word(const char *word, size_t len, const char *name)
{
	size_t n = strlen(name);

	return len >= n && memcmp(word, name, n) == 0 &&
	       (len == n || word[n] == '=');
}

static int read_id(struct fsmount_wish *w, const char *word, size_t len,
		   long *id)
{
	const char *equal = memchr(word, '=', len);
	size_t n = equal ? word + len - equal - 1 : 0;
	char text[16];

	if (!n || n >= sizeof(text))
		return refuse(w, word, len, "not a number");
	memcpy(text, equal + 1, n);
	text[n] = '\0';
	/* The highest is what chown(2) takes for "leave it". */
	if (tool_number(text, 0, UINT32_MAX - 1L, id))
		return refuse(w, word, len, "not a number");
	return 0;
}

static void append_word(char *list, const char *word, size_t len)
{
	size_t used = strlen(list);

	/* As much as fitted into the list it is from. */
	if (used)
		list[used++] = ',';
	memcpy(list + used, word, len);
	list[used + len] = '\0';
}

/* That tree stays what it was: see vu_mount_except(). */
static int read_except(struct fsmount_wish *w, const char *word, size_t len)
{
	size_t n = strlen("except=/");

	if (len <= n || word[n - 1] != '/')
		return refuse(w, word, len, "must begin with / and name "
			      "something below the target");
	append_word(w->except, word, len);
	return 0;
}

/* Where the files come from: the module looks at VU_VIA of who mounts. */
static int read_via(struct fsmount_wish *w, const char *word, size_t len)
{
	static const char *const vias[] = { "auto", "carrier", "cache" };
	const char *value = word + strlen("via=");
	size_t n = len - strlen("via=");

	for (size_t i = 0; i < sizeof(vias) / sizeof(vias[0]); i++) {
		if (strlen(vias[i]) == n && memcmp(vias[i], value, n) == 0) {
			strcpy(w->via, vias[i]);
			return 0;
		}
	}
	return refuse(w, word, len, "carrier, cache or auto");
}

static int read_word(struct fsmount_wish *w, const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(not_ours) / sizeof(not_ours[0]); i++) {
		if (is_word(word, len, not_ours[i]))
			return refuse(w, word, len, "not by this type");
	}
	if (is_word(word, len, "uid") || is_word(word, len, "fuseuid"))
		return read_id(w, word, len, &w->uid);
	if (is_word(word, len, "gid") || is_word(word, len, "fusegid"))
		return read_id(w, word, len, &w->gid);
	if (len > 4 && memcmp(word, "via=", 4) == 0)
		return read_via(w, word, len);
	if (is_word(word, len, "except"))
		return read_except(w, word, len);
	if (len == 3 && memcmp(word, "rw+", 3) == 0)
		w->writable = true;
	else if (len == 5 && memcmp(word, "human", 5) == 0)
		w->human = true;
	else
		append_word(w->rest, word, len);
	if (len == 5 && memcmp(word, "debug", 5) == 0)
		w->debug = true;
	return 0;
}

int fsmount_wish_read(struct fsmount_wish *w, const struct mount_options *o)
{
	const char *list = o->data;
	int err = 0;

	*w = (struct fsmount_wish){ .uid = -1, .gid = -1, .flags = o->flags };
	w->read_only = o->flags & MS_RDONLY;
	if (o->flags & (MS_BIND | MS_MOVE))
		return refuse(w, o->flags & MS_BIND ? "bind" : "move", 4,
			      "not by this type");
	while (*list && !err) {
		size_t len = mount_option_length(list);

		err = read_word(w, list, len);
		list += len + (list[len] == ',');
	}
	if (!err && w->read_only && w->writable)
		return refuse(w, "rw+", 3, "not with ro");
	return err;
}

static bool row_cannot(const struct fstype *row, enum fstype_key key)
{
	return strcmp(fstype_value(row, key), "-") == 0;
}

int fsmount_wish_settle(struct fsmount_wish *w, const struct fstype *row,
			bool source_writable)
{
	enum fstype_access access = fstype_access(row);

	if ((w->uid >= 0 && row_cannot(row, FSTYPE_UID)) ||
	    (w->gid >= 0 && row_cannot(row, FSTYPE_GID)))
		return refuse(w, "uid=, gid=", 10, "not by this type");
	if (w->human && row_cannot(row, FSTYPE_HUMAN))
		return refuse(w, "human", 5, "not by this type");
	if (w->writable && access == ACCESS_READ)
		return refuse(w, "rw+", 3, "not by this type, which is "
			      "read-only");
	if (w->writable && !source_writable)
		return refuse(w, "rw+", 3, "the source is write-protected");
	if (!w->writable && (access != ACCESS_WRITE || !source_writable))
		w->read_only = true;
	return 0;
}

/* --- writing ------------------------------------------------------------- */

struct output {
	char *text;
	size_t used, size;
	bool full;
};

static void put(struct output *out, const char *s, size_t n)
{
	if (out->used + n >= out->size) {
		out->full = true;
		return;
	}
	memcpy(out->text + out->used, s, n);
	out->used += n;
	out->text[out->used] = '\0';
}

/* libfuse, too, takes a backslash before what would end an option. */
static void put_escaped(struct output *out, const char *s)
{
	for (; *s; s++) {
		if (*s == ',' || *s == '\\')
			put(out, "\\", 1);
		put(out, s, 1);
	}
}

static void put_id(struct output *out, long id, long otherwise)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", id >= 0 ? id : otherwise);
	put(out, text, strlen(text));
}

static void put_list(struct output *out, const char *list,
		     const struct fsmount_wish *w, const char *source)
{
	if (*list && out->used)
		put(out, ",", 1);
	for (; *list; list++) {
		if (*list != '%') {
			put(out, list, 1);
			continue;
		}
		switch (*++list) {
		case 'S': put_escaped(out, source); break;
		case 'U': put_id(out, w->uid, getuid()); break;
		case 'G': put_id(out, w->gid, getgid()); break;
		default: put(out, list, 1); break;
		}
	}
}

int fsmount_list(const struct fsmount_wish *w, const struct fstype *row,
		 const char *source, char list[FSMOUNT_LIST_SIZE])
{
	struct output out = { .text = list, .size = FSMOUNT_LIST_SIZE };
	const char *uid = fstype_value(row, FSTYPE_UID);
	const char *gid = fstype_value(row, FSTYPE_GID);

	list[0] = '\0';
	put_list(&out, fstype_value(row, FSTYPE_ALWAYS), w, source);
	put_list(&out, fstype_value(row, w->read_only ? FSTYPE_RO : FSTYPE_RW),
		 w, source);
	put_list(&out, fstype_value(row, w->human ? FSTYPE_HUMAN :
				    FSTYPE_OMNIPOTENT), w, source);
	if (w->uid >= 0)
		put_list(&out, uid, w, source);
	/* One option for both of them need not be said twice. */
	if (w->gid >= 0 && (w->uid < 0 || strcmp(uid, gid)))
		put_list(&out, gid, w, source);
	if (w->nonempty)
		put_list(&out, fstype_value(row, FSTYPE_NONEMPTY), w, source);
	for (size_t i = 0; i < sizeof(flag_words) / sizeof(flag_words[0]); i++) {
		if (w->flags & flag_words[i].flag)
			put_list(&out, flag_words[i].word, w, source);
	}
	if (w->rest[0]) {
		put(&out, ",", out.used != 0);
		put(&out, w->rest, strlen(w->rest));
	}
	return out.full ? -E2BIG : 0;
}
