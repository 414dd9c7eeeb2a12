/* SPDX-License-Identifier: GPL-2.0-or-later */
/* timeout: 120 */
#include "store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "test/unit/check.h"

enum { MIB = 1 << 20 };

static int dir;		/* where everything is */

static int put(const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0644);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) ==
	      (ssize_t)strlen(text));
	return fd;
}

static void put_done(const char *name, const char *text)
{
	close(put(name, text));
}

static int copy_of(const char *name, const char *to,
		   const struct copy_plan *plan, struct copy_done *done)
{
	int fd = openat(dir, name, O_PATH | O_NOFOLLOW), err;

	CHECK(fd >= 0);
	err = copy_object(fd, dir, to, plan, done);
	close(fd);
	return err;
}

static struct stat stat_of(const char *name)
{
	struct stat st = { 0 };

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		st.st_mode = 0;
	return st;
}

static int is(const char *name, const char *text)
{
	char buf[256] = "";
	int fd = openat(dir, name, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	close(fd);
	return n == (ssize_t)strlen(text) && strcmp(buf, text) == 0;
}

/* Type, mode, owner, size, times: all but what makes it another object. */
static int alike(const char *a, const char *b)
{
	struct stat x = stat_of(a), y = stat_of(b);

	return x.st_mode && x.st_mode == y.st_mode && x.st_uid == y.st_uid &&
	       x.st_gid == y.st_gid && x.st_rdev == y.st_rdev &&
	       (S_ISDIR(x.st_mode) || x.st_size == y.st_size) &&
	       memcmp(&x.st_mtim, &y.st_mtim, sizeof(x.st_mtim)) == 0 &&
	       /* that of a symlink is now, because it has been read */
	       (S_ISLNK(x.st_mode) || x.st_atime == y.st_atime) &&
	       x.st_ino != y.st_ino;
}

static void age(const char *name)
{
	const struct timespec times[2] = { { 1000, 1 }, { 2000, 2 } };

	CHECK(utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) == 0);
}

static void plain_file(void)
{
	struct copy_done done;

	put_done("plain", "hello");
	CHECK(fchmodat(dir, "plain", 0451, 0) == 0);
	age("plain");
	CHECK(copy_of("plain", "plain.copy", NULL, &done) == 0);
	CHECK(alike("plain", "plain.copy"));
	CHECK(is("plain.copy", "hello"));
	CHECK(done.lost == 0);
	CHECK(done.origin.st_ino == stat_of("plain").st_ino);
	CHECK(copy_of("plain", "plain.copy", NULL, NULL) == -EEXIST);
	CHECK(is("plain.copy", "hello"));
}

static void without_content(void)
{
	struct copy_plan plan = { .flags = COPY_NO_CONTENT | COPY_SYNC,
				  .extra = 0200 };
	struct stat st;

	put_done("full", "something");
	CHECK(fchmodat(dir, "full", 0444, 0) == 0);
	CHECK(copy_of("full", "emptied", &plan, NULL) == 0);
	st = stat_of("emptied");
	CHECK(st.st_size == 0);
	CHECK(st.st_mode == (S_IFREG | 0644));
}

static void unreadable(void)
{
	struct copy_plan plan = { .flags = COPY_NO_CONTENT };

	put_done("secret", "secret");
	CHECK(fchmodat(dir, "secret", 0200, 0) == 0);
	if (geteuid() != 0) {
		CHECK(copy_of("secret", "secret.1", NULL, NULL) == -EACCES);
		CHECK(stat_of("secret.1").st_mode == 0);
	}
	/* who does not need the content need not be allowed to see it */
	CHECK(copy_of("secret", "secret.2", &plan, NULL) == 0);
	CHECK(stat_of("secret.2").st_mode == (S_IFREG | 0200));
}

