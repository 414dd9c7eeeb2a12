/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls that a script can make, by their names in it, and what they tell
 * beside their result.
 */
#include "test/conform/calls.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define MAX_ARGS	8
#define MAX_FDS		16
#define MAX_STARTED	20
#define NR_fchmodat2	452

enum form { PLAIN, AT, ABSOLUTE, FORMS };

struct args {
	char *word[MAX_ARGS];
	const char *name[MAX_ARGS];	/* the same, as names */
	int count;
};

struct command {
	const char *name;
	int least;			/* words after it */
	int (*run)(const struct args *);
};

/* How names are given in the line that is carried out. */
static struct { enum form form; int dirfd; const char *dir; } now;

static int fds[MAX_FDS], fd_count;
static pid_t started[MAX_STARTED];
static int started_count;

/* --- words ------------------------------------------------------------------ */

static long number(const char *s)
{
	return strtol(s, NULL, 0);
}

static const struct word_value { const char *word; int value; } open_words[] = {
	{ "r", O_RDONLY }, { "w", O_WRONLY }, { "rw", O_RDWR },
	{ "creat", O_CREAT }, { "excl", O_EXCL }, { "trunc", O_TRUNC },
	{ "append", O_APPEND }, { "nonblock", O_NONBLOCK },
	{ "nofollow", O_NOFOLLOW }, { "directory", O_DIRECTORY },
	{ "path", O_PATH }, { "tmpfile", O_TMPFILE }, { "sync", O_SYNC },
	{ "noatime", O_NOATIME }, { "direct", O_DIRECT }, { NULL, 0 },
}, rename_words[] = {
	{ "noreplace", 1 }, { "exchange", 2 }, { "whiteout", 4 },
	{ "bad", 64 }, { "none", 0 }, { NULL, 0 },
}, fallocate_words[] = {
	{ "none", 0 }, { "keep", 1 }, { "punch", 3 }, { "zero", 16 },
	{ "collapse", 8 }, { "insert", 32 }, { NULL, 0 },
};

/* Words that are separated by '|', or a number. */
static int flags(const struct word_value *table, const char *text)
{
	char copy[200], *save = NULL;
	int value = 0;

	if (isdigit((unsigned char)*text))
		return number(text);
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *w = strtok_r(copy, "|", &save); w;
	     w = strtok_r(NULL, "|", &save)) {
		const struct word_value *v = table;

		while (v->word && strcmp(v->word, w))
			v++;
		if (!v->word) {
			fprintf(stderr, "conform: no such flag: %s\n", w);
			exit(2);
		}
		value |= v->value;
	}
	return value;
}

/* One name of n bytes; or a path that is all "./" but for its end. */
static char *long_name(size_t n, bool path)
{
	char *s = malloc(n + 1);

	if (!s)
		abort();
	memset(s, 'x', n);
	for (size_t i = 0; path && i + 3 < n; i++)
		s[i] = i % 2 ? '/' : '.';
	if (path && n > 4 && s[n - 4] == '.')
		s[n - 4] = '/';
	s[n] = '\0';
	return s;
}

static const char *as_name(char *word)
{
	char *name;

	if (!strcmp(word, "NULL"))
		return NULL;
	if (!strcmp(word, "BAD"))
		return (const char *)0xdeadc0deul;
	if (!strcmp(word, "EMPTY"))
		return "";
	if (word[0] == '@' && word[1] == '@')
		return long_name(number(word + 2), true);
	if (word[0] == '@')
		return long_name(number(word + 1), false);
	if (now.form != ABSOLUTE || *word == '/')
		return word;
	if (asprintf(&name, "%s/%s", now.dir, word) < 0)
		abort();
	return name;
}

static int fd_of(const char *word)
{
	long n = number(word);

	if (!strcmp(word, "BADFD"))
		return -1;
	return n >= 0 && n < fd_count ? fds[n] : -1;
}

/* --- calls ------------------------------------------------------------------ */

static int keep(int fd)
{
	if (fd < 0)
		return -1;
	if (fd_count == MAX_FDS)
		abort();
	fds[fd_count++] = fd;
	return 0;
}

