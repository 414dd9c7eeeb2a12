/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timeout: 120
 *
 * A thousand mounts at once, on points that exist and points that do not:
 * all are there, none is left after unmounting, and a second round takes
 * no more memory than the first. Then many on one point, newest on top.
 */
#include "test/scenario/limits.h"

/* What the allocator may keep, or not, of what was given back to it. */
enum { LAYERS = 100, GROWTH_KB = 1024 };

static const char *numbered(const char *word, long i)
{
	static char name[2][64];
	static int turn;

	turn = !turn;
	snprintf(name[turn], sizeof(name[turn]), "%s%ld", word, i);
	return name[turn];
}

static void expect_text(const char *path, const char *text)
{
	char buf[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail_errno(path);
	if (read(fd, buf, sizeof(buf) - 1) < 0 || strcmp(buf, text))
		fail("%s: \"%s\" is not \"%s\"", path, buf, text);
	close(fd);
}

static long names_in(const char *path)
{
	long n = 0;
	DIR *d = opendir(path);

	expect(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

/* Every other point exists on disk. */
static void prepare(long count)
{
	long i;

	make_dir("source", 0755);
	make_dir("points", 0755);
	for (i = 0; i < 10; i++) {
		make_dir(numbered("source/", i), 0755);
		make_file(numbered("source/file", i), 0644,
			  numbered("text", i));
	}
	for (i = 0; i < count; i += 2)
		make_dir(numbered("points/p", i), 0755);
}

static void mount_all(long count)
{
	char inside[128];
	long i;

	for (i = 0; i < count; i++)
		if (mount_vufs("source", numbered("points/p", i)))
			fail_errno(numbered("mount ", i));
	expect(names_in("points") == count);
	for (i = 0; i < count; i++) {
		snprintf(inside, sizeof(inside), "points/p%ld/file%ld", i,
			 i % 10);
		expect_text(inside, numbered("text", i % 10));
	}
}

static void umount_all(long count)
{
	long i;

	for (i = 0; i < count; i += 2)
		expect(!umount_vufs(numbered("points/p", i), 0));
	for (i = (count - 1) | 1; i > 0; i -= 2)
		expect(i >= count || !umount_vufs(numbered("points/p", i), 0));
	expect(names_in("points") == count / 2);
	expect(names_in("points/p0") == 0);
	expect(access("points/p1", F_OK) && errno == ENOENT);
}

static void layers(void)
{
	long i;

	for (i = 0; i < LAYERS; i++)
		expect(!mount_vufs(numbered("source/file", i % 10),
				   "source/file0"));
	/* file0 itself was covered by then, so its layers show what it showed */
	for (i = LAYERS - 1; i > 0; i--) {
		if (i % 10)
			expect_text("source/file0", numbered("text", i % 10));
		expect(!umount_vufs("source/file0", 0));
	}
	expect_text("source/file0", "text0");
	expect(!umount_vufs("source/file0", 0));
	expect(umount_vufs("source/file0", 0));
	expect_text("source/file0", "text0");
}

static void inside(long count)
{
	pid_t monitor = getppid();
	long files, kilobytes;

	prepare(count);
	/* what the monitor opens once and for all */
	expect(!mount_vufs("source", "points/p1"));
	expect_text("points/p1/file1", "text1");
	expect(names_in("points") == count / 2 + 1);
	expect(!umount_vufs("points/p1", 0));
	files = open_files(monitor);
	mount_all(count);
	umount_all(count);
	expect_files("the first round", monitor, files);
	kilobytes = resident(monitor);
	mount_all(count);
	umount_all(count);
	expect_files("the second round", monitor, files);
	expect_resident("the second round", monitor, kilobytes, GROWTH_KB);
	layers();
	expect_files("many on one point", monitor, files);
}

int main(int argc, char **argv)
{
	return in_view(argc, argv, 1000, 5000, inside);
}