static void symlinks(void)
{
	char text[4096];

	put_done("aim", "x");
	memset(text, 'l', sizeof(text));
	text[4000] = '\0';
	CHECK(symlinkat("aim", dir, "link") == 0);
	CHECK(symlinkat(text, dir, "long") == 0);
	age("link");
	CHECK(copy_of("link", "link.copy", NULL, NULL) == 0);
	CHECK(alike("link", "link.copy"));
	CHECK(stat_of("link.copy").st_atime == 1000);
	CHECK(copy_of("long", "long.copy", NULL, NULL) == 0);
	CHECK(stat_of("long.copy").st_size == 4000);
	CHECK(stat_of("aim").st_size == 1);
	/* a symlink is no place to copy to */
	CHECK(symlinkat("nowhere", dir, "dangling") == 0);
	CHECK(copy_of("aim", "dangling", NULL, NULL) == -EEXIST);
	CHECK(stat_of("nowhere").st_mode == 0);
}

static void specials(void)
{
	CHECK(mknodat(dir, "fifo", S_IFIFO | 0600, 0) == 0);
	CHECK(fchmodat(dir, "fifo", 0622, 0) == 0);
	CHECK(mknodat(dir, "sock", S_IFSOCK | 0600, 0) == 0);
	CHECK(mkdirat(dir, "sub", 0700) == 0);
	CHECK(mkdirat(dir, "sub/inside", 0700) == 0);
	CHECK(fchmodat(dir, "sub", 01577, 0) == 0);
	age("fifo");
	age("sock");
	age("sub");
	CHECK(copy_of("fifo", "fifo.copy", NULL, NULL) == 0);
	CHECK(copy_of("sock", "sock.copy", NULL, NULL) == 0);
	CHECK(copy_of("sub", "sub.copy", NULL, NULL) == 0);
	CHECK(alike("fifo", "fifo.copy"));
	CHECK(alike("sock", "sock.copy"));
	CHECK(alike("sub", "sub.copy"));
	CHECK(unlinkat(dir, "sub.copy", AT_REMOVEDIR) == 0);
}

static void devices(void)
{
	struct copy_plan plan = { .flags = COPY_STAND_IN };
	struct copy_done done;
	int fd = open("/dev/null", O_PATH);
	int err = copy_object(fd, dir, "null", NULL, &done);
	mode_t type = stat_of("null").st_mode & S_IFMT;

	CHECK(err == -EPERM ? type == 0 : err == 0 && type == S_IFCHR);
	CHECK(err || stat_of("null").st_rdev == makedev(1, 3));
	if (err) {
		CHECK(copy_object(fd, dir, "null", &plan, &done) == 0);
		CHECK(done.lost & COPY_LOST_TYPE);
		CHECK(S_ISREG(stat_of("null").st_mode));
	}
	close(fd);
}

/* Somebody else's file: what a user cannot give away stays the user's. */
static void owners(void)
{
	struct copy_plan leave = { .flags = COPY_NO_OWNER };
	struct copy_done done;
	int fd;

	put_done("owned", "x");
	if (geteuid() == 0) {
		CHECK(fchownat(dir, "owned", 1234, 4321, 0) == 0);
		CHECK(fchmodat(dir, "owned", 06755, 0) == 0);
		CHECK(copy_of("owned", "owned.1", NULL, &done) == 0);
		CHECK(done.lost == 0 && alike("owned", "owned.1"));
		CHECK(copy_of("owned", "owned.2", &leave, &done) == 0);
		CHECK(done.lost == (COPY_LOST_OWNER | COPY_LOST_MODE));
		CHECK(stat_of("owned.2").st_uid == 0);
		CHECK(stat_of("owned.2").st_mode == (S_IFREG | 0755));
		return;
	}
	fd = open("/bin/su", O_PATH);
	if (fd < 0)
		return;
	CHECK(copy_object(fd, dir, "su", NULL, &done) == 0);
	CHECK(done.lost & COPY_LOST_OWNER);
	CHECK(!(done.origin.st_mode & S_ISUID) || done.lost & COPY_LOST_MODE);
	CHECK(!(stat_of("su").st_mode & (S_ISUID | S_ISGID)));
	CHECK(stat_of("su").st_uid == geteuid());
	close(fd);
}