static int do_open(const struct args *a)
{
	int f = flags(open_words, a->word[1]);
	mode_t mode = a->count > 2 ? number(a->word[2]) : 0;

	if (now.form == AT)
		return keep(openat(now.dirfd, a->name[0], f, mode));
	return keep(open(a->name[0], f, mode));
}

/* pjdfstest's and ours: open, and close again. */
static int do_create(const struct args *a)
{
	int fd = openat(now.dirfd, a->name[0], O_CREAT | O_EXCL | O_WRONLY,
			(mode_t)number(a->word[1]));

	if (fd < 0)
		return -1;
	if (a->count > 2 && write(fd, a->word[2], strlen(a->word[2])) < 0)
		return -1;
	return close(fd);
}

static int do_mkdir(const struct args *a)
{
	if (now.form == AT)
		return mkdirat(now.dirfd, a->name[0], number(a->word[1]));
	return mkdir(a->name[0], number(a->word[1]));
}

static int do_rmdir(const struct args *a)
{
	if (now.form == AT)
		return unlinkat(now.dirfd, a->name[0], AT_REMOVEDIR);
	return rmdir(a->name[0]);
}

static int do_unlink(const struct args *a)
{
	if (now.form == AT)
		return unlinkat(now.dirfd, a->name[0], 0);
	return unlink(a->name[0]);
}

static int do_link(const struct args *a)
{
	if (now.form == AT)
		return linkat(now.dirfd, a->name[0], now.dirfd, a->name[1],
			      0);
	return link(a->name[0], a->name[1]);
}

static int do_link_follow(const struct args *a)
{
	return linkat(now.dirfd, a->name[0], now.dirfd, a->name[1],
		      AT_SYMLINK_FOLLOW);
}

static int do_flink(const struct args *a)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd_of(a->word[0]));
	return linkat(AT_FDCWD, path, now.dirfd, a->name[1],
		      AT_SYMLINK_FOLLOW);
}

static int do_symlink(const struct args *a)
{
	/* The text is no name to be changed. */
	const char *text = a->name[0] && a->word[0][0] != '@' &&
		strcmp(a->word[0], "BAD") && strcmp(a->word[0], "EMPTY") ?
		a->word[0] : a->name[0];

	if (now.form == AT)
		return symlinkat(text, now.dirfd, a->name[1]);
	return symlink(text, a->name[1]);
}

static int do_rename(const struct args *a)
{
	if (now.form == AT)
		return renameat(now.dirfd, a->name[0], now.dirfd,
				a->name[1]);
	return rename(a->name[0], a->name[1]);
}

static int do_rename2(const struct args *a)
{
	return renameat2(now.dirfd, a->name[0], now.dirfd, a->name[1],
			 flags(rename_words, a->word[2]));
}

/* mknod NAME f|c|b|s|r MODE [MAJOR MINOR] */
static int do_mknod(const struct args *a)
{
	static const char letters[] = "fcbsrd";
	static const mode_t types[] = {
		S_IFIFO, S_IFCHR, S_IFBLK, S_IFSOCK, S_IFREG, S_IFDIR,
	};
	const char *at = strchr(letters, a->word[1][0]);
	mode_t mode = number(a->word[2]) | types[at ? at - letters : 0];
	dev_t dev = a->count > 4 ? makedev(number(a->word[3]),
					   number(a->word[4])) : 0;

	if (now.form == AT)
		return mknodat(now.dirfd, a->name[0], mode, dev);
	return mknod(a->name[0], mode, dev);
}

static int do_mkfifo(const struct args *a)
{
	if (now.form == AT)
		return mkfifoat(now.dirfd, a->name[0], number(a->word[1]));
	return mkfifo(a->name[0], number(a->word[1]));
}

static int address(const struct args *a, struct sockaddr_un *sun)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	/* An absolute one may not fit, and there are no bad ones. */
	snprintf(sun->sun_path, sizeof(sun->sun_path), "%s", a->word[0]);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int do_bind(const struct args *a)
{
	struct sockaddr_un sun;
	int fd = address(a, &sun);
	int ret = bind(fd, (struct sockaddr *)&sun, sizeof(sun));

	if (!ret)
		ret = listen(fd, 1);
	return ret ? -1 : keep(fd);
}

