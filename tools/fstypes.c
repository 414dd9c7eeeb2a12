/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * A file is read line by line into rows of its own; only when all of it is
 * right do they join the table, behind those that are there. Who looks for a
 * name begins at the end, so a later file wins, row by row.
 *
 * Anyone may write the user's file, and it decides what is executed; but it
 * is its user's, who could execute that anyway. What has to hold is that a
 * line that is wrong is named, and never half understood.
 */
#include "tools/fstypes.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/tool.h"

enum { NAME_SIZE = 32, LINE_SIZE = 1024, VALUE_SIZE = 4096, ROWS_MAX = 256 };

enum value_kind { KIND_WORDS, KIND_TEXT, KIND_LIST, KIND_YES, KIND_ONE_OF };

static const char *const sources[] = {
	[SOURCE_FILE] = "file", [SOURCE_DIRECTORY] = "directory",
	[SOURCE_REMOTE] = "remote", [SOURCE_NONE] = "none", NULL
};

static const char *const accesses[] = {
	[ACCESS_WRITE] = "write", [ACCESS_CAREFUL] = "careful",
	[ACCESS_READ] = "read", NULL
};

static const char *const probes[] = { "none", "libarchive", NULL };

/* Lines with words may be repeated and add up. */
static const struct key {
	const char *name;
	enum value_kind kind;
	const char *otherwise;
	const char *const *one_of;
} key_table[FSTYPE_KEYS] = {
	[FSTYPE_ALIAS]		= { "alias", KIND_WORDS, "", NULL },
	[FSTYPE_PACKAGE]	= { "package", KIND_TEXT, "", NULL },
	[FSTYPE_RUN]		= { "run", KIND_TEXT, "", NULL },
	[FSTYPE_SOURCE]		= { "source", KIND_ONE_OF, "file", sources },
	[FSTYPE_ACCESS]		= { "access", KIND_ONE_OF, "write", accesses },
	[FSTYPE_ALWAYS]		= { "always", KIND_LIST, "", NULL },
	[FSTYPE_RO]		= { "ro", KIND_LIST, "ro", NULL },
	[FSTYPE_RW]		= { "rw", KIND_LIST, "", NULL },
	[FSTYPE_HUMAN]		= { "human", KIND_LIST,
				    "default_permissions", NULL },
	[FSTYPE_OMNIPOTENT]	= { "omnipotent", KIND_LIST, "", NULL },
	[FSTYPE_UID]		= { "uid", KIND_LIST, "uid=%U", NULL },
	[FSTYPE_GID]		= { "gid", KIND_LIST, "gid=%G", NULL },
	[FSTYPE_NONEMPTY]	= { "nonempty", KIND_LIST, "", NULL },
	[FSTYPE_TERMINAL]	= { "terminal", KIND_YES, "no", NULL },
	[FSTYPE_FOREGROUND]	= { "foreground", KIND_YES, "no", NULL },
	[FSTYPE_BY_MOUNT]	= { "by-mount", KIND_YES, "no", NULL },
	[FSTYPE_PROBE]		= { "probe", KIND_ONE_OF, "none", probes },
	[FSTYPE_BLKID]		= { "blkid", KIND_WORDS, "", NULL },
	[FSTYPE_MAGIC]		= { "magic", KIND_WORDS, "", NULL },
	[FSTYPE_NAME]		= { "name", KIND_WORDS, "", NULL },
	[FSTYPE_HOLDS]		= { "holds", KIND_WORDS, "", NULL },
};

/* --- rows ---------------------------------------------------------------- */

const char *fstype_value(const struct fstype *row, enum fstype_key key)
{
	return row->value[key] ? row->value[key] : key_table[key].otherwise;
}

bool fstype_flag(const struct fstype *row, enum fstype_key key)
{
	return strcmp(fstype_value(row, key), "yes") == 0;
}

static int word_index(const char *const *list, const char *word)
{
	for (int i = 0; list[i]; i++) {
		if (strcmp(list[i], word) == 0)
			return i;
	}
	return -1;
}

enum fstype_source fstype_source(const struct fstype *row)
{
	return word_index(sources, fstype_value(row, FSTYPE_SOURCE));
}

enum fstype_access fstype_access(const struct fstype *row)
{
	return word_index(accesses, fstype_value(row, FSTYPE_ACCESS));
}

size_t fstype_word(const char **list, const char **word)
{
	size_t n;

	*word = *list + strspn(*list, " \t");
	n = strcspn(*word, " \t");
	*list = *word + n;
	return n;
}

bool fstype_called(const struct fstype *row, const char *name)
{
	const char *list = fstype_value(row, FSTYPE_ALIAS), *word;
	size_t n;

	if (strcmp(row->name, name) == 0)
		return true;
	while ((n = fstype_word(&list, &word))) {
		if (strlen(name) == n && memcmp(name, word, n) == 0)
			return true;
	}
	return false;
}

