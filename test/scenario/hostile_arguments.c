/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timeout: 120
 *
 * Every call that the monitor sees, with arguments nobody means: pointers to
 * nothing, to the kernel, across the end of a mapping; strings without an
 * end; descriptors that are none; sizes and flags by chance. What comes of
 * it does not matter (the tests of test/call look at that).
 *
 * As root this must not touch the system outside of its directory: no call
 * that acts on the machine as a whole gets arguments that could work, and
 * names are relative and lead to the working directory at most.
 */
#include <sys/inotify.h>
#include <sys/mman.h>

#include "test/scenario/hostile.h"

enum { CALLS = 1500 };

/*
 * Arguments: p a name, d a descriptor or AT_FDCWD, f a descriptor, b memory,
 * l its length, n a number, v a vector of strings, a a socket address, m a
 * mode that makes no device, x bad memory, 0.
 */
static const struct { int nr; const char *args; } calls[] = {
	{ SYS_open, "pnm" }, { SYS_creat, "pm" }, { SYS_openat, "dpnm" },
	{ SYS_openat2, "dpbl" }, { SYS_stat, "pb" }, { SYS_lstat, "pb" },
	{ SYS_newfstatat, "dpbn" }, { SYS_statx, "dpnnb" },
	{ SYS_access, "pn" }, { SYS_faccessat, "dpn" },
	{ SYS_faccessat2, "dpnn" }, { SYS_readlink, "pbl" },
	{ SYS_readlinkat, "dpbl" }, { SYS_statfs, "pb" },
	{ SYS_truncate, "pn" }, { SYS_mkdir, "pm" }, { SYS_mkdirat, "dpm" },
	{ SYS_mknod, "pm0" }, { SYS_mknodat, "dpm0" }, { SYS_unlink, "p" },
	{ SYS_unlinkat, "dpn" }, { SYS_rmdir, "p" }, { SYS_symlink, "pp" },
	{ SYS_symlinkat, "pdp" }, { SYS_link, "pp" },
	{ SYS_linkat, "dpdpn" }, { SYS_rename, "pp" },
	{ SYS_renameat, "dpdp" }, { SYS_renameat2, "dpdpn" },
	{ SYS_chmod, "pm" }, { SYS_fchmodat, "dpm" }, { 452, "dpmn" },
	{ SYS_chown, "pnn" }, { SYS_lchown, "pnn" },
	{ SYS_fchownat, "dpnnn" }, { SYS_utime, "pb" },
	{ SYS_utimes, "pb" }, { SYS_futimesat, "dpb" },
	{ SYS_utimensat, "dpbn" }, { SYS_setxattr, "ppbln" },
	{ SYS_lsetxattr, "ppbln" }, { SYS_getxattr, "ppbl" },
	{ SYS_lgetxattr, "ppbl" }, { SYS_listxattr, "pbl" },
	{ SYS_llistxattr, "pbl" }, { SYS_removexattr, "pp" },
	{ SYS_lremovexattr, "pp" }, { SYS_execve, "pvv" },
	{ SYS_execveat, "dpvvn" }, { SYS_chdir, "p" }, { SYS_fchdir, "f" },
	{ SYS_getcwd, "bl" }, { SYS_chroot, "x" }, { SYS_mount, "xxxnx" },
	{ SYS_mount, "ppx0x" }, { SYS_umount2, "xn" },
	{ SYS_pivot_root, "xx" }, { SYS_inotify_add_watch, "fpn" },
	{ SYS_fanotify_mark, "fnndp" }, { SYS_name_to_handle_at, "dpbbn" },
	{ SYS_swapon, "xn" }, { SYS_swapoff, "x" }, { SYS_acct, "x" },
	{ SYS_quotactl, "nxnx" }, { 463, "dpnpbl" }, { 464, "dpnpbl" },
	{ 465, "dpnbl" }, { 466, "dpnp" }, { 468, "dpbln" },
	{ SYS_bind, "fal" }, { SYS_connect, "fal" },
	{ SYS_sendto, "fblnal" }, { SYS_sendmsg, "fbn" },
	{ SYS_sendmmsg, "fbln" }, { SYS_getsockname, "fbb" },
	{ SYS_getpeername, "fbb" }, { SYS_fstat, "fb" },
	{ SYS_fstatfs, "fb" }, { SYS_getdents64, "fbl" },
	{ SYS_getdents, "fbl" }, { SYS_fchmod, "fm" }, { SYS_fchown, "fnn" },
	{ SYS_fsetxattr, "fpbln" }, { SYS_fremovexattr, "fp" },
	{ SYS_fgetxattr, "fpbl" },
	{ SYS_uname, "b" }, { SYS_getgroups, "nb" }, { SYS_capget, "bb" },
	{ SYS_clone3, "xn" }, { SYS_setns, "fn" }, { 430, "xn" },
	{ 433, "dxn" }, { 428, "dxn" }, { 429, "dxdxn" }, { 442, "dxnxl" },
	{ VU_CALL_SERVICE, "nnn" }, { VU_CALL_ENTER, "n" },
};
enum { NCALLS = sizeof(calls) / sizeof(*calls) };

static const char *const names[] = {
	"point/file", "point", "new/dir", "new", "sealed/file", "sealed",
	"point/gone", "point/made", "point/made/made", "source/made", "plain",
	"point/into/up/new/into/file", "new/../point/./dir//", ".", "",
	"point/true", "new/made", "sealed/made", "point/up/plain/made",
	"point/file/", "point/file/x", "missing/x", "user.x", "point/..",
};

static char *page;		/* 2 pages, then none */