static int do_connect(const struct args *a)
{
	struct sockaddr_un sun;
	int fd = address(a, &sun);

	return connect(fd, (struct sockaddr *)&sun, sizeof(sun)) ? -1 :
		keep(fd);
}

static int do_chmod(const struct args *a)
{
	if (now.form == AT)
		return syscall(SYS_fchmodat, now.dirfd, a->name[0],
			       (mode_t)number(a->word[1]));
	return chmod(a->name[0], number(a->word[1]));
}

/* The call of Linux 6.6; what a C library makes of it is its own affair. */
static int do_lchmod(const struct args *a)
{
	return syscall(NR_fchmodat2, now.dirfd, a->name[0],
		       (mode_t)number(a->word[1]), AT_SYMLINK_NOFOLLOW);
}

static int do_fchmod(const struct args *a)
{
	return fchmod(fd_of(a->word[0]), number(a->word[1]));
}

static int do_chown(const struct args *a)
{
	if (now.form == AT)
		return fchownat(now.dirfd, a->name[0], number(a->word[1]),
				number(a->word[2]), 0);
	return chown(a->name[0], number(a->word[1]), number(a->word[2]));
}

static int do_lchown(const struct args *a)
{
	if (now.form == AT)
		return fchownat(now.dirfd, a->name[0], number(a->word[1]),
				number(a->word[2]), AT_SYMLINK_NOFOLLOW);
	return lchown(a->name[0], number(a->word[1]), number(a->word[2]));
}

static int do_fchown(const struct args *a)
{
	return fchown(fd_of(a->word[0]), number(a->word[1]),
		      number(a->word[2]));
}

static int do_truncate(const struct args *a)
{
	return truncate(a->name[0], number(a->word[1]));
}

static int do_ftruncate(const struct args *a)
{
	return ftruncate(fd_of(a->word[0]), number(a->word[1]));
}

static int do_fallocate(const struct args *a)
{
	return fallocate(fd_of(a->word[0]), flags(fallocate_words, a->word[3]),
			 number(a->word[1]), number(a->word[2]));
}

static struct timespec when(const char *word)
{
	struct timespec ts = { 0, UTIME_NOW };
	const char *dot = strchr(word, '.');

	if (!strcmp(word, "omit"))
		ts.tv_nsec = UTIME_OMIT;
	else if (strcmp(word, "now"))
		ts = (struct timespec){ number(word), dot ? number(dot + 1)
							  : 0 };
	return ts;
}

/* utimens NAME ATIME MTIME [nofollow]; "null null" for no times */
static int do_utimens(const struct args *a)
{
	struct timespec ts[2] = { when(a->word[1]), when(a->word[2]) };
	bool null = !strcmp(a->word[1], "null");

	return utimensat(now.dirfd, a->name[0], null ? NULL : ts,
			 a->count > 3 ? AT_SYMLINK_NOFOLLOW : 0);
}

static int do_futimens(const struct args *a)
{
	struct timespec ts[2] = { when(a->word[1]), when(a->word[2]) };

	return futimens(fd_of(a->word[0]), ts);
}

/*
 * When the kernel sets it depends on the mount, and on the other times; only
 * files' ones that were set are looked at.
 */
bool calls_tell_atime(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_atim.tv_sec < 1000000;
}

