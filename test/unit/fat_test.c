/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * servers/fat on good images: what a random user does is what a model of it
 * says; afterwards each cluster has one owner or none, and all is counted.
 * And the same when from some write on nothing is stored any more: clusters
 * may be lost then, and chains too long, but none has two owners.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/fat_input.h"
#include "servers/fat/change.h"
#include "servers/fat/dir.h"
#include "servers/fat/file.h"
#include "servers/fat/table.h"

enum { FILES = 24, MOST = 6000, ROUNDS = 1000, CRASHES = 1000 };

/* The image's writes come here: so many are stored, the rest is lost. */
static long writes_left = -1;

ssize_t our_pwrite(int fd, const void *p, size_t n, off_t at)
	__asm__("pwrite");
ssize_t our_pwrite(int fd, const void *p, size_t n, off_t at)
{
	if (!writes_left)
		return n;
	if (writes_left > 0)
		writes_left--;
	return lseek(fd, at, SEEK_SET) == at ? write(fd, p, n) : -1;
}

/* Who goes on after that sees what nobody has to explain. */
static bool crashed(void)
{
	return !writes_left;
}

static uint64_t dice_state;

static unsigned dice(unsigned sides)
{
	dice_state ^= dice_state << 13;
	dice_state ^= dice_state >> 7;
	dice_state ^= dice_state << 17;
	return (dice_state >> 16) % sides;
}

/* --- the model ------------------------------------------------------------- */

struct file {
	bool there;
	unsigned dir;		/* 0: the root, 1: sub */
	size_t size;
	uint8_t data[MOST];
};

struct world {
	struct fat fat;
	struct fat_node *dir[2];
	struct file file[FILES];
};

static int open_seed(struct world *w, const char *name, int *keep)
{
	struct fat_image image;

	*keep = fat_input_seed(name);
	fuzz_check(!image_take(&image, dup(*keep)), "image");
	memset(w, 0, sizeof(*w));
	return fat_open(&w->fat, &image, false);
}

static void name_of(unsigned i, char *text)
{
	static const char *const form[] = {
		"F%u.TXT", "lower%u", "A name that is long, number %u.text",
		"Mixed%u.Ext" };

	sprintf(text, form[i % 4], i);
}

static struct fat_node *node_named(struct world *w, unsigned i)
{
	struct fat_node *n;
	char text[64];
	int err;

	name_of(i, text);
	err = fat_lookup(&w->fat, w->dir[w->file[i].dir], text, &n);
	fuzz_check(crashed() || err == (w->file[i].there ? 0 : -ENOENT),
		   "%s: %d", text, err);
	return err ? NULL : n;
}

/* An error other than a lack of room is one; then nothing has happened. */
static bool went(int err)
{
	fuzz_check(!err || err == -ENOSPC || crashed(), "%d", err);
	return !err;
}

static void make(struct world *w, unsigned i)
{
	struct fat_node *n;
	char text[64];

	name_of(i, text);
	w->file[i].dir = dice(2);
	if (went(fat_create(&w->fat, w->dir[w->file[i].dir], text, false,
			    &n))) {
		w->file[i].there = true;
		w->file[i].size = 0;
		node_put(&w->fat, n, 1);
	}
}

static void drop(struct world *w, unsigned i)
{
	char text[64];
	int err;

	name_of(i, text);
	err = fat_unlink(&w->fat, w->dir[w->file[i].dir], text);
	fuzz_check(!err || crashed(), "%s: %d", text, err);
	w->file[i].there = false;
}

static void change(struct world *w, unsigned i, struct fat_node *n)
{
	size_t at = dice(MOST), len = dice(MOST - at);
	struct file *f = &w->file[i];
	uint8_t data[MOST];

	memset(data, 1 + dice(255), len);
	if (!len || !went(fat_write(&w->fat, n, data, len, at)))
		return;
	if (at > f->size)
		memset(f->data + f->size, 0, at - f->size);
	memcpy(f->data + at, data, len);
	if (at + len > f->size)
		f->size = at + len;
}

