/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is read from a store beside its log: a byte that chooses the kind of
 * file, and its text. Attributes of old stores, what the target's objects
 * were (orig), and the journal of vu commit.
 *
 * What must hold: attributes are in their range and only those that are
 * said; a journal's names stay within the target, and what is done of it is
 * not more than it has; written again it reads the same.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "store/old.h"
#include "store/orig.h"
#include "tools/commit_journal.c"

const char fuzz_name[] = "store_text";

static char top[PATH_MAX / 2];
static int dir;
static struct store *store;

/* --- what the journal needs of tools/ ------------------------------------ */

void *tool_resize(void *old, size_t n, size_t size)
{
	void *p = reallocarray(old, n ? n : 1, size);

	fuzz_check(p, "memory");
	return p;
}

char *tool_copy(const char *s)
{
	char *copy = strdup(s);

	fuzz_check(copy, "memory");
	return copy;
}

/* --- a store ------------------------------------------------------------- */

static void clean_up(void)
{
	char command[PATH_MAX];

	store_close(store);
	close(dir);
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	if (system(command))
		fprintf(stderr, "%s is left\n", top);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *tmp = getenv("TMPDIR");
	struct store_message why = { "" };

	(void)argc, (void)argv;
	snprintf(top, sizeof(top), "%s/vu-store-XXXXXX", tmp ? tmp : "/tmp");
	fuzz_check(mkdtemp(top), "%s", top);
	dir = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fuzz_check(dir >= 0 && !mkdirat(dir, ".-", 0700), "%s", top);
	fuzz_check(!store_open(dir, dir, "/target", 0, &store, &why), "%s",
		   why.text);
	atexit(clean_up);
	return 0;
}

static void write_file(const char *name, const uint8_t *data, size_t size)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			0600);

	fuzz_check(fd >= 0 && write(fd, data, size) == (ssize_t)size, "%s",
		   name);
	close(fd);
}

/* --- old attributes ------------------------------------------------------ */

static int attr(void *ctx, const char *path, const struct old_attr *a)
{
	fuzz_check(!strcmp(path, "name"), "%s", path);
	fuzz_check(a->set && !(a->mode & ~07777u), "%o", a->mode);
	fuzz_check(!(a->type & ~(mode_t)S_IFMT), "%o", a->type);
	fuzz_check(!(a->set & OLD_TYPE) == !a->type, "%o", a->type);
	++*(int *)ctx;
	return 0;
}

static int hide(void *ctx, const char *path)
{
	(void)ctx;
	fuzz_check(0, "%s is hidden", path);
	return 0;
}

static void try_old(const char *name, const uint8_t *data, size_t size)
{
	int n = 0;
	struct old_sink sink = { .attr = attr, .hide = hide, .ctx = &n };

	write_file(name, data, size);
	fuzz_check(old_read(dir, &sink) == 0 && n <= 1, "%d", n);
	unlinkat(dir, name, 0);
}

/* --- the others ---------------------------------------------------------- */

static int orig(void *ctx, const struct store_orig *o)
{
	struct stat st = { .st_ino = o->ino, .st_size = o->size,
			   .st_mtim = o->mtime, .st_ctim = o->ctime };

	(void)ctx;
	fuzz_check(store_orig_is(o, &st), "%s", o->path);
	return 0;
}

static void try_orig(const uint8_t *data, size_t size)
{
	write_file(".vufs/orig", data, size);
	fuzz_check(store_each_orig(store, orig, NULL) == 0, "orig");
}

static void check_step(const struct step *s)
{
	fuzz_check(s->path && s->op < STEP_OPS, "%d", s->op);
	fuzz_check(is_safe(s->path) && (!s->from || is_safe(s->from)), "%s",
		   s->path);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void try_journal(const uint8_t *data, size_t size)
{
	struct opened o = { .dir = dir };
	struct steps s, again;

	write_file(JOURNAL, data, size);
	if (journal_read(&o, &s) != 1)
		return;
	fuzz_check(s.done <= s.n, "%zu of %zu", s.done, s.n);
	fuzz_check(!journal_write(&o, &s), "written");
	fuzz_check(journal_read(&o, &again) == 1 && again.n == s.n &&
		   !again.done, "%zu", s.n);
	for (size_t i = 0; i < s.n; i++) {
		check_step(&s.list[i]);
		fuzz_check(s.list[i].op == again.list[i].op &&
			   same_text(s.list[i].path, again.list[i].path) &&
			   same_text(s.list[i].from, again.list[i].from) &&
			   s.list[i].st.st_mode == again.list[i].st.st_mode,
			   "%zu", i);
	}
	steps_free(&s);
	steps_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned kind = size ? data[0] % 4 : 0;

	data += size != 0;
	size -= size != 0;
	switch (kind) {
	case 0: try_old(".-/name\377", data, size); break;
	case 1: try_old(".-/name\177", data, size); break;
	case 2: try_orig(data, size); break;
	default: try_journal(data, size); break;
	}
	return 0;
}
