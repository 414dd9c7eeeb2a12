/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cage [-u UID] [--user-only | --root] [--] command [argument...]
 *
 * Runs a command as the tests' ordinary user and, unless --user-only, in
 * the cage: under a filter that denies what Docker's default profile denies
 * to a container without capabilities, with no capability in any set.
 *
 * With --root it stays root, for the tests' third role, in a mount namespace
 * where everything but /tmp, /proc, /sys and what is mounted in /dev is
 * read-only: a test that goes wrong as root must not cost the machine.
 *
 * The filter is installed before root is given up, so it does not need
 * no_new_privs, and none is set: a container has none either. Started by
 * an ordinary user there is no choice: ids stay and no_new_privs is set.
 *
 * Exit status: the command's; 125 when the cage cannot be built.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "test/cage_calls.h"

#define CAGE_UID	64001
#define MAX_CODE	1024

#define CLONE_NEW	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | \
			 CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
			 CLONE_NEWNET)

#define RET_DENY	(SECCOMP_RET_ERRNO | EPERM)
#define RET_UNKNOWN	(SECCOMP_RET_ERRNO | ENOSYS)
#define NR		offsetof(struct seccomp_data, nr)
#define ARCH		offsetof(struct seccomp_data, arch)
#define ARG(n)		(offsetof(struct seccomp_data, args) + 8 * (n))

struct code {
	struct sock_filter insn[MAX_CODE];
	unsigned short len;
};

static const char *const guarded[] = { "/dev/fuse", "/dev/net/tun" };

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "cage: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void emit(struct code *c, struct sock_filter insn)
{
	if (c->len == MAX_CODE) {
		errno = E2BIG;
		die("filter");
	}
	c->insn[c->len++] = insn;
}

static void load(struct code *c, unsigned offset)
{
	emit(c, (struct sock_filter)
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

static void ret(struct code *c, unsigned action)
{
	emit(c, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static void jump(struct code *c, unsigned op, unsigned k, int yes, int no)
{
	emit(c, (struct sock_filter)BPF_JUMP(BPF_JMP | op | BPF_K, k, yes, no));
}

static void ret_if_equal(struct code *c, unsigned value, unsigned action)
{
	jump(c, BPF_JEQ, value, 0, 1);
	ret(c, action);
}

/* clone: EPERM with any flag that makes a namespace. */
static void rule_clone(struct code *c)
{
	load(c, ARG(0));
	jump(c, BPF_JSET, CLONE_NEW, 0, 1);
	ret(c, RET_DENY);
	ret(c, SECCOMP_RET_ALLOW);
}

/* personality: the five values of Docker's profile. */
static void rule_personality(struct code *c)
{
	static const unsigned allowed[] = { 0, 8, 0x20000, 0x20008, ~0u };

	load(c, ARG(0));
	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		ret_if_equal(c, allowed[i], SECCOMP_RET_ALLOW);
	ret(c, RET_DENY);
}

/* socket: no AF_VSOCK, it speaks to the hypervisor. */
static void rule_socket(struct code *c)
{
	load(c, ARG(0));
	ret_if_equal(c, AF_VSOCK, RET_DENY);
	ret(c, SECCOMP_RET_ALLOW);
}

static void rule_enosys(struct code *c)
{
	ret(c, RET_UNKNOWN);
}

/* Calls that are neither denied nor allowed as a whole. */
static const struct {
	const char *name;
	void (*rule)(struct code *c);
} special[] = {
	{ "clone", rule_clone },
	{ "clone3", rule_enosys },
	{ "personality", rule_personality },
	{ "socket", rule_socket },
};

/* The rule's code is emitted apart to learn how far to jump over it. */
static void emit_special(struct code *c, int nr, void (*rule)(struct code *c))
{
	static struct code part;

	part.len = 0;
	rule(&part);
	jump(c, BPF_JEQ, nr, 0, part.len);
	for (unsigned i = 0; i < part.len; i++)
		emit(c, part.insn[i]);
}

/* Everything for one architecture, ending in allow. */
static void emit_arch(struct code *c, unsigned arch)
{
	load(c, NR);
	for (size_t i = 0; i < sizeof(cage_denied) / sizeof(*cage_denied); i++) {
		int nr = seccomp_syscall_resolve_name_arch(arch,
							   cage_denied[i]);
		if (nr >= 0)
			ret_if_equal(c, nr, RET_DENY);
	}
	for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++) {
		int nr = seccomp_syscall_resolve_name_arch(arch,
							   special[i].name);
		if (nr >= 0)
			emit_special(c, nr, special[i].rule);
	}
	ret(c, SECCOMP_RET_ALLOW);
}

/* One architecture's code, jumped over when the call came by another. */
static void emit_block(struct code *c, unsigned scmp_arch, unsigned audit_arch)
{
	static struct code part;

	part.len = 0;
	emit_arch(&part, scmp_arch);
	load(c, ARCH);
	jump(c, BPF_JEQ, audit_arch, 1, 0);
	emit(c, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, part.len));
	for (unsigned i = 0; i < part.len; i++)
		emit(c, part.insn[i]);
}

/*
 * x32 needs no block: its numbers stand in no list, and every kernel that
 * Debian builds answers them ENOSYS.
 */
static void install_filter(void)
{
	static struct code code;
	struct sock_fprog prog = { .filter = code.insn };

	emit_block(&code, SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64);
	emit_block(&code, SCMP_ARCH_X86, AUDIT_ARCH_I386);
	ret(&code, RET_DENY);
	prog.len = code.len;

	if (geteuid() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		die("no_new_privs");
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		die("seccomp");
}

/*
 * A container has no such devices. Where anybody may open them, hide them
 * behind a file that nobody may: in a mount namespace of the cage's own.
 */
static void hide_devices(void)
{
	char cover[] = "/tmp/cage-XXXXXX";
	struct stat st;
	int fd;

	fd = mkstemp(cover);
	if (fd < 0 || fchmod(fd, 0) < 0)
		die(cover);
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("mount namespace");
	for (size_t i = 0; i < sizeof(guarded) / sizeof(*guarded); i++) {
		if (stat(guarded[i], &st) < 0 || !(st.st_mode & 0006))
			continue;
		if (mount(cover, guarded[i], NULL, MS_BIND, NULL) < 0)
			die(guarded[i]);
	}
	unlink(cover);
	close(fd);
}

static bool begins(const char *path, const char *start)
{
	size_t len = strlen(start);

	return !strncmp(path, start, len) && (!path[len] || path[len] == '/');
}

/* The flags that a remount must repeat, from an option list of mountinfo. */
static unsigned long mount_flags(const char *options)
{
	static const struct {
		const char *name;
		unsigned long flag;
	} known[] = {
		{ "nosuid", MS_NOSUID }, { "nodev", MS_NODEV },
		{ "noexec", MS_NOEXEC }, { "noatime", MS_NOATIME },
		{ "nodiratime", MS_NODIRATIME }, { "relatime", MS_RELATIME },
	};
	unsigned long flags = 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strstr(options, known[i].name))
			flags |= known[i].flag;
	return flags;
}

static void make_read_only(const char *point, const char *options)
{
	static const char *const left[] = { "/proc", "/sys", "/tmp",
		"/dev/shm", "/dev/pts", "/dev/mqueue" };

	for (size_t i = 0; i < sizeof(left) / sizeof(*left); i++)
		if (begins(point, left[i]))
			return;
	if (mount(NULL, point, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY |
		  mount_flags(options), NULL) < 0 && errno != EINVAL)
		die(point);
}

/* A descriptor of before has its mount of before: open /dev/null afresh. */
static void reopen_null(void)
{
	struct stat null, st;
	int fd;

	if (stat("/dev/null", &null) < 0)
		return;
	for (int i = 0; i < 3; i++) {
		if (fstat(i, &st) < 0 || st.st_rdev != null.st_rdev)
			continue;
		fd = open("/dev/null", O_RDWR);
		if (fd < 0 || dup2(fd, i) < 0)
			die("/dev/null");
		if (fd != i)
			close(fd);
	}
}

/* Where root may make no mount namespace there is nothing to guard with. */
static void guard_machine(void)
{
	char line[8192], point[4096], options[1024];
	FILE *f;

	if (unshare(CLONE_NEWNS) < 0)
		return;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("/tmp", "/tmp", NULL, MS_BIND | MS_REC, NULL) < 0)
		die("mount namespace");
	f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		die("mountinfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*d %*d %*s %*s %4095s %1023s", point,
			   options) == 2)
			make_read_only(point, options);
	fclose(f);
	/* The directory we stand in may be on a mount of before. */
	if (getcwd(point, sizeof(point)) && chdir(point) < 0)
		die(point);
	reopen_null();
}

