/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Contents: filling, and what openers and their monitor see of each other. */
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "mod/vufuse/identity.h"
#include "test/unit/vufuse_contents.h"

/* --- filling --- */

static void fills(struct content_pool *p)
{
	static const off_t sizes[] = {
		0, 1, BLOCK - 1, BLOCK, BLOCK + 1, MIB - 1, MIB, MIB + 1,
		3 * MIB + 777,
	};
	struct server s;
	struct content *c;
	struct stat st;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		c = filled(p, &s, sizes[i]);
		CHECK(!content_stat(c, &st) && st.st_size == sizes[i]);
		CHECK(!content_maybe_changed(c));
		CHECK(!store(c, &s) && !s.writes && !s.resizes);
		CHECK(!content_fill(c, NULL, &ops, &s, -1));
		CHECK(same_bytes(c, &s));
		/* it has more than it says, or less */
		CHECK(!content_fill(c, NULL, &ops, &s, sizes[i] / 2));
		CHECK(!content_stat(c, &st) && st.st_size == sizes[i] / 2);
		CHECK(!content_fill(c, NULL, &ops, &s, 2 * sizes[i] + BLOCK));
		CHECK(same_bytes(c, &s));
		content_empty(c);
		CHECK(!content_stat(c, &st) && st.st_size == 0);
		CHECK(content_filled(c) && !content_maybe_changed(c));
		done(c, &s);
	}
}

/* The pieces are whatever the server reads at once. */
static void fills_by_pieces(struct content_pool *p)
{
	static const size_t pieces[] = {
		100, BLOCK - 1, BLOCK, BLOCK + 1, MIB - 1, MIB, MIB + 1, 3 * MIB,
	};
	struct server s;
	struct content *c = content_new(p, "file");

	server_init(&s, 2 * MIB + 777);
	memset(s.bytes + 12345, 0, 50000);
	memset(s.bytes + MIB, 0, MIB / 2);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		s.piece = pieces[i];
		CHECK(!content_fill(c, NULL, &ops, &s, s.size));
		CHECK(same_bytes(c, &s));
		CHECK(!content_fill(c, NULL, &ops, &s, -1));
		CHECK(same_bytes(c, &s));
	}
	done(c, &s);
	CHECK(content_pool_used(p) == 0);
}

static void fill_leaves_holes(struct content_pool *p)
{
	struct content *c = content_new(p, "sparse");
	struct server s;
	struct stat st;

	server_init(&s, 0);
	s.size = 4 * MIB;
	s.bytes[MIB + 5] = 1;
	CHECK(!content_fill(c, NULL, &ops, &s, s.size));
	CHECK(!content_stat(c, &st) && st.st_blocks * 512 < 64 * KIB);
	CHECK(same_bytes(c, &s));
	done(c, &s);
}

static void fill_fails(struct content_pool *p)
{
	struct content *c = content_new(p, "file");
	struct server s;
	struct stat st;

	server_init(&s, 3 * MIB);
	s.fail = 100;
	CHECK(content_fill(c, NULL, &ops, &s, s.size) == -EIO);
	s.good = 20;		/* pieces, more than a megabyte */
	CHECK(content_fill(c, NULL, &ops, &s, s.size) == -EIO);
	CHECK(!s.good && !content_pool_used(p) && !content_filled(c));
	s.good = 20;
	CHECK(content_fill(c, NULL, &ops, &s, -1) == -EIO);
	CHECK(!s.good && !content_pool_used(p) && !content_filled(c));
	s.fail = 0;
	s.too_much = true;
	CHECK(content_fill(c, NULL, &ops, &s, 100) == -EIO);
	CHECK(!content_filled(c) && !content_maybe_changed(c));
	CHECK(!content_stat(c, &st) && st.st_size == 0);
	s.too_much = false;
	CHECK(!content_fill(c, NULL, &ops, &s, -1) && same_bytes(c, &s));
	done(c, &s);
}

