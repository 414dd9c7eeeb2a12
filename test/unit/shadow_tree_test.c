/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands for watched directories: what is repeated, and told; what is not
 * watched costs nothing, and goes; what a guest can put in its way.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lib/scratch.h"
#include "sys/shadow_tree.h"
#include "sys/snapshot.h"
#include "test/unit/check.h"

static char directory[SCRATCH_NAME];
static int watcher;

static void told(void *ctx, const char *name)
{
	(void)ctx;
	snprintf(directory, sizeof(directory), "%s", name);
}

static struct tree_name at(const char *rel)
{
	return (struct tree_name){ 7, rel };
}

/* Watch it; the names in it are "old" and the directory "way". 0 or -errno */
static int watch(struct shadow_trees *t, const char *rel, bool dir)
{
	struct vu_dir names = { .n = 0 };
	char link[32];
	bool news;
	int fd = shadow_tree_watch(t, at(rel), dir, &news), err = 0;

	if (fd < 0)
		return fd;
	if (dir && news) {
		vu_dir_add(&names, "old", 0, S_IFREG);
		vu_dir_add(&names, "way", 0, S_IFDIR);
		err = shadow_tree_fill(t, at(rel), &names);
		dir_free(&names);
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (!err && inotify_add_watch(watcher, link, IN_ALL_EVENTS &
				      ~(IN_OPEN | IN_CLOSE | IN_ACCESS)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* All that was told since, in words. */
static const char *said(void)
{
	static const struct { uint32_t bit; const char *text; } words[] = {
		{ IN_CREATE, "+" }, { IN_DELETE, "-" }, { IN_MOVED_FROM, "<" },
		{ IN_MOVED_TO, ">" }, { IN_ATTRIB, "@" }, { IN_MODIFY, "!" },
		{ IN_MOVE_SELF, "moved" }, { IN_DELETE_SELF, "gone" },
		{ IN_IGNORED, "end" },
	};
	static char text[4096];
	char buf[4096] __attribute__((aligned(8)));
	ssize_t n = read(watcher, buf, sizeof(buf));

	text[0] = '\0';
	for (char *p = buf; n > 0 && p < buf + n; ) {
		const struct inotify_event *e = (void *)p;

		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (e->mask & words[i].bit)
				strcat(text, words[i].text);
		strcat(text, e->len ? e->name : "");
		strcat(text, e->mask & IN_ISDIR ? "/ " : " ");
		p += sizeof(*e) + e->len;
	}
	return text;
}

static bool says(const char *want)
{
	const char *got = said();

	if (!strcmp(got, want))
		return true;
	printf("# not \"%s\" but \"%s\"\n", want, got);
	return false;
}

static void moved(struct shadow_trees *t, const char *from, const char *to,
		  bool dir)
{
	const struct tree_move m = { at(from), at(to), .dir = dir };

	shadow_tree_moved(t, &m);
}

static void exchanged(struct shadow_trees *t, const char *from, const char *to,
		      bool dir, bool to_dir)
{
	const struct tree_move m = { at(from), at(to), dir, to_dir, true };

	shadow_tree_moved(t, &m);
}

static void names(struct shadow_trees *t)
{
	shadow_tree_made(t, at("d/new"), false);
	shadow_tree_made(t, at("d/sub"), true);
	shadow_tree_made(t, at("e/new"), false);
	shadow_tree_made(t, at("d/sub/x"), false);
	shadow_tree_made(t, at("new"), false);
	shadow_tree_changed(t, at("d/old"), false);
	shadow_tree_changed(t, at("d"), true);
	shadow_tree_cut(t, at("d/old"));
	shadow_tree_gone(t, at("d/sub"), true);
	shadow_tree_gone(t, at("d/new"), false);
	CHECK(says("+new +sub/ @old @/ !old -sub/ -new "));
	shadow_tree_linked(t, at("d/old"), at("d/hard"));
	shadow_tree_linked(t, at("d/old"), at("e/hard"));
	shadow_tree_linked(t, at("e/x"), at("d/other"));
	shadow_tree_gone(t, at("d/hard"), false);
	shadow_tree_gone(t, at("d/other"), false);
	CHECK(says("+hard +other -hard -other "));
}

static void moves(struct shadow_trees *t)
{
	moved(t, "d/old", "d/o", false);
	moved(t, "d/o", "e/o", false);
	moved(t, "e/p", "d/old", false);
	moved(t, "d/way", "e/f/g/way", true);
	moved(t, "e/f/g/way", "d/way", true);
	moved(t, "e/a", "e/b", false);
	CHECK(says("<old >o <o >old <way/ >way/ "));
	exchanged(t, "d/old", "d/way", false, true);
	exchanged(t, "d/old", "d/way", true, false);
	exchanged(t, "d/old", "e/f/x", false, true);
	exchanged(t, "e/f/x", "d/old", false, true);
	CHECK(says("<old >way <way/ >old/ <old/ >way/ <way >old "
		   "<old >old/ >old <old/ "));
}

/* What came by itself, or another server made, is put right. */
static void drift(struct shadow_trees *t)
{
	shadow_tree_gone(t, at("d/came"), false);
	moved(t, "d/came", "d/went", true);
	shadow_tree_made(t, at("d/went"), true);
	moved(t, "d/old", "d/went", false);
	shadow_tree_gone(t, at("d/went"), false);
	shadow_tree_made(t, at("d/old"), false);
	said();
	CHECK(!watch(t, "d/old/x", true) && says("-old +old/ "));
	shadow_tree_gone(t, at("d/old"), true);
	shadow_tree_made(t, at("d/old"), false);
	said();
	shadow_tree_made(t, at("d/x"), false);
	shadow_tree_gone(t, at("d/x"), false);
	CHECK(says("+x -x "));
}

static void itself(struct shadow_trees *t)
{
	CHECK(!watch(t, "f/file", false) && says(""));
	shadow_tree_changed(t, at("f/file"), false);
	moved(t, "f/file", "q/r/file", false);
	shadow_tree_changed(t, at("q/r/file"), false);
	shadow_tree_linked(t, at("q/r/file"), at("s/t"));
	shadow_tree_gone(t, at("q/r/file"), false);
	shadow_tree_made(t, at("f/file"), false);
	shadow_tree_gone(t, at("s/t"), false);
	CHECK(says("@ moved @ gone end "));
	/* a directory above it moves, and goes */
	CHECK(!watch(t, "a/b/c", true));
	moved(t, "a", "z", true);
	CHECK(says(""));
	moved(t, "z/b/c", "c", true);
	shadow_tree_made(t, at("c/x"), false);
	shadow_tree_gone(t, at("c/old"), false);
	shadow_tree_gone(t, at("c"), true);
	CHECK(says("moved +x -old -x -way/ gone end "));
	CHECK(shadow_tree_open(t, at("f/file"), false, O_RDONLY) == -ENOENT);
}

/* A guest of the same user does what it likes. */
static void tampered(struct shadow_trees *t)
{
	char name[128], outside[] = "/tmp/vu-tampered-XXXXXX";
	int fd;

	CHECK(mkdtemp(outside));
	CHECK(!watch(t, "t", true));
	snprintf(name, sizeof(name), "%s/w7/t/link", directory);
	CHECK(!symlink(outside, name));
	snprintf(name, sizeof(name), "%s/w7/t/fifo", directory);
	CHECK(!mkfifo(name, 0600));
	fd = shadow_tree_open(t, at("t/fifo"), false, O_RDONLY);
	close(fd);
	shadow_tree_made(t, at("t/link/x"), false);
	CHECK(shadow_tree_open(t, at("t/link"), true, O_RDONLY) < 0);
	shadow_tree_gone(t, at("t/link"), false);
	CHECK(!rmdir(outside));		/* nothing is in it */
	said();
}

static bool only_d(void *arg, uint64_t ino)
{
	return ino == *(uint64_t *)arg;
}

static bool nobody(void *arg, uint64_t ino)
{
	(void)arg;
	(void)ino;
	return false;
}

static size_t entries(const char *rel)
{
	char name[128];
	struct dirent *e;
	size_t n = 0;
	DIR *d;

	snprintf(name, sizeof(name), "%s/%s", directory, rel);
	d = opendir(name);
	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

static void pruned(struct shadow_trees *t)
{
	struct stat st = { 0 };
	char name[128];
	uint64_t ino;

	snprintf(name, sizeof(name), "%s/w7/d", directory);
	CHECK(!stat(name, &st));
	ino = st.st_ino;
	/* the first time, whoever asked may not have his watch yet */
	shadow_trees_prune(t, only_d, &ino);
	shadow_trees_prune(t, only_d, &ino);
	CHECK(!shadow_trees_empty(t));
	shadow_tree_made(t, at("t/x"), false);
	CHECK(says(""));
	shadow_tree_made(t, at("d/x"), false);
	CHECK(says("+x "));
	shadow_trees_prune(t, nobody, NULL);
	CHECK(shadow_trees_empty(t) && entries("w7") == 0);
	said();
}

static void limits(struct shadow_trees *t)
{
	struct vu_dir many = { .n = 0 };
	char name[128];
	bool news;
	int fd, i, err = 0;

	for (i = 0; i < 70000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		vu_dir_add(&many, name, 0, S_IFREG);
	}
	fd = shadow_tree_watch(t, at("many"), true, &news);
	CHECK(fd >= 0 && news);
	CHECK(shadow_tree_fill(t, at("many"), &many) == -ENOSPC);
	close(fd);
	dir_free(&many);
	CHECK(shadow_trees_empty(t));
	for (i = 0; i < 5000 && !err; i++) {
		snprintf(name, sizeof(name), "dir%d", i);
		fd = shadow_tree_watch(t, at(name), false, &news);
		err = fd < 0 ? fd : 0;
		if (fd >= 0)
			close(fd);
	}
	CHECK(err == -ENOSPC && i > 4000 && shadow_trees_many(t));
}

static bool none(void *arg, unsigned mount)
{
	(void)arg;
	(void)mount;
	return false;
}

int main(void)
{
	/* there for good, as the monitor's are */
	static struct shadow_trees *t;
	static struct shadows *s;

	s = shadows_new(false, told, NULL);
	t = shadow_trees_new(s, false);
	watcher = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	CHECK(s && t && watcher >= 0 && shadow_trees_empty(t));
	shadow_tree_made(t, at("d/x"), false);
	CHECK(!directory[0]);		/* nothing is made for nothing */
	CHECK(!watch(t, "d", true) && says("") && !shadow_trees_empty(t));
	names(t);
	moves(t);
	drift(t);
	itself(t);
	tampered(t);
	pruned(t);
	limits(t);
	shadow_trees_sweep(t, none, NULL);
	CHECK(shadow_trees_empty(t) && entries("") == 1);	/* aside */
	scratch_remove(directory);
	CHECK(access(directory, F_OK));
	return failures != 0;
}
