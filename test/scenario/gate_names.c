/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timeout: 120
 *
 * The gate while something is mounted: calls by plain names are not seen by
 * anybody, and all others are. One that has made many calls by a name sees at
 * once what becomes of it.
 */
#include <dirent.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "test/scenario/gate_names.h"

enum { PATH_LEN = 4095 };

/* How many names a directory has that is open. */
static int names_in(int fd)
{
	char buf[4096];
	int n = 0, len;

	expect(!lseek(fd, 0, SEEK_SET));
	while ((len = getdents64(fd, buf, sizeof(buf))) > 0)
		for (int at = 0; at < len; n++)
			at += *(unsigned short *)(buf + at + 16);
	return len < 0 ? -errno : n - 2;
}

/* A process with a gate; something is mounted elsewhere. */
static void plain_calls(void)
{
	char *file = abs_name("plain/file"), *link = abs_name("plain/link");
	char *none = abs_name("plain/none"), buf[64];
	char *plain = abs_name("plain");
	int dir, fd;
	struct stat st;
	struct statfs fs;
	struct statx x;

	warm(file);
	if (!gate_is_there())
		fail("no gate");
	quiet(stat(file, &st));
	quiet(stat(none, &st));
	quiet(lstat(link, &st));
	quiet(statx(AT_FDCWD, file, 0, STATX_BASIC_STATS, &x));
	quiet_open(close(open(file, O_RDONLY | O_CLOEXEC)));
	quiet_open(close(open(plain, O_RDONLY | O_DIRECTORY)));
	quiet_open(open(none, O_RDONLY));
	quiet(access(file, R_OK));
	quiet(access(none, R_OK));
	quiet(faccessat(AT_FDCWD, file, R_OK, 0));
	quiet(readlink(link, buf, sizeof(buf)));
	quiet(readlink(file, buf, sizeof(buf)));
	quiet(stat("file6", &st));
	quiet_open(close(open("plain/file", O_RDONLY)));
	dir = open(plain, O_RDONLY | O_DIRECTORY);
	fd = open(file, O_RDONLY);
	quiet(fstat(fd, &st));
	quiet(fstatat(dir, "file", &st, AT_SYMLINK_NOFOLLOW));
	quiet_open(close(openat(dir, "file", O_RDONLY)));
	quiet(readlinkat(dir, "link", buf, sizeof(buf)));
	quiet_open(names_in(dir));
	quiet(getxattr(file, "user.none", buf, sizeof(buf)));
	quiet(lgetxattr(link, "user.none", buf, sizeof(buf)));
	quiet(statfs(file, &fs));
	expect(readlink(link, buf, sizeof(buf)) == 4 && !memcmp(buf, "file", 4));
	expect(!stat(link, &st) && S_ISREG(st.st_mode));
	expect(!lstat(link, &st) && S_ISLNK(st.st_mode));
	expect(!statx(AT_FDCWD, link, 0, STATX_TYPE, &x) &&
	       S_ISREG(x.stx_mode));
	expect(open(link, O_RDONLY | O_NOFOLLOW) < 0 && errno == ELOOP);
	is("through a symlink", link, NATIVE_SIZE);
	is("a file is no directory", abs_name("plain/file/x"), -ENOTDIR);
	expect(open(file, O_RDONLY | O_DIRECTORY) < 0 && errno == ENOTDIR);
	expect(fstatat(fd, "x", &st, 0) < 0 && errno == ENOTDIR);
	expect(fstatat(-1, "x", &st, 0) < 0 && errno == EBADF);
	expect(fstatat(AT_FDCWD, "", &st, 0) < 0 && errno == ENOENT);
	expect(fstat(-1, &st) < 0 && errno == EBADF);
}

static void mounted_over(void)
{
	char *file = abs_name("over/file");

	warm(file);
	is("before", file, NATIVE_SIZE);
	expect(!mount_vufs("source", "over"));
	is("mounted", file, MOUNTED_SIZE);
	is("relative", "over/file", MOUNTED_SIZE);
	is("by ..", abs_name("plain/../over/file"), MOUNTED_SIZE);
	expect(!umount_vufs("over", 0));
	is("unmounted", file, NATIVE_SIZE);
	warm(file);
	is("warm again", file, NATIVE_SIZE);
}

