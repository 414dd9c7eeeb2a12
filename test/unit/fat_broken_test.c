/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * servers/fat: images that are wrong in one way each, and what is said then;
 * names and times as they are stored.
 */
#include <errno.h>
#include <string.h>

#include "fuzz/fat_input.h"
#include "servers/fat/change.h"
#include "servers/fat/dir.h"
#include "servers/fat/file.h"
#include "servers/fat/table.h"
#include "servers/fat/times.h"

static int open_image(struct fat *f, int fd)
{
	struct fat_image image;

	fuzz_check(!image_take(&image, fd), "image");
	return fat_open(f, &image, false);
}

static void poke(int fd, off_t at, unsigned value, unsigned bytes)
{
	fuzz_check(pwrite(fd, &value, bytes, at) == (ssize_t)bytes, "poke");
}

static const struct {
	const char *seed;
	unsigned at, bytes, value;
} wrong_boot[] = {
	{ "fat12", 11, 2, 0 }, { "fat12", 11, 2, 256 },
	{ "fat12", 11, 2, 513 }, { "fat12", 11, 2, 8192 },
	{ "fat12", 13, 1, 0 }, { "fat12", 13, 1, 3 },
	{ "fat12", 14, 2, 0 }, { "fat12", 14, 2, 65535 },
	{ "fat12", 16, 1, 0 }, { "fat12", 16, 1, 255 },
	{ "fat12", 17, 2, 0 }, { "fat12", 17, 2, 33 },
	{ "fat12", 19, 2, 65535 }, { "fat12", 19, 2, 1 },
	{ "fat12", 21, 1, 0x17 }, { "fat12", 22, 2, 0 },
	{ "fat12", 22, 2, 65535 },
	{ "fat32", 32, 4, 0xffffffff }, { "fat32", 36, 4, 0xffffffff },
	{ "fat32", 36, 4, 0 }, { "fat32", 44, 4, 0 }, { "fat32", 44, 4, 1 },
	{ "fat32", 44, 4, 0x0fffffff }, { "fat32", 40, 2, 0x8f },
	{ "fat32", 17, 2, 512 },
};

static void test_boot(struct fat *f)
{
	for (size_t i = 0; i < sizeof(wrong_boot) / sizeof(*wrong_boot); i++) {
		int fd = fat_input_seed(wrong_boot[i].seed);

		poke(fd, wrong_boot[i].at, wrong_boot[i].value,
		     wrong_boot[i].bytes);
		fuzz_check(open_image(f, fd) == -EINVAL, "%zu", i);
	}
	fuzz_check(open_image(f, memfd_create("none", 0)) == -EINVAL, "empty");
}

/* Set what is behind a file's first cluster. */
static void set_behind(struct fat *f, const char *name, uint32_t value)
{
	struct fat_node *n;
	uint32_t start;

	fuzz_check(!fat_lookup(f, f->root, name, &n), "%s", name);
	start = raw_start(f, n->raw);
	poke(f->image.fd, f->table_at + start * 2, value, 2);
	node_put(f, n, 1);
}

static int read_all(struct fat *f, const char *name)
{
	struct fat_node *n;
	uint8_t data[2000];
	size_t got;
	int err = fat_lookup(f, f->root, name, &n);

	if (!err) {
		err = fat_read(f, n, data, sizeof(data), 0, &got);
		node_put(f, n, 1);
	}
	return err;
}

static void test_chains(struct fat *f)
{
	static const uint32_t wrong[] = { 0, 1, 0xfff7, 0xffff, 0xfff0 };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		fuzz_check(!open_image(f, fat_input_seed("fat16")), "open");
		fuzz_check(!read_all(f, "A long name.text"), "as it was");
		fuzz_check(!fat_close(f), "close");
		fuzz_check(!open_image(f, fat_input_seed("fat16")), "open");
		set_behind(f, "A long name.text", wrong[i]);
		fuzz_check(read_all(f, "A long name.text") == -EIO, "%#x",
			   wrong[i]);
		fat_close(f);
	}
}

/* A file of one ring, and what its size says is there. */
static void test_ring(struct fat *f)
{
	struct fat_node *n;
	uint32_t start;
	size_t got;
	char byte;

	fuzz_check(!open_image(f, fat_input_seed("fat16")), "open");
	fuzz_check(!fat_lookup(f, f->root, "file", &n), "file");
	start = raw_start(f, n->raw);
	poke(f->image.fd, f->table_at + start * 2, start, 2);
	put32(n->raw + D_SIZE, UINT32_MAX);
	fuzz_check(fat_read(f, n, &byte, 1, UINT32_MAX - 1, &got) == -EIO,
		   "a ring has no end");
	fuzz_check(fat_write(f, n, "x", 1, UINT32_MAX) == -EFBIG, "too big");
	fuzz_check(fat_truncate(f, n, 1ull << 32) == -EFBIG, "too big");
	fuzz_check(fat_unlink(f, f->root, "file") == -EIO, "a changed entry");
	node_put(f, n, 1);
	fat_close(f);
}

