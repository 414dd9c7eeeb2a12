/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Samples of both old stores, as their programs wrote them. */
#include "store/old.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "test/unit/check.h"

#define MOST 64

static struct seen {
	char path[4096];
	int hidden;
	struct old_attr attr;
} seen[MOST];
static int nseen;

static struct seen *take(const char *path)
{
	CHECK(nseen < MOST);
	snprintf(seen[nseen].path, sizeof(seen[nseen].path), "%s", path);
	return &seen[nseen++];
}

static int hide(void *ctx, const char *path)
{
	(void)ctx;
	take(path)->hidden = 1;
	return 0;
}

static int attr(void *ctx, const char *path, const struct old_attr *a)
{
	(void)ctx;
	take(path)->attr = *a;
	return 0;
}

static int stop(void *ctx, const char *path)
{
	(void)ctx, (void)path;
	return -ECANCELED;
}

static void write_file(int store, const char *name, const char *text)
{
	char path[5000];
	int fd;

	snprintf(path, sizeof(path), ".-/%s", name);
	for (char *s = strchr(path + 3, '/'); s; s = strchr(s + 1, '/')) {
		*s = '\0';
		mkdirat(store, path, 0755);
		*s = '/';
	}
	fd = openat(store, path, O_WRONLY | O_CREAT | O_EXCL, 0644);
	CHECK(fd >= 0);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static int new_store(const char *name)
{
	char tree[64];

	CHECK(mkdir(name, 0755) == 0);
	snprintf(tree, sizeof(tree), "%s/.-", name);
	CHECK(mkdir(tree, 0755) == 0);
	return open(name, O_PATH | O_DIRECTORY);
}

static const struct seen *find(const char *path, int hidden)
{
	static const struct seen none;

	for (int i = 0; i < nseen; i++) {
		if (!strcmp(seen[i].path, path) && seen[i].hidden == hidden)
			return &seen[i];
	}
	printf("not ok: nothing of %s\n", path);
	failures++;
	return &none;
}

static const struct old_attr *attr_of(const char *path)
{
	return &find(path, 0)->attr;
}

static int read_all(int store)
{
	static const struct old_sink sink = { .hide = hide, .attr = attr };

	nseen = 0;
	memset(seen, 0, sizeof(seen));
	return old_read(store, &sink);
}

static void viewfs(void)
{
	int store = new_store("viewfs");
	const struct old_attr *a;

	write_file(store, "etc/motd", "");
	write_file(store, "usr/bin/su\377", "000089ed0000000000000000");
	write_file(store, "home\377", "                000003e8");
	write_file(store, "dev/sda1\377", "000061b0000000000000000600000801");
	write_file(store, "dev/many\377", "0000218000000000000000001230e145");
	write_file(store, "mode\377", "000001ff                        ");
	write_file(store, "\377", "000001ed0000000700000008");
	write_file(store, "dir/\377", "000001ed");
	write_file(store, "bad\377", "rubbish!");
	write_file(store, "short\377", "12");
	write_file(store, "empty\377", "");
	CHECK(old_present(store));
	CHECK(read_all(store) == 0);
	CHECK(nseen == 8);
	CHECK(find("etc/motd", 1)->hidden);
	a = attr_of("usr/bin/su");
	CHECK(a->set == (OLD_TYPE | OLD_MODE | OLD_UID | OLD_GID));
	CHECK(a->type == S_IFREG && a->mode == 04755);
	CHECK(a->uid == 0 && a->gid == 0);
	a = attr_of("home");
	CHECK(a->set == OLD_GID && a->gid == 1000);
	a = attr_of("dev/sda1");
	CHECK(a->type == S_IFBLK && a->mode == 0660 && a->gid == 6);
	CHECK(a->set & OLD_RDEV && a->rdev == makedev(8, 1));
	a = attr_of("dev/many");
	CHECK(a->type == S_IFCHR && a->rdev == makedev(0x0e1, 0x12345));
	a = attr_of("mode");
	CHECK(a->set == OLD_MODE && a->mode == 0777);
	CHECK(attr_of("")->uid == 7);
	CHECK(attr_of("dir")->mode == 0755);
	close(store);
}

static void vufs(void)
{
	int store = new_store("vufs");
	const struct old_attr *a;

	write_file(store, "etc/passwd", "");
	write_file(store, "etc/sock\177", "type=s\nmode=0777\n");
	write_file(store, "bin/ping\177", "mode=04755\nuid=0\ngid=0\n"
		   "ctime=1600000000,123456789\n");
	write_file(store, "dev/null\177", "type=c\nmode=0666\nrdev=1,3\n"
		   "dev=0,5\n");
	write_file(store, "nobody\177", "uid=-1\ngid=65534");
	write_file(store, "plain\177", "type=f\n");
	write_file(store, "bad\177", "type=?\nmode=\nuid=x\nnonsense\n=\n");
	CHECK(read_all(store) == 0);
	CHECK(nseen == 6);
	CHECK(find("etc/passwd", 1)->hidden);
	a = attr_of("etc/sock");
	CHECK(a->set == (OLD_TYPE | OLD_MODE) && a->type == S_IFSOCK);
	CHECK(a->mode == 0777);
	a = attr_of("bin/ping");
	CHECK(a->set == (OLD_MODE | OLD_UID | OLD_GID | OLD_CTIME));
	CHECK(a->mode == 04755 && a->ctime.tv_sec == 1600000000 &&
	      a->ctime.tv_nsec == 123456789);
	a = attr_of("dev/null");
	CHECK(a->set == (OLD_TYPE | OLD_MODE | OLD_RDEV | OLD_DEV));
	CHECK(a->type == S_IFCHR && a->rdev == makedev(1, 3) &&
	      a->dev == makedev(0, 5));
	CHECK(attr_of("nobody")->uid == (uid_t)-1);
	CHECK(attr_of("nobody")->gid == 65534);
	CHECK(attr_of("plain")->type == S_IFREG);
	close(store);
}

/* A tree that is none of ours: links, pipes, deep ones. */
static void strange(void)
{
	static const struct old_sink stopping = { .hide = stop };
	static const struct old_sink deaf;
	int store = new_store("strange"), up;

	CHECK(symlinkat("/etc", store, ".-/etc") == 0);
	CHECK(symlinkat("/etc/passwd", store, ".-/passwd\177") == 0);
	CHECK(mkfifoat(store, ".-/fifo\377", 0600) == 0);
	CHECK(mkdirat(store, ".-/dir\177", 0700) == 0);
	write_file(store, "one", "");
	CHECK(read_all(store) == 0);
	CHECK(nseen == 1 && find("one", 1)->hidden);
	CHECK(old_read(store, &stopping) == -ECANCELED);
	CHECK(old_read(store, &deaf) == 0);
	up = openat(store, ".-", O_PATH | O_DIRECTORY);
	for (int i = 0; i < 1000; i++) {
		int down;

		CHECK(mkdirat(up, "d", 0700) == 0);
		down = openat(up, "d", O_PATH | O_DIRECTORY);
		close(up);
		up = down;
	}
	close(up);
	CHECK(read_all(store) == 0 && nseen == 1);
	close(store);
}

static void without(void)
{
	int store;

	CHECK(mkdir("none", 0755) == 0);
	store = open("none", O_PATH | O_DIRECTORY);
	CHECK(!old_present(store));
	CHECK(read_all(store) == 0 && nseen == 0);
	CHECK(symlinkat("/etc", store, ".-") == 0);
	CHECK(!old_present(store));
	CHECK(read_all(store) != 0 && nseen == 0);
	close(store);
}

int main(void)
{
	umask(022);
	viewfs();
	vufs();
	strange();
	without();
	return failures != 0;
}