/* The process has a limit that costs a signal. */
static void fill_within_limits(struct content_pool *p)
{
	struct rlimit old, low = { MIB, RLIM_INFINITY };
	struct content *c = content_new(p, "file");
	struct server s;

	server_init(&s, 2 * MIB);
	getrlimit(RLIMIT_FSIZE, &old);
	low.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_FSIZE, &low);
	CHECK(content_fill(c, NULL, &ops, &s, s.size) == -EFBIG);
	memset(s.bytes, 0, s.size);
	CHECK(content_fill(c, NULL, &ops, &s, s.size) == -EFBIG);
	content_empty(c);
	CHECK(content_truncate(c, 2 * MIB) == -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	done(c, &s);
}

/* --- openers --- */

static void opens(struct content_pool *p)
{
	struct server s;
	struct content *c = filled(p, &s, 10000);
	int r, w;
	char *map;

	CHECK(!content_used(c) && !content_written(c));
	r = content_open(c, O_RDONLY | O_TRUNC | O_NOFOLLOW);
	CHECK(r >= 0 && fcntl(r, F_GETFD) == FD_CLOEXEC);
	CHECK(content_used(c) && !content_written(c));
	CHECK(!content_maybe_changed(c));
	w = content_open(c, O_RDWR | O_APPEND);
	CHECK(fcntl(w, F_GETFL) & O_APPEND);
	CHECK(content_written(c) && content_maybe_changed(c));
	map = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, w, 0);
	close(w);
	CHECK(content_written(c));
	CHECK(!store(c, &s) && !s.writes);
	CHECK(content_maybe_changed(c));	/* it may write at any time */
	map[7] ^= 1;
	CHECK(!store(c, &s) && s.writes == 1 && s.written == BLOCK);
	CHECK(same_bytes(c, &s));
	munmap(map, BLOCK);
	CHECK(!content_written(c) && content_used(c));
	CHECK(content_maybe_changed(c));
	CHECK(!store(c, &s) && !s.writes && !content_maybe_changed(c));
	close(r);
	CHECK(!content_used(c) && same_bytes(c, &s));
	done(c, &s);
}

/* A guest reopens its descriptor without us. */
static void opened_behind_us(struct content_pool *p)
{
	struct server s;
	struct content *c = filled(p, &s, 10000);
	int r = content_open(c, O_RDONLY), w;
	char name[64];
	struct timespec tick = { 0, 20000000 };

	CHECK(!content_mode(c, 0644));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", r);
	nanosleep(&tick, NULL);
	w = open(name, O_WRONLY | O_CLOEXEC);
	CHECK(w >= 0 && content_maybe_changed(c));
	CHECK(pwrite(w, "new", 3, 5000) == 3);
	close(w);
	CHECK(!content_written(c) && content_maybe_changed(c));
	CHECK(!store(c, &s) && s.writes == 1 && same_bytes(c, &s));
	close(r);
	done(c, &s);
}

static atomic_int told;

static void on_urg(int sig)
{
	(void)sig;
	atomic_fetch_add(&told, 1);
}

static _Noreturn void open_all_the_time(const char *name)
{
	for (;;)
		close(open(name, O_RDWR | O_CLOEXEC));
}

/*
 * An open that meets our lease waits for it, and nobody is ended by SIGIO. It
 * goes on until that has happened, as the signal shows.
 */
static void opened_all_the_time(struct content_pool *p)
{
	struct server s;
	struct content *c = filled(p, &s, 10000);
	int r = content_open(c, O_RDONLY), status;
	char name[64];
	pid_t pid;

	content_mode(c, 0600);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", r);
	signal(SIGURG, on_urg);
	pid = fork();
	if (!pid)
		open_all_the_time(name);
	close(r);
	while (!atomic_load(&told)) {
		content_written(c);
		content_used(c);
	}
	signal(SIGURG, SIG_DFL);
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(!content_used(c));
	done(c, &s);
}