/* "deep" in "sub" is "sub" itself. */
static void test_in_itself(struct fat *f)
{
	struct fat_node *sub, *n;
	struct fat_name name;
	struct dir_entry e;
	uint32_t start;

	fuzz_check(!open_image(f, fat_input_seed("fat32")), "open");
	fuzz_check(!fat_lookup(f, f->root, "sub", &sub), "sub");
	name_from_utf8(&name, "deep");
	fuzz_check(!dir_find(f, sub, &name, &e), "deep");
	start = raw_start(f, sub->raw);
	poke(f->image.fd, e.at + D_START, start, 2);
	fuzz_check(fat_lookup(f, sub, "deep", &n) == -EIO, "in itself");
	fuzz_check(fat_rmdir(f, sub, "deep") == -EIO, "nor removed");
	/* the root, from below */
	poke(f->image.fd, e.at + D_START, f->root_cluster, 2);
	fuzz_check(fat_lookup(f, sub, "deep", &n) == -EIO, "the root");
	/* a ring of a directory ends */
	poke(f->image.fd, f->table_at + start * 4, start, 4);
	fuzz_check(fat_lookup(f, sub, "nothing", &n) < 0, "a ring");
	node_put(f, sub, 1);
	fat_close(f);
}

static void test_full_root(struct fat *f)
{
	struct fat_node *n;
	char name[16];
	unsigned i = 0;
	int err;

	fuzz_check(!open_image(f, fat_input_seed("empty")), "open");
	do {
		sprintf(name, "F%u", i++);
		err = fat_create(f, f->root, name, false, &n);
		if (!err)
			node_put(f, n, 1);
	} while (!err);
	fuzz_check(err == -ENOSPC && i == f->root_slots + 1, "%d, %u", err, i);
	fuzz_check(!fat_unlink(f, f->root, "f3") &&
		   !fat_create(f, f->root, "other", false, &n), "used again");
	fuzz_check(fat_create(f, f->root, "OTHER", false, &n) == -EEXIST,
		   "the same name");
	fat_close(f);
}

static int convert(const char *text, char *back)
{
	struct fat_name name;
	int err = name_from_utf8(&name, text);

	if (!err)
		err = name_check(&name);
	return err ? err : name_to_utf8(&name, back);
}

static void test_names(void)
{
	static const char *const wrong[] = {
		"a/b", "a:b", "a ", "\xff", "\xc0\x80", "\xed\xa0\x80", "\xc3",
		"\xf4\x90\x80\x80", "a\x01", "a\\b" };
	static const char emoji[] = "x\xf0\x9f\x98\x80y";
	char back[FAT_NAME_BYTES], longest[300];
	struct fat_name a, b;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		fuzz_check(convert(wrong[i], back) == -EINVAL, "%zu", i);
	fuzz_check(!convert(emoji, back) && !strcmp(back, emoji), "emoji");
	fuzz_check(!convert("dots...", back) && !strcmp(back, "dots"), "dots");
	fuzz_check(convert("...", back) == -ENOENT, "only dots");
	memset(longest, 'a', 256);
	longest[256] = '\0';
	fuzz_check(convert(longest, back) == -ENAMETOOLONG, "too long");
	longest[255] = '\0';
	fuzz_check(!convert(longest, back) && !strcmp(back, longest), "255");
	name_from_utf8(&a, "\xc3\xa4\xce\xb1\xd0\xb6z");
	name_from_utf8(&b, "\xc3\x84\xce\x91\xd0\x96Z");
	fuzz_check(name_equal(&a, &b), "capitals");
	a = (struct fat_name){ 1, { 0xd800 } };
	fuzz_check(name_to_utf8(&a, back) == -EINVAL, "half a character");
}

static void check_short(const char *text, const char *wanted, bool alone,
			unsigned wanted_flags)
{
	struct fat_name name;
	uint8_t from[FAT_SHORT], raw[FAT_SHORT];
	unsigned flags;
	bool same;

	name_from_utf8(&name, text);
	same = name_to_short(&name, from, &flags);
	memcpy(raw, from, FAT_SHORT);
	if (!same)
		name_number(&name, from, 0, raw);
	fuzz_check(same == alone && flags == wanted_flags &&
		   !memcmp(raw, wanted, FAT_SHORT), "%s: %.11s", text, raw);
}

static void test_short(void)
{
	check_short("FILE.TXT", "FILE    TXT", true, 0);
	check_short("file.TXT", "FILE    TXT", true, FAT_LOWER_BASE);
	check_short("file.txt", "FILE    TXT", true,
		    FAT_LOWER_BASE | FAT_LOWER_EXT);
	check_short("File.txt", "FILE~1  TXT", false, 0);
	check_short("a long name.text", "ALONGN~1TEX", false, 0);
	check_short("two.dots.c", "TWODOT~1C  ", false, 0);
	check_short(".hidden", "HIDDEN~1   ", false, 0);
	check_short("\xc3\xa4", "_~1        ", false, 0);
	fuzz_check(name_checksum((const uint8_t *)"FILE    TXT") !=
		   name_checksum((const uint8_t *)"FILE    TXU"), "a sum");
}

static void test_times(void)
{
	static const time_t given[] = { 0, 315532800, 981173107, 4354819199,
					99999999999 };
	static const time_t wanted[] = { 315532800, 315532800, 981173106,
					 4354819198, 4354819198 };
	uint32_t date, clock;

	for (int i = 0; i < 5; i++) {
		times_put(given[i], true, &date, &clock);
		fuzz_check(times_get(date, clock, true) == wanted[i],
			   "%jd", (intmax_t)times_get(date, clock, true));
	}
	times_get(0, 0, true);
	times_get(0xffff, 0xffff, false);
}

int main(void)
{
	struct fat *f = malloc(sizeof(*f));

	test_boot(f);
	test_chains(f);
	test_ring(f);
	test_in_itself(f);
	test_full_root(f);
	test_names();
	test_short();
	test_times();
	free(f);
	puts("ok");
	return 0;
}