/* A directory that was known to be one becomes a symlink into a mount. */
static void symlinks(void)
{
	char *file = abs_name("will/file"), *deep = abs_name("will/sub/file");

	for (int i = 0; i < 3; i++) {
		warm(file);
		warm(deep);
		expect(!rename("will", "was"));
		is("away", file, -ENOENT);
		expect(!symlink("mounted", "will"));
		is("a symlink", file, MOUNTED_SIZE);
		is("a symlink, below", deep, MOUNTED_SIZE);
		warm(file);
		expect(!unlink("will"));
		is("away again", file, -ENOENT);
		expect(!rename("was", "will"));
		is("back", file, NATIVE_SIZE);
		expect(!symlink("mounted", "other"));
		warm(deep);
		expect(!renameat2(AT_FDCWD, "other", AT_FDCWD, "will",
				  RENAME_EXCHANGE) || errno == EINVAL);
		is("exchanged", deep, MOUNTED_SIZE);
		expect(!renameat2(AT_FDCWD, "other", AT_FDCWD, "will",
				  RENAME_EXCHANGE) || errno == EINVAL);
		is("and back", deep, NATIVE_SIZE);
		expect(!unlink("other"));
	}
}

/* The same by another process, which is waited for. */
static void others_symlink(void)
{
	char *file = abs_name("will/file");
	pid_t pid;

	for (int i = 0; i < 20; i++) {
		warm(file);
		pid = fork();
		if (!pid)
			_exit(rename("will", "was") || symlink("mounted", "will"));
		expect(!wait_for(pid));
		is("another's symlink", file, MOUNTED_SIZE);
		pid = fork();
		if (!pid)
			_exit(unlink("will") || rename("was", "will"));
		expect(!wait_for(pid));
		is("another's rename", file, NATIVE_SIZE);
	}
}

/* From outside it may take a moment. */
static void from_outside(void)
{
	const long until = gate_usec() + 5000000;
	char *file = abs_name("outside/file");

	expect(!mkdir("outside", 0755));
	make_file("outside/file", 0644, "native");
	for (long end = gate_usec() + 300000; gate_usec() < end; )
		is("for some time", file, NATIVE_SIZE);
	expect(!rename("outside/file", "outside/gone"));
	while (size_of(file) != -ENOENT)
		expect(gate_usec() < until);
}

static void standing(void)
{
	struct stat st;
	int dir;

	warm("file6");
	is("outside", "file6", NATIVE_SIZE);
	expect(!chdir("mounted"));
	warm("file");
	is("in a mount", "file", MOUNTED_SIZE);
	is("there is no such name", "file6", -ENOENT);
	expect(!chdir("sub"));
	is("below", "file", MOUNTED_SIZE);
	dir = open(".", O_RDONLY | O_DIRECTORY);
	expect(dir >= 0 && !chdir(here));
	is("and back", "file6", NATIVE_SIZE);
	warm("file6");
	expect(!fstatat(dir, "file", &st, 0) && st.st_size == MOUNTED_SIZE);
	expect(!fchdir(dir));
	is("by a descriptor", "file", MOUNTED_SIZE);
	is("and no other", "file6", -ENOENT);
	expect(!chdir(here));
	is("and back again", "file6", NATIVE_SIZE);
}

static void bad_arguments(void)
{
	static const char flat[] = "plain/file";
	char *tail = tail_string(flat), *open_end, *text, *none;
	char *file = abs_name("plain/file"), *path = repeat('/', PATH_LEN);
	size_t n = strlen(file);
	struct stat st;

	is("at the end of the memory", tail, NATIVE_SIZE);
	open_end = tail_alloc(n + 1);
	memcpy(open_end, file, n + 1);
	is("the same, absolute", open_end, NATIVE_SIZE);
	open_end[n] = '/';
	none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 7; i++) {
		const char *const bad[] = { open_end, bad_pointer(), none,
					    NULL, (char *)-1, (char *)1,
					    open_end + n + 1 };
		const char *p = bad[i];

		expect(size_of(p) == -EFAULT && open_size(p) == -EFAULT);
		expect(access(p, F_OK) < 0 && errno == EFAULT);
		expect(readlink(p, (char *)&st, 9) < 0 && errno == EFAULT);
	}
	expect(stat(file, bad_pointer()) < 0 && errno == EFAULT);
	expect(stat(abs_name("plain/none"), bad_pointer()) < 0 &&
	       errno == ENOENT);
	expect(readlink(abs_name("plain/link"), bad_pointer(), 9) < 0 &&
	       errno == EFAULT);
	expect(readlink(file, (char *)&st, 0) < 0 && errno == EINVAL);

	memcpy(path + PATH_LEN - n, file, n + 1);
	is("as long as can be", path, NATIVE_SIZE);
	text = tail_alloc(PATH_LEN + 1);
	memcpy(text, path, PATH_LEN + 1);
	is("as long as can be, at the end", text, NATIVE_SIZE);
	path = repeat('/', PATH_LEN + 1);
	memcpy(path + PATH_LEN + 1 - n, file, n + 1);
	is("longer", path, -ENAMETOOLONG);
	path = repeat('x', NAME_MAX + 1);
	is("a long name", path, -ENAMETOOLONG);
	path[NAME_MAX] = '\0';
	is("not too long a name", path, -ENOENT);
}

