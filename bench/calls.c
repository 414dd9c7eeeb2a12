/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * calls: what bench/run starts natively, in views and under the peers.
 *
 *	calls [-ar] [-t MS] [-m COUNT:SOURCE:POINT] loop NAME FILE
 *	calls once FILE
 *	calls [-m COUNT:SOURCE:POINT] spawn COUNT COMMAND [argument...]
 *	calls [-m COUNT:SOURCE:POINT] hold COUNT DIRECTORY
 *
 * It takes the time itself, so that no start-up is counted, and prints
 * nanoseconds: of one call (the median of the batches), or of all spawned
 * commands together. -m mounts SOURCE (vufs) on POINT0, POINT1... first. -a
 * installs a filter that allows everything: what the kernel itself takes for
 * a filter, whatever that says. -r opens the file for reading only. once opens
 * a file, reads it from its beginning to its end, and closes it.
 *
 * hold forks processes that have entered the directory and wait there,
 * prints "ready PARENT" (of its first process, a view's monitor), and ends
 * with its standard input.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCHES = 51, PAGE = 4096, BULK = 65536, FILE_SIZE = BULK };

struct bench {
	const char *file;
	char link[PATH_MAX];		/* a link, FILE.link */
	int fd, ready[2];
	uint32_t word;
	off_t at, size;
	uint64_t random;
	char buf[BULK];
};

static void die(const char *what) __attribute__((noreturn));

static void die(const char *what)
{
	fprintf(stderr, "calls: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

/* --- the calls: each returns -1 when it failed --- */

static long do_getppid(struct bench *b)
{
	(void)b;
	return syscall(SYS_getppid);
}

/* From and to the page cache, starting again at the end of the file. */
static long rewound(struct bench *b)
{
	b->at = (b->at + PAGE) % FILE_SIZE;
	return b->at ? 0 : lseek(b->fd, 0, SEEK_SET);
}

static long do_read(struct bench *b)
{
	return rewound(b) < 0 ? -1 : read(b->fd, b->buf, PAGE);
}

static long do_write(struct bench *b)
{
	return rewound(b) < 0 ? -1 : write(b->fd, b->buf, PAGE);
}

static long do_pread(struct bench *b)
{
	return pread(b->fd, b->buf, PAGE, 0);
}

static long do_lseek(struct bench *b)
{
	b->at ^= PAGE;
	return lseek(b->fd, b->at, SEEK_SET);
}

static long do_mmap(struct bench *b)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)b;
	return p == MAP_FAILED ? -1 : munmap(p, PAGE);
}

static long do_futex(struct bench *b)
{
	return syscall(SYS_futex, &b->word, FUTEX_WAKE_PRIVATE, 1, NULL);
}

static long do_poll(struct bench *b)
{
	struct pollfd p = { .fd = b->ready[0], .events = POLLIN };

	return poll(&p, 1, 0);
}

static long do_clock_gettime(struct bench *b)
{
	struct timespec ts;

	(void)b;
	return clock_gettime(CLOCK_REALTIME, &ts);
}

static long do_stat(struct bench *b)
{
	struct stat st;

	return stat(b->file, &st);
}

static long do_open(struct bench *b)
{
	int fd = open(b->file, O_RDONLY);

	return fd < 0 ? -1 : close(fd);
}

static long do_access(struct bench *b)
{
	return access(b->file, R_OK);
}

static long do_readlink(struct bench *b)
{
	return readlink(b->link, b->buf, sizeof(b->buf));
}

static long do_fstat(struct bench *b)
{
	struct stat st;

	return fstat(b->fd, &st);
}

static long do_bulk_read(struct bench *b)
{
	return pread(b->fd, b->buf, BULK, 0);
}

static long do_bulk_write(struct bench *b)
{
	return pwrite(b->fd, b->buf, BULK, 0);
}

static long do_file_mmap(struct bench *b)
{
	volatile char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, b->fd, 0);

	if (p == MAP_FAILED)
		return -1;
	b->buf[0] = *p;
	return munmap((void *)p, PAGE);
}

/* The whole file, again and again. */
static long do_read_on(struct bench *b)
{
	off_t at = b->at;

	b->at = at + 2 * BULK > b->size ? 0 : at + BULK;
	return pread(b->fd, b->buf, BULK, at);
}

static long do_random_read(struct bench *b)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return pread(b->fd, b->buf, PAGE,
		     b->random % (b->size / PAGE) * PAGE);
}

static const struct call {
	const char *name;
	long (*make)(struct bench *b);
} calls[] = {
	{ "getppid", do_getppid },
	{ "read", do_read },
	{ "write", do_write },
	{ "pread", do_pread },
	{ "lseek", do_lseek },
	{ "mmap+munmap", do_mmap },
	{ "futex", do_futex },
	{ "poll", do_poll },
	{ "clock_gettime", do_clock_gettime },
	{ "stat", do_stat },
	{ "open+close", do_open },
	{ "access", do_access },
	{ "readlink", do_readlink },
	{ "fstat", do_fstat },
	{ "read 64K", do_bulk_read },
	{ "write 64K", do_bulk_write },
	{ "mmap file", do_file_mmap },
	{ "read on", do_read_on },
	{ "random read", do_random_read },
};

