/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening a store: a new one, one in use, one of which a part is missing,
 * or that is none; the log's records; stores of viewfs and vufs.
 */
#include <limits.h>
#include <sys/sysmacros.h>

#include "store/log.h"
#include "test/unit/vufs_view.h"

static struct store_message why;

static int open_flags(struct store **s, unsigned flags)
{
	int dir = open("store", O_RDONLY | O_DIRECTORY);
	int target = open("target", O_PATH | O_DIRECTORY);
	int err = store_open(dir, target, "/some/target", flags, s, &why);

	close(dir);
	close(target);
	return err;
}

static void fresh(void)
{
	remove_tree("store");
	remove_tree("target");
	mkdir("store", 0755);
	mkdir("target", 0755);
	mkdir("target/a", 0755);
	write_file("target/a/x", "x");
	write_file("target/f", "f");
}

static void append_log(const char *text)
{
	FILE *f = fopen("store/.vufs/log", "a");

	CHECK(f && fputs(text, f) >= 0);
	if (f)
		fclose(f);
}

static void in_use(void)
{
	struct store *s, *other;

	fresh();
	CHECK(!open_flags(&s, 0));
	CHECK(!strcmp(store_target_name(s), "/some/target"));
	CHECK(open_flags(&other, 0) == -EBUSY && why.text[0]);
	CHECK(!open_flags(&other, STORE_RDONLY));
	store_close(other);
	store_close(s);
	CHECK(!open_flags(&s, 0));
	store_close(s);
	write_file("store/.vufs/format", "vufs store 2\n");
	CHECK(open_flags(&s, 0) == -EINVAL && why.text[0]);
}

static bool sees(const char *path)
{
	struct store_object o;
	struct store *s;
	int err;

	CHECK(!open_flags(&s, 0));
	err = store_find(s, path, &o);
	if (!err)
		store_drop(&o);
	store_close(s);
	return !err;
}

/* What is cut off has not happened; what cannot be meant is refused. */
static void broken_log(void)
{
	static const char *const bad[] = {
		"hide\n", "hide f\n", "hide /../f\n", "hide /a//x\n",
		"hide /\\000\n", "nonsense /f\n", "attr /f mode=9\n",
		"attr /f colour=red\n", "move /f /g z /f\n",
		"from /g /f extra\n", "hide /f ; what\n",
	};
	struct store *s;

	fresh();
	CHECK(sees("f"));
	append_log("hide /f");
	CHECK(sees("f"));
	append_log("hide /f\n");
	CHECK(!sees("f") && sees("a/x"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fresh();
		CHECK(sees("f"));
		append_log(bad[i]);
		if (open_flags(&s, 0) != -EINVAL) {
			printf("not ok taken: %s", bad[i]);
			failures++;
		}
	}
}

/* A line that waits for its steps, when they were or were not done. */
static void waiting(void)
{
	fresh();
	CHECK(sees("f"));
	write_file("store/g", "g");
	append_log("move /g /h u -\n");
	CHECK(sees("h") && !sees("g"));
	append_log("unlink /h u\n");
	CHECK(!sees("h") && access("store/h", F_OK));
	append_log("unlink /f h\nback\n");
	CHECK(sees("f"));
}

static void same_record(struct record r)
{
	struct strbuf one = { 0 }, two = { 0 };
	struct record got;
	char *copy, *rest;

	record_print(&one, &r);
	copy = rest = strdup(one.data);
	CHECK(record_parse(&rest, &got) == 1 && !*rest);
	CHECK(got.op == r.op && !strcmp(got.path, r.path ?: ""));
	record_print(&two, &got);
	CHECK(!strcmp(one.data, two.data));
	free(copy);
	strbuf_free(&one);
	strbuf_free(&two);
}

static void records(void)
{
	const struct store_attr a = {
		.set = ~0u, .mode = S_IFCHR | 04755, .uid = 1, .gid = ~1u,
		.rdev = makedev(200, 70000), .mtime = { -5, 999999999 },
	};

	same_record((struct record){ .op = RECORD_HIDE,
				     .path = "a b/\\c;\n\t\x7f\xff/- ;" });
	same_record((struct record){ .op = RECORD_ATTR, .path = "", .attr = a });
	same_record((struct record){ .op = RECORD_FROM, .path = "-",
				     .origin = "" });
	same_record((struct record){ .op = RECORD_SWAP, .path = "a", .to = "b",
				     .flags = 7, .origin_to = "c",
				     .ino = ~0ull });
	same_record((struct record){ .op = RECORD_LINK, .link = "0.1",
				     .nlink = 3 });
}

static void old_stores(void)
{
	struct store_object o;
	struct store *s;
	struct stat st;

	fresh();
	mkdir("store/.-", 0755);
	mkdir("store/.-/a", 0755);
	write_file("store/.-/a/x", "");
	write_file("store/.-/f\377", "000041ed0000000700000008");
	CHECK(!open_flags(&s, STORE_RDONLY));
	CHECK(store_find(s, "a/x", &o) == -ENOENT);
	CHECK(store_find(s, ".-", &o) == -ENOENT);
	store_close(s);
	CHECK(!sees("a/x"));
	CHECK(!stat("store/.vufs/log", &st) && st.st_size);
	CHECK(!open_flags(&s, 0));
	CHECK(!store_find(s, "f", &o));
	CHECK(o.st.st_uid == 7 && o.st.st_gid == 8);
	store_drop(&o);
	store_close(s);
	/* theirs is not read again */
	CHECK(!unlink("store/.-/a/x"));
	CHECK(!sees("a/x"));
}

/* The log is written anew when it has grown for nothing. */
static void compacted(void)
{
	const struct store_attr a = { .set = STORE_UID, .uid = 9 };
	struct store *s;
	struct stat before, after;

	fresh();
	CHECK(!open_flags(&s, 0));
	store_change(s);
	for (int i = 0; i < 1000; i++)
		CHECK(!store_set_attr(s, "f", NULL, &a));
	CHECK(!store_remove(s, "a", true));
	store_changed(s);
	store_close(s);
	CHECK(!stat("store/.vufs/log", &before));
	CHECK(!sees("a"));
	CHECK(!stat("store/.vufs/log", &after));
	CHECK(after.st_size < before.st_size / 10);
	CHECK(!sees("a") && sees("f"));
}

int main(void)
{
	enter_scratch("store_open");
	in_use();
	broken_log();
	waiting();
	records();
	old_stores();
	compacted();
	leave_scratch();
	return failures ? 1 : 0;
}
