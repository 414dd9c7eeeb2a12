/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * name_to_handle_at and open_by_handle_at.
 *
 * inside: yes
 * cow: yes
 */
#include "test/lib.h"

struct handle {
	struct file_handle h;
	unsigned char room[MAX_HANDLE_SZ];
};

static void name_one(int dir, const char *path, int flags)
{
	struct handle h = { .h.handle_bytes = MAX_HANDLE_SZ };
	char what[64];
	int mount;

	snprintf(what, sizeof(what), "handle of %.30s %#x", path, flags);
	errno = 0;
	if (result(what, name_to_handle_at(dir, path, &h.h, &mount, flags)) == 0)
		say("bytes %u type %d", h.h.handle_bytes, h.h.handle_type);
}

static void round_trip(void)
{
	struct handle h = { .h.handle_bytes = MAX_HANDLE_SZ };
	int mount, fd, dir = open(".", O_RDONLY | O_CLOEXEC);
	char buf[8] = "";

	try(name_to_handle_at(AT_FDCWD, "file", &h.h, &mount, 0));
	fd = open_by_handle_at(dir, &h.h, O_RDONLY | O_CLOEXEC);
	result_fd("open_by_handle_at", fd);
	if (fd >= 0) {
		try(read(fd, buf, 4));
		say("%s", buf);
		close(fd);
	}
	try(open_by_handle_at(999, &h.h, O_RDONLY));
	try(open_by_handle_at(dir, bad_pointer(), O_RDONLY));
	h.h.handle_bytes = 0;
	try(open_by_handle_at(dir, &h.h, O_RDONLY));
	try(name_to_handle_at(AT_FDCWD, "file", &h.h, &mount, 0));
	say("bytes wanted: %d", h.h.handle_bytes > 0);
	h.h.handle_bytes = MAX_HANDLE_SZ + 1;
	try(name_to_handle_at(AT_FDCWD, "file", &h.h, &mount, 0));
	close(dir);
}

int main(void)
{
	static const char *const path[] = { "file", "dir", "link", "dangling",
		"none", "file/", "", ".", "/", "shut/x", "loop", "file/x" };
	int file, dir, mount;

	umask(022);
	make_dir("dir", 0755);
	make_file("file", 0644, "text");
	make_dir("shut", 0);
	if (symlink("file", "link") < 0 || symlink("nowhere", "dangling") < 0 ||
	    symlink("loop", "loop") < 0)
		fail_errno("setup");
	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++) {
		name_one(AT_FDCWD, path[i], 0);
		name_one(AT_FDCWD, path[i], AT_SYMLINK_FOLLOW);
		name_one(AT_FDCWD, path[i], AT_EMPTY_PATH);
	}
	file = open("file", O_RDONLY | O_CLOEXEC);
	dir = open("dir", O_PATH | O_CLOEXEC);
	name_one(file, "", AT_EMPTY_PATH);
	name_one(dir, "", AT_EMPTY_PATH);
	name_one(dir, "../file", 0);
	name_one(file, "x", 0);
	name_one(999, "x", 0);
	name_one(AT_FDCWD, "file", 0x40000);
	try(name_to_handle_at(AT_FDCWD, "file", bad_pointer(), &mount, 0));
	try(name_to_handle_at(AT_FDCWD, bad_pointer(), bad_pointer(), &mount, 0));
	round_trip();
	return 0;
}
