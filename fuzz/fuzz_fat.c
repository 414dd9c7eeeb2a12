/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * servers/fat: the input is an image, and what is done with it.
 *
 * What must hold: nothing outside of the image is read or written (it keeps
 * its size, and a read past its end is an error), everything ends, and the
 * errors are those that are promised. What has been written can be read.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/fat_input.h"
#include "servers/fat/change.h"
#include "servers/fat/dir.h"
#include "servers/fat/file.h"
#include "servers/fat/table.h"

const char fuzz_name[] = "fat";

enum { HELD = 8, MOST_OPS = 64, MOST_NODES = 200, DEEPEST = 12,
       BUFFER = 16384 };

struct world {
	struct fat *fat;
	struct fuzz_input in;
	struct fat_node *held[HELD];	/* [0]: the root */
	bool opened[HELD];
	unsigned seen;
};

static uint8_t buffer[BUFFER];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return 0;
}

static void check(int err)
{
	static const int promised[] = {
		0, EIO, ENOSPC, ENOENT, EEXIST, EINVAL, ENOTDIR, EISDIR,
		ENOTEMPTY, EFBIG, ENAMETOOLONG, EROFS, ENOMEM };

	for (size_t i = 0; i < sizeof(promised) / sizeof(promised[0]); i++)
		if (err == -promised[i])
			return;
	fuzz_check(false, "error %d", err);
}

static const char *pick_name(struct world *w)
{
	static const char *const name[] = {
		"file", "FILE", "sub", "A long name.text", "A LONG NAME.TEXT",
		"x.y", "deep", "ALONGN~1.TEX", "..", "a:b", "\xff", ".x",
		"some other name that is rather long, as names go.txt",
		"\xc3\xa4\xf0\x9f\x98\x80", "sp ace", "many0001" };

	return name[fuzz_byte(&w->in) % (sizeof(name) / sizeof(name[0]))];
}

static unsigned pick(struct world *w)
{
	unsigned i = fuzz_byte(&w->in) % HELD;

	return w->held[i] ? i : 0;
}

static void let_go(struct world *w, unsigned i)
{
	if (w->opened[i])
		check(node_close(w->fat, w->held[i]));
	if (i && w->held[i])
		node_put(w->fat, w->held[i], 1);
	w->opened[i] = false;
	w->held[i] = i ? NULL : w->fat->root;
}

static void hold(struct world *w, struct fat_node *n)
{
	unsigned i = 1 + fuzz_byte(&w->in) % (HELD - 1);

	let_go(w, i);
	w->held[i] = n;
}

static void find_or_make(struct world *w, unsigned how)
{
	struct fat_node *dir = w->held[pick(w)], *n = NULL;
	const char *name = pick_name(w);
	int err = how == 0 ? fat_lookup(w->fat, dir, name, &n) :
		  fat_create(w->fat, dir, name, how == 2, &n);

	check(err);
	if (!err)
		hold(w, n);
}

static void write_some(struct world *w)
{
	struct fat_node *n = w->held[pick(w)];
	uint64_t at = fuzz_byte(&w->in) * 97u;
	size_t size = fuzz_byte(&w->in) * 64u, got = 0;
	int err;

	if (at > 20000)
		at <<= 18;	/* to where there is no room, or no size */
	memset(buffer, fuzz_byte(&w->in), size);
	err = fat_write(w->fat, n, buffer, size, at);
	check(err);
	if (!err && size) {
		err = fat_read(w->fat, n, buffer, size, at, &got);
		fuzz_check(!err && got == size, "%d, %zu of %zu", err, got,
			   size);
	}
}

static void read_some(struct world *w, struct fat_node *n)
{
	uint64_t size = node_size(n), at = 0;
	size_t got = 0;
	int err = 0;

	for (unsigned i = 0; i < 4 && at < size && !err; i++, at += got)
		err = fat_read(w->fat, n, buffer, BUFFER, at, &got);
	check(err);
	if (size)
		check(fat_read(w->fat, n, buffer, BUFFER, size - 1, &got));
}