void calls_tell(const struct stat *st)
{
	static const char *const types[16] = {
		[S_IFIFO >> 12] = "fifo", [S_IFCHR >> 12] = "char",
		[S_IFDIR >> 12] = "dir", [S_IFBLK >> 12] = "block",
		[S_IFREG >> 12] = "file", [S_IFLNK >> 12] = "symlink",
		[S_IFSOCK >> 12] = "socket",
	};
	const char *type = types[st->st_mode >> 12 & 15];

	printf(" %s %04o %u:%u %lu", type ? type : "?", st->st_mode & 07777,
	       st->st_uid, st->st_gid, (unsigned long)st->st_nlink);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		printf(" %u,%u", major(st->st_rdev), minor(st->st_rdev));
	else if (!S_ISDIR(st->st_mode))
		printf(" %ld", (long)st->st_size);
	if (calls_tell_atime(st))
		printf(" a%ld.%ld", (long)st->st_atim.tv_sec,
		       st->st_atim.tv_nsec);
	if (st->st_mtim.tv_sec < 1000000)
		printf(" m%ld.%ld", (long)st->st_mtim.tv_sec,
		       st->st_mtim.tv_nsec);
}

static int do_stat(const struct args *a)
{
	struct stat st;
	int ret = now.form == AT ? fstatat(now.dirfd, a->name[0], &st, 0)
			     : stat(a->name[0], &st);

	if (!ret)
		calls_tell(&st);
	return ret;
}

static int do_lstat(const struct args *a)
{
	struct stat st;
	int ret = now.form == AT ? fstatat(now.dirfd, a->name[0], &st,
				       AT_SYMLINK_NOFOLLOW)
			     : lstat(a->name[0], &st);

	if (!ret)
		calls_tell(&st);
	return ret;
}

static int do_fstat(const struct args *a)
{
	struct stat st;
	int ret = fstat(fd_of(a->word[0]), &st);

	if (!ret)
		calls_tell(&st);
	return ret;
}

static int do_access(const struct args *a)
{
	if (now.form == AT)
		return faccessat(now.dirfd, a->name[0], number(a->word[1]),
				 0);
	return access(a->name[0], number(a->word[1]));
}

static int do_eaccess(const struct args *a)
{
	return faccessat(now.dirfd, a->name[0], number(a->word[1]),
			 AT_EACCESS);
}

static int do_readlink(const struct args *a)
{
	static char text[5000];
	ssize_t n = now.form == AT ? readlinkat(now.dirfd, a->name[0], text,
					    sizeof(text))
			       : readlink(a->name[0], text, sizeof(text));

	if (n >= 0)
		printf(" %zd %.*s", n, n > 60 ? 60 : (int)n, text);
	return n < 0 ? -1 : 0;
}

static int do_read(const struct args *a)
{
	static char data[70000];
	int n = read(fd_of(a->word[0]), data, a->count > 1 ?
		     number(a->word[1]) : (long)sizeof(data));

	if (n >= 0)
		printf(" %d \"%.*s\"", n, n > 40 ? 40 : n, data);
	return n < 0 ? -1 : 0;
}

static int do_pread(const struct args *a)
{
	char data[100];
	int n = pread(fd_of(a->word[0]), data, sizeof(data),
		      number(a->word[1]));

	if (n >= 0)
		printf(" %d \"%.*s\"", n, n, data);
	return n < 0 ? -1 : 0;
}

static int do_write(const struct args *a)
{
	ssize_t n = write(fd_of(a->word[0]), a->word[1], strlen(a->word[1]));

	return n < 0 ? -1 : 0;
}

static int do_pwrite(const struct args *a)
{
	ssize_t n = pwrite(fd_of(a->word[0]), a->word[1], strlen(a->word[1]),
			   number(a->word[2]));

	return n < 0 ? -1 : 0;
}

static int do_lseek(const struct args *a)
{
	long at = lseek(fd_of(a->word[0]), number(a->word[1]),
			number(a->word[2]));

	if (at >= 0)
		printf(" %ld", at);
	return at < 0 ? -1 : 0;
}

static int do_close(const struct args *a)
{
	return close(fd_of(a->word[0]));
}

static int do_fsync(const struct args *a)
{
	return fsync(fd_of(a->word[0]));
}

static int do_umask(const struct args *a)
{
	umask(number(a->word[0]));
	return 0;
}

static int do_chdir(const struct args *a)
{
	return chdir(a->name[0]);
}

static int do_fchdir(const struct args *a)
{
	return fchdir(fd_of(a->word[0]));
}