void fstype_write(FILE *out, const struct fstype *row, const char *name)
{
	fprintf(out, "type %s\n", name);
	for (int i = 0; i < FSTYPE_KEYS; i++) {
		/* Words are names, and what tells of it. */
		if (row->value[i] && key_table[i].kind != KIND_WORDS)
			fprintf(out, "%s %s\n", key_table[i].name,
				row->value[i]);
	}
}

static void clear_row(struct fstype *row)
{
	free(row->name);
	for (int i = 0; i < FSTYPE_KEYS; i++)
		free(row->value[i]);
}

void fstypes_clear(struct fstypes *t)
{
	for (size_t i = 0; i < t->n; i++)
		clear_row(&t->row[i]);
	free(t->row);
	*t = (struct fstypes){ 0 };
}

/* --- names --------------------------------------------------------------- */

static const char *without_prefix(const char *type)
{
	static const char *const prefix[] = { "vufuse", "umfuse" };

	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++) {
		size_t n = strlen(prefix[i]);

		if (strncmp(type, prefix[i], n) == 0 && type[n])
			return type + n;
	}
	return type;
}

bool fstypes_prefixed(const char *type)
{
	return without_prefix(type) != type;
}

static const struct fstype *find(const struct fstypes *t, const char *name)
{
	for (size_t i = t->n; i-- > 0;) {
		if (fstype_called(&t->row[i], name))
			return &t->row[i];
	}
	return NULL;
}

const struct fstype *fstypes_find(const struct fstypes *t, const char *type)
{
	const struct fstype *row = find(t, type);

	return row ? row : find(t, without_prefix(type));
}

/* --- what is right ------------------------------------------------------- */

static int wrong(char *why, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int wrong(char *why, size_t size, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, size, format, ap);
	va_end(ap);
	return -EINVAL;
}

static bool good_name(const char *s, size_t n)
{
	if (!n || n >= NAME_SIZE || s[0] == '-')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)s[i]) && !strchr("+-._", s[i]))
			return false;
	}
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int fstype_magic(const char *word, size_t len, struct fstype_magic *m)
{
	const char *colon = memchr(word, ':', len);
	const char *hex = colon ? colon + 1 : word;
	size_t digits = word + len - hex;
	char number[12];

	if (!colon || !digits || digits % 2 || digits / 2 > sizeof(m->byte) ||
	    (size_t)(colon - word) >= sizeof(number))
		return -EINVAL;
	memcpy(number, word, colon - word);
	number[colon - word] = '\0';
	if (tool_number(number, 0, INT_MAX, &m->offset))
		return -EINVAL;
	m->n = digits / 2;
	for (size_t i = 0; i < digits; i += 2) {
		int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		m->byte[i / 2] = high << 4 | low;
	}
	return 0;
}

/* In lists: %S, %U, %G, %% only. */
static bool good_list(const char *s)
{
	while ((s = strchr(s, '%'))) {
		if (!s[1] || !strchr("SUG%", s[1]))
			return false;
		s += 2;
	}
	return true;
}

/* A program; behind it %S, %T, %O as words of their own, each once at most. */
static int check_run(const char *run, char *why, size_t size)
{
	unsigned seen = 0, words = 0;
	const char *word;
	size_t n;

	while ((n = fstype_word(&run, &word))) {
		const char *sign = memchr(word, '%', n);
		const char *which = sign && n == 2 ? strchr("STO", word[1]) :
				    NULL;
		unsigned bit = which ? 1u << (*which & 0x1f) : 0;

		if (++words > FSTYPE_WORDS)
			return wrong(why, size, "run: too many words");
		if (!sign)
			continue;
		if (words == 1 || !bit || sign != word || (seen & bit))
			return wrong(why, size, "run: %.*s: only %%S, %%T and "
				     "%%O, as words, each once", (int)n, word);
		seen |= bit;
	}
	if (!(seen & 1u << ('T' & 0x1f)))
		return wrong(why, size, "run: the word %%T is missing");
	return 0;
}

/* What can only be judged when the row is complete. */
static int check_row(const struct fstype *row, char *why, size_t size)
{
	const char *list = fstype_value(row, FSTYPE_ALIAS), *word;
	struct fstype_magic m;
	size_t n;

	while ((n = fstype_word(&list, &word))) {
		if (!good_name(word, n))
			return wrong(why, size, "alias: %.*s: not a name",
				     (int)n, word);
	}
	list = fstype_value(row, FSTYPE_MAGIC);
	while ((n = fstype_word(&list, &word))) {
		if (fstype_magic(word, n, &m))
			return wrong(why, size, "magic: %.*s: not OFFSET:HEX",
				     (int)n, word);
	}
	if (!row->value[FSTYPE_RUN])
		return wrong(why, size, "type %s: no line \"run\"", row->name);
	return check_run(row->value[FSTYPE_RUN], why, size);
}

/* --- lines --------------------------------------------------------------- */