static void no_descriptor(void)
{
	char *file = abs_name("plain/file");
	struct rlimit few;

	warm(file);
	expect(!getrlimit(RLIMIT_NOFILE, &few));
	few.rlim_cur = FD_MAX;
	expect(!setrlimit(RLIMIT_NOFILE, &few));
	while (dup(0) >= 0)
		;
	expect(open(file, O_RDONLY) < 0 && errno == EMFILE);
	expect(open(abs_name("mounted/file"), O_RDONLY) < 0 &&
	       errno == EMFILE);
	expect(size_of(file) == NATIVE_SIZE);
	expect(size_of(abs_name("mounted/file")) == MOUNTED_SIZE);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* What is opened by force of habit must not be opened by mistake. */
static void fifos(void)
{
	struct sigaction act = { .sa_handler = on_alarm };
	const struct itimerval soon = { .it_value.tv_usec = 50000 };
	int fd;

	expect(!mkfifo("fifo", 0600) && !mkfifo("plain/fifo", 0600));
	warm("file6");
	expect(!mount_vufs("file6", "fifo"));
	alarm(20);
	is("over a FIFO", abs_name("fifo"), NATIVE_SIZE);
	alarm(0);
	fd = open(abs_name("plain/fifo"), O_RDONLY | O_NONBLOCK);
	expect(fd >= 0 && !close(fd));
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	expect(open(abs_name("plain/fifo"), O_RDONLY) < 0 && errno == EINTR);
	act.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &act, NULL);
	if (!fork()) {
		gate_nap(200000);
		_exit(open("plain/fifo", O_WRONLY) < 0);
	}
	setitimer(ITIMER_REAL, &soon, NULL);
	fd = open(abs_name("plain/fifo"), O_RDONLY);
	expect(fd >= 0 && !wait_for(-1));
	expect(!umount_vufs("fifo", 0));
}

/* Whoever has a filter of his own knows which calls he makes. */
static void own_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigprocmask, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };
	char *file = abs_name("plain/file");

	warm(file);
	quiet_open(close(open(file, O_RDONLY)));
	expect(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	expect(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog));
	for (int i = 0; i < 3; i++) {
		is("with a filter", file, NATIVE_SIZE);
		is("and a mount", abs_name("mounted/file"), MOUNTED_SIZE);
	}
}

static void own_filter_by_seccomp(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };
	char *file = abs_name("plain/file");

	warm(file);
	expect(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	expect(!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog));
	is("with a filter", file, NATIVE_SIZE);
}

/* --- copy on write ------------------------------------------------------- */

static int mount_cow(const char *store, const char *target)
{
	char *const argv[] = { "vumount", "-t", "vufs", "-o", "cow",
			       (char *)store, (char *)target, NULL };

	return run_tool(argv);
}