static void own_setuid(void)
{
	struct copy_done done;

	put_done("setuid", "x");
	CHECK(fchmodat(dir, "setuid", 04711, 0) == 0);
	CHECK(copy_of("setuid", "setuid.copy", NULL, &done) == 0);
	CHECK(done.lost == 0);
	CHECK(stat_of("setuid.copy").st_mode == (S_IFREG | 04711));
}

/* --- content ------------------------------------------------------------- */

static int same_content(const char *a, const char *b)
{
	static char x[MIB], y[MIB];
	int fa = openat(dir, a, O_RDONLY), fb = openat(dir, b, O_RDONLY);
	ssize_t n, m;

	do {
		n = read(fa, x, sizeof(x));
		m = read(fb, y, sizeof(y));
	} while (n > 0 && n == m && memcmp(x, y, n) == 0);
	close(fa);
	close(fb);
	return n == 0 && m == 0;
}

static void holes(void)
{
	int fd = put("holes", "begin");

	CHECK(pwrite(fd, "middle", 6, 64 * MIB) == 6);
	CHECK(pwrite(fd, "later", 5, 64 * MIB + MIB / 2) == 5);
	CHECK(ftruncate(fd, 128 * MIB + 7) == 0);
	close(fd);
	CHECK(copy_of("holes", "holes.copy", NULL, NULL) == 0);
	CHECK(stat_of("holes.copy").st_size == 128 * MIB + 7);
	CHECK(same_content("holes", "holes.copy"));
	CHECK(stat_of("holes.copy").st_blocks <=
	      stat_of("holes").st_blocks + 16);
	fd = put("nothing", "");
	CHECK(ftruncate(fd, 9 * MIB) == 0);
	close(fd);
	CHECK(copy_of("nothing", "nothing.copy", NULL, NULL) == 0);
	CHECK(stat_of("nothing.copy").st_size == 9 * MIB);
	CHECK(stat_of("nothing.copy").st_blocks <= 8);
}

static void fill(int fd, size_t n)
{
	static char block[MIB];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = i * 7 + i / 251;
	for (size_t at = 0; at < n; at += sizeof(block))
		CHECK(pwrite(fd, block, sizeof(block), at) == sizeof(block));
}

struct watch {
	unsigned calls;
	uint64_t last, total, step;	/* step: the longest way between */
	uint64_t stop_at;
};

static int watching(void *ctx, uint64_t done, uint64_t total)
{
	struct watch *w = ctx;

	CHECK(done >= w->last && done <= total);
	if (done - w->last > w->step)
		w->step = done - w->last;
	w->calls++;
	w->last = done;
	w->total = total;
	return w->stop_at && done >= w->stop_at ? -EINTR : 0;
}

static void progress(void)
{
	struct watch w = { 0 };
	struct copy_plan plan = { .progress = watching, .ctx = &w };
	int fd = put("big", "");

	fill(fd, 40 * MIB);
	close(fd);
	CHECK(copy_of("big", "big.copy", &plan, NULL) == 0);
	CHECK(w.calls >= 2 && w.last == 40 * MIB && w.total == 40 * MIB);
	CHECK(same_content("big", "big.copy"));
}

static int never(void *ctx, uint64_t done, uint64_t total)
{
	(void)ctx, (void)done, (void)total;
	return -ECANCELED;
}

static void cancelled_first(void)
{
	struct copy_plan plan = { .progress = never };

	CHECK(copy_of("big", "never", &plan, NULL) == -ECANCELED);
	CHECK(stat_of("never").st_mode == 0);
}

/* A file of the kernel's, which says it is empty. */
static void pseudo(void)
{
	int fd = open("/proc/self/status", O_PATH), n;
	char buf[64] = "";

	CHECK(copy_object(fd, dir, "status", NULL, NULL) == 0);
	close(fd);
	CHECK(fchmodat(dir, "status", 0600, 0) == 0);
	fd = openat(dir, "status", O_RDONLY);
	n = read(fd, buf, sizeof(buf) - 1);
	CHECK(n > 6 && strncmp(buf, "Name:\t", 6) == 0);
	close(fd);
}