static uint64_t bad_address(void)
{
	static const uint64_t list[] = {
		0, 1, 4095, -1, -4095, 0x7ffffffff000, 0x800000000000,
		0xffff800000000000, 0xffffffffff600000, 0x8000000000000000,
		INT64_MAX, 0xdead0000,
	};
	unsigned i = dice(sizeof(list) / sizeof(*list) + 2);

	if (i < sizeof(list) / sizeof(*list))
		return list[i];
	/* a constant cannot be written; the gap not even read */
	return (uintptr_t)(i % 2 ? "constant" : page + 8192);
}

/* A name that ends at the gap, with its NUL or (one of four) without. */
static uint64_t edge_name(void)
{
	const char *name = names[dice(sizeof(names) / sizeof(*names))];
	size_t n = strlen(name) + !!dice(4);

	memcpy(page + 8192 - n, name, n);
	return (uintptr_t)page + 8192 - n;
}

static uint64_t long_name(void)
{
	static char text[8192];

	memset(text, dice(2) ? '/' : 'n', sizeof(text) - 1);
	memcpy(text, "point/", 6);
	text[dice(2) ? 4095 : 4096] = '\0';
	return (uintptr_t)text;
}

static uint64_t any_number(void)
{
	static const uint64_t list[] = {
		0, 1, 2, 8, 127, 4096, 0x100, 0x400, 0x800, 0x1000, 65536,
		INT32_MAX, UINT32_MAX, INT64_MAX, -1, 0x200000, 0x410000,
		0x40, 0x41, 0xc0,
	};

	return dice(4) ? list[dice(sizeof(list) / sizeof(*list))] : dice(1 << 20);
}

static uint64_t any_mode(void)
{
	static const mode_t list[] = {
		0, 0644, 0755, 07777, S_IFIFO | 0600, S_IFREG | 0600,
		S_IFSOCK | 0600, S_IFDIR | 0700, S_IFLNK | 0777,
	};

	return list[dice(sizeof(list) / sizeof(*list))];
}

/* Memory of any content, that may end before its time. */
static uint64_t any_memory(void)
{
	size_t room = dice(2) ? 8192 : dice(300);

	for (size_t i = 0; i < room && i < 64; i++)
		page[8192 - room + i] = dice(4) ? 0 : dice(256);
	return (uintptr_t)page + 8192 - room;
}

static uint64_t any_address(void)
{
	static struct sockaddr_un sun;

	if (!dice(4))
		return any_memory();
	memset(&sun, dice(2) ? 'n' : 0, sizeof(sun));
	sun.sun_family = dice(8) ? AF_UNIX : dice(50);
	memcpy(sun.sun_path, "point/sock", 10 + dice(2));
	return (uintptr_t)&sun;
}

static uint64_t any_vector(void)
{
	static uint64_t words[6];

	for (size_t i = 0; i < 5; i++)
		words[i] = dice(3) ? edge_name() : bad_address();
	words[dice(5)] = 0;
	words[5] = dice(2) ? 0 : bad_address();
	return (uintptr_t)words;
}

static int descriptors[8];

static uint64_t any_descriptor(void)
{
	return dice(6) ? (uint64_t)descriptors[dice(8)] : any_number();
}

static uint64_t argument(char kind)
{
	bool bad = !dice(5);

	switch (kind) {
	case 'p':
		return bad ? bad_address() : dice(20) ? edge_name() : long_name();
	case 'd':
		return dice(2) ? (uint64_t)AT_FDCWD : any_descriptor();
	case 'f':
		return any_descriptor();
	case 'b':
		return bad ? bad_address() : any_memory();
	case 'v':
		return bad ? bad_address() : any_vector();
	case 'a':
		return bad ? bad_address() : any_address();
	case 'l':
		return dice(2) ? dice(300) : any_number();
	case 'm':
		return any_mode();
	case 'n':
		return any_number();
	case 'x':
		return (uintptr_t)page + 8192 + 8 * dice(2);
	default:
		return 0;
	}
}

static void one_call(void)
{
	size_t i = dice(NCALLS);
	uint64_t a[6] = { 0 };

	for (size_t k = 0; calls[i].args[k]; k++)
		a[k] = argument(calls[i].args[k]);
	syscall(calls[i].nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* What was inherited (/dev/null) belongs to others: root could change it. */
static void open_all(void)
{
	close_range(0, ~0u, 0);
	descriptors[0] = open("point", O_RDONLY | O_CLOEXEC);
	descriptors[1] = open("new/file", O_RDWR | O_CLOEXEC);
	descriptors[2] = open("sealed", O_PATH | O_CLOEXEC);
	descriptors[3] = open("plain", O_RDONLY | O_CLOEXEC);
	descriptors[4] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	descriptors[5] = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	descriptors[6] = open("point/true", O_RDONLY | O_CLOEXEC);
	descriptors[7] = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Who opens a FIFO that it made would wait for ever. */
static void interrupt_often(void)
{
	const struct itimerval often = { { 0, 20000 }, { 0, 20000 } };
	struct sigaction sa = { .sa_handler = on_alarm };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void some_calls(void)
{
	page = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect(page != MAP_FAILED && !munmap(page + 8192, 4096));
	signal(SIGPIPE, SIG_IGN);
	interrupt_often();
	open_all();
	for (int i = 0; i < CALLS; i++)
		one_call();
	_exit(0);
}

/* What they make of themselves, and of the tree, is put right again. */
static void any_calls(void)
{
	pid_t pid;

	for (int i = 0; i < 4; i++) {
		pid = fork();
		if (!pid)
			some_calls();
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
}

static void inside(long count)
{
	static const struct attack list[] = {
		{ "any calls", any_calls, 20, hostile_put_right, 0 },
	};

	HOSTILE_RUN(list, count);
}

int main(int argc, char **argv)
{
	return in_view(argc, argv, 3, 100, inside);
}