static int find_key(const char *word, size_t n)
{
	for (int i = 0; i < FSTYPE_KEYS; i++) {
		if (strlen(key_table[i].name) == n &&
		    memcmp(key_table[i].name, word, n) == 0)
			return i;
	}
	return -1;
}

static int check_value(const struct key *k, const char *value, char *why,
		       size_t size)
{
	static const char *const yes_no[] = { "yes", "no", NULL };
	const char *const *one_of = k->kind == KIND_YES ? yes_no : k->one_of;

	if (one_of && word_index(one_of, value) < 0)
		return wrong(why, size, "%s: %s: not a value of it", k->name,
			     value);
	if (k->kind == KIND_LIST && !good_list(value))
		return wrong(why, size, "%s: %s: a %% that is not %%S, %%U, "
			     "%%G or %%%%", k->name, value);
	return 0;
}

static int set_value(struct fstype *row, int key, const char *value, char *why,
		     size_t size)
{
	const struct key *k = &key_table[key];
	char **old = &row->value[key], *both;
	int err = check_value(k, value, why, size);

	if (err)
		return err;
	if (!*old) {
		*old = tool_copy(value);
		return 0;
	}
	if (k->kind != KIND_WORDS)
		return wrong(why, size, "%s: twice in a row", k->name);
	if (strlen(*old) + 1 + strlen(value) >= VALUE_SIZE)
		return wrong(why, size, "%s: too much", k->name);
	both = tool_resize(NULL, strlen(*old) + strlen(value) + 2, 1);
	sprintf(both, "%s %s", *old, value);
	free(*old);
	*old = both;
	return 0;
}

static int new_row(struct fstypes *t, const char *name, char *why, size_t size)
{
	if (!good_name(name, strlen(name)))
		return wrong(why, size, "type: %s: not a name", name);
	if (t->n == ROWS_MAX)
		return wrong(why, size, "too many types");
	t->row = tool_resize(t->row, t->n + 1, sizeof(t->row[0]));
	t->row[t->n++] = (struct fstype){ .name = tool_copy(name) };
	return 0;
}

/* One line, without blanks around it. */
static int take_line(struct fstypes *t, const char *line, char *why,
		     size_t size)
{
	const char *rest = line, *word;
	size_t n = fstype_word(&rest, &word);
	int key = find_key(word, n);

	if (!n || word[0] == '#')
		return 0;
	rest += strspn(rest, " \t");
	if (n == 4 && memcmp(word, "type", 4) == 0) {
		int err = t->n ? check_row(&t->row[t->n - 1], why, size) : 0;

		return err ? err : new_row(t, rest, why, size);
	}
	if (key < 0)
		return wrong(why, size, "%.*s: unknown word", (int)n, word);
	if (!t->n)
		return wrong(why, size, "no line \"type\" before this one");
	return set_value(&t->row[t->n - 1], key, rest, why, size);
}

/* Copy a line and cut blanks off its end. Return: 0 or -EINVAL */
static int copy_line(char line[LINE_SIZE], const char *text, size_t n,
		     char *why, size_t size)
{
	if (n >= LINE_SIZE)
		return wrong(why, size, "the line is too long");
	for (size_t i = 0; i < n; i++) {
		if (text[i] != '\t' && iscntrl((unsigned char)text[i]))
			return wrong(why, size, "a control character");
	}
	while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	memcpy(line, text, n);
	line[n] = '\0';
	return 0;
}

static int take_lines(struct fstypes *t, const char *text, size_t size,
		      unsigned *number, char *why, size_t why_size)
{
	char line[LINE_SIZE];
	int err = 0;

	while (size && !err) {
		const char *end = memchr(text, '\n', size);
		size_t n = end ? (size_t)(end - text) : size;

		++*number;
		err = copy_line(line, text, n, why, why_size);
		if (!err)
			err = take_line(t, line, why, why_size);
		n += end != NULL;
		text += n;
		size -= n;
	}
	if (!err && t->n)
		err = check_row(&t->row[t->n - 1], why, why_size);
	return err;
}

int fstypes_parse(struct fstypes *t, const char *file, const char *text,
		  size_t size)
{
	struct fstypes fresh = { 0 };
	unsigned number = 0;
	char why[LINE_SIZE + 64];
	int err = take_lines(&fresh, text, size, &number, why, sizeof(why));

	if (!err && t->n + fresh.n > ROWS_MAX)
		err = wrong(why, sizeof(why), "too many types");
	if (err) {
		snprintf(t->error, sizeof(t->error), "%s:%u: %.200s", file,
			 number, why);
		fstypes_clear(&fresh);
		return err;
	}
	t->row = tool_resize(t->row, t->n + fresh.n, sizeof(t->row[0]));
	if (fresh.n)
		memcpy(t->row + t->n, fresh.row,
		       fresh.n * sizeof(t->row[0]));
	t->n += fresh.n;
	free(fresh.row);
	return 0;
}