/* --- extended attributes ------------------------------------------------- */

static const char acl[] =	/* u::rw- u:77:r-x g::r-- m::rwx o::--- */
	"\2\0\0\0" "\1\0\6\0\377\377\377\377" "\2\0\5\0\115\0\0\0"
	"\4\0\4\0\377\377\377\377" "\20\0\7\0\377\377\377\377"
	"\40\0\0\0\377\377\377\377";

static void set(const char *name, const char *attr, const void *value,
		size_t len)
{
	int fd = openat(dir, name, O_RDONLY);

	CHECK(fsetxattr(fd, attr, value, len, 0) == 0);
	close(fd);
}

static int has(const char *name, const char *attr, const void *value,
	       size_t len)
{
	static char got[65536];
	int fd = openat(dir, name, O_RDONLY);
	ssize_t n = fgetxattr(fd, attr, got, sizeof(got));

	close(fd);
	return value ? n == (ssize_t)len && memcmp(got, value, len) == 0
		     : n < 0;
}

static int user_xattrs(void)
{
	int fd = put("probe", ""), works;

	works = fsetxattr(fd, "user.probe", "1", 1, 0) == 0;
	close(fd);
	return works;
}

static void xattrs(void)
{
	static char large[2000] = "large";
	struct copy_plan plan = { .flags = COPY_NO_XATTRS };
	struct copy_done done;

	put_done("attr", "x");
	set("attr", "user.one", "1", 1);
	set("attr", "user.empty", "", 0);
	set("attr", "user.large", large, sizeof(large));
	CHECK(fchmodat(dir, "attr", 0444, 0) == 0);
	CHECK(copy_of("attr", "attr.copy", NULL, &done) == 0);
	CHECK(done.lost == 0);
	CHECK(has("attr.copy", "user.one", "1", 1));
	CHECK(has("attr.copy", "user.empty", "", 0));
	CHECK(has("attr.copy", "user.large", large, sizeof(large)));
	CHECK(copy_of("attr", "attr.bare", &plan, &done) == 0);
	CHECK(has("attr.bare", "user.one", NULL, 0));
}

static void acls(void)
{
	static const char access[] = "system.posix_acl_access";
	static const char preset[] = "system.posix_acl_default";
	struct copy_done done;

	put_done("acl", "x");
	set("acl", access, acl, sizeof(acl) - 1);
	CHECK(copy_of("acl", "acl.copy", NULL, &done) == 0);
	CHECK(done.lost == 0 && alike("acl", "acl.copy"));
	CHECK(has("acl.copy", access, acl, sizeof(acl) - 1));
	/* What a directory would have its files inherit is not the copy's. */
	CHECK(mkdirat(dir, "giving", 0700) == 0);
	set("giving", preset, acl, sizeof(acl) - 1);
	CHECK(copy_of("plain", "giving/plain", NULL, NULL) == 0);
	CHECK(has("giving/plain", access, NULL, 0));
	CHECK(alike("plain", "giving/plain"));
	CHECK(copy_of("giving", "giving.copy", NULL, NULL) == 0);
	CHECK(has("giving.copy", preset, acl, sizeof(acl) - 1));
}

static void labels(void)
{
	static const char cap[20] = { 0, 0, 0, 2 };
	struct copy_done done;
	int fd;

	if (geteuid() != 0)
		return;
	fd = put("cap", "x");
	if (fsetxattr(fd, "security.capability", cap, sizeof(cap), 0) == 0) {
		CHECK(copy_of("cap", "cap.copy", NULL, &done) == 0);
		CHECK(done.lost == 0);
		CHECK(has("cap.copy", "security.capability", NULL, 0));
	}
	close(fd);
}