static bool devices_need_hiding(void)
{
	struct stat st;

	for (size_t i = 0; i < sizeof(guarded) / sizeof(*guarded); i++)
		if (stat(guarded[i], &st) == 0 && (st.st_mode & 0006))
			return true;
	return false;
}

static void check_devices(void)
{
	for (size_t i = 0; i < sizeof(guarded) / sizeof(*guarded); i++) {
		if (open(guarded[i], O_RDWR | O_CLOEXEC) < 0)
			continue;
		fprintf(stderr, "cage: %s can be opened here\n", guarded[i]);
		exit(125);
	}
}

static void drop_capabilities(void)
{
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (geteuid())
		return;
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			die("bounding set");
}

/* Leaving root for good also empties the permitted and effective sets. */
static void drop_root(uid_t uid)
{
	const char *home = getenv("TEST_TMP");

	if (geteuid())
		return;
	if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
	    setresuid(uid, uid, uid) < 0)
		die("setuid");
	setenv("HOME", home ? home : "/tmp", 1);
	setenv("USER", "guest", 1);
	setenv("LOGNAME", "guest", 1);
}

static _Noreturn void usage(void)
{
	fputs("usage: cage [-u UID] [--user-only | --root] [--] command...\n",
	      stderr);
	exit(125);
}

enum role { ROLE_ROOT, ROLE_USER, ROLE_CAGE };

static void enter(enum role role, uid_t uid)
{
	if (role == ROLE_ROOT) {
		if (geteuid() == 0)
			guard_machine();
		return;
	}
	if (role == ROLE_CAGE) {
		if (geteuid() == 0 && devices_need_hiding())
			hide_devices();
		drop_capabilities();
		install_filter();
	}
	drop_root(uid);
	if (role == ROLE_CAGE)
		check_devices();
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "user-only", no_argument, NULL, 'o' },
		{ "root", no_argument, NULL, 'r' },
		{ 0 }
	};
	enum role role = ROLE_CAGE;
	uid_t uid = CAGE_UID;
	int opt;

	while ((opt = getopt_long(argc, argv, "+u:", options, NULL)) >= 0) {
		if (opt == 'u')
			uid = strtoul(optarg, NULL, 10);
		else if (opt == 'o')
			role = ROLE_USER;
		else if (opt == 'r')
			role = ROLE_ROOT;
		else
			usage();
	}
	if (optind == argc)
		usage();
	enter(role, uid);
	execvp(argv[optind], argv + optind);
	fprintf(stderr, "cage: %s: %s\n", argv[optind], strerror(errno));
	return errno == ENOENT ? 127 : 126;
}