/* --- loops --- */

static const struct call *find_call(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(calls[i].name, name))
			return &calls[i];
	errno = EINVAL;
	die(name);
}

static void prepare(struct bench *b, const char *file, int flags)
{
	struct stat st;

	memset(b, 0, sizeof(*b));
	b->file = file;
	b->random = 1;
	snprintf(b->link, sizeof(b->link), "%s.link", file);
	b->fd = open(file, flags);
	if (b->fd < 0 || fstat(b->fd, &st))
		die(file);
	b->size = st.st_size < PAGE ? PAGE : st.st_size;
	if (pipe(b->ready) || write(b->ready[1], "", 1) != 1)
		die("pipe");
}

static uint64_t batch(struct bench *b, const struct call *c, uint64_t n)
{
	uint64_t start = now(), i;

	for (i = 0; i < n; i++)
		if (c->make(b) < 0)
			die(c->name);
	return now() - start;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/*
 * Double until a batch takes its share; that warms up as well. Batches are
 * short, so that most of them run undisturbed on a machine with other work.
 */
static void loop(const char *name, const char *file, int flags, uint64_t msec)
{
	const struct call *c = find_call(name);
	uint64_t n = 16, share = msec * 1000000 / BATCHES;
	double each[BATCHES];
	struct bench b;
	int i;

	prepare(&b, file, flags);
	while (batch(&b, c, n) < share)
		n *= 2;
	for (i = 0; i < BATCHES; i++)
		each[i] = (double)batch(&b, c, n) / n;
	qsort(each, BATCHES, sizeof(each[0]), by_size);
	printf("%.1f\n", each[BATCHES / 2]);
}

static void once(const char *file)
{
	uint64_t start = now();
	struct bench b;
	ssize_t got;

	b.fd = open(file, O_RDONLY);
	if (b.fd < 0)
		die(file);
	do {
		got = read(b.fd, b.buf, BULK);
	} while (got > 0);
	if (got < 0 || close(b.fd))
		die(file);
	printf("%.1f\n", (double)(now() - start));
}

/* --- programs --- */

static void run_command(char **argv)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(126);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) > 1) {
		errno = ECHILD;
		die(argv[0]);
	}
}

static void spawn(long count, char **argv)
{
	uint64_t start = now();
	long i;

	for (i = 0; i < count; i++)
		run_command(argv);
	printf("%.1f\n", (double)(now() - start));
}

/* --- guests --- */

static void stay(const char *dir, int tell)
{
	struct stat st;
	char ok;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ok = !chdir(dir) && !stat(".", &st);
	if (write(tell, &ok, 1) != 1 || !ok)
		_exit(1);
	close(tell);
	for (;;)
		pause();
}

static void hold(long count, const char *dir)
{
	int tell[2];
	char byte;
	long i;

	if (pipe(tell))
		die("pipe");
	for (i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid)
			stay(dir, tell[1]);
		if (read(tell[0], &byte, 1) != 1 || !byte)
			die(dir);
	}
	printf("ready %d\n", (int)getppid());
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	while (wait(NULL) > 0)
		;
}

/* --- the command line --- */

static void allow_all(void)
{
	struct sock_filter allow =
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { 1, &allow };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		    SECCOMP_FILTER_FLAG_SPEC_ALLOW, &prog))
		die("seccomp");
}

static void mount_all(char *spec)
{
	char *source = strchr(spec, ':'), *point, name[PATH_MAX];
	long i, count = atol(spec);

	point = source ? strchr(source + 1, ':') : NULL;
	if (!point) {
		errno = EINVAL;
		die(spec);
	}
	*source++ = *point++ = '\0';
	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s%ld", point, i);
		if (mount(source, name, "vufs", 0, ""))
			die(name);
	}
}

int main(int argc, char **argv)
{
	int opt, flags = O_RDWR;
	uint64_t msec = 50;

	while ((opt = getopt(argc, argv, "+art:m:")) != -1) {
		if (opt == 'a')
			allow_all();
		else if (opt == 'r')
			flags = O_RDONLY;
		else if (opt == 't')
			msec = strtoul(optarg, NULL, 10);
		else if (opt == 'm')
			mount_all(optarg);
		else
			return 2;
	}
	argv += optind;
	argc -= optind;
	if (argc == 3 && !strcmp(argv[0], "loop"))
		loop(argv[1], argv[2], flags, msec);
	else if (argc == 2 && !strcmp(argv[0], "once"))
		once(argv[1]);
	else if (argc >= 3 && !strcmp(argv[0], "spawn"))
		spawn(atol(argv[1]), argv + 2);
	else if (argc == 3 && !strcmp(argv[0], "hold") && !setpgid(0, 0))
		hold(atol(argv[1]), argv[2]);
	else
		return 2;
	return 0;
}
