/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading directories: sizes, offsets, changes while reading.
 *
 * inside: yes
 * cow: yes
 */
#include <dirent.h>

#include "test/lib.h"

struct dirent_kernel {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All names, read through a buffer of this size, sorted. */
static void read_all(const char *path, size_t size)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *buf = tail_alloc(size), *name[2000];
	int n = 0;
	long got;

	while ((got = syscall(SYS_getdents64, fd, buf, size)) > 0)
		for (long at = 0; at < got && n < 2000; ) {
			struct dirent_kernel *d = (void *)(buf + at);

			if (d->ino == 0)
				say("%s has inode 0", d->name);
			if (d->reclen % 8 || at + d->reclen > got)
				say("%s: odd length %d", d->name, d->reclen);
			name[n] = malloc(strlen(d->name) + 8);
			sprintf(name[n++], "%s %d", d->name, d->type);
			at += d->reclen;
		}
	say("%s by %zu: last %ld %s, %d names", path, size, got,
	    got < 0 ? error_name(errno) : "", n);
	qsort(name, n, sizeof(*name), compare);
	for (int i = 0; i < n; i++) {
		if (n < 50 || i % 100 == 0)
			say("  %s", name[i]);
		free(name[i]);
	}
	close(fd);
}

static void odd_arguments(void)
{
	int fd = open("dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int file = open("dir/file", O_RDONLY | O_CLOEXEC);
	int path = open("dir", O_PATH | O_CLOEXEC);
	char buf[4096];

	try(syscall(SYS_getdents64, fd, buf, 10));
	try(syscall(SYS_getdents64, fd, buf, 0));
	try(syscall(SYS_getdents64, fd, bad_pointer(), sizeof(buf)));
	try(syscall(SYS_getdents64, file, buf, sizeof(buf)));
	try(syscall(SYS_getdents64, path, buf, sizeof(buf)));
	try(syscall(SYS_getdents64, 999, buf, sizeof(buf)));
	try(syscall(SYS_getdents64, 0, buf, sizeof(buf)));
	try(syscall(SYS_getdents, fd, buf, sizeof(buf)) > 0);
	try(syscall(SYS_getdents, fd, buf, sizeof(buf)));
	try(read(fd, buf, sizeof(buf)));
	try(write(fd, buf, 1));
	close(fd);
	close(file);
	close(path);
}

static int count(DIR *d)
{
	int n = 0;

	while (readdir(d))
		n++;
	return n;
}

static void positions(void)
{
	DIR *d = opendir("many");
	char seen[256];
	long at;

	readdir(d);
	readdir(d);
	at = telldir(d);
	strcpy(seen, readdir(d)->d_name);
	say("rest %d", count(d));
	seekdir(d, at);
	say("same after seekdir: %d", !strcmp(seen, readdir(d)->d_name));
	rewinddir(d);
	say("after rewind %d", count(d));
	/* What a shared offset means: a duplicate goes on where we are. */
	rewinddir(d);
	lseek(dup(dirfd(d)), 0, SEEK_END);
	closedir(d);
}

static void changes(void)
{
	int fd = open("changing", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char buf[4096];

	try(syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0);
	make_file("changing/new", 0600, "");
	try(lseek(fd, 0, SEEK_SET));
	say_names("changing");
	try(unlink("changing/new"));
	try(unlink("changing/old"));
	try(rmdir("changing"));
	try(lseek(fd, 0, SEEK_SET));
	try(syscall(SYS_getdents64, fd, buf, sizeof(buf)));
	close(fd);
}

static void unreadable(void)
{
	make_dir("search", 0311);
	make_file("search/in", 0600, "");
	say_names("search");
	say_lstat("search/in");
	make_dir("list", 0700);
	make_file("list/in", 0600, "");
	try(chmod("list", 0444));
	say_names("list");
	say_lstat("list/in");
	try(chmod("list", 0700));
}

int main(void)
{
	char name[64];

	umask(022);
	make_dir("dir", 0755);
	make_dir("dir/sub", 0755);
	make_file("dir/file", 0644, "");
	make_dir("many", 0755);
	make_dir("empty", 0755);
	make_dir("changing", 0755);
	make_file("changing/old", 0600, "");
	if (symlink("file", "dir/link") < 0 || mkfifo("dir/fifo", 0600) < 0)
		fail_errno("setup");
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "many/a name, number %d", i);
		make_file(name, 0600, "");
	}
	read_all("dir", 32768);
	read_all("dir", 24);
	read_all("dir", 64);
	read_all("empty", 100);
	read_all("many", 32768);
	read_all("many", 500);
	read_all("/proc/self/fd", 32768);
	read_all("/proc/self/fdinfo", 100);
	odd_arguments();
	positions();
	changes();
	unreadable();
	return 0;
}