static void open_or_close(struct world *w)
{
	unsigned i = pick(w);

	if (i && !w->opened[i] && !w->held[i]->deleted)
		node_open(w->held[i]);
	else if (w->opened[i])
		check(node_close(w->fat, w->held[i]));
	else
		return;
	w->opened[i] = !w->opened[i];
}

static void move(struct world *w)
{
	struct fat_node *a = w->held[pick(w)], *b = w->held[pick(w)];
	const char *from = pick_name(w), *to = pick_name(w);

	check(fat_rename(w->fat, a, from, b, to, fuzz_byte(&w->in) % 4));
}

static void act(struct world *w)
{
	struct fat_node *n;

	switch (fuzz_byte(&w->in) % 12) {
	case 0: case 1: case 2:
		find_or_make(w, fuzz_byte(&w->in) % 3);
		break;
	case 3:
		n = w->held[pick(w)];
		check(fat_unlink(w->fat, n, pick_name(w)));
		break;
	case 4:
		n = w->held[pick(w)];
		check(fat_rmdir(w->fat, n, pick_name(w)));
		break;
	case 5: case 6:
		move(w);
		break;
	case 7:
		open_or_close(w);
		break;
	case 8:
		n = w->held[pick(w)];
		check(fat_truncate(w->fat, n, fuzz_byte(&w->in) * 100));
		break;
	case 9:
		let_go(w, 1 + fuzz_byte(&w->in) % (HELD - 1));
		break;
	default:
		write_some(w);
	}
}

static void look_at(struct world *w, struct fat_node *n)
{
	struct fat_stat st;

	node_stat(w->fat, n, &st);
	fuzz_check(st.size <= UINT32_MAX, "size %llu",
		   (unsigned long long)st.size);
	if (!node_is_dir(n))
		read_some(w, n);
}

static void tour(struct world *w, struct fat_node *dir, unsigned depth)
{
	struct dir_scan s = { .fat = w->fat, .dir = dir };
	char text[FAT_NAME_BYTES];
	struct fat_node *n;
	struct dir_entry e;
	int ret = 0;

	while (w->seen++ < MOST_NODES && (ret = dir_next(&s, &e)) > 0) {
		fuzz_check(name_to_utf8(&e.name, text) == 0 && text[0] &&
			   !strchr(text, '/'), "a name");
		ret = node_get(w->fat, dir, &e, &n);
		check(ret);
		if (ret)
			continue;
		look_at(w, n);
		if (node_is_dir(n) && depth < DEEPEST)
			tour(w, n, depth + 1);
		node_put(w->fat, n, 1);
	}
	check(ret < 0 ? ret : 0);
}

static void use(struct world *w)
{
	uint32_t count;

	w->held[0] = w->fat->root;
	tour(w, w->fat->root, 0);
	for (unsigned i = 0; i < MOST_OPS && w->in.left; i++)
		act(w);
	w->seen = 0;
	tour(w, w->fat->root, 0);
	check(table_count_free(w->fat, &count));
	/* half of them is left to be closed with the volume */
	for (unsigned i = 0; i < HELD / 2; i++)
		let_go(w, i);
	check(fat_close(w->fat));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { .in = { data, size } };
	int fd = fat_input_image(&w.in), keep = dup(fd), err;
	bool readonly = fuzz_byte(&w.in) % 8 == 7;
	struct fat_image image;
	struct stat before, after;

	fuzz_check(keep >= 0 && !fstat(keep, &before), "fstat");
	w.fat = malloc(sizeof(*w.fat));
	fuzz_check(w.fat && !image_take(&image, fd), "image");
	err = fat_open(w.fat, &image, readonly);
	check(err);
	if (!err)
		use(&w);
	fuzz_check(!fstat(keep, &after) && after.st_size == before.st_size,
		   "another size");
	close(keep);
	free(w.fat);
	return 0;
}