static void resize(struct world *w, unsigned i, struct fat_node *n)
{
	size_t size = dice(MOST);
	struct file *f = &w->file[i];

	if (!went(fat_truncate(&w->fat, n, size)))
		return;
	if (size > f->size)
		memset(f->data + f->size, 0, size - f->size);
	f->size = size;
}

static void move(struct world *w, unsigned i)
{
	unsigned j = dice(FILES);
	char from[64], to[64];
	unsigned dir = w->file[j].there ? w->file[j].dir : dice(2);

	if (i == j)
		return;
	name_of(i, from);
	name_of(j, to);
	if (!went(fat_rename(&w->fat, w->dir[w->file[i].dir], from,
			     w->dir[dir], to, true)))
		return;
	w->file[j] = w->file[i];
	w->file[j].dir = dir;
	w->file[i].there = false;
}

static void compare(struct world *w, unsigned i)
{
	struct fat_node *n = node_named(w, i);
	uint8_t data[MOST];
	size_t got;

	if (!n)
		return;
	fuzz_check(node_size(n) == w->file[i].size, "%u of %zu", node_size(n),
		   w->file[i].size);
	fuzz_check(!fat_read(&w->fat, n, data, MOST, 0, &got) &&
		   got == w->file[i].size &&
		   !memcmp(data, w->file[i].data, got), "file %u", i);
	node_put(&w->fat, n, 1);
}

static void act(struct world *w, unsigned i)
{
	struct fat_node *n;

	if (!w->file[i].there) {
		make(w, i);
		return;
	}
	switch (dice(6)) {
	case 0:
		drop(w, i);
		return;
	case 1:
		move(w, i);
		return;
	}
	n = node_named(w, i);
	if (!n)
		return;
	if (dice(4))
		change(w, i, n);
	else
		resize(w, i, n);
	node_put(&w->fat, n, 1);
}

static void live(struct world *w, unsigned rounds)
{
	w->dir[0] = w->fat.root;
	fuzz_check(!fat_lookup(&w->fat, w->fat.root, "sub", &w->dir[1]),
		   "sub");
	for (unsigned i = 0; i < rounds && !crashed(); i++)
		act(w, dice(FILES));
}

/* --- a check of the image -------------------------------------------------- */

struct checker {
	struct fat *fat;
	uint8_t *owned;
	uint32_t count;
	bool exact;	/* no chain is longer than its file */
};

static uint32_t own_chain(struct checker *c, uint32_t cluster)
{
	uint32_t n = 0;

	for (; cluster; n++) {
		fuzz_check(fat_is_cluster(c->fat, cluster), "%u", cluster);
		fuzz_check(!c->owned[cluster - 2]++, "%u: two owners", cluster);
		fuzz_check(!table_next(c->fat, cluster, &cluster), "a chain");
	}
	c->count += n;
	return n;
}

static void check_dir(struct checker *c, struct fat_node *dir)
{
	struct dir_scan s = { .fat = c->fat, .dir = dir };
	struct fat_node *n;
	struct dir_entry e;
	int ret;

	if (raw_start(c->fat, dir->raw))
		own_chain(c, raw_start(c->fat, dir->raw));
	while ((ret = dir_next(&s, &e)) > 0) {
		uint64_t has, size = get32(e.raw + D_SIZE);

		fuzz_check(!node_get(c->fat, dir, &e, &n), "a node");
		if (node_is_dir(n)) {
			check_dir(c, n);
		} else {
			has = own_chain(c, raw_start(c->fat, n->raw));
			has *= c->fat->cluster;
			fuzz_check(has >= size, "a short chain");
			fuzz_check(!c->exact || has - size < c->fat->cluster,
				   "a long chain");
		}
		node_put(c->fat, n, 1);
	}
	fuzz_check(!ret, "%d", ret);
}