static void attributes_again(void)
{
	struct copy_done done = { 0 };
	int from, to;

	put_done("again.1", "one");
	put_done("again.2", "another");
	set("again.1", "user.kept", "k", 1);
	set("again.2", "user.gone", "g", 1);
	CHECK(fchmodat(dir, "again.1", 0604, 0) == 0);
	age("again.1");
	from = openat(dir, "again.1", O_PATH);
	to = openat(dir, "again.2", O_PATH);
	CHECK(copy_attributes(from, to, NULL, &done) == 0);
	CHECK(has("again.2", "user.kept", "k", 1));
	CHECK(has("again.2", "user.gone", NULL, 0));
	CHECK(stat_of("again.2").st_mode == (S_IFREG | 0604));
	CHECK(stat_of("again.2").st_mtime == 2000);
	CHECK(is("again.2", "another"));
	close(from);
	close(to);
}

/* --- a full file system -------------------------------------------------- */

static int tmpfs(const char *options)
{
	CHECK(mkdirat(dir, "small", 0700) == 0 || errno == EEXIST);
	if (fchdir(dir) < 0 || mount("tmpfs", "small", "tmpfs", 0, options) < 0)
		return -1;
	return openat(dir, "small", O_PATH | O_DIRECTORY);
}

/* Another file system: no reflink, so it takes its time and can be ended. */
static void cancelled_midway(void)
{
	struct watch w = { .stop_at = 12 * MIB };
	struct copy_plan plan = { .progress = watching, .ctx = &w };
	int fd = openat(dir, "big", O_PATH), other = tmpfs("size=64m");

	if (other < 0) {
		printf("no tmpfs of our own: %m\n");
		close(fd);
		return;
	}
	CHECK(copy_object(fd, other, "cut", &plan, NULL) == -EINTR);
	CHECK(faccessat(other, "cut", F_OK, 0) < 0 && errno == ENOENT);
	CHECK(w.step <= 4 * MIB && w.last < 20 * MIB);
	w = (struct watch){ 0 };
	CHECK(copy_object(fd, other, "whole", &plan, NULL) == 0);
	CHECK(w.step <= 4 * MIB && w.calls >= 10);
	CHECK(same_content("big", "small/whole"));
	close(other);
	close(fd);
	CHECK(umount2("small", MNT_DETACH) == 0);
}

static void full_disk(void)
{
	int small, fd = openat(dir, "big", O_PATH);
	struct statfs before, after;

	small = tmpfs("size=8m");
	if (small < 0) {
		printf("no tmpfs of our own: %m\n");
		return;
	}
	fstatfs(small, &before);
	CHECK(copy_object(fd, small, "full", NULL, NULL) == -ENOSPC);
	CHECK(faccessat(small, "full", F_OK, 0) < 0);
	fstatfs(small, &after);
	CHECK(before.f_bfree == after.f_bfree);
	CHECK(copy_of("plain", "small/plain", NULL, NULL) == 0);
	CHECK(alike("plain", "small/plain"));
	close(small);
	close(fd);
	CHECK(umount2("small", MNT_DETACH) == 0);
}

/* The limit of a file's size ends a copy as a full disk does. */
static void size_limit(void)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		struct rlimit limit = { 5 * MIB, 5 * MIB };

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		failures = 0;
		CHECK(copy_of("big", "limited", NULL, NULL) == -EFBIG);
		CHECK(stat_of("limited").st_mode == 0);
		fflush(stdout);
		_exit(failures != 0);
	}
	waitpid(child, &status, 0);
	CHECK(status == 0);
}

static void own_namespace(void)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		printf("no mount name space: %m\n");
}

int main(void)
{
	umask(022);
	own_namespace();
	dir = open(".", O_RDONLY | O_DIRECTORY);
	plain_file();
	without_content();
	unreadable();
	symlinks();
	specials();
	devices();
	owners();
	own_setuid();
	holes();
	progress();
	cancelled_first();
	cancelled_midway();
	pseudo();
	if (user_xattrs()) {
		xattrs();
		acls();
		labels();
		attributes_again();
	}
	full_disk();
	size_limit();
	return failures != 0;
}
