/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/held.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/proc.h"

struct held {
	struct file_id *id;		/* sorted when all are there */
	size_t n, size;
	bool failed;			/* not all are there */
};

static int compare(const void *a, const void *b)
{
	const struct file_id *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->dev < y->dev ? -1 : x->dev > y->dev;
}

static void add(struct held *h, const struct statx *x)
{
	if (h->n == h->size) {
		size_t size = h->size ? 2 * h->size : 64;
		void *more = reallocarray(h->id, size, sizeof(*h->id));

		h->failed |= !more;
		if (!more)
			return;
		h->id = more;
		h->size = size;
	}
	h->id[h->n++] = (struct file_id){
		makedev(x->stx_dev_major, x->stx_dev_minor), x->stx_ino, 0
	};
}

/* Never asks a file system's server. */
static bool add_file(void *arg, int dir, const char *name)
{
	struct statx x;

	if (!statx(dir, name, AT_STATX_DONT_SYNC, STATX_INO, &x))
		add(arg, &x);
	return false;		/* go on */
}

struct held *held_new(void)
{
	struct held *h = calloc(1, sizeof(*h));
	pid_t *all;
	size_t n;

	if (!h)
		return NULL;
	n = proc_descendants(getpid(), &all);
	for (size_t i = 0; i < n; i++)
		proc_find_fd(all[i], add_file, h);
	free(all);
	if (h->n)
		qsort(h->id, h->n, sizeof(*h->id), compare);
	return h;
}

bool held_has(const struct held *h, struct file_id id)
{
	if (!h || h->failed)
		return true;
	return h->n && bsearch(&id, h->id, h->n, sizeof(id), compare);
}

void held_free(struct held *h)
{
	if (h)
		free(h->id);
	free(h);
}