static void check_copies(struct fat *f)
{
	uint8_t a[512], b[512];

	for (uint64_t at = 0; at < f->table_size; at += 512)
		for (unsigned i = 1; i < f->tables; i++)
			fuzz_check(!image_read(&f->image, a, 512,
					       f->table_at + at) &&
				   !image_read(&f->image, b, 512,
					       f->table_at + at +
					       i * f->table_size) &&
				   !memcmp(a, b, 512), "copies differ");
}

/* Takes the descriptor. */
static void check_image(int fd, bool broken)
{
	struct fat *f = malloc(sizeof(*f));
	struct checker c = { .fat = f, .exact = !broken };
	struct fat_image image;
	uint32_t count;

	fuzz_check(f && !image_take(&image, fd) && !fat_open(f, &image, true),
		   "opened again");
	fuzz_check(fat_was_dirty(f) == broken, "the mark");
	c.owned = calloc(1, f->clusters);
	check_dir(&c, f->root);
	fuzz_check(!table_count_free(f, &count), "counted");
	fuzz_check(broken ? count + c.count <= f->clusters :
		   count + c.count == f->clusters, "%u free, %u owned of %u",
		   count, c.count, f->clusters);
	if (!broken && f->info_at)
		fuzz_check(f->info_free == count, "FSINFO");
	if (!broken)
		check_copies(f);
	fat_close(f);
	free(c.owned);
	free(f);
}

/* --- the tests ------------------------------------------------------------- */

static void test_model(struct world *w, const char *seed)
{
	int keep;

	dice_state = 88172645463325252u;
	fuzz_check(!open_seed(w, seed, &keep), "%s", seed);
	for (unsigned i = 0; i < ROUNDS / 20; i++) {
		live(w, 20);
		for (unsigned k = 0; k < FILES; k++)
			compare(w, k);
		node_put(&w->fat, w->dir[1], 1);
	}
	fuzz_check(!fat_close(&w->fat), "close");
	check_image(keep, false);
}

static void test_crash(struct world *w, const char *seed, unsigned when)
{
	int keep;

	dice_state = 88172645463325252u + when;
	fuzz_check(!open_seed(w, seed, &keep), "%s", seed);
	writes_left = 1 + when;
	live(w, 400);
	writes_left = 0;
	fat_close(&w->fat);
	writes_left = -1;
	check_image(keep, true);
}

static void test_orphan(struct world *w, const char *seed)
{
	struct fat_node *n, *root;
	uint8_t data[3000] = { 1 };
	uint32_t before, after;
	size_t got;
	int keep;

	fuzz_check(!open_seed(w, seed, &keep), "%s", seed);
	root = w->fat.root;
	table_count_free(&w->fat, &before);
	fuzz_check(!fat_create(&w->fat, root, "open", false, &n), "create");
	node_open(n);
	fuzz_check(!fat_unlink(&w->fat, root, "OPEN"), "unlink");
	fuzz_check(!fat_write(&w->fat, n, data, sizeof(data), 0) &&
		   !fat_read(&w->fat, n, data, sizeof(data), 0, &got) &&
		   got == sizeof(data) && data[0] == 1, "is used");
	fuzz_check(!node_close(&w->fat, n), "close");
	table_count_free(&w->fat, &after);
	fuzz_check(before == after, "freed: %u %u", before, after);
	node_put(&w->fat, n, 1);
	fuzz_check(!fat_close(&w->fat), "close");
	check_image(keep, false);
}

int main(void)
{
	static const char *const seed[] = {
		"fat12", "fat12_big_clusters", "fat12_4096", "fat16", "fat32",
		"fat32_one_table" };
	struct world *w = malloc(sizeof(*w));

	for (unsigned i = 0; i < sizeof(seed) / sizeof(seed[0]); i++) {
		test_model(w, seed[i]);
		test_orphan(w, seed[i]);
	}
	for (unsigned k = 0; k < CRASHES; k++)
		test_crash(w, seed[k % 4], k);
	free(w);
	puts("ok");
	return 0;
}