static int do_setxattr(const struct args *a)
{
	return (strchr(a->word[0], '!') ? lsetxattr : setxattr)(a->name[0],
		a->word[1], a->word[2], strlen(a->word[2]),
		a->count > 3 ? number(a->word[3]) : 0);
}

static int do_getxattr(const struct args *a)
{
	char value[200];
	ssize_t n = getxattr(a->name[0], a->word[1], value, sizeof(value));

	if (n >= 0)
		printf(" %zd %.*s", n, (int)n, value);
	return n < 0 ? -1 : 0;
}

static int do_removexattr(const struct args *a)
{
	return removexattr(a->name[0], a->word[1]);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int do_listxattr(const struct args *a)
{
	char list[1000], *names[50];
	ssize_t n = listxattr(a->name[0], list, sizeof(list));
	int count = 0;

	for (char *s = list; n > 0 && s < list + n && count < 50;
	     s += strlen(s) + 1)
		names[count++] = s;
	qsort(names, count, sizeof(*names), by_text);
	for (int i = 0; i < count; i++)
		printf(" %s", names[i]);
	return n < 0 ? -1 : 0;
}

int calls_by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int do_list(const struct args *a)
{
	/* The C library's own would look at a bad name. */
	int fd = openat(AT_FDCWD, a->name[0], O_RDONLY | O_DIRECTORY);
	struct dirent **list;
	int n = fd < 0 ? -1 : scandirat(fd, ".", &list, NULL, calls_by_name);

	if (fd >= 0)
		close(fd);
	for (int i = 0; i < n; i++) {
		printf(" %.40s/%d", list[i]->d_name, list[i]->d_type);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return n < 0 ? -1 : 0;
}

/* Whether two names are one object, and "." and ".." what they should be. */
static int do_alike(const struct args *a)
{
	struct stat x, y;

	if (fstatat(now.dirfd, a->name[0], &x, AT_SYMLINK_NOFOLLOW) ||
	    fstatat(now.dirfd, a->name[1], &y, AT_SYMLINK_NOFOLLOW))
		return -1;
	printf(" %s", x.st_dev == y.st_dev && x.st_ino == y.st_ino ? "yes"
								    : "no");
	return 0;
}

static int do_pathconf(const struct args *a)
{
	printf(" %ld %ld %ld", pathconf(a->name[0], _PC_NAME_MAX),
	       pathconf(a->name[0], _PC_PATH_MAX),
	       pathconf(a->name[0], _PC_LINK_MAX));
	return 0;
}

static int do_statvfs(const struct args *a)
{
	struct statvfs st;
	int ret = statvfs(a->name[0], &st);

	if (!ret)
		printf(" %lu %lu %lu", st.f_bsize, st.f_namemax,
		       st.f_flag & ~4096ul);
	return ret;
}

/* exec NAME: its exit status; 126 when it cannot be */
static int do_exec(const struct args *a)
{
	pid_t pid = vfork();
	int status;

	if (!pid) {
		execl(a->name[0], "sleep", "0", (char *)NULL);
		_exit(errno == EACCES ? 100 : errno == ETXTBSY ? 101 :
		      errno == ENOEXEC ? 102 : 103);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -1;
	printf(" %d", WEXITSTATUS(status));
	return 0;
}

/* A copy of a program, and one of it that runs until the script's end. */
static int do_program(const struct args *a)
{
	char data[65536];
	int in = open("/bin/sleep", O_RDONLY | O_CLOEXEC);
	int out = openat(now.dirfd, a->name[0], O_CREAT | O_WRONLY, 0755);
	ssize_t n;

	while ((n = read(in, data, sizeof(data))) > 0)
		if (write(out, data, n) != n)
			return -1;
	close(in);
	return close(out);
}

static int do_start(const struct args *a)
{
	pid_t pid = vfork();

	if (!pid) {
		execl(a->name[0], "sleep", "600", (char *)NULL);
		_exit(1);
	}
	if (pid > 0)
		started[started_count++] = pid;
	return pid < 0 ? -1 : 0;
}

static int do_stop(const struct args *a)
{
	(void)a;
	while (started_count) {
		kill(started[--started_count], 9);
		waitpid(started[started_count], NULL, 0);
	}
	return 0;
}

static const struct command commands[] = {
	{ "open", 2, do_open }, { "create", 2, do_create },
	{ "mkdir", 2, do_mkdir }, { "rmdir", 1, do_rmdir },
	{ "unlink", 1, do_unlink }, { "link", 2, do_link },
	{ "linkfollow", 2, do_link_follow }, { "flink", 2, do_flink },
	{ "symlink", 2, do_symlink }, { "rename", 2, do_rename },
	{ "rename2", 3, do_rename2 }, { "mknod", 3, do_mknod },
	{ "mkfifo", 2, do_mkfifo }, { "bind", 1, do_bind },
	{ "connect", 1, do_connect }, { "chmod", 2, do_chmod },
	{ "lchmod", 2, do_lchmod }, { "fchmod", 2, do_fchmod },
	{ "chown", 3, do_chown }, { "lchown", 3, do_lchown },
	{ "fchown", 3, do_fchown }, { "truncate", 2, do_truncate },
	{ "ftruncate", 2, do_ftruncate }, { "fallocate", 4, do_fallocate },
	{ "utimens", 3, do_utimens }, { "futimens", 3, do_futimens },
	{ "stat", 1, do_stat }, { "lstat", 1, do_lstat },
	{ "fstat", 1, do_fstat }, { "access", 2, do_access },
	{ "eaccess", 2, do_eaccess }, { "readlink", 1, do_readlink },
	{ "read", 1, do_read }, { "pread", 2, do_pread },
	{ "write", 2, do_write }, { "pwrite", 3, do_pwrite },
	{ "lseek", 3, do_lseek }, { "close", 1, do_close },
	{ "fsync", 1, do_fsync }, { "umask", 1, do_umask },
	{ "chdir", 1, do_chdir }, { "fchdir", 1, do_fchdir },
	{ "setxattr", 3, do_setxattr }, { "getxattr", 2, do_getxattr },
	{ "removexattr", 2, do_removexattr }, { "listxattr", 1, do_listxattr },
	{ "list", 1, do_list }, { "alike", 2, do_alike },
	{ "pathconf", 1, do_pathconf }, { "statvfs", 1, do_statvfs },
	{ "exec", 1, do_exec }, { "program", 1, do_program },
	{ "start", 1, do_start }, { "stop", 0, do_stop },
};

/* --- a line ----------------------------------------------------------------- */

static void one_call(struct args *a)
{
	const struct command *c = commands;
	const struct command *end = c + sizeof(commands) / sizeof(*commands);
	int ret;

	while (c < end && strcmp(c->name, a->word[0]))
		c++;
	if (c == end || a->count - 1 < c->least) {
		fprintf(stderr, "conform: %s with %d words\n", a->word[0],
			a->count - 1);
		exit(2);
	}
	a->count--;
	memmove(a->word, a->word + 1, a->count * sizeof(*a->word));
	for (int i = 0; i < a->count; i++)
		a->name[i] = as_name(a->word[i]);
	errno = 0;
	ret = c->run(a);
	printf(" %s", ret ? strerrorname_np(errno) : "ok");
}

static void carry_out(char *text)
{
	struct args a = { .count = 0 };
	char *save = NULL;

	for (char *w = strtok_r(text, " ", &save); ;
	     w = strtok_r(NULL, " ", &save)) {
		if (w && strcmp(w, ":")) {
			if (a.count == MAX_ARGS)
				abort();
			a.word[a.count++] = w;
			continue;
		}
		if (a.count)
			one_call(&a);
		a.count = 0;
		if (!w)
			break;
	}
	printf("\n");
	while (fd_count)
		close(fds[--fd_count]);
}

void calls_run(char *text, int dirfd, const char *dir, unsigned turn)
{
	now.form = turn % FORMS;
	now.dirfd = now.form == AT ? dirfd : AT_FDCWD;
	now.dir = dir;
	carry_out(text);
	umask(0);
	if (fchdir(dirfd))
		abort();
}

void calls_end(void)
{
	do_stop(NULL);
}