static void copy_on_write(void)
{
	char *file = abs_name("cow/file"), *sub = abs_name("cow/sub/file");
	char *made = abs_name("cow/made"), *moved = abs_name("cow/moved/file");
	char *gone = abs_name("cow/gone"), *sub_dir = abs_name("cow/sub");
	struct stat st;
	int dir, subdir, moved_dir, fd;

	/* there it must have been seen how it was opened */
	subdir = in_cage() ? -1 : open(sub_dir, O_RDONLY | O_DIRECTORY);
	expect(!mount_cow("store", "cow"));
	if (in_cage())
		subdir = open(sub_dir, O_RDONLY | O_DIRECTORY);
	dir = open(abs_name("cow"), O_RDONLY | O_DIRECTORY);
	warm(file);
	warm(sub);
	warm(gone);
	warm(made);
	quiet(stat(file, &st));
	quiet_open(close(open(sub, O_RDONLY)));
	quiet(fstatat(dir, "file", &st, 0));
	fd = open(file, O_RDONLY);
	expect(!fstat(fd, &st) && st.st_size == NATIVE_SIZE);
	quiet(fstat(fd, &st));
	expect(names_in(dir) == 4 && names_in(subdir) == 1);
	quiet_open(names_in(subdir));
	is("at first", file, NATIVE_SIZE);
	is("not made yet", made, -ENOENT);
	sh("echo longer words >cow/file");
	is("changed", file, 13);
	expect(!fstatat(dir, "file", &st, 0) && st.st_size == 13);
	sh("echo x >cow/made");
	is("made", made, 2);
	expect(names_in(dir) == 5 && names_in(subdir) == 1);
	sh("rm cow/gone");
	is("gone", gone, -ENOENT);
	expect(names_in(dir) == 4 && names_in(subdir) == 1);
	expect(fstatat(dir, "gone", &st, 0) < 0 && errno == ENOENT);
	expect(openat(dir, "gone", O_RDONLY) < 0 && errno == ENOENT);
	is("still there", sub, NATIVE_SIZE);
	warm(moved);
	sh("mv cow/sub cow/moved");
	is("moved away", sub, -ENOENT);
	is("moved", moved, NATIVE_SIZE);
	expect(names_in(dir) == 4 && names_in(subdir) == 1);
	sh("echo z >cow/moved/one; echo z >cow/moved/two");
	expect(names_in(subdir) == 3);
	sh("rm cow/moved/file cow/moved/two; echo native >cow/moved/file");
	sh("printf native >cow/moved/file");
	expect(names_in(subdir) == 2);
	moved_dir = open(abs_name("cow/moved"), O_RDONLY);
	expect(names_in(moved_dir) == 2);
	sh("ln -s moved cow/sub");
	is("by a symlink", sub, NATIVE_SIZE);
	sh("rm cow/sub; mkdir cow/sub; echo y >cow/sub/file");
	is("another", sub, 2);
	sh("chmod 600 cow/moved/file");
	expect(!stat(moved, &st) && (st.st_mode & 0777) == 0600);
	is("never touched", abs_name("cow/never"), NATIVE_SIZE);
	expect(!chdir("cow/moved"));
	is("standing there", "file", NATIVE_SIZE);
	is("and not there", "never", -ENOENT);
	expect(!chdir(here));
	close(fd);
	close(dir);
	close(subdir);
	close(moved_dir);
	expect(!umount_vufs("cow", 0));
	is("as it was", file, NATIVE_SIZE);
	is("as it was", sub, NATIVE_SIZE);
	is("as it was", gone, NATIVE_SIZE);
	is("as it was", made, -ENOENT);
}

/* --- views in the view ----------------------------------------------------- */

static void nested(void)
{
	char *file = abs_name("nest/file");

	warm(file);
	sh("umvu -N -- sh -c 'vumount -t vufs source nest && "
	   "test \"$(cat nest/file)\" = mounted && "
	   "for i in $(seq 100); do test -e nest/file; done && "
	   "test $(stat -c %s nest/file) = 7'");
	is("not here", file, NATIVE_SIZE);
	warm(file);
	is("warm", file, NATIVE_SIZE);
}

static void inside(void)
{
	static const char *const native[] = { "plain", "over", "will", "cow",
					      "nest" };

	expect(getcwd(here, sizeof(here)));
	for (size_t i = 0; i < sizeof(native) / sizeof(native[0]); i++)
		tree(native[i], "native");
	tree("source", "mounted");
	make_dir("mounted", 0755);
	make_dir("store", 0755);
	make_file("file6", 0644, "native");
	expect(!symlink("file", "plain/link"));
	expect(!mount_vufs("source", "mounted"));
	gate_in_child("plain calls", plain_calls);
	gate_in_child("mounted over", mounted_over);
	gate_in_child("symlinks", symlinks);
	gate_in_child("another's symlinks", others_symlink);
	gate_in_child("from outside", from_outside);
	gate_in_child("bad arguments", bad_arguments);
	gate_in_child("no descriptor", no_descriptor);
	gate_in_child("FIFOs", fifos);
	gate_in_child("a filter", own_filter);
	gate_in_child("a filter by seccomp", own_filter_by_seccomp);
	gate_in_child("views in the view", nested);
	gate_in_child("copy on write", copy_on_write);
	gate_in_child("standing", standing);
}

int main(int argc, char **argv)
{
	return gate_view(argc, argv, inside);
}