static void modes(struct content_pool *p)
{
	struct content *c = content_new(p, "a name that is longer than what a "
		"memfd may have, so that it has to be cut somewhere: 0123456789"
		"0123456789012345678901234567890123456789012345678901234567890"
		"0123456789012345678901234567890123456789012345678901234567890"
		"012345678901234567890123456789012345678901234567890123456789");
	struct timespec times[2] = { { 11, 0 }, { 22, 33 } };
	struct stat st;
	int fd;

	CHECK(c);
	content_empty(c);
	CHECK(!content_mode(c, 0444) && !content_times(c, times));
	CHECK(!content_maybe_changed(c));
	fd = content_open(c, O_RDWR);
	CHECK(fd >= 0 && write(fd, "x", 1) == 1);
	CHECK(!fstat(fd, &st) && (st.st_mode & 07777) == 0444);
	close(fd);
	CHECK(!content_mode(c, 0) && !content_truncate(c, 5));
	fd = content_open(c, O_RDONLY | O_DIRECT);
	CHECK(fd >= 0 && !fstat(fd, &st) && st.st_size == 5);
	CHECK((st.st_mode & 07777) == 0);
	close(fd);
	CHECK(!content_times(c, times) && !content_stat(c, &st));
	CHECK(st.st_mtim.tv_sec == 22 && st.st_mtim.tv_nsec == 33);
	CHECK(content_truncate(c, -1) == -EINVAL);
	content_free(c);
}

/* As a privileged monitor's thread that acts for an ordinary guest. */
static void *as_guest(void *arg)
{
	struct content_pool *p = arg;
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[2], after[2];
	struct content *c;
	struct server s;
	int fd;

	syscall(SYS_capget, &head, caps);
	setfsuid(65534);
	caps[0].effective = 1u << CAP_SYS_PTRACE & caps[0].permitted;
	caps[1].effective = 0;
	CHECK(!syscall(SYS_capset, &head, caps));
	c = filled(p, &s, 5000);
	CHECK(!content_mode(c, 0400));
	fd = content_open(c, O_RDWR);
	CHECK(fd >= 0 && content_used(c) && content_written(c));
	CHECK(pwrite(fd, "guest", 5, 0) == 5 && !content_truncate(c, 4000));
	close(fd);
	CHECK(!content_used(c) && !store(c, &s) && same_bytes(c, &s));
	CHECK(setfsuid(-1) == 65534);
	CHECK(!syscall(SYS_capget, &head, after));
	CHECK(!memcmp(caps, after, sizeof(caps)));
	done(c, &s);
	return NULL;
}

/* The mode hinders only who is not privileged. */
static void as_user(void (*f)(struct content_pool *p), struct content_pool *p)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		CHECK(!setresuid(65534, 65534, 65534));
		f(p);
		fflush(stdout);
		_exit(failures != 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* --- threads --- */

static atomic_bool enough;

static void *look_all_the_time(void *arg)
{
	struct content *c = arg;
	struct stat st;
	int fd;

	while (!atomic_load(&enough)) {
		content_written(c);
		content_maybe_changed(c);
		fd = content_open(c, O_RDWR);
		CHECK(fd >= 0 && content_used(c) && !content_stat(c, &st));
		CHECK(pwrite(fd, &st, sizeof(st), 0) == sizeof(st));
		close(fd);
	}
	return NULL;
}

static void threads(struct content_pool *p)
{
	struct server s;
	struct content *c = filled(p, &s, 100000);
	pthread_t t[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, look_all_the_time, c);
	for (int i = 0; i < 200; i++) {
		CHECK(!store(c, &s) && content_pool_used(p) > 0);
		CHECK(!content_truncate(c, 100000 + i));
	}
	atomic_store(&enough, true);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	CHECK(!store(c, &s) && same_bytes(c, &s));
	CHECK(!content_maybe_changed(c) && !content_used(c));
	done(c, &s);
}

static void test_identity(struct content_pool *p)
{
	pthread_t t;

	if (geteuid()) {
		puts("# not started by root: nobody to act for");
		return;
	}
	as_user(modes, p);
	as_user(opens, p);
	pthread_create(&t, NULL, as_guest, p);
	pthread_join(t, NULL);
}

int main(void)
{
	struct content_pool *p = content_pool_new(256 * MIB);

	fills(p);
	fills_by_pieces(p);
	fill_leaves_holes(p);
	fill_fails(p);
	fill_within_limits(p);
	opens(p);
	opened_behind_us(p);
	opened_all_the_time(p);
	modes(p);
	test_identity(p);
	threads(p);
	CHECK(content_pool_used(p) == 0);
	content_pool_free(p);
	return failures != 0;
}
