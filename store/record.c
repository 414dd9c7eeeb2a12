/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records and their text: words between blanks. A name begins with a slash,
 * and what could be taken for something else in it is written as \ooo. "-"
 * stands for none.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "lib/escape.h"
#include "store/log.h"

/*
 * What follows the word: p path, t to, o origin, q origin_to, l link,
 * f flags, i ino, n nlink, a attributes (any number of words)
 */
static const struct {
	const char *word, *has;
} forms[] = {
	[RECORD_HIDE] = { "hide", "p" },
	[RECORD_PLAIN] = { "plain", "p" },
	[RECORD_ATTR] = { "attr", "pa" },
	[RECORD_FROM] = { "from", "po" },
	[RECORD_LINK] = { "link", "lon" },
	[RECORD_UNLINK] = { "unlink", "pf" },
	[RECORD_MOVE] = { "move", "ptfo" },
	[RECORD_SWAP] = { "swap", "ptfoqi" },
	[RECORD_DONE] = { "done", "" },
	[RECORD_BACK] = { "back", "" },
};

static_assert(sizeof(forms) / sizeof(forms[0]) == RECORD_OPS, "all have one");

static const char flag_letters[] = "uvh";

static const char type_letters[] = "fdlcbps";
static const mode_t types[] = { S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK,
				S_IFIFO, S_IFSOCK };

/* --- print --- */

static void put_name(struct strbuf *out, const char *name)
{
	if (!name) {
		strbuf_puts(out, " -");
		return;
	}
	strbuf_puts(out, " /");
	escape_put(out, name, " ;");
}

static void put_time(struct strbuf *out, const char *key,
		     const struct timespec *t)
{
	strbuf_printf(out, " %s=%lld.%09ld", key, (long long)t->tv_sec,
		      t->tv_nsec);
}

static void put_attr(struct strbuf *out, const struct store_attr *a)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((a->set & STORE_TYPE) && (a->mode & S_IFMT) == types[i])
			strbuf_printf(out, " type=%c", type_letters[i]);
	if (a->set & STORE_MODE)
		strbuf_printf(out, " mode=0%o", a->mode & 07777);
	if (a->set & STORE_UID)
		strbuf_printf(out, " uid=%u", a->uid);
	if (a->set & STORE_GID)
		strbuf_printf(out, " gid=%u", a->gid);
	if (a->set & STORE_RDEV)
		strbuf_printf(out, " rdev=%u:%u", major(a->rdev),
			      minor(a->rdev));
	if (a->set & STORE_ATIME)
		put_time(out, "atime", &a->atime);
	if (a->set & STORE_MTIME)
		put_time(out, "mtime", &a->mtime);
	if (a->set & STORE_CTIME)
		put_time(out, "ctime", &a->ctime);
}

static void put_flags(struct strbuf *out, unsigned flags)
{
	strbuf_putc(out, ' ');
	for (size_t i = 0; flag_letters[i]; i++)
		if (flags & 1u << i)
			strbuf_putc(out, flag_letters[i]);
	if (!flags)
		strbuf_putc(out, '-');
}

static void put_field(struct strbuf *out, const struct record *r, char field)
{
	switch (field) {
	case 'p': put_name(out, r->path); break;
	case 't': put_name(out, r->to); break;
	case 'o': put_name(out, r->origin); break;
	case 'q': put_name(out, r->origin_to); break;
	case 'l': put_name(out, r->link); break;
	case 'f': put_flags(out, r->flags); break;
	case 'a': put_attr(out, &r->attr); break;
	case 'i': strbuf_printf(out, " %llu", (unsigned long long)r->ino); break;
	case 'n': strbuf_printf(out, " %lu", r->nlink); break;
	}
}

void record_print(struct strbuf *out, const struct record *r)
{
	strbuf_puts(out, forms[r->op].word);
	for (const char *f = forms[r->op].has; *f; f++)
		put_field(out, r, *f);
}

/* --- parse --- */

/* The next word, or NULL at the end of the line or of the record. */
static char *next_word(char **rest)
{
	char *word = *rest + strspn(*rest, " "), *end;

	if (!*word || *word == ';')
		return NULL;
	end = word + strcspn(word, " ");
	*rest = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

/* No name in a store has these: it would lead elsewhere. */
static bool is_safe(const char *path)
{
	size_t n;

	for (; *path; path += n + (path[n] == '/')) {
		n = strcspn(path, "/");
		if (!n || n > NAME_MAX || (n == 1 && path[0] == '.') ||
		    (n == 2 && path[0] == '.' && path[1] == '.'))
			return false;
	}
	return true;
}

static int get_name(char *word, const char **name)
{
	size_t len;

	*name = NULL;
	if (!strcmp(word, "-"))
		return 0;
	if (word[0] != '/')
		return -EINVAL;
	len = escape_take(word + 1);
	*name = word + 1;
	return strlen(word + 1) == len && is_safe(word + 1) &&
	       len + 1 < PATH_MAX ? 0 : -EINVAL;
}

static int get_flags(const char *word, unsigned *flags)
{
	const char *at;

	*flags = 0;
	for (; *word; word++) {
		at = strchr(flag_letters, *word);
		if (at)
			*flags |= 1u << (at - flag_letters);
		else if (*word != '-')
			return -EINVAL;
	}
	return 0;
}

static int get_time(const char *value, struct timespec *t)
{
	char *end;

	t->tv_sec = strtoll(value, &end, 10);
	t->tv_nsec = *end == '.' ? strtol(end + 1, &end, 10) : 0;
	return *end || t->tv_nsec < 0 || t->tv_nsec > 999999999 ? -EINVAL : 0;
}

static int get_type(const char *value, mode_t *mode)
{
	const char *at = *value ? strchr(type_letters, *value) : NULL;

	if (!at || value[1])
		return -EINVAL;
	*mode |= types[at - type_letters];
	return 0;
}

static int get_rdev(const char *value, dev_t *rdev)
{
	char *end;
	unsigned long major = strtoul(value, &end, 10), minor;

	if (*end != ':')
		return -EINVAL;
	minor = strtoul(end + 1, &end, 10);
	*rdev = makedev(major, minor);
	return *end ? -EINVAL : 0;
}

static int get_number(const char *value, int base, unsigned long *n)
{
	char *end;

	*n = strtoul(value, &end, base);
	return *end || end == value ? -EINVAL : 0;
}

static int get_id(const char *value, unsigned *id)
{
	unsigned long n;
	int err = get_number(value, 10, &n);

	*id = n;
	return err ?: n > ~0u ? -EINVAL : 0;
}

static int get_mode(const char *value, mode_t *mode)
{
	unsigned long n;
	int err = get_number(value, 8, &n);

	*mode |= n & 07777;
	return err ?: n > 07777 ? -EINVAL : 0;
}

static int get_value(struct store_attr *a, unsigned which, const char *value)
{
	switch (which) {
	case STORE_TYPE: return get_type(value, &a->mode);
	case STORE_MODE: return get_mode(value, &a->mode);
	case STORE_UID: return get_id(value, &a->uid);
	case STORE_GID: return get_id(value, &a->gid);
	case STORE_RDEV: return get_rdev(value, &a->rdev);
	case STORE_ATIME: return get_time(value, &a->atime);
	case STORE_MTIME: return get_time(value, &a->mtime);
	default: return get_time(value, &a->ctime);
	}
}

static int get_attr(char *word, struct store_attr *a)
{
	/* in the order of enum store_attr_set */
	static const char *const keys[] = { "type", "mode", "uid", "gid",
					    "rdev", "atime", "mtime", "ctime" };
	char *value = strchr(word, '=');

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(word, keys[i])) {
			a->set |= 1u << i;
			return get_value(a, 1u << i, value);
		}
	return -EINVAL;
}

static int get_number_field(const char *word, struct record *r, char field)
{
	unsigned long n;
	int err = get_number(word, 10, &n);

	if (field == 'i')
		r->ino = n;
	else
		r->nlink = n;
	return err;
}

/* A name in one directory: it is not led elsewhere. */
static int get_link(char *word, const char **name)
{
	int err = get_name(word, name);

	return !err && *name && (!**name || strchr(*name, '/')) ? -EINVAL : err;
}

static int get_field(char *word, struct record *r, char field)
{
	switch (field) {
	case 'p': return get_name(word, &r->path) ?: r->path ? 0 : -EINVAL;
	case 't': return get_name(word, &r->to) ?: r->to ? 0 : -EINVAL;
	case 'l': return get_link(word, &r->link);
	case 'o': return get_name(word, &r->origin);
	case 'q': return get_name(word, &r->origin_to);
	case 'f': return get_flags(word, &r->flags);
	default: return get_number_field(word, r, field);
	}
}

static int get_fields(char **rest, struct record *r)
{
	char *word;
	int err = 0;

	for (const char *f = forms[r->op].has; *f && !err; f++) {
		while (*f == 'a' && !err && (word = next_word(rest)))
			err = get_attr(word, &r->attr);
		if (*f == 'a')
			continue;
		word = next_word(rest);
		err = word ? get_field(word, r, *f) : -EINVAL;
	}
	return err;
}

int record_parse(char **rest, struct record *r)
{
	char *word;
	int err;

	*r = (struct record){ .path = "", .to = "" };
	*rest += strspn(*rest, " ;");
	word = next_word(rest);
	if (!word)
		return 0;
	while (r->op < RECORD_OPS && strcmp(word, forms[r->op].word))
		r->op++;
	if (r->op == RECORD_OPS)
		return -EINVAL;
	err = get_fields(rest, r);
	return err ?: 1;
}
